import { setTimeout as pause } from 'node:timers/promises';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { fail, succeed } from '#src/domain/outcome.ts';
import {
  type CommitAttempt,
  type CommitBackend,
  type CommitFailure,
  type GroupCommit,
  openGroupCommit,
} from '#src/store/groupCommit.ts';
import type { StoreHealth, StoreTrouble } from '#src/store/health.ts';
import type { Write, WriteResult } from '#src/store/write.ts';

/** An append of one record whose key is its name. */
const write = (key: string, bytes = 1): Write => ({
  kind: 'append',
  log: 'log',
  records: [{ key, text: 'x'.repeat(bytes) }],
});
const keyOf = (one: Write): string => (one.kind === 'append' ? (one.records[0]?.key ?? '') : one.kind);

type Call = { readonly keys: readonly string[]; readonly attempt: CommitAttempt };

/** A backend that answers as it is told, and otherwise stores. */
const openBackend = () => {
  const calls: Call[] = [];
  const stored: string[] = [];
  const answers: (CommitFailure | 'hang')[] = [];
  let verdict: (keys: readonly string[]) => CommitFailure | null = () => null;
  const commit: CommitBackend = (writes, attempt) => {
    const keys = writes.map(keyOf);
    calls.push({ keys, attempt });
    const told = answers.shift();
    if (told === 'hang') return new Promise(() => {});
    const failure = told ?? verdict(keys);
    if (failure !== null) return Promise.resolve(fail(failure));
    const results = keys.map((key): WriteResult => {
      stored.push(key);
      return { kind: 'appended', lastSeq: stored.length, duplicates: [] };
    });
    return Promise.resolve(succeed(results));
  };
  return {
    commit,
    calls,
    stored,
    next: (...told: readonly (CommitFailure | 'hang')[]) => void answers.push(...told),
    judge: (by: (keys: readonly string[]) => CommitFailure | null) => {
      verdict = by;
    },
  };
};

const trouble = (kind: StoreTrouble, isUnknown = false): CommitFailure => ({
  kind: 'trouble',
  trouble: kind,
  message: `it is ${kind}`,
  isUnknown,
});
const fencedOff: CommitFailure = { kind: 'fenced', lease: 'writer', message: 'taken by another' };

const tagsOf = async (answers: readonly ReturnType<GroupCommit['submit']>[]): Promise<readonly string[]> =>
  (await Promise.all(answers)).map((answer) => (answer.ok ? answer.value.kind : answer.error._tag));

