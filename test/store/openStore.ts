import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as Effect from 'effect/Effect';
import type * as Scope from 'effect/Scope';
import { afterEach } from 'vitest';

import { EmbeddedStore, type EmbeddedStoreHandle, type StoreOptions } from '#src/store/sqlite.ts';

const made: string[] = [];

afterEach(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
});

/** A folder of its own with mode 0700, removed after the test. */
export const freshDir = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'miaoai-store-'));
  made.push(dir);
  return dir;
};

/** Runs `use` on an open store and closes it afterwards. */
export const withStore = <A, E>(
  options: StoreOptions,
  use: (store: EmbeddedStoreHandle) => Effect.Effect<A, E, Scope.Scope>,
): Promise<A> => Effect.runPromise(Effect.scoped(Effect.flatMap(EmbeddedStore.open(options), use)));

/** The error with which an effect fails. */
export const failureOf = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<E> =>
  Effect.runPromise(Effect.scoped(Effect.flip(effect)));

/** Changes a closed store behind its back. */
export const tamper = (dir: string, sql: string): void => {
  const db = new DatabaseSync(join(dir, 'store.sqlite'));
  db.exec(sql);
  db.close();
};
