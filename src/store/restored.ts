import * as Effect from 'effect/Effect';
import * as Schema from 'effect/Schema';

import type { StoreError } from './errors.ts';
import type { StoreReader } from './store.ts';

/** Name of the snapshot that a restored store carries. */
export const RESTORED_SNAPSHOT = 'store.restored';
export const RESTORED_VERSION = 1;

/** Value of that snapshot: wall clock of the restore, and the newest record of each log in the backup. */
const Mark = Schema.Struct({ atMs: Schema.Finite, fromSeq: Schema.Record(Schema.String, Schema.Finite) });
export type RestoredMark = typeof Mark.Type;

/** When and to where the store was taken back; null for one that never was, or whose mark cannot be read. */
export const readRestored = (store: StoreReader): Effect.Effect<RestoredMark | null, StoreError> =>
  Effect.map(store.loadSnapshot(RESTORED_SNAPSHOT), (snapshot) => {
    const decoded = Schema.decodeUnknownResult(Mark)(snapshot?.value);
    return decoded._tag === 'Success' ? decoded.success : null;
  });
