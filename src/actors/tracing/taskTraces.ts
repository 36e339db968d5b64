import type { RunTimes } from '../../inference/dispatch.ts';
import type { Span } from './otlpExporter.ts';
import { drawSpanId, isSampled, traceIdsOf } from './traceIds.ts';

/** The miner's spans of one request. */
export type TaskTrace = {
  /** For the pool: when the text waited, and when it ran. */
  readonly onRun: (times: RunTimes) => void;
  /** The answer, or the refusal that `reason` names, goes out now. */
  readonly answered: (reason: string | null) => void;
};

export type TaskTraces = {
  /** A task is begun that came at `receivedAtMs`, monotonic. null: this request is not traced. */
  readonly begin: (task: {
    readonly id: string;
    readonly kind: string;
    readonly receivedAtMs: number;
  }) => TaskTrace | null;
  /** The validator has them on disk, or does not want them: over whichever link it says so. */
  readonly acknowledged: (ids: readonly string[]) => void;
};

/** Answers on their way whose end is waited for; a validator need not acknowledge anything. */
const maxSent = 1_024;

type Send = { readonly traceId: string; readonly askSpanId: string; readonly fromMs: number };

/** @param ratio share of requests that are traced */
export const createTaskTraces = (push: (span: Span) => void, ratio: number): TaskTraces => {
  const sent = new Map<string, Send>();

  const add = (
    { traceId, askSpanId }: Pick<Send, 'traceId' | 'askSpanId'>,
    span: Pick<Span, 'name' | 'fromMs' | 'toMs'> & Partial<Span>,
  ): void =>
    push({
      traceId,
      parentSpanId: askSpanId,
      spanId: drawSpanId(),
      kind: 'internal',
      attributes: {},
      error: null,
      ...span,
    });

  const closeSend = (id: string, send: Send, error: string | null): void => {
    sent.delete(id);
    add(send, { name: 'answer.send', fromMs: send.fromMs, toMs: performance.now(), error });
  };

  const remember = (id: string, send: Send): void => {
    sent.set(id, send);
    const [oldest] = sent;
    if (sent.size > maxSent && oldest !== undefined) closeSend(oldest[0], oldest[1], 'never acknowledged');
  };

  return {
    begin: ({ id, kind, receivedAtMs }) => {
      const ids = traceIdsOf(id);
      if (!isSampled(ids.traceId, ratio)) return null;
      add(ids, {
        name: 'task.receive',
        kind: 'server',
        fromMs: receivedAtMs,
        toMs: performance.now(),
        attributes: { 'miaoai.task.kind': kind },
      });
      return {
        onRun: ({ acceptedAtMs, startedAtMs, endedAtMs, texts }) => {
          add(ids, { name: 'inference.queue', fromMs: acceptedAtMs, toMs: startedAtMs });
          const attributes = { 'miaoai.batch.texts': texts };
          add(ids, { name: 'inference.run', fromMs: startedAtMs, toMs: endedAtMs, attributes });
        },
        answered: (reason) => {
          const fromMs = performance.now();
          if (reason === null) remember(id, { ...ids, fromMs });
          else add(ids, { name: 'answer.send', fromMs, toMs: fromMs, error: reason });
        },
      };
    },
    acknowledged: (ids) => {
      if (sent.size === 0) return;
      for (const id of ids) {
        const send = sent.get(id);
        if (send !== undefined) closeSend(id, send, null);
      }
    },
  };
};
