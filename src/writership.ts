/** How a validator comes to be the one that writes for its hotkey: it stands by until the lease of its store is held. */
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import * as Scope from 'effect/Scope';
import type { InspectionEvent } from 'xstate';

import { startWriterLease, type WriterLeaseSystem } from './actors/writerLease.system.ts';
import { prepareTimelock } from './chain/timelock.ts';
import { fail, type Outcome, succeed } from './domain/outcome.ts';
import type { Logger } from './logging.ts';
import { tryHolderLock } from './store/holderLock.ts';
import { readMark, unusableBecause } from './store/moved.ts';
import type { StoreHandle } from './store/store.ts';

/**
 * The lock of the data folder that the operating system takes from a dead process: asked for until it is ours, and kept
 * until `close`. It only shortens the wait for a dead holder; where it cannot be had at all, the lease time decides.
 */
export const openHolderLock = (dir: string) => {
  let kept: Scope.Closeable | null = null;
  const take: Effect.Effect<boolean> = Effect.suspend(() => {
    if (kept !== null) return Effect.succeed(true);
    const scope = Scope.makeUnsafe();
    return Effect.flatMap(
      Effect.orElseSucceed(Scope.provide(tryHolderLock(dir), scope), () => false),
      (isOurs) => {
        if (!isOurs) return Effect.as(Scope.close(scope, Exit.void), false);
        kept = scope;
        return Effect.succeed(true);
      },
    );
  });
  const close = Effect.suspend(() => (kept === null ? Effect.void : Scope.close(kept, Exit.void)));
  return { take, close };
};

/**
 * Signals before there is anything to drain. Whoever watches for them next begins before this one ends: a signal that
 * came during a long step is on its way to the listeners there are, and is lost when the last of them goes.
 */
export type EarlySignals = { readonly hasCome: () => boolean; readonly stop: () => void };

export type Writership = {
  readonly lease: WriterLeaseSystem;
  /** How often a validator has begun to write with this store, this time included. */
  readonly starts: number;
  /** Whether a signal to stop came meanwhile, and the end of watching for one. */
  readonly signals: EarlySignals;
};

export type WritershipOptions = {
  readonly store: StoreHandle;
  readonly leaseMs: number;
  /** Null for a store whose processes may be on different machines. */
  readonly takeHolderLock: Effect.Effect<boolean> | null;
  readonly log: Logger;
  /** Sees the machine of the lease, as those of the daemon are seen. */
  readonly onInspection?: ((inspected: InspectionEvent) => void) | undefined;
  /** Ends the process: nothing was written by it. */
  readonly leave: (exit: 'drained' | 'failed', reason: string) => Promise<never>;
};

/** Why the store must not be used any more; null while it may. */
const movedReason = (store: StoreHandle): Promise<string | null> =>
  Effect.runPromise(
    Effect.match(readMark(store), {
      onSuccess: unusableBecause,
      onFailure: (error) => `the store cannot be read: ${error.message}`,
    }),
  );

const countStart = (store: StoreHandle): Promise<Outcome<number, string>> =>
  Effect.runPromise(
    Effect.match(store.addTo('starts', 1), {
      onSuccess: (starts) => succeed(starts),
      onFailure: (error) => fail(`the store cannot be written: ${error.message}`),
    }),
  );

/**
 * SIGTERM and SIGINT before this process acts: there is nothing to drain. When one comes, the lease
 * is given up, which may have been held already.
 */
const leaveOnSignal = (lease: WriterLeaseSystem): EarlySignals => {
  let hasCome = false;
  const onSignal = (): void => {
    hasCome = true;
    void lease.end();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return {
    hasCome: () => hasCome,
    stop: () => {
      process.off('SIGTERM', onSignal);
      process.off('SIGINT', onSignal);
    },
  };
};

/**
 * Waits until this process is the one that writes, ready to go on at once: everything is loaded, only the chain is not
 * asked yet. From then on each write of the store carries the lease. Does not return where the process has to end.
 */
export const becomeWriter = async (options: WritershipOptions): Promise<Writership> => {
  const { store, leaseMs, takeHolderLock, log, onInspection, leave } = options;
  const movedBefore = await movedReason(store);
  if (movedBefore !== null) return leave('failed', movedBefore);
  prepareTimelock();
  const lease = startWriterLease({ leases: store, leaseMs, takeHolderLock, log, onInspection });
  const signals = leaveOnSignal(lease);
  const giveUp = async (): Promise<void> => {
    await lease.end();
    signals.stop();
  };
  const held = await lease.held;
  if (!held.ok) {
    await giveUp();
    return leave(held.error.end === 'withdrawn' ? 'drained' : 'failed', held.error.reason);
  }
  store.fence(held.value);
  // It may have been moved while another one wrote.
  const moved = await movedReason(store);
  const counted = await countStart(store);
  if (signals.hasCome()) {
    await giveUp();
    return leave('drained', 'stopped before it began to write');
  }
  const problem = moved ?? (counted.ok ? null : counted.error);
  if (problem === null && counted.ok) return { lease, starts: counted.value, signals };
  await giveUp();
  return leave('failed', problem ?? '');
};
