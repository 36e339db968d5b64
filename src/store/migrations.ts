import type { DatabaseSync } from 'node:sqlite';

import type { ThreadFailure, ThreadInput } from './storeThread.ts';

/** "MIAO" in ASCII; tells our files from other SQLite databases. */
const APPLICATION_ID = 0x4d_49_41_4f;

/** One entry per schema version, applied in order and never edited after a release. */
const migrations: readonly string[] = [
  `
  CREATE TABLE owner (id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL) STRICT;
  CREATE TABLE logs (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  -- A value that did not parse becomes NULL: its sequence number and key stay taken.
  CREATE TABLE records (
    log INTEGER NOT NULL REFERENCES logs (id),
    seq INTEGER NOT NULL,
    key TEXT,
    value TEXT,
    PRIMARY KEY (log, seq)
  ) STRICT;
  CREATE UNIQUE INDEX records_by_key ON records (log, key) WHERE key IS NOT NULL;
  CREATE TABLE snapshots (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    revision INTEGER NOT NULL UNIQUE,
    saved_at_ms INTEGER NOT NULL,
    value TEXT NOT NULL
  ) STRICT;
  CREATE TABLE set_aside (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    seq INTEGER,
    key TEXT,
    revision INTEGER,
    value TEXT,
    reason TEXT NOT NULL,
    at_ms INTEGER NOT NULL
  ) STRICT;
  `,
  `
  -- last_seq counts on over dropped records; records and bytes are of what can still be read.
  ALTER TABLE logs ADD COLUMN last_seq INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE logs ADD COLUMN records INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE logs ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
  UPDATE logs SET (last_seq, records, bytes) = (
    SELECT coalesce(max(seq), 0), count(value),
      coalesce(sum(CASE WHEN value IS NULL THEN 0 ELSE octet_length(value) + coalesce(octet_length(key), 0) END), 0)
    FROM records WHERE log = logs.id
  );
  CREATE TABLE id_sets (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE ids (
    id_set INTEGER NOT NULL REFERENCES id_sets (id),
    id TEXT NOT NULL,
    PRIMARY KEY (id_set, id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  -- The row of a lease stays after a release, so that no token is given twice.
  CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    token INTEGER NOT NULL,
    holder TEXT,
    beat INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE probes (id INTEGER PRIMARY KEY CHECK (id = 1), filling BLOB NOT NULL) STRICT;
  `,
];

/** Version of the schema this release writes. */
export const SCHEMA_VERSION = migrations.length;

const pragmaNumber = (db: DatabaseSync, pragma: string): number =>
  Number(Object.values(db.prepare(`PRAGMA ${pragma}`).get() ?? {})[0] ?? 0);

/** Version of the schema of a database. */
export const schemaOf = (db: DatabaseSync): number => pragmaNumber(db, 'user_version');

const notOurs = (message: string): ThreadFailure => ({ _tag: 'StoreUnavailable', message });

/**
 * Brings a database to `SCHEMA_VERSION` in one transaction, or says why it must be left alone: newer than this
 * release, another program's, or older and opened read-only.
 */
export const migrate = (
  db: DatabaseSync,
  options: Pick<ThreadInput, 'readOnly' | 'isMaintenance' | 'isShared'>,
): ThreadFailure | null => {
  const found = schemaOf(db);
  const application = pragmaNumber(db, 'application_id');
  if (
    application !== APPLICATION_ID &&
    (application !== 0 || found !== 0 || pragmaNumber(db, 'page_count') > 1)
  )
    return notOurs('this SQLite file was not made by miaoai; choose another --data-dir');
  if (found > SCHEMA_VERSION) return { _tag: 'SchemaTooNew', found, supported: SCHEMA_VERSION };
  if (found === SCHEMA_VERSION) return null;
  if (options.isMaintenance === true && found > 0) return null;
  if (options.readOnly)
    return notOurs(
      `the store has the older schema ${found}; start the daemon once to bring it to ${SCHEMA_VERSION}`,
    );
  if (options.isShared === true && found > 0)
    return {
      _tag: 'SchemaOlder',
      message: `another process uses the store under the older schema ${found}: stop it, so that this one can bring it to ${SCHEMA_VERSION}`,
    };
  db.exec('BEGIN IMMEDIATE');
  // Another process may have done it while this one waited for the lock.
  for (const migration of migrations.slice(schemaOf(db))) db.exec(migration);
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
  return null;
};
