import type { Logger } from '../../logging.ts';
import type { TraceSettings } from './traceSettings.ts';

/** One finished piece of work. Times are monotonic milliseconds (`performance.now()`). */
export type Span = {
  readonly traceId: string;
  readonly spanId: string;
  /** null for the root. */
  readonly parentSpanId: string | null;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client';
  readonly fromMs: number;
  readonly toMs: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** What went wrong; null when nothing did. */
  readonly error: string | null;
};

export type SpanExporter = {
  /** Never throws, never waits: a span that has no room is dropped. */
  readonly push: (span: Span) => void;
  /** Sends what waits, within the time of one export, and ends. */
  readonly close: () => Promise<void>;
};

const warnEveryMs = 600_000;
/** Longest end of a daemon that waits for its collector. */
const closePatienceMs = 3_000;

// opentelemetry/proto/trace/v1/trace.proto: Span.SpanKind, Status.StatusCode
const kinds = { internal: 1, server: 2, client: 3 } as const;
const status = { unset: 0, error: 2 } as const;

const anyValue = (value: string | number | boolean): object => {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
};

const attributesOf = (attributes: Span['attributes']): readonly object[] =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));

/** Unix time of a monotonic one in nanoseconds, exact to a microsecond: more does not fit a double. */
const nanosOf = (monotonicMs: number, offsetMs: number): string =>
  `${Math.round((monotonicMs + offsetMs) * 1_000)}000`;

const encodeSpan = (span: Span, offsetMs: number): object => ({
  traceId: span.traceId,
  spanId: span.spanId,
  ...(span.parentSpanId === null ? {} : { parentSpanId: span.parentSpanId }),
  name: span.name,
  kind: kinds[span.kind],
  startTimeUnixNano: nanosOf(span.fromMs, offsetMs),
  endTimeUnixNano: nanosOf(Math.max(span.fromMs, span.toMs), offsetMs),
  attributes: attributesOf(span.attributes),
  status: span.error === null ? { code: status.unset } : { code: status.error, message: span.error },
});

/** Body of `POST /v1/traces` (OTLP/HTTP, JSON encoding). */
export const encodeTraces = (spans: readonly Span[], resource: TraceSettings['resource']): string => {
  // As the wall clock stands now: one that was set meanwhile moves all spans of an export alike.
  const offsetMs = Date.now() - performance.now();
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: attributesOf(resource) },
        scopeSpans: [{ scope: { name: 'miaoai' }, spans: spans.map((span) => encodeSpan(span, offsetMs)) }],
      },
    ],
  });
};

/** Posts one batch; rejects when the collector does not take it. Its answer is bounded by what is left unread. */
const post = async ({ url, headers, timeoutMs }: TraceSettings, body: string, limitMs: number) => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body,
    redirect: 'error',
    signal: AbortSignal.timeout(Math.min(timeoutMs, limitMs)),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`the collector answered ${response.status}`);
};

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
};

/**
 * Sends spans to a collector, one export at a time. What waits is bounded and what a collector does not take is gone:
 * nothing in the daemon waits for it, and the log hears of it at most once in ten minutes.
 */
export const createOtlpExporter = (
  settings: TraceSettings,
  { log, now = () => performance.now() }: { readonly log: Logger; readonly now?: () => number },
): SpanExporter => {
  let queue: Span[] = [];
  let sending: Promise<void> | null = null;
  let lost = 0;
  let warnedAtMs: number | null = null;

  const warn = (failure: string): void => {
    if (warnedAtMs !== null && now() - warnedAtMs < warnEveryMs) return;
    warnedAtMs = now();
    log.warn(
      { event: 'traces.failed', failure, lost },
      'traces do not reach their collector; nothing else is affected',
    );
    lost = 0;
  };

  const sendOne = async (limitMs: number): Promise<boolean> => {
    const batch = queue.slice(0, settings.maxBatch);
    queue = queue.slice(batch.length);
    try {
      await post(settings, encodeTraces(batch, settings.resource), limitMs);
      return true;
    } catch (error) {
      lost += batch.length;
      warn(reasonOf(error));
      return false;
    }
  };

  /** Empties the queue; the first batch that fails ends it, so that a dead collector costs one wait per period. */
  const drain = async (limitMs: number): Promise<void> => {
    while (queue.length > 0 && (await sendOne(limitMs))) {
      // The next batch.
    }
  };

  const send = (): void => {
    if (sending !== null || queue.length === 0) return;
    sending = drain(settings.timeoutMs).finally(() => {
      sending = null;
    });
  };

  const timer = setInterval(send, settings.exportEveryMs);
  timer.unref();
  let isClosed = false;

  return {
    push: (span) => {
      if (isClosed) return;
      if (queue.length >= settings.maxQueued) {
        lost += 1;
        warn('more spans than can be sent');
        return;
      }
      queue.push(span);
      if (queue.length >= settings.maxBatch) send();
    },
    close: async () => {
      isClosed = true;
      clearInterval(timer);
      const rest = (sending ?? Promise.resolve()).then(() => drain(closePatienceMs));
      let patience: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        patience = setTimeout(resolve, closePatienceMs);
      });
      await Promise.race([rest, late]);
      clearTimeout(patience);
    },
  };
};
