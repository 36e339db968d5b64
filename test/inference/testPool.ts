/** Opens a pool in a scope of its own and lets a test wait for its events. */
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import * as Scope from 'effect/Scope';

import type { PoolEvent, PoolOptions } from '#src/inference/pool.ts';
import { openPool } from '#src/inference/pool.ts';

type EventOf<T extends PoolEvent['type']> = Extract<PoolEvent, { readonly type: T }>;

/** Whether a process exists; a zombie has ended but counts as existing until its parent has noticed. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

const EVENT_LIMIT_MS = 20_000;

export const openTestPool = async (options: Pick<PoolOptions, 'modelDirs'> & Partial<PoolOptions>) => {
  const events: PoolEvent[] = [];
  const watchers = new Set<() => void>();
  const scope = Effect.runSync(Scope.make());
  const pool = await Effect.runPromise(
    openPool({
      slots: 1,
      provider: 'cpu',
      queueLimit: 200,
      ...options,
      onEvent: (event) => {
        events.push(event);
        for (const watcher of watchers) watcher();
      },
    }).pipe(Scope.provide(scope)),
  );
  const close = () => Effect.runPromise(Scope.close(scope, Exit.void));
  return {
    pool,
    events,
    close,
    [Symbol.asyncDispose]: close,
    /** The nth event of a kind, as soon as it has happened. */
    event: <T extends PoolEvent['type']>(type: T, nth = 1): Promise<EventOf<T>> =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = events.filter((event): event is EventOf<T> => event.type === type)[nth - 1];
          if (found === undefined) return;
          watchers.delete(look);
          clearTimeout(timer);
          resolve(found);
        };
        const timer = setTimeout(
          () => reject(new Error(`no ${type} (${nth}): ${JSON.stringify(events)}`)),
          EVENT_LIMIT_MS,
        );
        watchers.add(look);
        look();
      }),
  };
};
