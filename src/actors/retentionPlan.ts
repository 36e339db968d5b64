/** When evidence may leave the store. Pure arithmetic over sequence numbers. */

/** One scored epoch as far as retention is concerned. */
export type KeptEpoch = {
  readonly epoch: number;
  /** First sequence number that it counts. */
  readonly fromSeq: number;
  /** Wall clock of its scoring, in milliseconds since the Unix epoch. */
  readonly at: number;
};

/** `endSeq` is null while nothing says that the round is over. */
export type RoundSpan = { readonly planSeq: number; readonly endSeq: number | null };

export type DropPoint = {
  /** First sequence number that stays. */
  readonly cut: number;
  /** Newest epoch of which something goes. */
  readonly epoch: KeptEpoch;
};

/**
 * Where the log may be cut so that the last `keepEpochs` scored epochs keep all they count, oldest cut first: one per
 * epoch that is too many, so that each of them gets a file of its own however many there are.
 *
 * @param epochs scored epochs whose evidence is still there, ascending
 */
export const dropPoints = (epochs: readonly KeptEpoch[], keepEpochs: number): readonly DropPoint[] =>
  epochs.slice(0, Math.max(0, epochs.length - keepEpochs)).flatMap((epoch, index) => {
    const next = epochs[index + 1];
    return next === undefined ? [] : [{ cut: next.fromSeq, epoch }];
  });

/**
 * A cut at or below `cut` that parts no round: none has records on both sides, and none is open below it. A round may
 * straddle the end of an epoch, and without its plan the answers behind the cut would prove nothing.
 *
 * @param rounds all that are planned below `cut`
 */
export const closedCut = (cut: number, rounds: Iterable<RoundSpan>): number => {
  const descending = [...rounds].sort((a, b) => b.planSeq - a.planSeq);
  let closed = cut;
  for (const { planSeq, endSeq } of descending) {
    if (planSeq < closed && (endSeq === null || endSeq >= closed)) closed = planSeq;
  }
  return closed;
};
