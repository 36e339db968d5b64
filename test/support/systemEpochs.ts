import type { WeightsSet } from '#src/cli/demo/chainWatch.ts';
import type { LogLine } from '#src/cli/demo/processes.ts';
import { type Evidence, readEvidenceOf } from './systemEvidence.ts';
import {
  blockTimeMs,
  dueAfter,
  type Network,
  type Player,
  roundDeadlineMs,
  tempo,
  type ValidatorName,
  validatorHotkey,
} from './systemNetwork.ts';
import { descendantsOf, type End, runningOf, type SystemProcess, until } from './systemProcess.ts';
import { openWire } from './systemProxy.ts';
import type { Witnessed } from './systemWitness.ts';

/** What is known after the last process has ended. */
export type Facts = {
  readonly miners: readonly Player[];
  /** The counted epochs. */
  readonly epochs: readonly [number, number, number];
  readonly weightsSet: readonly WeightsSet[];
  /** Fractions by uid after the last counted epoch. */
  readonly incentive: ReadonlyMap<number, number>;
  readonly evidence: Readonly<Record<ValidatorName, Evidence>>;
  readonly witnessed: readonly Witnessed[];
  /** Wall clock of the death of the doomed miner. */
  readonly diedAtMs: number;
  /** The round in which validator A was killed. */
  readonly interruptedRound: string;
  readonly outage: {
    readonly lost: LogLine;
    readonly fromMs: number;
    readonly toMs: number;
    /** The block at which the chain could be reached again. */
    readonly restoredBlock: number;
    readonly confirmed: LogLine;
  };
  readonly ends: ReadonlyMap<string, End>;
  readonly forcedEnd: End & { readonly afterMs: number };
  /** Of the processes that lived until the end, their children, and the children of those that were killed. */
  readonly stillRunning: readonly number[];
  readonly pids: readonly number[];
};

type Play = Network & {
  readonly epochs: Facts['epochs'];
  readonly pids: Set<number>;
};

const endPatienceMs = 20_000;
/** Three times as long as the blocks should take: the machine may be busy. */
const patienceFor = (blocks: number): number => 15_000 + 3 * Math.max(0, blocks) * blockTimeMs;

/** Waits for a block of an epoch, as the independent client sees it. */
const untilBlock = async ({ watch, chain }: Network, block: number): Promise<void> => {
  const limitMs = patienceFor(block - watch.block());
  await until(
    () => watch.block() >= block,
    limitMs,
    () => `block ${block}, the client is at ${watch.block()}${chain.tail()}`,
  );
};

const remember = (play: Play, process: SystemProcess): void => {
  for (const pid of [process.pid, ...descendantsOf(process.pid)]) play.pids.add(pid);
};

const isOfEpoch =
  (epoch: number) =>
  (line: LogLine): boolean =>
    line['epoch'] === epoch;

/** Epoch 1: once both validators have set its weights, a miner dies for good. */
const killMiner = async (play: Play, validators: readonly SystemProcess[]): Promise<number> => {
  const [first] = play.epochs;
  const limitMs = patienceFor((first + 1) * tempo - play.watch.block());
  await Promise.all(validators.map((process) => process.saw('weights.confirmed', limitMs, isOfEpoch(first))));
  const doomed = play.miners.find(({ behaviour }) => behaviour === 'doomed');
  const process = play.minerProcesses.get(doomed?.uid ?? -1);
  if (process === undefined) throw new Error('nobody in the cast is doomed');
  remember(play, process);
  await process.endBy('SIGKILL', endPatienceMs);
  return Date.now();
};

/** Epoch 2: validator A dies the moment it acknowledges the first answer of a round, and starts again. */
const killValidator = async (play: Play, validator: SystemProcess) => {
  const [, second] = play.epochs;
  const hotkey = validatorHotkey('validator A');
  const isIt = (task: Witnessed): boolean =>
    task.validator === hotkey && task.roundId.startsWith(`r${second}-`);
  const { roundId } = await play.witness.next(
    'acknowledged',
    isIt,
    patienceFor((second + 1) * tempo - play.watch.block()),
  );
  remember(play, validator);
  await validator.endBy('SIGKILL', endPatienceMs);
  const revived = await play.startValidator('validator A', play.chainPort);
  return { interruptedRound: roundId, revived };
};

