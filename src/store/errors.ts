import * as Data from 'effect/Data';

import type { StoreFailure } from '../domain/failures.ts';

/** The store did not answer, or its disk refused; whether the last write took effect is unknown. */
export class StoreUnavailable extends Data.TaggedError('StoreUnavailable')<{
  readonly message: string;
  readonly cause?: unknown;
}> {}

/** Nothing was written: too much waits for the disk (`queue`), or the disk has no room (`disk`). */
export class StoreFull extends Data.TaggedError('StoreFull')<{
  readonly where: 'queue' | 'disk';
  readonly message: string;
}> {}

/** The database file itself is damaged; single unreadable values are set aside instead and never end here. */
export class StoreCorrupt extends Data.TaggedError('StoreCorrupt')<{ readonly message: string }> {}

/** Someone else saved first: `actual` is the revision now stored, null when there is none. */
export class StoreConflict extends Data.TaggedError('StoreConflict')<{
  readonly name: string;
  readonly actual: number | null;
  readonly message: string;
}> {}

/** Another process has taken the lease this handle writes under: nothing was written, and nothing will be any more. */
export class StoreFenced extends Data.TaggedError('StoreFenced')<{
  readonly lease: string;
  readonly message: string;
}> {}

/** A name, key or value that cannot be stored. A defect of the caller, reported instead of stored wrongly. */
export class StoreInvalid extends Data.TaggedError('StoreInvalid')<{
  readonly message: string;
  /** A setting is wrong (password, right, file, URL): no restart mends it. */
  readonly isSetting?: boolean;
}> {}

/** The folder exists but may not be used; `message` ends with the command that repairs it. */
export class DataDirRefused extends Data.TaggedError('DataDirRefused')<{
  readonly dir: string;
  readonly message: string;
}> {}

/** A living process uses the folder; `pid` is null while that process is still starting. */
export class DataDirLocked extends Data.TaggedError('DataDirLocked')<{
  readonly dir: string;
  readonly pid: number | null;
  readonly message: string;
}> {}

/** Written by a newer release, whose rows this one could only damage. */
export class SchemaTooNew extends Data.TaggedError('SchemaTooNew')<{
  readonly found: number;
  readonly supported: number;
  readonly message: string;
}> {}

/** The store was made for another identity (hotkey, subnet, network or role) than the one asking. */
export class StoreForeign extends Data.TaggedError('StoreForeign')<{
  readonly owner: string;
  readonly message: string;
}> {}

/** What an operation on an open store can answer instead of a result. */
export type StoreError =
  | StoreUnavailable
  | StoreFull
  | StoreCorrupt
  | StoreConflict
  | StoreFenced
  | StoreInvalid;

/** What can keep a store from opening. */
export type StoreOpenError = StoreError | DataDirRefused | DataDirLocked | SchemaTooNew | StoreForeign;

/** What a machine may learn of it: a plain object, because it may be persisted. */
export const toStoreFailure = (error: StoreOpenError): StoreFailure => {
  switch (error._tag) {
    case 'StoreFull':
    case 'StoreCorrupt':
    case 'StoreFenced':
      return { _tag: error._tag, message: error.message };
    default:
      return { _tag: 'StoreUnavailable', message: error.message };
  }
};
