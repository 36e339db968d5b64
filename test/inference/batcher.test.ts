import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Waiting } from '#src/inference/batcher.ts';
import { CPU_TOKEN_BUDGET, chooseBatch, partnerLengths } from '#src/inference/batcher.ts';

const waiting = fc.record({
  model: fc.constantFrom('a', 'b'),
  tokens: fc.integer({ min: 1, max: 512 }),
  alone: fc.boolean(),
});
const similar = fc.record({
  model: fc.constant('a'),
  tokens: fc.integer({ min: 8, max: 32 }),
  alone: fc.constant(false),
});
const queues = fc.oneof(fc.array(waiting, { maxLength: 200 }), fc.array(similar, { maxLength: 200 }));
const budgets = fc.integer({ min: 1, max: 2_048 });

/** Empties a queue run by run, as a worker that is always free would. */
const drain = (queue: readonly Waiting[], budget: number): readonly (readonly Waiting[])[] => {
  const runs: (readonly Waiting[])[] = [];
  let rest = queue;
  while (rest.length > 0 && runs.length <= queue.length) {
    const chosen = new Set(chooseBatch(rest, budget));
    runs.push(rest.filter((_, position) => chosen.has(position)));
    rest = rest.filter((_, position) => !chosen.has(position));
  }
  return runs;
};

describe('inference / batcher', () => {
  it('runs every text exactly once', () => {
    fc.assert(
      fc.property(queues, budgets, (queue, budget) => {
        const runs = drain(queue, budget);
        expect(runs.flat().length).toBe(queue.length);
        expect(new Set(runs.flat())).toEqual(new Set(queue));
      }),
    );
  });

  it('keeps rows × longest row within the budget unless one text alone exceeds it', () => {
    fc.assert(
      fc.property(queues, budgets, (queue, budget) => {
        for (const run of drain(queue, budget)) {
          const width = Math.max(...run.map((item) => item.tokens));
          expect(run.length === 1 || run.length * width <= budget).toBe(true);
        }
      }),
    );
  });

  it('always runs the oldest text and lists positions in order, each once', () => {
    fc.assert(
      fc.property(queues, budgets, (queue, budget) => {
        const chosen = chooseBatch(queue, budget);
        expect(chosen[0]).toBe(queue.length === 0 ? undefined : 0);
        expect([...chosen].sort((a, b) => a - b)).toEqual(chosen);
        expect(new Set(chosen).size).toBe(chosen.length);
      }),
    );
  });

  it('mixes neither models nor dissimilar lengths, and leaves a lone text alone', () => {
    fc.assert(
      fc.property(queues, budgets, (queue, budget) => {
        for (const run of drain(queue, budget)) {
          const [anchor, ...partners] = run;
          if (anchor === undefined) throw new Error('no run is empty');
          const { shortest, longest } = partnerLengths(anchor.tokens);
          expect(partners.every((item) => item.model === anchor.model)).toBe(true);
          expect(partners.every((item) => item.tokens >= shortest && item.tokens <= longest)).toBe(true);
          expect(run.length === 1 || run.every((item) => !item.alone)).toBe(true);
        }
      }),
    );
  });

  it('fills the budget from a queue of equal texts', () => {
    const queue = Array.from({ length: 40 }, () => ({ model: 'a', tokens: 16, alone: false }));
    expect(chooseBatch(queue, CPU_TOKEN_BUDGET)).toHaveLength(16);
  });

  it('runs a text of more than half the budget by itself', () => {
    const queue = Array.from({ length: 4 }, () => ({ model: 'a', tokens: 129, alone: false }));
    expect(chooseBatch(queue, CPU_TOKEN_BUDGET)).toEqual([0]);
    expect(chooseBatch(queue, 2 * 129)).toEqual([0, 1]);
  });

  it('looks past texts that do not fit', () => {
    const queue = [10, 100, 11, 9, 40].map((tokens) => ({ model: 'a', tokens, alone: false }));
    expect(chooseBatch(queue, CPU_TOKEN_BUDGET)).toEqual([0, 2, 3]);
    expect(chooseBatch([], CPU_TOKEN_BUDGET)).toEqual([]);
  });
});
