import type { DatabaseSync } from 'node:sqlite';

import type { CommitFailure } from './groupCommit.ts';
import type { Lease } from './lease.ts';
import type { Exchanges } from './storeThread.ts';
import { inTransaction } from './transaction.ts';
import type { Fence } from './write.ts';

/** Why writes under a fence do not hold any more, or null. Belongs into the transaction of these writes. */
export const fenceProblem = (
  db: DatabaseSync,
  { lease, token }: Fence,
): Extract<CommitFailure, { kind: 'fenced' }> | null => {
  const row = db.prepare('SELECT token, holder FROM leases WHERE name = ?').get(lease);
  if (row?.['token'] === token) return null;
  const who = row === undefined ? 'nobody' : String(row['holder'] ?? 'somebody who gave it up since');
  return {
    kind: 'fenced',
    lease,
    message: `the lease ${lease} was taken by ${who} (token ${row?.['token'] ?? 'none'}, ours is ${token}): nothing is written any more`,
  };
};

const isSame = (one: Lease | null, other: Lease | null): boolean =>
  one === null || other === null
    ? one === other
    : one.token === other.token && one.beat === other.beat && one.holder === other.holder;

/** The leases of a database: each change is a transaction of its own. */
export const openLeaseRows = (db: DatabaseSync) => {
  const find = db.prepare('SELECT name, token, holder, beat FROM leases WHERE name = ?');
  const save = db.prepare('INSERT OR REPLACE INTO leases (name, token, holder, beat) VALUES (?, ?, ?, ?)');
  const read = (name: string): Lease | null => {
    const row = find.get(name);
    if (row === undefined) return null;
    const { token, holder, beat } = row;
    return {
      name,
      token: Number(token),
      holder: holder === null ? null : String(holder),
      beat: Number(beat),
    };
  };
  const store = (lease: Lease): Lease => {
    save.run(lease.name, lease.token, lease.holder, lease.beat);
    return lease;
  };
  return {
    read,
    take: ({ name, holder, over }: Exchanges['takeLease']['ask']): Exchanges['takeLease']['answer'] =>
      inTransaction(db, () => {
        const stored = read(name);
        if (!isSame(stored, over)) return { isDone: false, lease: stored };
        return { isDone: true, lease: store({ name, token: (stored?.token ?? 0) + 1, holder, beat: 0 }) };
      }),
    renew: ({ name, token }: Lease): Exchanges['renewLease']['answer'] =>
      inTransaction(db, () => {
        const stored = read(name);
        if (stored === null || stored.token !== token || stored.holder === null)
          return { isDone: false, lease: stored };
        return { isDone: true, lease: store({ ...stored, beat: stored.beat + 1 }) };
      }),
    raise: ({ tokens, by }: Exchanges['raiseTokens']['ask']): null =>
      inTransaction(db, () => {
        const names = db
          .prepare('SELECT name FROM leases')
          .all()
          .map(({ name }) => String(name));
        for (const name of new Set([...names, ...Object.keys(tokens)])) {
          const token = Math.max(read(name)?.token ?? 0, tokens[name] ?? 0) + by;
          store({ name, token, holder: null, beat: 0 });
        }
        return null;
      }),
    release: ({ name, token }: Lease): null =>
      inTransaction(db, () => {
        const stored = read(name);
        if (stored !== null && stored.token === token) store({ ...stored, holder: null });
        return null;
      }),
  };
};
