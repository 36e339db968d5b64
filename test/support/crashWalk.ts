import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { problemsOf } from './crashChecks.ts';
import { blockTimeMs, type CrashStage, laneUri, openCrashStage, tempo } from './crashStage.ts';
import { type Evidence, readEvidenceOf } from './systemEvidence.ts';
import { hotkeyOf } from './systemNetwork.ts';
import { until } from './systemProcess.ts';
import type { TestProcess } from './testProcess.ts';

/** When in the life of a validator a point is reached. */
export type Phase = 'first' | 'later' | 'drain';
export type ListedPoint = { readonly point: string; readonly phase: Phase };

/** One crash at a point, and the life after it. */
export type Crash = ListedPoint & {
  readonly tookMs: number;
  readonly problems: readonly string[];
};

export type CrashReport = { readonly points: readonly ListedPoint[]; readonly crashes: readonly Crash[] };

export type CrashWalkOptions = {
  /** Validators that are walked at a time. */
  readonly lanes: number;
  /** Further arguments of a validator whose state has this name. */
  readonly validatorArgs: (folder: string) => readonly string[];
  /** Walks these without listing what there is, which takes half a minute. */
  readonly points?: readonly ListedPoint[];
  /** Which of the listed points to die at. */
  readonly choose: (points: readonly ListedPoint[]) => readonly ListedPoint[];
  /** Reads the state of this name; that of the embedded store in the data folder unless given. */
  readonly readEvidence?: (folder: string, hotkey: string) => Promise<Evidence>;
  readonly onProgress: (line: string) => void;
};

const epochMs = tempo * blockTimeMs;
/** Most points are reached within an epoch, those of retention within some; the rest is for a busy machine. */
const patienceMs = 6 * epochMs + 20_000;
/** So many blocks before the end of an epoch a validator that starts has time enough to set weights. */
const enoughBlocks = 10;
const endPatienceMs = 15_000;
/** So long a life has to last for its first evidence to leave the store. */
const epochsUntilRetention = 4;

type Lane = {
  readonly index: number;
  readonly uid: number;
  readonly hotkey: string;
  folder: string;
  folders: number;
  /** The epoch in which the folder was made. */
  sinceEpoch: number;
};

type Walk = CrashWalkOptions & { readonly stage: CrashStage };

const blocksLeft = ({ watch }: CrashStage): number => tempo - (watch.block() % tempo);

const start = ({ stage }: Walk, lane: Lane, env: Readonly<Record<string, string>> = {}): TestProcess =>
  stage.startValidator({ lane: lane.index, folder: lane.folder, env });

/** Waits for weights of this epoch or a later one on chain. */
const untilWeights = (walk: Walk, lane: Lane, epoch: number, living: TestProcess): Promise<void> =>
  until(
    () => {
      if (!living.isUp()) throw new Error(`${living.name} ended${living.tail()}`);
      return walk.stage.watch.weightsSet().some((set) => set.validator === lane.uid && set.epoch >= epoch);
    },
    patienceMs,
    () => `weights of epoch ${epoch}${living.tail()}`,
  );

/** In the middle of a round: the first miner has an acknowledgement, the other one still works. */
const killInRound = async ({ stage }: Walk, lane: Lane, living: TestProcess): Promise<void> => {
  await stage.witness.next('acknowledged', ({ validator }) => validator === lane.hotkey, patienceMs);
  await living.endBy('SIGKILL', endPatienceMs);
};

/** Lives until weights of the epoch stand, then dies in mid-round, so that the next life has something to take up. */
const recover = async (walk: Walk, lane: Lane): Promise<readonly string[]> => {
  const { stage } = walk;
  const diedIn = stage.watch.epoch();
  const living = start(walk, lane);
  await living.saw('chain.opened', patienceMs);
  const isInTime = stage.watch.epoch() === diedIn && blocksLeft(stage) >= enoughBlocks;
  const due = isInTime ? diedIn : stage.watch.epoch() + (blocksLeft(stage) >= enoughBlocks ? 0 : 1);
  await untilWeights(walk, lane, due, living);
  await killInRound(walk, lane, living);
  const isOurs = (set: { readonly validator: number; readonly epoch: number }): boolean =>
    set.validator === lane.uid && set.epoch === due;
  const problems = stage.watch.weightsSet().some(isOurs) ? [] : [`no weights of epoch ${due} are on chain`];
  const { folder, hotkey } = lane;
  const read = walk.readEvidence ?? ((name) => readEvidenceOf(stage.dataDir(name)));
  const evidence = await read(folder, hotkey);
  return [...problems, ...problemsOf(evidence, { stage, lane: lane.index, sinceEpoch: lane.sinceEpoch })];
};

const freshFolder = ({ stage }: Walk, lane: Lane): void => {
  lane.sinceEpoch = stage.watch.epoch();
  lane.folders += 1;
  lane.folder = `lane-${lane.index}-${lane.folders}`;
};

