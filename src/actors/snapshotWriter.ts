import type * as Effect from 'effect/Effect';
import type { AnyActorRef } from 'xstate';

import type { StoreFailure } from '../domain/failures.ts';
import type { StoreService } from '../store/store.ts';
import { saveSnapshotOf } from './snapshots.ts';

export type SnapshotWriter = {
  readonly onTransition: (ref: AnyActorRef) => void;
  /** Resolves when everything handed over so far is on disk or has failed. */
  readonly flush: () => Promise<void>;
};

type Save = Effect.Effect<void, StoreFailure, StoreService>;

/**
 * Persists machines as they move, in order. While one write is under way only the newest state of each machine is
 * kept for the next: a slow disk drops intermediate states, never the last one.
 */
export const snapshotWriter = (options: {
  readonly run: (save: Save) => Promise<void>;
  readonly onFailure: (failure: unknown) => void;
}): SnapshotWriter => {
  const waiting = new Map<string, Save>();
  let isWriting = false;
  let writing = Promise.resolve();

  const drain = async (): Promise<void> => {
    isWriting = true;
    for (let next = waiting.entries().next(); !next.done; next = waiting.entries().next()) {
      const [id, save] = next.value;
      waiting.delete(id);
      try {
        await options.run(save);
      } catch (failure) {
        options.onFailure(failure);
      }
    }
    isWriting = false;
  };

  return {
    onTransition: (ref) => {
      const save = saveSnapshotOf(ref);
      if (save === undefined) return;
      waiting.set(ref.id, save);
      if (!isWriting) writing = drain();
    },
    flush: () => writing,
  };
};
