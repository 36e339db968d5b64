import type { BlockFact, Outage, RunFacts } from './facts.ts';
import type { FaultKind } from './plan.ts';

type Span = { readonly fromMs: number; readonly toMs: number };

/** An epoch in which weights were possible, and the longest time in which nothing kept the validator from it. */
export type OwedEpoch = { readonly epoch: number; readonly quietMs: number };

/** Whether a fault of this kind can keep a validator from scoring, signing or submitting. */
const concernsWeights = (kind: FaultKind): boolean =>
  !['kill.standby', 'kill.miner', 'pause.miner', 'cut.miner', 'snap.miner', 'stall.miner'].includes(kind);

/** The part of `span` that lies in none of the outages: the longest piece. */
const longestQuietMs = (span: Span, outages: readonly Span[]): number => {
  let fromMs = span.fromMs;
  let longest = 0;
  for (const outage of [...outages].sort((a, b) => a.fromMs - b.fromMs)) {
    longest = Math.max(longest, Math.min(outage.fromMs, span.toMs) - fromMs);
    fromMs = Math.max(fromMs, outage.toMs);
  }
  return Math.max(longest, span.toMs - fromMs);
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
 * The epochs for which weights are owed. A fault that is shorter than an epoch can still cover all of its weight window,
 * and several can leave nothing between them: an epoch is excused when its window, from the block at which weights are
 * due to the last that can take them, has no piece of `enoughMs` without a fault that concerns weights. Outages last
 * from the fault to the moment at which the driver undid it, so that a slow recovery excuses nothing.
 */
export const owedEpochs = ({ blocks, outages, schedule }: RunFacts): readonly OwedEpoch[] => {
  const spans = outages.filter(({ kind }: Outage) => concernsWeights(kind));
  return [...Map.groupBy(blocks, ({ epoch }) => epoch)].flatMap(([epoch, members]) => {
    const window = windowOf(members, schedule);
    if (window === null) return [];
    const working = {
      fromMs: Math.max(window.fromMs, schedule.fromMs),
      toMs: Math.min(window.toMs, schedule.toMs),
    };
    const quietMs = longestQuietMs(working, spans);
    return quietMs >= schedule.enoughMs ? [{ epoch, quietMs }] : [];
  });
};
