import { describe, expect, it } from 'vitest';

import {
  createStatelyQueue,
  maxQueued,
  maxQueuedCharacters,
  type StatelyQueue,
} from '#src/inspector/statelyQueue.ts';

const emptied = (queue: StatelyQueue): readonly string[] => {
  const all: string[] = [];
  for (let text = queue.take(); text !== undefined; text = queue.take()) all.push(text);
  return all;
};
const countOf = (texts: readonly string[], kind: string): number =>
  texts.filter((text) => text.startsWith(kind)).length;

describe('inspector / statelyQueue', () => {
  it('hands out definitions before the news, each in their order', () => {
    const queue = createStatelyQueue();
    queue.addNews('news 1');
    queue.addDefinition('definition 1');
    queue.addNews('news 2');
    queue.addDefinition('definition 2');
    expect(emptied(queue)).toEqual(['definition 1', 'definition 2', 'news 1', 'news 2']);
    expect(queue.state()).toEqual({ queued: 0, dropped: 0 });
  });

  it('drops the oldest news and keeps the definitions', () => {
    const queue = createStatelyQueue();
    for (let count = 0; count < 600; count += 1) queue.addDefinition(`definition ${count}`);
    for (let count = 0; count < 2_000; count += 1) queue.addNews(`news ${count}`);
    expect(queue.state()).toEqual({ queued: maxQueued, dropped: 1_600 });
    const kept = emptied(queue);
    expect(countOf(kept, 'definition')).toBe(600);
    expect(kept[600]).toBe('news 1600');
    expect(kept.at(-1)).toBe('news 1999');
  });

  it('leaves the news room beside the definitions of many actors that came and went', () => {
    const queue = createStatelyQueue();
    for (let count = 0; count < 5_000; count += 1) {
      queue.addDefinition(`definition ${count}`);
      queue.addNews(`news ${count}`);
    }
    expect(queue.state().queued).toBe(maxQueued);
    const kept = emptied(queue);
    expect(countOf(kept, 'news')).toBe(250);
    expect(kept.at(-1)).toBe('news 4999');
    expect(kept).toContain('definition 4999');
  });

  it('counts what waits by its length as well', () => {
    const queue = createStatelyQueue();
    const text = 'n'.repeat(maxQueuedCharacters / 8);
    for (let count = 0; count < 20; count += 1) queue.addNews(text);
    expect(queue.state()).toEqual({ queued: 8, dropped: 12 });
    queue.addNews('n'.repeat(maxQueuedCharacters + 1));
    expect(queue.state().queued).toBe(0);
    queue.addNews('small');
    expect(emptied(queue)).toEqual(['small']);
  });
});
