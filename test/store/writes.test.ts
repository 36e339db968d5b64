import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { openDatabase, toThreadFailure } from '#src/store/database.ts';
import { openReads } from '#src/store/reads.ts';
import type { Write } from '#src/store/write.ts';
import { openWrites } from '#src/store/writes.ts';

import { freshDir } from './openStore.ts';

const opened = () => {
  const file = join(freshDir(), 'store.sqlite');
  const result = openDatabase({ file, readOnly: false, owner: null });
  if (!result.ok) throw new Error(JSON.stringify(result.failure));
  const { commit, quarantine } = openWrites(result.db);
  const writes = {
    commit: (group: readonly Write[]) => {
      const answer = commit({ writes: group, fence: null });
      if (!answer.ok) throw new Error(answer.failure.message);
      return answer.results;
    },
  };
  return { file, db: result.db, writes, quarantine, reads: openReads(result.db) };
};

const record = (key: string, bytes = 10) => ({ key, text: JSON.stringify('x'.repeat(bytes)) });
const append = (...records: { key: string; text: string }[]) =>
  [{ kind: 'append', log: 'log', records }] as const;

describe('store / writes', () => {
  it('takes a whole group back when the disk is full, says so, and goes on without a gap', () => {
    const { file, db, writes, reads } = opened();
    writes.commit(append(record('a')));
    const pages = Number(db.prepare('PRAGMA page_count').get()?.['page_count']);
    db.exec(`PRAGMA max_page_count = ${pages + 4}`);
    let failure: unknown = null;
    try {
      writes.commit([...append(record('b')), ...append(record('c', 200_000))]);
    } catch (cause) {
      failure = toThreadFailure(cause, file);
    }
    expect(failure).toMatchObject({ _tag: 'DiskFull' });
    expect(reads.lastSeq('log')).toBe(1);
    db.exec('PRAGMA max_page_count = 1000000');
    const again = writes.commit(append(record('b'), record('c', 200_000)));
    expect(again).toEqual([{ kind: 'appended', lastSeq: 3, duplicates: [] }]);
    db.close();
  });

  it('does not set aside a snapshot that was saved after the damaged one was read', () => {
    const { db, writes, quarantine, reads } = opened();
    const save = (text: string) =>
      writes.commit([{ kind: 'snapshot', name: 'one', version: 1, text, expected: undefined }]);
    save('{torn');
    const read = reads.loadSnapshot('one');
    save('"whole"');
    const damaged = { name: 'one', seq: null, revision: read?.revision ?? 0, reason: 'torn' };
    quarantine({ values: [damaged], fence: null });
    expect(reads.loadSnapshot('one')?.text).toBe('"whole"');
    quarantine({ values: [{ ...damaged, revision: 2 }], fence: null });
    expect(reads.loadSnapshot('one')).toBeNull();
    db.close();
  });

  it('waits for the disk in each commit', () => {
    const { db } = opened();
    // 2 is FULL (sqlite.org/pragma.html#pragma_synchronous): with NORMAL a loss of power would undo acknowledged rows.
    expect(db.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
    expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    db.close();
  });

  it('ends a page that grows large, whatever its limit', () => {
    const { db, writes, reads } = opened();
    writes.commit(append(...Array.from({ length: 20 }, (_, n) => record(`k${n}`, 1_000_000))));
    const page = reads.read({ log: 'log', after: 0, upTo: 99, limit: 99 });
    expect(page.length).toBeLessThan(10);
    expect(reads.read({ log: 'log', after: page.length, upTo: 99, limit: 99 })[0]?.seq).toBe(page.length + 1);
    db.close();
  });
});
