import * as Effect from 'effect/Effect';
import * as Schema from 'effect/Schema';
import type { AnyActorRef, AnyMachineSnapshot, AnyStateMachine, Snapshot } from 'xstate';

import type { StoreFailure } from '../domain/failures.ts';
import { EpochIndex } from '../domain/ids.ts';
import { CommittedWeights } from '../domain/reveals.ts';
import { toStoreFailure } from '../store/errors.ts';
import { type Json, StoreService } from '../store/store.ts';

/**
 * What of the machines outlives the process. Small machines are persisted one by one, never the tree: a parent's
 * snapshot would embed every child. The version changes whenever the context of the machine does; a snapshot of
 * another version, or one that does not decode, is left alone and the machine starts afresh.
 */
type Persisted = {
  readonly name: string;
  readonly version: number;
  readonly schema: Schema.Codec<{ readonly status: 'active' }, unknown>;
  /** Whether this moment may be persisted at all. */
  readonly isRestPoint: (ref: AnyActorRef) => boolean;
};

const active = Schema.Literal('active');
const Value = Schema.Union([Schema.String, Schema.Record(Schema.String, Schema.Json)]);

const matches = (ref: AnyActorRef, value: unknown): boolean => {
  const snapshot: { readonly matches?: (value: unknown) => boolean } = ref.getSnapshot();
  return snapshot.matches?.(value) ?? false;
};

/** By actor id. */
const persisted: Readonly<Record<string, Persisted>> = {
  weightSetting: {
    name: 'machine.weightSetting',
    version: 3,
    schema: Schema.Struct({
      status: active,
      value: Value,
      context: Schema.Struct({
        sinceEpoch: Schema.NullOr(EpochIndex),
        confirmedEpoch: Schema.NullOr(EpochIndex),
        missedEpoch: Schema.NullOr(EpochIndex),
        behind: Schema.Int,
        resendAtBlock: Schema.Int,
        repeats: Schema.Int,
      }),
    }),
    isRestPoint: () => true,
  },
  weightReveal: {
    name: 'machine.weightReveal',
    version: 1,
    schema: Schema.Struct({
      status: active,
      value: Value,
      context: Schema.Struct({
        watched: Schema.Array(CommittedWeights),
        settled: Schema.Array(Schema.String),
      }),
    }),
    isRestPoint: () => true,
  },
  epoch: {
    name: 'machine.epoch',
    version: 1,
    schema: Schema.Struct({
      status: active,
      value: Value,
      context: Schema.Struct({ epoch: EpochIndex, rounds: Schema.Int }),
    }),
    // A round under way has no snapshot: after a crash its records say what is left of it (`unfinishedRounds.ts`).
    isRestPoint: (ref) => !matches(ref, { rounds: 'collecting' }),
  },
};

/** A snapshot as XState restores it. */
export type RestorableSnapshot = Snapshot<unknown> & { readonly context?: { readonly epoch?: number } };

const load = (entry: Persisted) =>
  Effect.flatMap(StoreService, (store) => store.loadSnapshot(entry.name)).pipe(
    Effect.mapError(toStoreFailure),
    Effect.map((stored): RestorableSnapshot | null => {
      if (stored?.version !== entry.version) return null;
      const decoded = Schema.decodeUnknownResult(entry.schema)(stored.value);
      // Checked for the parts we rely on; the rest of the snapshot is XState's own.
      return decoded._tag === 'Success' ? (stored.value as unknown as RestorableSnapshot) : null;
    }),
  );

/** What an earlier life persisted, by actor id. */
export const loadSnapshots: Effect.Effect<
  ReadonlyMap<string, RestorableSnapshot>,
  StoreFailure,
  StoreService
> = Effect.forEach(Object.entries(persisted), ([id, entry]) =>
  Effect.map(load(entry), (snapshot) => [id, snapshot] as const),
).pipe(
  Effect.map(
    (entries) =>
      new Map(entries.flatMap(([id, snapshot]) => (snapshot === null ? [] : [[id, snapshot] as const]))),
  ),
);

export type Restoring = {
  /** Whether the snapshot belongs to what is spawned with this input. */
  readonly fits: (snapshot: RestorableSnapshot, input: unknown) => boolean;
  /** Parts of the context that come from this life, not from the one that was persisted. */
  readonly renew: (input: unknown) => object;
  /** Told once, with the reason, when the machine starts afresh because the snapshot cannot be used. */
  readonly onUnusable: (reason: unknown) => void;
};

const restored = (
  machine: AnyStateMachine,
  snapshot: RestorableSnapshot,
  scope: Parameters<AnyStateMachine['restoreSnapshot']>[1],
): AnyMachineSnapshot => {
  const state = machine.restoreSnapshot(snapshot, scope);
  if (state.status === 'error') throw state.error;
  return state;
};

/**
 * A machine that starts from a snapshot the first time it is spawned, and afresh ever after. XState restores roots
 * only; a child is restored by handing its parent a logic whose initial snapshot is the restored one.
 */
export const restoring = <M extends AnyStateMachine>(
  machine: M,
  snapshot: RestorableSnapshot | undefined,
  { fits, renew, onUnusable }: Restoring,
): M => {
  let pending = snapshot;
  const getInitialSnapshot: M['getInitialSnapshot'] = (scope, input) => {
    const kept = pending;
    pending = undefined;
    if (kept === undefined || !fits(kept, input)) return machine.getInitialSnapshot(scope, input);
    try {
      return restored(machine, { ...kept, context: { ...kept.context, ...renew(input) } }, scope);
    } catch (reason) {
      // It names a state this machine does not have. Failing here would fail at every start again.
      onUnusable(reason);
      return machine.getInitialSnapshot(scope, input);
    }
  };
  return Object.create(machine, { getInitialSnapshot: { value: getInitialSnapshot } });
};

/** Writes the persisted form of an actor, if it is one that is kept and this is a moment to keep. */
export const saveSnapshotOf = (
  ref: AnyActorRef,
): Effect.Effect<void, StoreFailure, StoreService> | undefined => {
  const entry = Object.hasOwn(persisted, ref.id) ? persisted[ref.id] : undefined;
  if (entry === undefined || ref.getSnapshot().status !== 'active' || !entry.isRestPoint(ref))
    return undefined;
  const value = JSON.parse(JSON.stringify(ref.getPersistedSnapshot())) as Json;
  return Effect.flatMap(StoreService, (store) =>
    store.saveSnapshot({ name: entry.name, version: entry.version, value }),
  ).pipe(Effect.mapError(toStoreFailure), Effect.asVoid);
};
