import { type ChainFacts, chainReasons } from './chainReasons.ts';
import { count, few, percent, quote, spell } from './figures.ts';
import { type UpkeepFacts, upkeepReasons } from './upkeepReasons.ts';
import { type HealthReason, type Verdict, verdictOf } from './verdict.ts';
import { type WeightFacts, weightReasons } from './weightReasons.ts';

/** Where the daemon stands in its life. */
export type LifeFacts = {
  /** `standingBy`: another process writes for this hotkey. */
  readonly stage: 'opening' | 'standingBy' | 'booting' | 'working' | 'draining' | 'ended';
  /** Why it ends, or has ended; null while it does not. */
  readonly ending: string | null;
  /**
   * Of the right to write. `blind`: the store does not say who has it. `uncertain`: it could not be renewed in time.
   */
  readonly lease: 'none' | 'standingBy' | 'blind' | 'sure' | 'uncertain' | 'lost';
  /** Who writes, while it is another. */
  readonly holder: string | null;
};

export type RoundFacts = {
  /** Why no round begins now; empty when one may. */
  readonly holds: readonly string[];
  /** Most links were lost at once, and the next round waits for them. */
  readonly isRecovering: boolean;
  /** Since the last round ended, or since rounds could begin; null where none is expected. */
  readonly idleMs: number | null;
  /** Longest usual time from the end of one round to the end of the next. */
  readonly expectedMs: number;
  /** Rounds whose books do not add up, since the start. */
  readonly unbalanced: number;
};

export type GuessingFact = {
  readonly uid: number;
  readonly judged: number;
  readonly accuracy: number;
  readonly chance: number;
};

export type MinerFacts = {
  /** Miners that have a session. */
  readonly known: number;
  /** Those whose first dial has ended and that have no link now. */
  readonly unreachable: number;
  readonly guessing: readonly GuessingFact[];
};

export type ValidatorFacts = {
  readonly life: LifeFacts;
  readonly chain: ChainFacts;
  /** null before the metagraph is read. */
  readonly membership: { readonly isRegistered: boolean; readonly hasPermit: boolean } | null;
  readonly rounds: RoundFacts;
  readonly miners: MinerFacts;
  readonly weights: WeightFacts;
  readonly upkeep: UpkeepFacts;
};

/** From this part on so many miners out of reach are not their own fault any more. */
const unreachableShare = 0.3;
/** Names in one sentence. */
const mostNamed = 5;

const leaseReasons = ({ lease, holder }: LifeFacts): readonly HealthReason[] => {
  switch (lease) {
    case 'standingBy':
      return [
        {
          code: 'lease.standby',
          level: 'starting',
          text: `Standing by: another validator of this hotkey writes${holder === null ? '' : ` (${quote(holder)})`}.`,
          advice: 'Nothing to do: this one takes over when the other falls silent.',
        },
      ];
    case 'blind':
      return [
        {
          code: 'lease.unreadable',
          level: 'failing',
          text: 'The store does not say who writes for this hotkey, so this validator waits.',
          advice: 'Check that the store is up and can be reached; it is asked again by itself.',
        },
      ];
    case 'uncertain':
      return [
        {
          code: 'lease.uncertain',
          level: 'attention',
          text: 'The right to write could not be renewed in time; no new round is begun.',
          advice: 'Check the store. If another validator of this hotkey takes over, this one ends.',
        },
      ];
    case 'lost':
      return [
        {
          code: 'lease.lost',
          level: 'failing',
          text: 'Another validator of this hotkey has taken over; this one ends.',
          advice: 'Nothing is lost. Started again, this one stands by.',
        },
      ];
    default:
      return [];
  }
};

const lifeReasons = (life: LifeFacts): readonly HealthReason[] => {
  const { stage, ending } = life;
  if (stage === 'ended') {
    const text = `This validator has ended: ${quote(ending ?? 'no reason was given')}.`;
    return [{ code: 'daemon.ended', level: 'failing', text, advice: 'Look at the last lines of the log.' }];
  }
  if (stage === 'draining') {
    const text = `Stopping: the round under way is finished first (${quote(ending ?? 'asked to')}).`;
    return [
      { code: 'daemon.draining', level: 'attention', text, advice: 'A second signal ends it at once.' },
    ];
  }
  if ((stage !== 'opening' && stage !== 'booting') || life.lease === 'standingBy' || life.lease === 'blind') {
    return [];
  }
  const text = stage === 'opening' ? 'The store is being opened.' : 'Rounds of an earlier life are taken up.';
  return [{ code: 'daemon.starting', level: 'starting', text, advice: 'Nothing to do.' }];
};