const pointsIn = (file: string): readonly string[] =>
  existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];

/** A whole life in a fresh folder, a second one that begins after a crash, and its orderly end: every point there is. */
const listPoints = async (walk: Walk, lane: Lane): Promise<readonly ListedPoint[]> => {
  const { stage } = walk;
  freshFolder(walk, lane);
  const logs = { first: join(stage.dir, 'points-1'), later: join(stage.dir, 'points-2') };
  const first = start(walk, lane, { MIAOAI_FAIL_POINTS_LOG: logs.first });
  await first.saw('chain.opened', patienceMs);
  await untilWeights(walk, lane, stage.watch.epoch() + 1, first);
  await killInRound(walk, lane, first);
  const second = start(walk, lane, { MIAOAI_FAIL_POINTS_LOG: logs.later });
  await second.saw('chain.opened', patienceMs);
  await untilWeights(walk, lane, stage.watch.epoch() + epochsUntilRetention, second);
  const before = pointsIn(logs.later).length;
  const end = await second.endBy('SIGTERM', endPatienceMs);
  if (end.code !== 0) throw new Error(`the drain ended with ${end.signal ?? end.code}${second.tail()}`);
  const later = pointsIn(logs.later);
  const phases: Readonly<Record<Phase, readonly string[]>> = {
    later: later.slice(0, before),
    first: pointsIn(logs.first),
    drain: later.slice(before),
  };
  const found = new Map<string, Phase>();
  for (const phase of ['later', 'first', 'drain'] as const) {
    for (const point of phases[phase]) if (!found.has(point)) found.set(point, phase);
  }
  return [...found]
    .map(([point, phase]) => ({ point, phase }))
    .toSorted((a, b) => (a.point < b.point ? -1 : 1));
};

/** Runs into the point; null when it died there and nowhere else. */
const dieAt = async (walk: Walk, lane: Lane, { point, phase }: ListedPoint): Promise<string | null> => {
  if (phase === 'first') freshFolder(walk, lane);
  const dying = start(walk, lane, { MIAOAI_FAIL_POINT: `${point}@1` });
  if (phase === 'drain') {
    await dying.saw('round.ended', patienceMs);
    dying.signal('SIGTERM');
  }
  const timer = setTimeout(() => dying.signal('SIGTERM'), patienceMs);
  const { code, signal } = await dying.ended;
  clearTimeout(timer);
  const isThere = dying.words().some((text) => text === `fail point ${point}: killed`);
  if (isThere && signal === 'SIGKILL') return null;
  return `did not die at ${point} but ended with ${signal ?? code}${dying.tail()}`;
};

const crashAt = async (walk: Walk, lane: Lane, listed: ListedPoint): Promise<Crash> => {
  const startedMs = performance.now();
  const problems: string[] = [];
  try {
    const missed = await dieAt(walk, lane, listed);
    if (missed !== null) problems.push(missed);
    problems.push(...(await recover(walk, lane)));
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
    freshFolder(walk, lane);
  }
  const tookMs = Math.round(performance.now() - startedMs);
  walk.onProgress(
    `${problems.length === 0 ? 'ok  ' : 'FAIL'} ${listed.point} (${listed.phase}, ${tookMs} ms)`,
  );
  for (const problem of problems) walk.onProgress(`     ${problem}`);
  return { ...listed, tookMs, problems };
};

const createLane = (index: number): Lane => ({
  index,
  uid: index,
  hotkey: hotkeyOf(laneUri(index)),
  folder: '',
  folders: 0,
  sinceEpoch: 0,
});

/** Lists the points of a validator's life, then dies at each chosen one and comes back. */
export const walkCrashPoints = async (options: CrashWalkOptions): Promise<CrashReport> => {
  const stage = await openCrashStage(options);
  try {
    const walk: Walk = { ...options, stage };
    const lanes = Array.from({ length: options.lanes }, (_, index) => createLane(index));
    const [first] = lanes;
    if (first === undefined) throw new Error('a walk needs a lane');
    const points = options.points ?? (await listPoints(walk, first));
    options.onProgress(`${points.length} points in a life`);
    // Fresh folders last: what is reached late in a life needs the folder of the lives before.
    const chosen = options.choose(points);
    const isFirst = ({ phase }: ListedPoint): boolean => phase === 'first';
    const left = [...chosen.filter((point) => !isFirst(point)), ...chosen.filter(isFirst)];
    const crashes: Crash[] = [];
    await Promise.all(
      lanes.map(async (lane) => {
        if (lane.folders === 0) freshFolder(walk, lane);
        for (let next = left.shift(); next !== undefined; next = left.shift()) {
          crashes.push(await crashAt(walk, lane, next));
        }
      }),
    );
    return { points, crashes };
  } finally {
    await stage.dispose();
  }
};
