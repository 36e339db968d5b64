import type { InferenceView } from '../../domain/view/minerView.ts';
import type { PoolStats } from '../../inference/pool.ts';
import type { Timed } from './requestLog.ts';

const everyMs = 1_000;
const maxPoints = 120;
/** What rates and percentiles are told of. */
const windowMs = 60_000;

type Point = InferenceView['history'][number];
type Sample = Pick<PoolStats, 'runs' | 'served' | 'tokens'> & { readonly at: number };

/** Rates of the inference pool, sampled once a second. */
export type InferenceGauge = {
  readonly rates: () => Pick<
    InferenceView,
    'batchesPerSecond' | 'itemsPerSecond' | 'tokensPerSecond' | 'meanBatch' | 'latencyMs'
  >;
  /** Oldest first; the same list until the next sample. */
  readonly history: () => readonly Point[];
  readonly close: () => void;
};

const percentile = (sorted: Float64Array, share: number): number =>
  Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);

/** What says to be of times to come is of a clock that was set back since. */
const sortedMs = (answers: readonly Timed[], nowMs: number): Float64Array =>
  Float64Array.from(
    answers.filter(({ at }) => at <= nowMs),
    ({ ms }) => ms,
  ).sort();

/** Two digits are enough for people, and keep a page from being told of every breath. */
const round = (value: number): number => Math.round(value * 100) / 100;

const noStats = { queued: 0, runs: 0, served: 0, tokens: 0 };

/**
 * @param given.stats null while there is no pool
 * @param given.answeredSince answers with how long they took, since a time in Unix milliseconds
 * @param given.now Unix milliseconds
 */
export const createInferenceGauge = (given: {
  readonly stats: () => PoolStats | null;
  readonly answeredSince: (at: number) => readonly Timed[];
  readonly now: () => number;
}): InferenceGauge => {
  const { stats, answeredSince, now } = given;
  let samples: readonly Sample[] = [];
  let history: readonly Point[] = [];

  const look = (): void => {
    const at = now();
    const { queued, runs, served, tokens } = stats() ?? noStats;
    const before = samples.at(-1);
    // A pool that was opened anew counts from 0 again.
    const isNew = before !== undefined && runs < before.runs;
    const kept = isNew ? [] : samples.filter((sample) => sample.at <= at && sample.at >= at - windowMs);
    samples = [...kept, { runs, served, tokens, at }];
    const sorted = sortedMs(answeredSince(at - everyMs), at);
    const items = before === undefined || isNew ? 0 : served - before.served;
    const p95Ms = sorted.length === 0 ? null : percentile(sorted, 0.95);
    history = [...history, { at, queued, items, p95Ms }].slice(-maxPoints);
  };

  const timer = setInterval(look, everyMs);
  timer.unref();
  return {
    rates: () => {
      const [first] = samples;
      const last = samples.at(-1);
      const seconds = first === undefined || last === undefined ? 0 : (last.at - first.at) / 1_000;
      const perSecond = (of: 'runs' | 'served' | 'tokens'): number =>
        seconds <= 0 ? 0 : round(((last?.[of] ?? 0) - (first?.[of] ?? 0)) / seconds);
      const runs = (last?.runs ?? 0) - (first?.runs ?? 0);
      const nowMs = now();
      const sorted = sortedMs(answeredSince(nowMs - windowMs), nowMs);
      return {
        batchesPerSecond: perSecond('runs'),
        itemsPerSecond: perSecond('served'),
        tokensPerSecond: perSecond('tokens'),
        meanBatch: runs <= 0 ? null : round(((last?.served ?? 0) - (first?.served ?? 0)) / runs),
        latencyMs:
          sorted.length === 0
            ? null
            : {
                p50: percentile(sorted, 0.5),
                p95: percentile(sorted, 0.95),
                p99: percentile(sorted, 0.99),
              },
      };
    },
    history: () => history,
    close: () => clearInterval(timer),
  };
};
