import type * as Effect from 'effect/Effect';

import type { StoreError } from './errors.ts';

/**
 * Who may write. No clock is in it, so that no step of a clock can break it: the holder adds to `beat` while it lives,
 * and whoever sees no beat for the lease time, on a monotonic clock of its own, takes over with the next `token`.
 * Writes carry the token and are refused once another one is stored, so that a holder which slept is harmless.
 * (Fencing tokens: Kleppmann, "How to do distributed locking", 2016.)
 */
export type Lease = {
  readonly name: string;
  /** Counts from 1 and grows with each taking; never given twice. */
  readonly token: number;
  /** Who holds it, for people: host, pid, start. null after a release. */
  readonly holder: string | null;
  readonly beat: number;
};

export interface Leases {
  /** Null when nobody ever took it. */
  readLease(name: string): Effect.Effect<Lease | null, StoreError>;
  /**
   * Takes the lease if what is stored still is `over`, beat included (null: nobody ever had it). `StoreConflict`
   * otherwise: somebody else took it, or its holder lives.
   */
  takeLease(taking: {
    readonly name: string;
    readonly holder: string;
    readonly over: Lease | null;
  }): Effect.Effect<Lease, StoreError>;
  /** The next beat. `StoreFenced` when the token is not the stored one any more. */
  renewLease(lease: Lease): Effect.Effect<Lease, StoreError>;
  /** Gives it up, so that nobody has to wait. Nothing happens if somebody else has it. */
  releaseLease(lease: Lease): Effect.Effect<void, StoreError>;
  /**
   * From now on every write of this handle holds only while the stored token of this lease is this one, checked in
   * the same transaction; else it answers `StoreFenced`. Operations on leases themselves are not concerned.
   */
  readonly fence: (lease: Lease) => void;
}
