/**
 * What keeps a store from writing.
 *
 * - `unreachable`: no connection, or no answer in time.
 * - `loading`: the server reads its data set (`LOADING`).
 * - `readOnly`: a replica after a fail-over (`READONLY`), a file system mounted read-only.
 * - `full`: no room on the disk.
 * - `memory`: the server's `maxmemory` is reached (`OOM`).
 * - `misconfigured`: the server cannot persist (`MISCONF`), or lacks a right (`NOPERM`, `NOAUTH`).
 * - `descriptors`: no file or socket can be opened (`EMFILE`, `ENFILE`).
 * - `slow`: writes wait longer than they should, or more than half of what may wait does.
 * - `failed`: anything else.
 */
export type StoreTrouble =
  | 'unreachable'
  | 'loading'
  | 'readOnly'
  | 'full'
  | 'memory'
  | 'misconfigured'
  | 'descriptors'
  | 'slow'
  | 'failed';

export type StoreHealth =
  | { readonly isWell: true }
  /** `message` says what to do. */
  | { readonly isWell: false; readonly trouble: StoreTrouble; readonly message: string };
