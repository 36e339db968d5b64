import type { RoundRow } from '../../src/domain/view/validatorView.ts';

export type GanttBar = {
  readonly name: string;
  /** Shares of the whole axis, in [0, 1]. */
  readonly from: number;
  readonly width: number;
  readonly ms: number;
  readonly isOpen: boolean;
};

export type Gantt = {
  /** Length of the axis, from the start of the round. */
  readonly spanMs: number;
  readonly bars: readonly GanttBar[];
  readonly deadlineShare: number;
  /** Milliseconds since the start, at even distances. */
  readonly ticks: readonly number[];
};

const steps = [1, 2, 5] as const;
const mostTicks = 7;

/** Even distances of 1, 2 or 5 times a power of ten that cut a span into few parts. */
export const ticksOf = (spanMs: number): readonly number[] => {
  if (!(spanMs > 0)) return [0];
  const rough = spanMs / mostTicks;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * (steps.find((factor) => factor * power >= rough) ?? 10);
  return Array.from({ length: Math.floor(spanMs / step) + 1 }, (_, index) => index * step);
};

/** When answers stop to count: the deadline runs from the first frame on, which ends the sampling. */
export const deadlineAt = (round: RoundRow): number =>
  (round.phases.find(({ name }) => name !== 'sampling')?.from ?? round.startedAt) + round.deadlineMs;

/** The phases of a round on one axis that reaches from its start to its end or its deadline, whichever is later. */
export const ganttOf = (round: RoundRow, now: number): Gantt => {
  const deadlineMs = deadlineAt(round) - round.startedAt;
  const endMs = (round.endedAt ?? now) - round.startedAt;
  // A little air, so that the line of the deadline is not the edge.
  const spanMs = Math.max(deadlineMs, endMs, 1) * 1.04;
  return {
    spanMs,
    deadlineShare: Math.min(1, deadlineMs / spanMs),
    ticks: ticksOf(spanMs),
    bars: round.phases.map(({ name, from, to }) => {
      const ms = Math.max(0, (to ?? round.endedAt ?? now) - from);
      const start = Math.min(1, Math.max(0, (from - round.startedAt) / spanMs));
      return { name, from: start, width: Math.min(1 - start, ms / spanMs), ms, isOpen: to === null };
    }),
  };
};
