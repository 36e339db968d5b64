import { backoffMs, delays } from '#src/machines/delays.ts';

import { connectMs, leaseMs } from './cast.ts';
import type { BlockFact, Journal, JournalEntry, Span } from './facts.ts';

/**
 * A time in which a validator that does nothing wrong sets no weights, as its processes tell it: nobody writes, the chain
 * or the store is away, or a try was refused. It ends with what the log says, or when the software promises to have done
 * something about it, whichever comes first: one that waits longer than it may is idle, and idleness excuses nothing.
 */
type Wait = Span & {
  readonly allowedMs: number;
  /** After a fault or another cause during the wait. */
  readonly againMs: number;
};

type Life = Span & { readonly entries: readonly JournalEntry[] };

/** What waits are judged by. */
export type Surroundings = {
  readonly blocks: readonly BlockFact[];
  /** Faults and stalls of the machine. */
  readonly troubles: readonly Span[];
  /** What was not over then lasts on. */
  readonly untilMs: number;
};

/** A takeover: the standby has seen the lease unchanged for its time, and the store has answered. */
const takeoverMs = leaseMs + delays.leasePatienceMs;
/** Loading the program, on a machine that does little else. */
const startMs = 15_000;
/** From the right to write to the first dialling: what was written before is read. */
const bootMs = 3_000;
/** A refusal so soon after a trouble is one of its effects. */
const afterTroubleMs = 1_000;
const longestPauseBlocks = 16;

const timeOf = (entries: readonly JournalEntry[], event: string): number | undefined =>
  entries.find((entry) => entry.event === event)?.atMs;

const livesOf = ({ entries }: Journal, untilMs: number): readonly Life[] =>
  [...Map.groupBy(entries, ({ life }) => life).values()].map((own) => ({
    entries: own,
    fromMs: own[0]?.atMs ?? 0,
    toMs: timeOf(own, 'process.ended') ?? untilMs,
  }));

/** Which process had the right to write, from when to when: until it ended, lost it, or another one had it. */
const termsOf = (lives: readonly Life[]): readonly Life[] => {
  const terms = lives.flatMap((life): Life[] => {
    const fromMs = timeOf(life.entries, 'daemon.writing');
    if (fromMs === undefined) return [];
    return [{ ...life, fromMs, toMs: Math.min(life.toMs, timeOf(life.entries, 'lease.lost') ?? life.toMs) }];
  });
  const inOrder = terms.sort((a, b) => a.fromMs - b.fromMs);
  return inOrder.map((term, at) => ({
    ...term,
    toMs: Math.min(term.toMs, inOrder[at + 1]?.fromMs ?? term.toMs),
  }));
};

const within = ({ fromMs, toMs }: Span, atMs: number): boolean => atMs >= fromMs && atMs <= toMs;

const meet = (one: Span, other: Span): Span[] => {
  const [fromMs, toMs] = [Math.max(one.fromMs, other.fromMs), Math.min(one.toMs, other.toMs)];
  return fromMs < toMs ? [{ fromMs, toMs }] : [];
};

/** The part of a wait that is excused. */
const excusedOf = (
  { fromMs, toMs, allowedMs, againMs }: Wait,
  causesMs: readonly number[],
): readonly Span[] => {
  const again = causesMs.filter((atMs) => within({ fromMs, toMs }, atMs));
  return [
    { fromMs, toMs: fromMs + allowedMs },
    ...again.map((atMs) => ({ fromMs: atMs, toMs: atMs + againMs })),
  ]
    .map((span) => ({ ...span, toMs: Math.min(span.toMs, toMs) }))
    .filter((span) => span.toMs > span.fromMs);
};

/** Times between terms, from the beginning of the first life on. */
const vacanciesOf = (lives: readonly Life[], terms: readonly Life[], untilMs: number): readonly Span[] => {
  let fromMs = Math.min(untilMs, ...lives.map((life) => life.fromMs));
  const gaps: Span[] = [];
  for (const term of [...terms, { fromMs: untilMs, toMs: untilMs }]) {
    if (term.fromMs > fromMs) gaps.push({ fromMs, toMs: term.fromMs });
    fromMs = Math.max(fromMs, term.toMs);
  }
  return gaps;
};

/**
 * Times without the chain: until it is opened, or a round shows a block that was made since. How long the pause before
 * the next dialling may be follows from the losses since a connection was last steady (`machines/chainLink`).
 */
const chainWaitsOf = (term: Life, blocks: readonly BlockFact[]): readonly Wait[] => {
  const madeMs = new Map(blocks.map(({ number, atMs }) => [number, atMs]));
  const waits: Wait[] = [];
  let open: Omit<Wait, 'toMs'> | null = {
    fromMs: term.fromMs,
    allowedMs: bootMs + connectMs,
    againMs: bootMs + connectMs,
  };
  let openedMs: number | null = null;
  let losses = 0;
  const close = (toMs: number): void => {
    if (open !== null) waits.push({ ...open, toMs });
    open = null;
  };
  for (const { event, atMs, round } of term.entries) {
    if (event === 'chain.opened') {
      close(atMs);
      openedMs = atMs;
    }
    if (event === 'round.ended' && open !== null && (madeMs.get(round?.block ?? 0) ?? 0) > open.fromMs)
      close(atMs);
    if (event !== 'chain.lost') continue;
    close(atMs);
    if (openedMs !== null && atMs - openedMs >= delays.steadyUptimeMs) losses = 0;
    openedMs = null;
    const pause = {
      attempt: losses,
      baseMs: delays.reconnectBaseMs,
      maxMs: delays.reconnectMaxMs,
      jitter: 1,
    };
    open = { fromMs: atMs, allowedMs: backoffMs(pause) + connectMs, againMs: connectMs };
    losses += 1;
  }
  close(term.toMs);
  return waits;
};

