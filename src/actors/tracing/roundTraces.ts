import type { AnswerJudged } from '../../domain/evidence.ts';
import type { Span } from './otlpExporter.ts';
import { drawSpanId, isSampled, traceIdsOf } from './traceIds.ts';

/** The validator's spans of one request. */
export type AskTrace = {
  /** A reply came and was judged. Monotonic milliseconds; judging began at `judgedFromMs` and is over. */
  readonly judged: (times: {
    readonly sentAtMs: number;
    readonly receivedAtMs: number;
    readonly judgedFromMs: number;
    readonly verdict: AnswerJudged;
  }) => void;
  /** It ended without a reply. */
  readonly closed: (sentAtMs: number, verdict: AnswerJudged) => void;
  /** Its verdict is on disk: the trace is complete. */
  readonly recorded: (appendedFromMs: number) => void;
};

export type RoundTraces = {
  /** Remembers how long a round was planned, for the traces of its requests. */
  readonly planned: (roundId: string, fromMs: number) => void;
  /** null: this request is not traced. */
  readonly of: (requestId: string, roundId: string) => AskTrace | null;
};

/** Rounds under way are one or two. */
const keptPlans = 8;

type Period = { readonly fromMs: number; readonly toMs: number };

/** Outcomes that somebody has to answer for; a wrong answer is none. */
const failed: ReadonlySet<string> = new Set(['invalid', 'refused', 'missed', 'late', 'unreachable', 'lost']);
const errorOf = (outcome: string): string | null => (failed.has(outcome) ? outcome : null);

const attributesOf = (verdict: AnswerJudged) => ({
  'miaoai.round': verdict.roundId,
  'miaoai.task.kind': verdict.kind,
  'miaoai.uid': verdict.uid,
  'miaoai.outcome': verdict.outcome,
});

/** @param ratio share of requests that are traced */
export const createRoundTraces = (push: (span: Span) => void, ratio: number): RoundTraces => {
  const plans = new Map<string, Period>();

  const open = (requestId: string, plan: Period | undefined): AskTrace | null => {
    const { traceId, taskSpanId, askSpanId } = traceIdsOf(requestId);
    if (!isSampled(traceId, ratio)) return null;
    const usual = {
      traceId,
      parentSpanId: taskSpanId,
      kind: 'internal',
      attributes: {},
      error: null,
    } as const;
    const add = (name: string, period: Period, more: Partial<Span> = {}): void =>
      push({ ...usual, name, spanId: drawSpanId(), ...period, ...more });
    let beganMs = plan?.fromMs;
    let judged: AnswerJudged | null = null;
    const ended = (sentAtMs: number, verdict: AnswerJudged): void => {
      beganMs ??= sentAtMs;
      judged = verdict;
    };
    const reportAsk = (period: Period, { outcome }: AnswerJudged): void =>
      add('task.ask', period, { spanId: askSpanId, kind: 'client', error: errorOf(outcome) });
    return {
      judged: ({ sentAtMs, receivedAtMs, judgedFromMs, verdict }) => {
        ended(sentAtMs, verdict);
        reportAsk({ fromMs: sentAtMs, toMs: receivedAtMs }, verdict);
        add('answer.judge', { fromMs: judgedFromMs, toMs: performance.now() });
      },
      closed: (sentAtMs, verdict) => {
        ended(sentAtMs, verdict);
        reportAsk({ fromMs: sentAtMs, toMs: performance.now() }, verdict);
      },
      recorded: (appendedFromMs) => {
        if (judged === null) return;
        const toMs = performance.now();
        if (plan !== undefined) add('round.plan', plan);
        add('evidence.append', { fromMs: appendedFromMs, toMs });
        const attributes = attributesOf(judged);
        const whole = { spanId: taskSpanId, parentSpanId: null, attributes, error: errorOf(judged.outcome) };
        add('task', { fromMs: beganMs ?? appendedFromMs, toMs }, whole);
      },
    };
  };

  return {
    planned: (roundId, fromMs) => {
      plans.set(roundId, { fromMs, toMs: performance.now() });
      const [oldest] = plans.keys();
      if (plans.size > keptPlans && oldest !== undefined) plans.delete(oldest);
    },
    of: (requestId, roundId) => open(requestId, plans.get(roundId)),
  };
};
