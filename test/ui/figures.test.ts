import { describe, expect, it } from 'vitest';
import type { RoundRow } from '#src/domain/view/validatorView.ts';
import { sessionOf } from '#test/browser/fixtureMiners.ts';
import { linkLevel } from '../../ui/src/chainStates.ts';
import { epochClockOf } from '../../ui/src/epochClock.ts';
import { deadlineAt, ganttOf, ticksOf } from '../../ui/src/gantt.ts';
import { columnsFor, movedIndex } from '../../ui/src/parts/gridKeys.ts';
import { linePoints } from '../../ui/src/parts/lines.ts';
import { sorted } from '../../ui/src/parts/sorting.ts';
import { cellLabel, cellStateOf, countStates, isWanted } from '../../ui/src/sessionStates.ts';
import { cellAt, differenceOf, heatPixels, isSecret, scoresOf } from '../../ui/src/weights.ts';

const epoch = {
  epoch: 7,
  block: 1_090,
  lastEpochBlock: 1_000,
  endsAtBlock: 1_100,
  weightsDueAtBlock: 1_070,
  state: '',
  rounds: 0,
  holds: [],
  blockMs: 12_000,
};

const round = (fields: Partial<RoundRow>): RoundRow => ({
  roundId: 'r',
  epoch: 1,
  block: 1,
  startedAt: 1_000,
  endedAt: null,
  deadlineMs: 10_000,
  tasks: 1,
  cohort: 1,
  state: 'collecting',
  phases: [
    { name: 'sampling', from: 1_000, to: 1_500 },
    { name: 'collecting', from: 1_500, to: null },
  ],
  counts: { dispatched: 1, judged: 0, invalid: 0, refused: 0, missed: 0, late: 0, unreachable: 0, lost: 0 },
  slowest: [],
  failures: [],
  ...fields,
});

