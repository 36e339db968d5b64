import * as Effect from 'effect/Effect';

import type { Outcome } from '../domain/outcome.ts';
import { StoreConflict, type StoreError, StoreFenced, StoreInvalid } from './errors.ts';
import type { GroupCommit } from './groupCommit.ts';
import type { Lease, Leases } from './lease.ts';
import { awaitAnswer, requireName } from './storeReader.ts';
import type { Exchanges } from './storeThread.ts';

type LeaseKind = 'readLease' | 'takeLease' | 'renewLease' | 'releaseLease';

/** Where leases are kept. Each change is one step for all who look. Always resolves. */
export type LeaseBackend = {
  readonly ask: <Kind extends LeaseKind>(
    kind: Kind,
    ask: Exchanges[Kind]['ask'],
  ) => Promise<Outcome<Exchanges[Kind]['answer'], StoreError>>;
};

const MAX_HOLDER_CHARACTERS = 512;

const describeHolder = (lease: Lease | null): string =>
  lease === null ? 'nobody' : `${lease.holder ?? 'nobody'} (token ${lease.token}, beat ${lease.beat})`;

/** The operations on the leases of a backend: the transactions of a database, or the scripts of a server. */
export const openLeases = (backend: LeaseBackend, group: GroupCommit): Leases => ({
  readLease: Effect.fn('store.readLease')(function* (name: string) {
    yield* requireName(name);
    return yield* awaitAnswer(() => backend.ask('readLease', name));
  }),
  takeLease: Effect.fn('store.takeLease')(function* (taking: {
    readonly name: string;
    readonly holder: string;
    readonly over: Lease | null;
  }): Effect.fn.Return<Lease, StoreError> {
    yield* requireName(taking.name);
    if (taking.holder.length === 0 || taking.holder.length > MAX_HOLDER_CHARACTERS)
      return yield* new StoreInvalid({ message: `a holder has 1 to ${MAX_HOLDER_CHARACTERS} characters` });
    const { isDone, lease } = yield* awaitAnswer(() => backend.ask('takeLease', taking));
    if (isDone && lease !== null) return lease;
    return yield* new StoreConflict({
      name: taking.name,
      actual: lease?.token ?? null,
      message: `the lease ${taking.name} is held by ${describeHolder(lease)}: read it again and watch its beat`,
    });
  }),
  renewLease: Effect.fn('store.renewLease')(function* (renewed: Lease): Effect.fn.Return<Lease, StoreError> {
    yield* requireName(renewed.name);
    const { isDone, lease } = yield* awaitAnswer(() => backend.ask('renewLease', renewed));
    if (isDone && lease !== null) return lease;
    return yield* new StoreFenced({
      lease: renewed.name,
      message: `the lease ${renewed.name} is now held by ${describeHolder(lease)}, ours was token ${renewed.token}`,
    });
  }),
  releaseLease: Effect.fn('store.releaseLease')(function* (lease: Lease) {
    yield* requireName(lease.name);
    yield* awaitAnswer(() => backend.ask('releaseLease', lease));
  }),
  fence: ({ name, token }) => group.fence({ lease: name, token }),
});
