import { describe, expect, it } from 'vitest';
import {
  afterHello,
  afterPatch,
  changedNames,
  emptyState,
  silenceMs,
  staleSince,
} from '../../ui/src/liveStore.ts';

const hello = afterHello({
  slices: { about: { uid: 1 }, rounds: [] },
  rows: { sessions: { 3: { uid: 3 }, 4: { uid: 4 } } },
});

describe('ui / liveStore', () => {
  it('forgets everything of before when a hello comes', () => {
    const patched = afterPatch(hello, { slices: { epoch: { block: 1 } }, rows: {} });
    expect(patched.slices.has('epoch')).toBe(true);
    const again = afterHello({ slices: { about: { uid: 2 } }, rows: {} });
    expect([...again.slices.keys()]).toEqual(['about']);
    expect(again.rows.size).toBe(0);
  });

  it('replaces slices whole and rows one by one', () => {
    const after = afterPatch(hello, {
      slices: { about: { uid: 9 } },
      rows: { sessions: { 3: { uid: 3, state: 'busy' }, 4: null, 5: { uid: 5 } } },
    });
    expect(after.slices.get('about')).toEqual({ uid: 9 });
    expect(after.slices.get('rounds')).toBe(hello.slices.get('rounds'));
    expect([...(after.rows.get('sessions')?.keys() ?? [])]).toEqual(['3', '5']);
    expect(after.rows.get('sessions')?.get('3')).toEqual({ uid: 3, state: 'busy' });
  });

  it('leaves the state before as it was', () => {
    afterPatch(hello, { slices: {}, rows: { sessions: { 3: null } } });
    expect(hello.rows.get('sessions')?.has('3')).toBe(true);
  });

  it('keeps rows that come before their first hello', () => {
    const after = afterPatch(emptyState, { slices: {}, rows: { served: { key: { state: 'ready' } } } });
    expect(after.rows.get('served')?.get('key')).toEqual({ state: 'ready' });
  });

  it('names what has changed, and nothing else', () => {
    const after = afterPatch(hello, { slices: { about: { uid: 9 } }, rows: {} });
    expect([...changedNames(hello, after)]).toEqual(['slices/about']);
    const rows = afterPatch(hello, { slices: {}, rows: { sessions: { 9: { uid: 9 } } } });
    expect([...changedNames(hello, rows)]).toEqual(['rows/sessions']);
    expect(changedNames(emptyState, hello).size).toBe(3);
  });

  it('is stale after a silence, or at once when the stream is down', () => {
    const lastSignAt = 1_000;
    expect(staleSince({ lastSignAt, isDown: false, now: lastSignAt + silenceMs })).toBeNull();
    expect(staleSince({ lastSignAt, isDown: false, now: lastSignAt + silenceMs + 1 })).toBe(lastSignAt);
    expect(staleSince({ lastSignAt, isDown: true, now: lastSignAt + 1 })).toBe(lastSignAt);
  });
});