type CutWire = { readonly cut: () => Promise<void>; readonly restore: () => Promise<void> };

/** Epoch 3: the chain is gone for validator B from before its weights become due until after that. */
const cutChain = async (play: Play, validator: SystemProcess, wire: CutWire): Promise<Facts['outage']> => {
  const third = play.epochs[2];
  const start = third * tempo;
  const before = validator.lines().length;
  await untilBlock(play, start + Math.floor(tempo * (dueAfter - 0.1)));
  const fromMs = Date.now();
  await wire.cut();
  const lost = await validator.saw(
    'chain.lost',
    endPatienceMs,
    (line) => validator.lines().indexOf(line) >= before,
  );
  await untilBlock(play, start + Math.ceil(tempo * (dueAfter + 0.1)));
  const toMs = Date.now();
  const restoredBlock = play.watch.block();
  await wire.restore();
  const limitMs = patienceFor(start + tempo - play.watch.block());
  const confirmed = await validator.saw('weights.confirmed', limitMs, isOfEpoch(third));
  return { lost, fromMs, toMs, restoredBlock, confirmed };
};

/** The first signal drains, the second one ends at once: sent while a round is under way. */
const forceEnd = async (play: Play, validator: SystemProcess): Promise<Facts['forcedEnd']> => {
  const hotkey = validatorHotkey('validator B');
  const limitMs = 2 * roundDeadlineMs + endPatienceMs;
  await play.witness.next('asked', ({ validator: asker }) => asker === hotkey, limitMs);
  remember(play, validator);
  validator.signal('SIGTERM');
  await validator.saw('daemon.draining', endPatienceMs);
  const atMs = performance.now();
  const end = await validator.endBy('SIGTERM', endPatienceMs);
  return { ...end, afterMs: performance.now() - atMs };
};

/** Everybody is asked to end, the chain last. */
const endAll = async (play: Play, validators: readonly SystemProcess[]) => {
  const ends = new Map<string, End>();
  const miners = play.miners
    .filter(({ behaviour }) => behaviour !== 'doomed')
    .flatMap(({ uid }) => play.minerProcesses.get(uid) ?? []);
  for (const group of [validators, miners, [play.chain]]) {
    if (group.includes(play.chain)) await play.leave();
    for (const process of group) remember(play, process);
    await Promise.all(
      group.map(async (process) => ends.set(process.name, await process.endBy('SIGTERM', endPatienceMs))),
    );
  }
  return ends;
};

/** Plays the three epochs to their end and says what happened. */
export const playEpochs = async (network: Network): Promise<Facts> => {
  const wire = await openWire(network.chainPort);
  try {
    const started = await Promise.all([
      network.startValidator('validator A', network.chainPort),
      network.startValidator('validator B', wire.port),
    ]);
    const [validatorA, validatorB] = started;
    await Promise.all(started.map((process) => process.saw('round.ended', 60_000)));
    // The first whole epoch of both validators.
    const first = network.watch.epoch() + 1;
    const play: Play = { ...network, epochs: [first, first + 1, first + 2], pids: new Set() };
    const diedAtMs = await killMiner(play, started);
    const { interruptedRound, revived } = await killValidator(play, validatorA);
    const outage = await cutChain(play, validatorB, wire);
    await untilBlock(play, (first + 3) * tempo + 1);
    const rows = await network.watch.rows(network.miners.map(({ uid }) => uid));
    const weightsSet = [...network.watch.weightsSet()];
    const forcedEnd = await forceEnd(play, validatorB);
    const again = await network.startValidator('validator B', wire.port);
    const ends = await endAll(play, [revived, again]);
    return {
      miners: network.miners,
      epochs: play.epochs,
      weightsSet,
      incentive: new Map([...rows].map(([uid, row]) => [uid, row.incentive])),
      evidence: {
        'validator A': await readEvidenceOf(network.validatorDir('validator A')),
        'validator B': await readEvidenceOf(network.validatorDir('validator B')),
      },
      witnessed: network.witness.seen(),
      diedAtMs,
      interruptedRound,
      outage,
      ends,
      forcedEnd,
      stillRunning: runningOf([...play.pids]),
      pids: [...play.pids],
    };
  } finally {
    await wire.close();
  }
};