describe('ui / figures', () => {
  it('places weights that are due and confirmed on the clock of the epoch', () => {
    const clock = epochClockOf(epoch, { lastConfirmedAtBlock: 1_075 });
    expect(clock).toMatchObject({
      blocks: 100,
      done: 90,
      left: 10,
      doneShare: 0.9,
      dueShare: 0.7,
      dueIn: -20,
    });
    expect(clock.confirmed).toEqual({ share: 0.75, isBefore: false, ago: 15 });
    expect(epochClockOf(epoch, { lastConfirmedAtBlock: 980 }).confirmed).toEqual({
      share: 0,
      isBefore: true,
      ago: 110,
    });
    expect(epochClockOf(epoch, undefined).confirmed).toBeNull();
  });

  it('does not run past the end of an epoch that is over', () => {
    expect(epochClockOf({ ...epoch, block: 1_200 }, undefined)).toMatchObject({ doneShare: 1, left: 0 });
  });

  it('draws open phases up to now and leaves room for the deadline', () => {
    const gantt = ganttOf(round({}), 4_500);
    expect(deadlineAt(round({}))).toBe(11_500);
    expect(gantt.spanMs).toBeCloseTo(10_920);
    expect(gantt.bars[1]).toMatchObject({ ms: 3_000, isOpen: true });
    expect(gantt.deadlineShare).toBeCloseTo(10_500 / 10_920);
  });

  it('keeps bars within the axis when a round outlasts its deadline', () => {
    const { bars, deadlineShare } = ganttOf(round({ endedAt: 31_000 }), 99_000);
    expect(deadlineShare).toBeLessThan(0.5);
    for (const { from, width } of bars) expect(from + width).toBeLessThanOrEqual(1);
  });

  it('cuts an axis into few even parts', () => {
    expect(ticksOf(12_480)).toEqual([0, 2_000, 4_000, 6_000, 8_000, 10_000, 12_000]);
    expect(ticksOf(0)).toEqual([0]);
    for (const span of [7, 99, 1_234, 60_000]) expect(ticksOf(span).length).toBeLessThanOrEqual(8);
  });

  it('moves through a grid and stays at its edges', () => {
    const move = (key: string, index: number) => movedIndex({ key, index, columns: 8, count: 20 });
    expect(move('ArrowRight', 0)).toBe(1);
    expect(move('ArrowLeft', 0)).toBe(0);
    expect(move('ArrowDown', 3)).toBe(11);
    expect(move('ArrowDown', 13)).toBe(13);
    expect(move('End', 17)).toBe(19);
    expect(move('Home', 13)).toBe(8);
    expect(move('PageDown', 3)).toBe(19);
    expect(move('PageDown', 6)).toBe(14);
    expect(move('PageUp', 14)).toBe(6);
    expect(move('x', 5)).toBe(5);
  });

  it('fits a power of two of cells into a width', () => {
    expect(columnsFor(651, 18)).toBe(32);
    expect(columnsFor(300, 18)).toBe(16);
    expect(columnsFor(5, 18)).toBe(1);
    expect(columnsFor(5_000, 18)).toBe(32);
  });

  it('sorts what has no value last in either direction', () => {
    const rows = [{ v: 2 }, { v: null }, { v: 9 }];
    expect(sorted(rows, ({ v }) => v, false).map(({ v }) => v)).toEqual([2, 9, null]);
    expect(sorted(rows, ({ v }) => v, true).map(({ v }) => v)).toEqual([9, 2, null]);
    expect(sorted(['b', 'a'], (name) => name, false)).toEqual(['a', 'b']);
  });

  it('draws a flat line in the middle', () => {
    expect(linePoints({ values: [3, 3], width: 10, height: 8 })).toEqual([
      [0, 4],
      [10, 4],
    ]);
    expect(linePoints({ values: [0, 1], width: 10, height: 8 })).toEqual([
      [0, 8],
      [10, 0],
    ]);
  });

  it('shows a guessing miner as nothing else, and says so in words', () => {
    const row = { ...sessionOf(20, 'busy'), isGuessing: true };
    expect(cellStateOf(row)).toBe('guessing');
    expect(countStates([row, sessionOf(21, 'ready')]).get('guessing')).toBe(1);
    expect(cellLabel(row)).toMatch(
      /^uid 20, guessing, busy, accuracy 0\.\d\d of \d+ answers, chance level 0\.16/,
    );
  });

  it('finds miners by state, uid, hotkey and address', () => {
    const row = sessionOf(112, 'ready');
    const find = (text: string, state: 'all' | 'ready' | 'busy' = 'all') => isWanted(row, { state, text });
    expect([find(''), find('11'), find(row.hotkey.slice(10, 20).toLowerCase()), find('8091')]).toEqual(
      Array.from({ length: 4 }, () => true),
    );
    expect([find('#112'), find('#11'), find('12'), find('', 'busy')]).toEqual([true, false, false, false]);
  });

  it('knows which states of the chain are well', () => {
    expect([linkLevel('following'), linkLevel('reading'), linkLevel('connecting')]).toEqual([
      'ok',
      'ok',
      'starting',
    ]);
    expect([linkLevel('stale'), linkLevel('reconnecting'), linkLevel('whatever')]).toEqual(
      Array.from({ length: 3 }, () => 'failing'),
    );
  });

  it('compares weights only where both sides are known', () => {
    const row = { uid: 1, hotkey: '5', quality: 1, trust: 1, stake: 1, score: 1, toSet: 0.5, onChain: 0.25 };
    expect(differenceOf(row)).toBe(0.25);
    expect(differenceOf({ ...row, toSet: null })).toBeNull();
    const weights = {
      state: 'waiting',
      lastConfirmedEpoch: null,
      lastConfirmedAtBlock: null,
      blocksSinceLastSet: null,
      behind: 0,
      isCommitReveal: true,
      scoredEpoch: 4,
      rows: [{ ...row, toSet: null }],
      submissions: [],
      vtrust: [],
    };
    expect(isSecret(weights)).toBe(true);
    expect(isSecret({ ...weights, rows: [row] })).toBe(false);
    expect(isSecret({ ...weights, isCommitReveal: false })).toBe(false);
  });

  it('colours the heat map by score and leaves what was not scored', () => {
    const history = { epochs: [1, 2], uids: [5], scores: [[0.5, null]] };
    const pixels = heatPixels(history, { low: [0, 0, 0], high: [200, 100, 50], none: [9, 9, 9] });
    expect([...pixels]).toEqual([100, 50, 25, 255, 9, 9, 9, 255]);
    expect(scoresOf(history, 5)).toEqual([0.5, null]);
    expect(scoresOf(history, 6)).toBeNull();
  });

  it('finds the cell under the pointer', () => {
    const at = (x: number, y: number) => cellAt({ x, y, width: 100, height: 50, epochs: 10, uids: 5 });
    expect(at(0, 0)).toEqual({ epoch: 0, uid: 0 });
    expect(at(99, 49)).toEqual({ epoch: 9, uid: 4 });
    expect(at(100, 0)).toBeNull();
    expect(at(-1, 0)).toBeNull();
  });
});
