import { createRandom, type Random } from '#src/domain/random.ts';

/** Which store the validators keep their state in. */
export type StoreKind = 'embedded' | 'redis';

/**
 * Faults of processes: the driver waits for recovery after each. `kill` is SIGKILL and a new start; `pause` is a short
 * SIGSTOP and SIGCONT; `freeze` a SIGSTOP that outlasts the lease, after which another process writes.
 */
export const processKinds = [
  'kill.active',
  'kill.standby',
  'kill.miner',
  'kill.chain',
  'pause.active',
  'pause.miner',
  'pause.chain',
  'freeze.active',
] as const;
/** Faults of links, Redis, disk and clock: they may overlap with each other and with those of processes. */
export const sideKinds = [
  'cut.miner',
  'snap.miner',
  'stall.miner',
  'cut.chain',
  'snap.chain',
  'stall.chain',
  'cut.redis',
  'snap.redis',
  'stall.redis',
  'kill.redis',
  'pause.redis',
  'fill.disk',
  'step.clock',
] as const;
export type ProcessKind = (typeof processKinds)[number];
export type SideKind = (typeof sideKinds)[number];
export type FaultKind = ProcessKind | SideKind;

/** For the table: what a kind counts as. */
export type FaultGroup = 'process' | 'link' | 'redis' | 'disk' | 'clock';
export const groupOf = (kind: FaultKind): FaultGroup => {
  if (processKinds.some((process) => process === kind)) return 'process';
  if (kind.endsWith('.redis')) return 'redis';
  if (kind === 'fill.disk') return 'disk';
  return kind === 'step.clock' ? 'clock' : 'link';
};

export type Fault = {
  readonly index: number;
  readonly kind: FaultKind;
  /** Which miner, where the kind has several targets. */
  readonly target: number;
  /** Milliseconds after the step before: its beginning, or for a process fault the recovery from it. */
  readonly gapMs: number;
  /** How long it lasts; for a kill, how long nothing is started in its place. */
  readonly holdMs: number;
  /** The gap begins when an epoch has just been scored: weights are being signed, sent or confirmed. */
  readonly isAimed: boolean;
  /** Hours by which the clock steps, 0 for other kinds. */
  readonly hours: number;
};

/** What this machine and this build can do. */
export type Means = {
  readonly store: StoreKind;
  readonly hasDisk: boolean;
  readonly hasClock: boolean;
};

export type PlanOptions = Means & {
  readonly seed: string;
  readonly miners: number;
  readonly processFaults: number;
  readonly sideFaults: number;
  readonly leaseMs: number;
};

/** One in so many kills of the writing validator is aimed at its weights; waiting for them takes half an epoch. */
const aimedEvery = 3;
/** Scored, signed, sent, included and final: within this. */
const aimedGap = [0, 1_000] as const;

type Range = readonly [minimum: number, maximum: number];
/** Parts of how many of each; the order is drawn. */
type Shares<K extends string> = Partial<Readonly<Record<K, number>>>;

const processShares: Shares<ProcessKind> = {
  'kill.active': 7,
  'kill.miner': 4,
  'kill.chain': 3,
  'pause.active': 3,
  'pause.miner': 1,
  'pause.chain': 1,
  'kill.standby': 3,
  'freeze.active': 3,
};

const sideShares = ({ store, hasDisk, hasClock }: Means): Shares<SideKind> => ({
  'cut.miner': 5,
  'snap.miner': 6,
  'stall.miner': 4,
  'cut.chain': 4,
  'snap.chain': 4,
  'stall.chain': 3,
  ...(hasDisk && { 'fill.disk': 5 }),
  ...(hasClock && { 'step.clock': 2 }),
  ...(store === 'redis' && {
    'cut.redis': 4,
    'snap.redis': 4,
    'stall.redis': 4,
    'kill.redis': 4,
    'pause.redis': 3,
  }),
});

const holdOf = (kind: FaultKind, leaseMs: number): Range => {
  switch (kind) {
    case 'freeze.active':
      return [leaseMs + 1_000, leaseMs + 2_500];
    case 'kill.active':
    case 'kill.standby':
    case 'kill.miner':
    case 'kill.chain':
      return [0, 1_200];
    case 'pause.active':
    case 'pause.miner':
    case 'pause.chain':
      return [100, leaseMs * 0.4];
    case 'snap.miner':
    case 'snap.chain':
    case 'snap.redis':
      return [0, 1];
    case 'fill.disk':
      return [300, 1_800];
    case 'step.clock':
      return [500, 2_500];
    case 'kill.redis':
      return [50, 900];
    default:
      return [100, 1_200];
  }
};

const between = (random: Random, [minimum, maximum]: Range): number =>
  Math.round(minimum + random.next() * (maximum - minimum));

/** `count` kinds in the given shares, each at least once where there is room, in random order. */
const deal = <K extends string>(random: Random, shares: Shares<K>, count: number): readonly K[] => {
  const entries = Object.entries(shares) as [K, number][];
  const total = entries.reduce((sum, [, share]) => sum + share, 0);
  const dealt = entries.flatMap(([kind, share]) =>
    Array.from<K>({ length: Math.max(1, Math.floor((share / total) * count)) }).fill(kind),
  );
  while (dealt.length < count) dealt.push(random.pick(entries)[0]);
  return random.shuffle(dealt).slice(0, count);
};

/**
 * Every fault of a run, in order: a pure function of its options, so that a seed reproduces kinds, targets and
 * distances in time. What happens between them is up to the processes; no run of theirs is like another.
 */
export const planFaults = (options: PlanOptions): readonly Fault[] => {
  const random = createRandom(`chaos ${options.seed} ${options.store}`);
  const processes = deal(random.fork('process'), processShares, options.processFaults);
  const sides = deal(random.fork('side'), sideShares(options), options.sideFaults);
  const details = random.fork('details');
  const faults: Fault[] = [];
  let ofActive = 0;
  const add = (kind: FaultKind, gap: Range): void => {
    if (kind === 'kill.active') ofActive += 1;
    const isAimed = kind === 'kill.active' && ofActive % aimedEvery === 2;
    faults.push({
      isAimed,
      index: faults.length,
      kind,
      target: details.int(options.miners),
      gapMs: between(details, isAimed ? aimedGap : gap),
      holdMs: between(details, holdOf(kind, options.leaseMs)),
      hours: kind === 'step.clock' ? details.pick([-1, 1]) : 0,
    });
  };
  for (const [at, kind] of processes.entries()) {
    const from = Math.floor((at * sides.length) / processes.length);
    const to = Math.floor(((at + 1) * sides.length) / processes.length);
    for (const side of sides.slice(from, to)) add(side, [50, 700]);
    add(kind, [50, 1_500]);
  }
  return faults;
};
