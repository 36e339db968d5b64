import { describe, expect, it } from 'vitest';

import { createMinerBook, type SeenAnswer } from '#src/actors/views/minerBook.ts';

const byChance = (hotkey: string, index: number): SeenAnswer => ({
  at: index,
  roundId: 'r1',
  kind: 'text_classification',
  outcome: 'judged',
  accuracy: index % 4 === 0 ? 1 : 0,
  chance: 0.25,
  responseMs: 10,
  uid: 1,
  hotkey,
});

const active = Array.from({ length: 256 }, (_, index) => `5Active${index}`);
const former = Array.from({ length: 256 }, (_, index) => `5Former${index}`);

describe('actors/views / minerBook', () => {
  it('keeps the miners that answer when a newcomer needs room, and forgets the one silent for longest', () => {
    const book = createMinerBook();
    const round = (index: number): void => {
      for (const hotkey of active) book.add(byChance(hotkey, index));
    };
    for (let index = 0; index < 100; index += 1) round(index);
    for (const hotkey of former) book.add(byChance(hotkey, 1));
    round(100);
    expect(active.filter((hotkey) => book.summaryOf(hotkey).isGuessing)).toHaveLength(256);

    book.add(byChance('5Newcomer', 0));
    round(101);
    expect(active.filter((hotkey) => book.summaryOf(hotkey).isGuessing)).toHaveLength(256);
    expect(active.map((hotkey) => book.summaryOf(hotkey).recent.judged)).toEqual(active.map(() => 102));
    expect(book.summaryOf('5Newcomer').recent.judged).toBe(1);
    expect(former.filter((hotkey) => book.answersOf(hotkey).length === 0)).toEqual(['5Former0']);
  });

  it('keeps no more miners than its bound, however many come', () => {
    const book = createMinerBook();
    const hotkeys = Array.from({ length: 2_000 }, (_, index) => `5Peer${index}`);
    for (const hotkey of hotkeys) book.add(byChance(hotkey, 1));
    expect(hotkeys.filter((hotkey) => book.answersOf(hotkey).length > 0)).toEqual(hotkeys.slice(-512));
  });
});
