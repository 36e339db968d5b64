import * as Effect from 'effect/Effect';

import type {
  HeldLease,
  LeaseFailure,
  ReadLease,
  ReleaseLease,
  RenewLease,
  TakeLease,
} from '../machines/writerLeaseSetup.ts';
import { type StoreError, toStoreFailure } from '../store/errors.ts';
import type { Lease, Leases } from '../store/lease.ts';
import { type ActorRuntime, fromEffect } from './bridge.ts';
import { isHolderAlive, parseHolder } from './writerLeaseHolder.ts';

/** One lease per store: a store belongs to one hotkey. */
export const writerLeaseName = 'writer';

export type WriterLeaseParts = {
  readonly runtime: ActorRuntime<never>;
  readonly leases: Leases;
  /**
   * True once this process has the lock that the operating system takes from a dead one; asked again until then. Null
   * where there is no such lock.
   */
  readonly takeHolderLock: Effect.Effect<boolean> | null;
};

const isHolderDead = Effect.fn('writerLease.isHolderDead')(function* (
  lease: Lease | null,
  takeHolderLock: WriterLeaseParts['takeHolderLock'],
) {
  if (lease?.holder === undefined || lease.holder === null) return false;
  const isAlive = isHolderAlive(lease.holder);
  if (isAlive !== null || takeHolderLock === null) return isAlive === false;
  return yield* takeHolderLock;
});

export const readLease = ({ runtime, leases, takeHolderLock }: WriterLeaseParts): ReadLease =>
  fromEffect(runtime)(() =>
    Effect.gen(function* () {
      const lease = yield* leases.readLease(writerLeaseName);
      return {
        lease,
        isHolderDead: yield* isHolderDead(lease, takeHolderLock),
        holderLeaseMs: parseHolder(lease?.holder ?? '')?.leaseMs ?? null,
      };
    }).pipe(Effect.mapError(toStoreFailure)),
  );

/** The lease with the time since before it was asked for. */
const timed = <E>(asking: Effect.Effect<Lease, E>): Effect.Effect<HeldLease, E> =>
  Effect.suspend(() => {
    const askedAtMs = performance.now();
    return Effect.map(asking, (lease) => ({ lease, tookMs: performance.now() - askedAtMs }));
  });

const toLeaseFailure = (error: StoreError): LeaseFailure =>
  error._tag === 'StoreConflict' ? { _tag: 'Conflict', message: error.message } : toStoreFailure(error);

export const takeLease = ({ runtime, leases }: WriterLeaseParts): TakeLease =>
  fromEffect(runtime)(({ holder, over }) =>
    Effect.mapError(timed(leases.takeLease({ name: writerLeaseName, holder, over })), toLeaseFailure),
  );

/** Whoever holds the lease also holds the lock, as soon as it is free. */
const keepHolderLock = (takeHolderLock: WriterLeaseParts['takeHolderLock']): Effect.Effect<unknown> =>
  takeHolderLock ?? Effect.void;

export const renewLease = ({ runtime, leases, takeHolderLock }: WriterLeaseParts): RenewLease =>
  fromEffect(runtime)(({ lease }) =>
    timed(leases.renewLease(lease)).pipe(
      Effect.tap(keepHolderLock(takeHolderLock)),
      Effect.mapError(toStoreFailure),
    ),
  );

export const releaseLease = ({ runtime, leases }: WriterLeaseParts): ReleaseLease =>
  fromEffect(runtime)(({ lease }) => Effect.mapError(leases.releaseLease(lease), toStoreFailure));
