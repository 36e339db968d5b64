import { afterEach, describe, expect, it, vi } from 'vitest';

import { createPublisher, patchBetween } from '#src/actors/views/publisher.ts';
import { isSame } from '#src/actors/views/sameness.ts';
import type { ViewPatch } from '#src/domain/view/stream.ts';

type Rows = { readonly sessions: Readonly<Record<string, { readonly uid: number }>> };

const open = () => {
  const state = { slices: { a: { n: 1 }, b: 'x' }, rows: { sessions: { 1: { uid: 1 } } } as Rows, draws: 0 };
  let now = 0;
  const publisher = createPublisher<typeof state.slices, Rows>(
    () => {
      state.draws += 1;
      return { slices: { ...state.slices }, rows: state.rows };
    },
    () => now,
  );
  return {
    state,
    publisher,
    pass: (ms: number) => {
      now += ms;
      vi.advanceTimersByTime(ms);
    },
  };
};

afterEach(() => void vi.useRealTimers());

describe('actors/views / publisher', () => {
  it('draws nothing while nobody looks, and at most four times a second while somebody does', () => {
    vi.useFakeTimers();
    const { state, publisher, pass } = open();
    pass(10_000);
    expect(state.draws).toBe(0);
    const stop = publisher.subscribe(() => {});
    pass(1_000);
    expect(state.draws).toBe(5);
    publisher.picture();
    publisher.hello();
    expect(state.draws).toBe(5);
    stop();
    pass(10_000);
    expect(state.draws).toBe(5);
  });

  it('tells what has changed and nothing else', () => {
    vi.useFakeTimers();
    const { state, publisher, pass } = open();
    const patches: ViewPatch[] = [];
    publisher.subscribe((patch) => patches.push(patch));
    pass(500);
    expect(patches).toEqual([]);
    state.slices = { ...state.slices, a: { n: 2 } };
    state.rows = { sessions: { 2: { uid: 2 } } };
    pass(250);
    expect(patches).toEqual([{ slices: { a: { n: 2 } }, rows: { sessions: { 1: null, 2: { uid: 2 } } } }]);
  });

  it('leaves no follower behind when another one is greeted with something newer', () => {
    vi.useFakeTimers();
    const { state, publisher, pass } = open();
    const patches: ViewPatch[] = [];
    publisher.subscribe((patch) => patches.push(patch));
    pass(249);
    state.slices = { ...state.slices, b: 'y' };
    pass(1);
    state.slices = { ...state.slices, b: 'x' };
    pass(250);
    expect(patches.map(({ slices }) => slices['b'])).toEqual(['y', 'x']);
  });

  it('sees a row that is gone, and one that is the same in another object', () => {
    const before = { slices: {}, rows: { sessions: { 1: { uid: 1 }, 2: { uid: 2 } } } };
    expect(patchBetween(before, { slices: {}, rows: { sessions: { 1: { uid: 1 } } } })?.rows).toEqual({
      sessions: { 2: null },
    });
    expect(patchBetween(before, structuredClone(before))).toBeNull();
  });

  it('compares plain values by what they say', () => {
    expect(isSame({ a: [1, { b: null }] }, { a: [1, { b: null }] })).toBe(true);
    expect(isSame({ a: [1] }, { a: [1, 2] })).toBe(false);
    expect(isSame({ a: undefined }, { b: undefined })).toBe(false);
    expect(isSame([1], { 0: 1 })).toBe(false);
    expect(isSame(Number.NaN, Number.NaN)).toBe(true);
    expect(isSame(null, {})).toBe(false);
  });
});