describe('store / groupCommit: trouble', () => {
  it('holds what a commit in trouble could not write, tries again in order, and tells its health', async () => {
    const backend = openBackend();
    backend.next(trouble('readOnly'), trouble('loading'));
    const group = openGroupCommit(backend.commit);
    const heard: StoreHealth[] = [];
    const stopHearing = group.onHealth((health) => void heard.push(health));
    const first = [group.submit(write('a')), group.submit(write('b'))];
    await pause(20);
    expect(group.health()).toMatchObject({ isWell: false, trouble: 'readOnly' });
    const later = group.submit(write('c'));
    expect(await tagsOf([...first, later])).toEqual(['appended', 'appended', 'appended']);
    expect(backend.stored).toEqual(['a', 'b', 'c']);
    expect(backend.calls.map(({ attempt }) => attempt.attempt)).toEqual([1, 2, 3, 1]);
    expect(new Set(backend.calls.slice(0, 3).map(({ attempt }) => attempt.id)).size).toBe(1);
    expect(heard.map((health) => (health.isWell ? 'well' : health.trouble))).toEqual([
      'readOnly',
      'loading',
      'well',
    ]);
    stopHearing();
    await group.drain(100);
  });

  it('tries again at once when the backend says that it is back', async () => {
    const backend = openBackend();
    backend.next(...Array.from({ length: 4 }, () => trouble('unreachable')));
    const group = openGroupCommit(backend.commit);
    const answer = group.submit(write('a'));
    const startedAt = performance.now();
    for (let count = 1; count <= 4; count += 1) {
      while (backend.calls.length < count) await pause(1);
      await pause(1);
      group.reportBack();
    }
    expect((await answer).ok).toBe(true);
    // By itself it would have paused for 1.5 s.
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    await group.drain(100);
  });

  it('finds out by itself that a store without work is well again', async () => {
    const backend = openBackend();
    backend.next(trouble('unreachable'));
    const group = openGroupCommit(backend.commit);
    group.reportTrouble('unreachable', 'the connection is gone');
    expect(group.health()).toMatchObject({ trouble: 'unreachable' });
    const deadline = performance.now() + 5_000;
    while (!group.health().isWell && performance.now() < deadline) await pause(10);
    expect(group.health()).toEqual({ isWell: true });
    expect(backend.calls.every(({ keys }) => keys.join() === 'probe')).toBe(true);
    await group.drain(100);
  });

  it('ends the waiting after the patience of each write, and says whether anything may be written', async () => {
    const backend = openBackend();
    backend.judge(() => trouble('full'));
    const group = openGroupCommit(backend.commit, { patienceMs: 300 });
    const certain = await group.submit(write('a'));
    expect(certain).toMatchObject({ ok: false, error: { _tag: 'StoreFull', where: 'disk' } });
    backend.judge(() => trouble('unreachable', true));
    const unknown = await group.submit(write('b'));
    expect(unknown).toMatchObject({ ok: false, error: { _tag: 'StoreUnavailable' } });
    expect(group.pressure().pendingRows).toBe(0);
    backend.judge(() => null);
    group.retryNow();
    expect((await group.submit(write('c'))).ok).toBe(true);
    // Nobody waited for a and b any more.
    expect(backend.stored).toEqual(['c']);
    await group.drain(100);
  });

  it('keeps the writes of a commit together whose answer was lost, so that its id names the same writes', async () => {
    const backend = openBackend();
    backend.next(trouble('slow'), trouble('slow'));
    backend.judge((keys) => (keys.includes('a') ? trouble('unreachable', true) : null));
    const group = openGroupCommit(backend.commit, { patienceMs: 800 });
    const first = group.submit(write('first'));
    while (backend.calls.length === 0) await pause(1);
    const early = group.submit(write('a'));
    await pause(250);
    const late = group.submit(write('b'));
    expect(await tagsOf([first, early])).toEqual(['appended', 'StoreUnavailable']);
    const before = backend.calls.length;
    group.retryNow();
    // a was answered; the commit that may have stored it still names both.
    expect(backend.calls.length).toBe(before + 1);
    expect(await tagsOf([late])).toEqual(['StoreUnavailable']);
    const attempts = backend.calls.filter(({ keys }) => keys.includes('a'));
    expect(attempts.length).toBeGreaterThanOrEqual(2);
    expect(new Set(attempts.map(({ keys }) => keys.join()))).toEqual(new Set(['a,b']));
    expect(new Set(attempts.map(({ attempt }) => attempt.id)).size).toBe(1);
    await group.drain(100);
  });

  it('answers those who wait for a backend that says nothing, and names it slow before', async () => {
    const backend = openBackend();
    backend.next('hang');
    const group = openGroupCommit(backend.commit, { patienceMs: 2_600 });
    const troubles: string[] = [];
    group.onHealth((health) => void troubles.push(health.isWell ? 'well' : health.trouble));
    const tags = await tagsOf([group.submit(write('a')), group.submit(write('b'))]);
    expect(tags).toEqual(['StoreUnavailable', 'StoreUnavailable']);
    expect(troubles).toEqual(['slow']);
    await group.drain(50);
  });

  it('is slow once more than half of what may wait does, full beyond all of it, and well afterwards', async () => {
    const backend = openBackend();
    backend.next(trouble('unreachable'));
    const group = openGroupCommit(backend.commit, { maxPendingRows: 10, maxPendingBytes: 1_000 });
    const answers = Array.from({ length: 10 }, (_, n) => group.submit(write(`k${n}`)));
    expect(await tagsOf([group.submit(write('over'))])).toEqual(['StoreFull']);
    expect(group.health()).toMatchObject({ trouble: 'slow' });
    expect(group.pressure()).toMatchObject({ pendingRows: 10, share: 1 });
    expect(new Set(await tagsOf(answers))).toEqual(new Set(['appended']));
    expect(await tagsOf([group.submit(write('big', 2_000))])).toEqual(['StoreFull']);
    expect(group.pressure()).toEqual({ pendingRows: 0, pendingBytes: 0, share: 0 });
    await group.submit(write('last'));
    expect(group.health()).toEqual({ isWell: true });
    await group.drain(100);
  });
});

