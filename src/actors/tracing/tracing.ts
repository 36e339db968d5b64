import * as Context from 'effect/Context';
import * as Effect from 'effect/Effect';
import * as Layer from 'effect/Layer';

import type { Logger } from '../../logging.ts';
import { createOtlpExporter, type SpanExporter } from './otlpExporter.ts';
import { createRoundTraces, type RoundTraces } from './roundTraces.ts';
import { createTaskTraces, type TaskTraces } from './taskTraces.ts';
import { traceSettingsOf } from './traceSettings.ts';

/** Traces of this process. */
export type Tracing = {
  /** The validator's side of a request. */
  readonly rounds: RoundTraces;
  /** The miner's side. */
  readonly tasks: TaskTraces;
  /** Sends what waits; takes 3 s at most. */
  readonly close: () => Promise<void>;
};

export const createTracing = (exporter: SpanExporter, ratio: number): Tracing => ({
  rounds: createRoundTraces(exporter.push, ratio),
  tasks: createTaskTraces(exporter.push, ratio),
  close: exporter.close,
});

/** Traces as the standard variables ask for them; null: they are off. */
export const openTracing = (options: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly role: 'validator' | 'miner';
  readonly version: string;
  readonly log: Logger;
}): Tracing | null => {
  const { env, role, version, log } = options;
  const { settings, ignored } = traceSettingsOf(env, { role, version });
  if (ignored.length > 0)
    log.warn({ event: 'traces.ignored', ignored }, 'settings of traces that cannot be read');
  if (settings === null) return null;
  const { origin, pathname } = new URL(settings.url);
  const fields = { event: 'traces.opened', collector: `${origin}${pathname}`, ratio: settings.ratio };
  log.info(fields, 'traces are sent to a collector');
  return createTracing(createOtlpExporter(settings, { log }), settings.ratio);
};

/** null, which is the default: off, and then all of it costs a comparison. */
export const Traces = Context.Reference<Tracing | null>('actors/Traces', { defaultValue: () => null });

/** Hands the traces to actors; when their runtime ends, what waits is sent. */
export const tracesLayer = (tracing: Tracing | null) =>
  Layer.effect(
    Traces,
    Effect.acquireRelease(Effect.succeed(tracing), (held) =>
      held === null ? Effect.void : Effect.promise(held.close),
    ),
  );