/** Times between two events of a term, the first of several in a row counting. */
const pairsOf = (term: Life, begin: string, end: string, allowedMs: number): readonly Wait[] => {
  const waits: Wait[] = [];
  let fromMs: number | null = null;
  for (const { event, atMs } of [...term.entries, { event: end, atMs: term.toMs }]) {
    if (event === begin) fromMs ??= atMs;
    if (event !== end || fromMs === null) continue;
    waits.push({ fromMs, toMs: atMs, allowedMs, againMs: allowedMs });
    fromMs = null;
  }
  return waits;
};

/** After a refusal that a trouble explains: the pause before the next try, which doubles (`nextTryBlock`). */
const refusalWaitsOf = (
  term: Life,
  blocks: readonly BlockFact[],
  excused: readonly Span[],
): readonly Span[] => {
  let repeats = 0;
  return term.entries.flatMap(({ event, atMs }): Span[] => {
    if (event === 'weights.confirmed') repeats = 0;
    if (event !== 'weights.refused') return [];
    if (!excused.some(({ fromMs, toMs }) => within({ fromMs, toMs: toMs + afterTroubleMs }, atMs))) return [];
    const pauseBlocks = Math.min(longestPauseBlocks, 2 ** repeats);
    repeats += 1;
    const next = blocks.filter((block) => block.atMs > atMs)[pauseBlocks];
    return [{ fromMs: atMs, toMs: next?.atMs ?? term.toMs }];
  });
};

const causesOf = (lives: readonly Life[], { troubles }: Surroundings): readonly number[] => [
  ...troubles.map(({ toMs }) => toMs),
  ...lives.flatMap(({ entries }) => timeOf(entries, 'daemon.started') ?? []),
];

const waitsOf = (
  lives: readonly Life[],
  terms: readonly Life[],
  { blocks, untilMs }: Surroundings,
): { readonly vacancies: readonly Wait[]; readonly others: readonly Wait[] } => ({
  vacancies: vacanciesOf(lives, terms, untilMs).map((gap) => ({
    ...gap,
    allowedMs: takeoverMs,
    againMs: takeoverMs,
  })),
  others: terms.flatMap((term) => [
    ...chainWaitsOf(term, blocks),
    ...pairsOf(term, 'store.troubled', 'store.recovered', delays.storeProbeMaxMs),
    ...pairsOf(term, 'lease.uncertain', 'lease.sure', takeoverMs),
  ]),
});

const both = (journals: readonly Journal[], untilMs: number) => {
  const lives = journals.flatMap((journal) => livesOf(journal, untilMs));
  return { lives, terms: termsOf(lives) };
};

/** Times in which a validator, by what its processes said, could not set weights and was not to blame for it. */
export const excusedWaits = (journals: readonly Journal[], surroundings: Surroundings): readonly Span[] => {
  const { untilMs, blocks, troubles } = surroundings;
  const { lives, terms } = both(journals, untilMs);
  const { vacancies, others } = waitsOf(lives, terms, surroundings);
  const causes = causesOf(lives, surroundings);
  const troubleEnds = troubles.map(({ toMs }) => toMs);
  const starting = lives.map(({ entries, fromMs, toMs }) => ({
    fromMs,
    toMs: Math.min(fromMs + startMs, timeOf(entries, 'daemon.started') ?? toMs),
  }));
  const excused = [
    ...vacancies.flatMap((gap) => [
      ...excusedOf(gap, causes),
      ...starting.flatMap((span) => meet(gap, span)),
    ]),
    ...others.flatMap((wait) => excusedOf(wait, troubleEnds)),
  ];
  const known = [...excused, ...troubles];
  return [...excused, ...terms.flatMap((term) => refusalWaitsOf(term, blocks, known))];
};

/** Whether somebody writes, with chain and store at hand, as far as was heard until now. */
export const isAtWork = (journals: readonly Journal[], surroundings: Surroundings): boolean => {
  const { lives, terms } = both(journals, surroundings.untilMs);
  const { vacancies, others } = waitsOf(lives, terms, surroundings);
  return ![...vacancies, ...others].some(({ toMs }) => toMs >= surroundings.untilMs);
};

/** When the process that writes at `atMs` had its first round of an epoch; null without one. */
export const firstRoundMs = (
  journals: readonly Journal[],
  { epoch, atMs, untilMs }: { readonly epoch: number; readonly atMs: number; readonly untilMs: number },
): number | null => {
  const term = both(journals, untilMs).terms.find((one) => within(one, atMs));
  const ended = term?.entries.find(({ event, round }) => event === 'round.ended' && round?.epoch === epoch);
  return ended?.atMs ?? null;
};
