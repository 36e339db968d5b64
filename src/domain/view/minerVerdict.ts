import { type ChainFacts, chainReasons } from './chainReasons.ts';
import { count, few, quote, spell } from './figures.ts';
import { type UpkeepFacts, upkeepReasons } from './upkeepReasons.ts';
import { type HealthReason, type Verdict, verdictOf } from './verdict.ts';

export type MinerLifeFacts = {
  readonly stage: 'opening' | 'warming' | 'working' | 'draining' | 'ended';
  /** Why it ends, or has ended; null while it does not. */
  readonly ending: string | null;
};

export type InferenceFacts = {
  readonly slots: number;
  /** Slots whose worker has its models loaded. */
  readonly ready: number;
  /** Whether any worker was ready before: until then workers are starting, and none is down. */
  readonly hasBeenReady: boolean;
  /** How the worker that is missing ended last; null where none has ended. */
  readonly lastExit: string | null;
  /** Why inference cannot go on; null while it can. */
  readonly failure: string | null;
  readonly provider: string | null;
  /** Why it is not the provider that was preferred; null when it is. */
  readonly note: string | null;
  readonly isSaturated: boolean;
  readonly queued: number;
};

export type ServingFacts = {
  /** The address cannot be put on chain; null while it can, or stands there. */
  readonly axonRefusal: string | null;
  /** The port could not be bound, or was lost; null while it is bound, or not to be. */
  readonly listenerFailure: string | null;
  readonly validators: number;
  /** Since when no validator has a link, in milliseconds of time; null while one has, or none can. */
  readonly aloneForMs: number | null;
  /** New tasks are refused because of these. */
  readonly holds: readonly string[];
  /** Answers that nobody took, of the last ten minutes, and all that were given in them. */
  readonly lost: number;
  readonly answered: number;
};

export type MinerDaemonFacts = {
  readonly life: MinerLifeFacts;
  readonly chain: ChainFacts;
  /** null before the metagraph is read. */
  readonly isRegistered: boolean | null;
  readonly inference: InferenceFacts;
  readonly serving: ServingFacts;
  readonly upkeep: UpkeepFacts;
};

/** A validator dials within a minute or two of a metagraph that names this miner. */
const aloneAfterMs = 180_000;
/** One answer now and then is lost to a link that breaks. */
const leastLost = 3;
const lostShare = 0.05;

const lifeReasons = ({ stage, ending }: MinerLifeFacts): readonly HealthReason[] => {
  switch (stage) {
    case 'opening':
      return [
        {
          code: 'daemon.starting',
          level: 'starting',
          text: 'The miner is starting.',
          advice: 'Nothing to do.',
        },
      ];
    case 'draining':
      return [
        {
          code: 'daemon.draining',
          level: 'attention',
          text: `Stopping: open answers are given first (${quote(ending ?? 'asked to')}).`,
          advice: 'A second signal ends it at once.',
        },
      ];
    case 'ended':
      return [
        {
          code: 'daemon.ended',
          level: 'failing',
          text: `This miner has ended: ${quote(ending ?? 'no reason was given')}.`,
          advice: 'Look at the last lines of the log.',
        },
      ];
    default:
      return [];
  }
};

const workerReasons = (inference: InferenceFacts): readonly HealthReason[] => {
  const { slots, ready, hasBeenReady, lastExit } = inference;
  if (ready >= slots) return [];
  if (!hasBeenReady && lastExit === null) {
    return [
      {
        code: 'inference.warming',
        level: 'starting',
        text: `Models are being loaded: ${ready} of ${count(slots, 'worker')} ready.`,
        advice: 'Nothing to do: large models take minutes at their first start.',
      },
    ];
  }
  // Slots that never were ready yet load their models beside those that work.
  if (lastExit === null) return [];
  return [
    {
      code: 'inference.workerDown',
      level: ready === 0 ? 'failing' : 'attention',
      text: `${slots - ready} of ${count(slots, 'inference worker')} ${slots - ready === 1 ? 'is' : 'are'} down and being restarted: ${quote(lastExit)}.`,
      advice:
        'It is started again by itself. If it dies again and again, check memory, the model and the GPU driver.',
    },
  ];
};

