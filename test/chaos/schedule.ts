import type { BlockFact, Outage, RunFacts, Span, ValidatorFacts } from './facts.ts';
import type { FaultKind } from './plan.ts';
import { excusedWaits, firstRoundMs } from './waits.ts';

/** An epoch in which weights were possible, and the blocks in a row in which nothing kept the validator from it. */
export type OwedEpoch = { readonly epoch: number; readonly freeBlocks: number; readonly freeMs: number };

/** Without a round, weights are not due before the last blocks of the epoch; a validator that can work holds one. */
const withoutRoundsTimes = 2;

/** Whether a fault of this kind can keep a validator from scoring, signing or submitting. */
const concernsWeights = (kind: FaultKind): boolean =>
  !['kill.standby', 'kill.miner', 'pause.miner', 'cut.miner', 'snap.miner', 'stall.miner'].includes(kind);

/** The pieces of `span` that lie in none of the others. */
const piecesBetween = (span: Span, others: readonly Span[]): readonly Span[] => {
  const pieces: Span[] = [];
  let { fromMs } = span;
  for (const other of [...others, { fromMs: span.toMs, toMs: span.toMs }].sort(
    (a, b) => a.fromMs - b.fromMs,
  )) {
    const toMs = Math.min(other.fromMs, span.toMs);
    if (toMs > fromMs) pieces.push({ fromMs, toMs });
    fromMs = Math.max(fromMs, other.toMs);
  }
  return pieces;
};

/** From the block at which weights are due to the last one that takes them; null for an epoch that was not seen whole. */
const windowOf = (
  blocks: readonly BlockFact[],
  { tempo, dueAfter, lastBlocks }: RunFacts['schedule'],
): Span | null => {
  const due = blocks[Math.ceil(tempo * dueAfter)];
  const last = blocks[blocks.length - 1 - lastBlocks];
  if (blocks.length < tempo - 1 || due === undefined || last === undefined) return null;
  return { fromMs: due.atMs, toMs: last.atMs };
};

/**
 * The epochs for which a validator owes weights. Looked at is the weight window of an epoch, from the block at which
 * weights are due to the last that can take them, less the times in which a fault that concerns weights was in force,
 * in which the machine stood still, and in which the processes tell of a wait that the software is allowed (`waits.ts`).
 * Weights are owed where one of the remaining pieces has `enoughBlocks` after the writing process had a round of this
 * epoch, from which alone they follow. Without any round twice as many blocks up to the end of the window will do: idle is
 * also who holds none. Blocks and not milliseconds, because a machine that is slow is slow for the chain as well.
 */
export const owedEpochs = (
  { blocks, outages, stalls, schedule }: Pick<RunFacts, 'blocks' | 'outages' | 'stalls' | 'schedule'>,
  { journals, log }: Pick<ValidatorFacts, 'journals' | 'log'>,
): readonly OwedEpoch[] => {
  const { enoughBlocks, toMs: untilMs } = schedule;
  // Nobody earned anything in them, by the evidence, which another invariant scores anew: there is nothing to set.
  const empty = new Set(
    log.flatMap(({ record }) =>
      record.type === 'epoch.scored' && record.vector.uids.length === 0 ? [record.epoch as number] : [],
    ),
  );
  const faults = outages.filter(({ kind }: Outage) => concernsWeights(kind));
  const troubles = [...faults, ...stalls];
  const excused = [...faults, ...excusedWaits(journals, { blocks, troubles, untilMs })];
  // Who stood still with the machine goes on where he was: a stall takes blocks away and does not interrupt.
  const lived = blocks.filter(
    ({ atMs }) => !stalls.some(({ fromMs, toMs }) => atMs > fromMs && atMs <= toMs),
  );

  const freeOf =
    (epoch: number, window: Span) =>
    (piece: Span): OwedEpoch[] => {
      const roundMs = firstRoundMs(journals, { epoch, atMs: piece.toMs, untilMs });
      const hasRound = roundMs !== null && roundMs < piece.toMs;
      if (!hasRound && piece.toMs < window.toMs) return [];
      const fromMs = hasRound ? Math.max(piece.fromMs, roundMs) : piece.fromMs;
      const freeBlocks = lived.filter(({ atMs }) => atMs > fromMs && atMs <= piece.toMs).length;
      const enough = hasRound ? enoughBlocks : withoutRoundsTimes * enoughBlocks;
      return freeBlocks >= enough ? [{ epoch, freeBlocks, freeMs: piece.toMs - fromMs }] : [];
    };

  return [...Map.groupBy(blocks, ({ epoch }) => epoch)].flatMap(([epoch, members]) => {
    const window = windowOf(members, schedule);
    if (window === null || empty.has(epoch)) return [];
    const working = {
      fromMs: Math.max(window.fromMs, schedule.fromMs),
      toMs: Math.min(window.toMs, schedule.toMs),
    };
    const free = piecesBetween(working, excused).flatMap(freeOf(epoch, working));
    return free.sort((a, b) => b.freeBlocks - a.freeBlocks).slice(0, 1);
  });
};