const membershipReasons = ({ membership }: ValidatorFacts): readonly HealthReason[] => {
  if (membership === null) return [];
  if (!membership.isRegistered) {
    return [
      {
        code: 'hotkey.unregistered',
        level: 'failing',
        text: 'This hotkey is not registered on the subnet.',
        advice: 'Register it with `miaoai register`; work begins by itself then.',
      },
    ];
  }
  if (membership.hasPermit) return [];
  return [
    {
      code: 'permit.missing',
      level: 'failing',
      text: 'This hotkey has no validator permit: the chain refuses its weights.',
      advice:
        'Permits go to the largest stakes at each epoch: stake more to this hotkey, or wait for the next epoch.',
    },
  ];
};

const roundReasons = ({ rounds, miners }: ValidatorFacts): readonly HealthReason[] => {
  const { holds, isRecovering, idleMs, expectedMs } = rounds;
  const reasons: HealthReason[] = [];
  if (holds.length > 0) {
    reasons.push({
      code: 'rounds.held',
      level: 'attention',
      text: `No new round is begun: ${few(holds.map(quote), mostNamed)}.`,
      advice: 'Rounds go on by themselves when that is over.',
    });
  } else if (isRecovering) {
    reasons.push({
      code: 'rounds.recovering',
      level: 'attention',
      text: 'Most links to miners were lost at once; no round is held until they are back.',
      advice: 'If they do not come back within two minutes, check the network of this machine.',
    });
  } else if (miners.known > 0 && idleMs !== null && idleMs > 2 * expectedMs) {
    reasons.push({
      code: 'rounds.none',
      level: idleMs > 10 * expectedMs ? 'failing' : 'attention',
      text: `No round has finished for ${spell(idleMs)}; one takes ${spell(expectedMs)} at most.`,
      advice: 'Look at the state of the epoch and at the last warnings: links, store or chain hold it up.',
    });
  }
  if (rounds.unbalanced > 0) {
    reasons.push({
      code: 'requests.unbalanced',
      level: 'attention',
      text: `The requests of ${count(rounds.unbalanced, 'round')} do not add up, which is a defect of this program.`,
      advice: 'Report it with the output of `miaoai audit` of this data folder.',
    });
  }
  return reasons;
};

/** `uid 4 answers no better than guessing: 31 % right where chance is 33 %, over 120 answers`. */
const guessText = ({ uid, judged, accuracy, chance }: GuessingFact): string =>
  `uid ${uid} answers no better than guessing: ${percent(accuracy)} right where chance is ${percent(chance)}, over ${judged} answers`;

const guessingReason = (guessing: readonly GuessingFact[]): readonly HealthReason[] => {
  const [first, ...others] = guessing;
  if (first === undefined) return [];
  const uids = others.map(({ uid }) => uid);
  const more =
    uids.length === 0 ? '' : `; so ${uids.length === 1 ? 'does' : 'do'} uid ${few(uids, 2 * mostNamed)}`;
  return [
    {
      code: 'miner.guessing',
      level: 'attention',
      text: `${guessText(first)}${more}.`,
      advice: 'Nothing to do: such answers earn no score, and so no weight.',
    },
  ];
};

const minerReasons = ({ miners, life, membership }: ValidatorFacts): readonly HealthReason[] => {
  const { known, unreachable, guessing } = miners;
  if (life.stage !== 'working' || membership?.isRegistered !== true) return [];
  const reasons: HealthReason[] = [];
  if (known === 0) {
    reasons.push({
      code: 'miners.none',
      level: 'attention',
      text: 'No miner on this subnet publishes an address.',
      advice: 'Nothing to do: those that come are dialled by themselves.',
    });
  } else if (unreachable / known >= unreachableShare) {
    reasons.push({
      code: 'miners.unreachable',
      level: unreachable === known && known > 1 ? 'failing' : 'attention',
      text: `${unreachable} of ${count(known, 'miner')} cannot be reached.`,
      advice:
        'Each is dialled again by itself. If it is nearly all of them, check the network of this machine.',
    });
  }
  return [...reasons, ...guessingReason(guessing)];
};

/** Everything that is not well, most urgent first within its level. */
export const validatorReasons = (facts: ValidatorFacts): readonly HealthReason[] => {
  const { life } = facts;
  const before = [...lifeReasons(life), ...leaseReasons(life)];
  if (life.stage === 'opening' || life.stage === 'standingBy' || life.stage === 'ended') {
    return [...before, ...upkeepReasons(facts.upkeep, 'nothing is begun meanwhile')];
  }
  const isBooting = life.stage === 'booting';
  return [
    ...before,
    ...(isBooting ? [] : chainReasons(facts.chain)),
    ...membershipReasons(facts),
    ...weightReasons(facts.weights),
    ...upkeepReasons(facts.upkeep, 'no new round is begun meanwhile'),
    ...roundReasons(facts),
    ...minerReasons(facts),
  ];
};

/** The verdict on a validator; `well` names what it does. */
export const validatorVerdict = (facts: ValidatorFacts, well: string): Verdict =>
  verdictOf(validatorReasons(facts), well);