const inferenceReasons = (inference: InferenceFacts): readonly HealthReason[] => {
  const { failure, provider, note, isSaturated, queued } = inference;
  if (failure !== null) {
    return [
      {
        code: 'inference.failed',
        level: 'failing',
        text: `No inference any more: ${quote(failure)}.`,
        advice:
          'The miner ends. Check the models and the provider with `miaoai doctor`, then start it again.',
      },
    ];
  }
  const reasons: HealthReason[] = [...workerReasons(inference)];
  if (note !== null) {
    reasons.push({
      code: 'inference.fellBack',
      level: 'attention',
      text: `Inference runs on ${provider ?? 'another provider'} and not on the preferred one: ${quote(note)}.`,
      advice: 'Follow what it says, or set --provider to the one that is meant; then restart the miner.',
    });
  }
  if (isSaturated) {
    reasons.push({
      code: 'queue.saturated',
      level: 'attention',
      text: `The queue is full with ${count(queued, 'text')}: new tasks are refused as busy.`,
      advice: 'If it stays so, add workers or a faster provider. A longer queue only makes answers late.',
    });
  }
  return reasons;
};

const membershipReasons = (isRegistered: boolean | null): readonly HealthReason[] =>
  isRegistered !== false
    ? []
    : [
        {
          code: 'hotkey.unregistered',
          level: 'failing',
          text: 'This hotkey is not registered on the subnet.',
          advice: 'Register it with `miaoai register`; work begins by itself then.',
        },
      ];

const reachReasons = (serving: ServingFacts): readonly HealthReason[] => {
  const { axonRefusal, listenerFailure, aloneForMs, holds } = serving;
  const reasons: HealthReason[] = [];
  if (listenerFailure !== null) {
    reasons.push({
      code: 'listener.closed',
      level: 'failing',
      text: `The port is not open: ${quote(listenerFailure)}.`,
      advice: 'It is opened again by itself. Check --axon-port and --bind-host, and what else uses the port.',
    });
  }
  if (axonRefusal !== null) {
    reasons.push({
      code: 'axon.refused',
      level: 'failing',
      text: `The address of this miner is not on chain: ${quote(axonRefusal)}.`,
      advice:
        'Validators cannot find it. The same address is tried again by itself; for another one start the miner again with the public --axon-ip.',
    });
  }
  if (holds.length > 0) {
    reasons.push({
      code: 'tasks.held',
      level: 'attention',
      text: `New tasks are refused as busy: ${few(holds.map(quote), 5)}.`,
      advice: 'Tasks are taken again by themselves when that is over.',
    });
  }
  if (aloneForMs !== null && aloneForMs > aloneAfterMs) {
    reasons.push({
      code: 'validators.none',
      level: 'attention',
      text: `No validator has had a link for ${spell(aloneForMs)}.`,
      advice:
        'Check from outside that the published address and port can be reached: firewall, NAT, port forwarding.',
    });
  }
  return reasons;
};

const lossReasons = ({ lost, answered }: ServingFacts): readonly HealthReason[] =>
  lost < leastLost || lost < lostShare * answered
    ? []
    : [
        {
          code: 'answers.lost',
          level: 'attention',
          text: `${count(lost, 'answer')} of the last ten minutes ${lost === 1 ? 'was' : 'were'} taken by no validator in time.`,
          advice: 'They earn nothing. Check the link to the validators and how long inference takes.',
        },
      ];

/** Everything that is not well, most urgent first within its level. */
export const minerReasons = (facts: MinerDaemonFacts): readonly HealthReason[] => {
  const { life, inference, serving } = facts;
  const before = lifeReasons(life);
  if (life.stage === 'opening') return before;
  if (life.stage === 'ended') {
    return [...before, ...(inference.failure === null ? [] : inferenceReasons(inference))];
  }
  return [
    ...before,
    ...inferenceReasons(inference),
    ...chainReasons(facts.chain),
    ...membershipReasons(facts.isRegistered),
    ...upkeepReasons(facts.upkeep, 'validators are served meanwhile as far as possible'),
    ...reachReasons(serving),
    ...lossReasons(serving),
  ];
};

/** The verdict on a miner; `well` names what it does. */
export const minerVerdict = (facts: MinerDaemonFacts, well: string): Verdict =>
  verdictOf(minerReasons(facts), well);
