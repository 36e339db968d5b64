import * as Cause from 'effect/Cause';
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import type { EventObject } from 'xstate';

import type { InferenceError } from '../inference/errors.ts';
import { type InferencePool, openPool, type PoolEvent, type PoolOptions } from '../inference/pool.ts';
import type { InferencePoolEvent, InferenceWorkers } from '../machines/inferencePool.machine.ts';
import { type ActorRuntime, fromScoped, type Link } from './bridge.ts';
import { CurrentPool } from './taskDesk.ts';

export type PoolSettings = Omit<PoolOptions, 'slots' | 'onEvent'>;

const drainPollMs = 50;

/** Pool events are facts of one edge; the machine gets them with the time it needs for its restart limit. */
const translate = (event: PoolEvent, planned: string | null): InferencePoolEvent => {
  if (event.type === 'worker.exited') return { ...event, at: performance.now() };
  return event.type === 'worker.ready' ? { ...event, note: event.note ?? planned } : event;
};

/** Resolves when everything admitted has been answered. */
const drained = (pool: InferencePool): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { queued, running } = pool.stats();
    return queued + running === 0 ? Effect.void : Effect.andThen(Effect.sleep(drainPollMs), drained(pool));
  });

const isStart = (event: EventObject): event is { readonly type: 'worker.start'; readonly slot: number } =>
  event.type === 'worker.start' && 'slot' in event;

const open = (settings: PoolSettings) =>
  Effect.fn('inferenceWorkers.open')(function* (
    link: Link<{ readonly slots: number }, EventObject, InferencePoolEvent>,
  ) {
    const holder = yield* CurrentPool;
    const pool: InferencePool = yield* openPool({
      ...settings,
      slots: link.input.slots,
      // No worker is started before the pool is there, so that no event comes earlier.
      onEvent: (event) => link.emit(translate(event, pool.plan.reason)),
    });
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        holder.pool = pool;
      }),
      () =>
        Effect.sync(() => {
          holder.pool = null;
        }),
    );
    const drain = Effect.andThen(
      drained(pool),
      Effect.sync(() => link.emit({ type: 'pool.drained' })),
    );
    link.receive((event) => {
      if (isStart(event)) pool.startWorker(event.slot);
      if (event.type === 'pool.drain') Effect.runFork(drain);
    });
    for (let slot = 0; slot < link.input.slots; slot += 1) pool.startWorker(slot);
    return yield* Effect.never;
  });

const reason = (exit: Exit.Exit<never, InferenceError>): string => {
  if (Exit.isSuccess(exit)) return 'closed';
  const error = Cause.findErrorOption(exit.cause);
  return error._tag === 'Some' ? error.value.message : String(Cause.squash(exit.cause));
};

/** The child processes of this miner, from the first model load to the last answer. */
export const inferenceWorkers = (
  runtime: ActorRuntime<CurrentPool>,
  settings: PoolSettings,
): InferenceWorkers =>
  fromScoped(runtime)(open(settings), (exit) => ({ type: 'pool.closed' as const, reason: reason(exit) }));