describe('store / groupCommit: final answers', () => {
  it('fails at once all that waits when the lease is lost, and writes again under a new one', async () => {
    const backend = openBackend();
    backend.next(trouble('slow'), fencedOff);
    const group = openGroupCommit(backend.commit);
    group.fence({ lease: 'writer', token: 1 });
    const held = group.submit(write('a'));
    await pause(20);
    const queued = group.submit(write('b'));
    expect(await tagsOf([held, queued])).toEqual(['StoreFenced', 'StoreFenced']);
    expect(await tagsOf([group.submit(write('c'))])).toEqual(['StoreFenced']);
    expect(backend.calls).toHaveLength(2);
    group.fence({ lease: 'writer', token: 3 });
    expect(await tagsOf([group.submit(write('d'))])).toEqual(['appended']);
    expect(backend.calls.at(-1)?.attempt.fence).toEqual({ lease: 'writer', token: 3 });
    expect(backend.stored).toEqual(['d']);
    await group.drain(100);
  });

  it('does not take back what was stored because the commit after it is refused', async () => {
    const backend = openBackend();
    // The first commit is on its way until all others wait, so that the second one is full.
    const { promise: isQueued, resolve: open } = Promise.withResolvers<void>();
    const group = openGroupCommit(async (writes, attempt) => {
      if (attempt.id === 1) await isQueued;
      return backend.commit(writes, attempt);
    });
    group.fence({ lease: 'writer', token: 1 });
    const first = group.submit(write('first'));
    await pause(20);
    const answers = Array.from({ length: 512 }, (_, n) => group.submit(write(`k${n}`)));
    backend.judge(() => (backend.stored.length > 1 ? fencedOff : null));
    open();
    const tags = await tagsOf([first, ...answers]);
    expect(tags.filter((tag) => tag === 'appended')).toHaveLength(257);
    expect(tags.filter((tag) => tag === 'StoreFenced')).toHaveLength(256);
    expect(backend.stored).toHaveLength(257);
    await group.drain(100);
  });

  it('lets only that write fail that can never be stored', async () => {
    const backend = openBackend();
    backend.judge((keys) => (keys.includes('bad') ? { kind: 'refused', message: 'too large' } : null));
    const group = openGroupCommit(backend.commit);
    const answers = ['a', 'bad', 'b', 'c'].map((key) => group.submit(write(key)));
    expect(await tagsOf(answers)).toEqual(['appended', 'StoreInvalid', 'appended', 'appended']);
    expect(backend.stored).toEqual(['a', 'b', 'c']);
    expect(group.health()).toEqual({ isWell: true });
    await group.drain(100);
  });

  it('fails what a damaged or vanished backend was given, and what throws', async () => {
    const backend = openBackend();
    backend.next({ kind: 'corrupt', message: 'damaged' }, { kind: 'ended', message: 'gone' });
    const group = openGroupCommit(backend.commit);
    expect(await tagsOf([group.submit(write('a'))])).toEqual(['StoreCorrupt']);
    expect(await tagsOf([group.submit(write('b'))])).toEqual(['StoreUnavailable']);
    expect(group.health()).toMatchObject({ trouble: 'failed' });
    await group.drain(100);
    const throwing = openGroupCommit(() => Promise.reject(new Error('a defect')));
    const answer = await throwing.submit(write('c'));
    expect(answer).toMatchObject({ ok: false, error: { _tag: 'StoreUnavailable' } });
    await throwing.drain(100);
  });

  it('answers everything before it closes, at most after the patience of the closing', async () => {
    const well = openBackend();
    const group = openGroupCommit(well.commit);
    const answers = Array.from({ length: 1_000 }, (_, n) => group.submit(write(`k${n}`)));
    await group.drain(5_000);
    expect(new Set(await tagsOf(answers))).toEqual(new Set(['appended']));
    const ill = openBackend();
    ill.judge(() => trouble('full'));
    const stuck = openGroupCommit(ill.commit);
    const waiting = [stuck.submit(write('a')), stuck.submit(write('b'))];
    await stuck.drain(150);
    expect(await tagsOf(waiting)).toEqual(['StoreUnavailable', 'StoreUnavailable']);
    expect(await tagsOf([stuck.submit(write('c'))])).toEqual(['StoreUnavailable']);
    const before = ill.calls.length;
    await pause(300);
    expect(ill.calls).toHaveLength(before);
  });

  it('answers each write once and truly, in the order of arrival, whatever the backend does', async () => {
    const fate = fc.constantFrom('stored', 'stored', 'lost', 'unanswered', 'fullDisk');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fate, { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 8 }),
        async (fates, sizes) => {
          const stored: string[] = [];
          const known = new Set<number>();
          const left = [...fates];
          const group: GroupCommit = openGroupCommit(async (writes, { id }) => {
            const now = left.shift() ?? 'stored';
            if (now !== 'stored' && now !== 'unanswered') {
              setImmediate(() => group.retryNow());
              return fail(trouble(now === 'lost' ? 'unreachable' : 'full', now === 'lost'));
            }
            if (!known.has(id)) stored.push(...writes.map(keyOf));
            known.add(id);
            if (now === 'unanswered') {
              setImmediate(() => group.retryNow());
              return fail(trouble('unreachable', true));
            }
            return succeed(writes.map((): WriteResult => ({ kind: 'used', duplicates: [] })));
          });
          const keys: string[] = [];
          const answers: ReturnType<GroupCommit['submit']>[] = [];
          for (const [burst, size] of sizes.entries()) {
            for (let n = 0; n < size; n += 1) {
              keys.push(`${burst}/${n}`);
              answers.push(group.submit(write(`${burst}/${n}`)));
            }
            await pause(burst % 2);
          }
          expect((await Promise.all(answers)).every(({ ok }) => ok)).toBe(true);
          expect(stored).toEqual(keys);
          expect(group.pressure().pendingRows).toBe(0);
          await group.drain(100);
        },
      ),
      { numRuns: 40 },
    );
  });
});
