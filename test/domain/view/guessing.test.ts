import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { honestSkill, isGuessing, leastAnswers } from '#src/domain/view/guessing.ts';

/** Numbers in [0, 1) that follow from a seed (mulberry32). */
const randomOf = (seed: number) => {
  let state = seed >>> 0;
  return (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

/** Record of a miner that is right with this probability. */
const play = (given: { judged: number; right: number; chance: number; seed: number }) => {
  const random = randomOf(given.seed);
  let right = 0;
  for (let answer = 0; answer < given.judged; answer += 1) if (random() < given.right) right += 1;
  return { judged: given.judged, accuracy: right / given.judged, chance: given.chance };
};

const chances = fc.double({ min: 0.05, max: 0.5, noNaN: true });
const seeds = fc.integer({ min: 1, max: 2 ** 31 });

describe('domain/view / guessing', () => {
  it('names a miner that guesses once it has answered enough', () => {
    expect(isGuessing({ judged: 120, accuracy: 0.31, chance: 0.33 })).toBe(true);
    expect(isGuessing({ judged: 45, accuracy: 0.2, chance: 0.2 })).toBe(true);
  });

  it('names nobody by few answers, however wrong they are', () => {
    expect(isGuessing({ judged: leastAnswers - 1, accuracy: 0, chance: 0.2 })).toBe(false);
    expect(isGuessing({ judged: 0, accuracy: 0, chance: 0 })).toBe(false);
  });

  it('calls a poor model that is better than chance no guess', () => {
    expect(isGuessing({ judged: 500, accuracy: 0.4, chance: 0.25 })).toBe(false);
  });

  it('calls a model of another vocabulary, which is worse than chance, a guess', () => {
    expect(isGuessing({ judged: 60, accuracy: 0, chance: 0.25 })).toBe(true);
  });

  it('does not fail on records that make no sense', () => {
    for (const chance of [Number.NaN, -1, 1, 2]) {
      expect(isGuessing({ judged: 100, accuracy: 0.2, chance })).toBe(false);
    }
    expect(isGuessing({ judged: 100, accuracy: Number.NaN, chance: 0.2 })).toBe(false);
  });

  it('never names an honest miner, whenever it is looked at', () => {
    fc.assert(
      fc.property(
        chances,
        fc.double({ min: honestSkill, max: 1, noNaN: true }),
        seeds,
        (chance, skill, seed) => {
          const right = chance + skill * (1 - chance);
          for (const judged of [20, 50, 100, 200, 500]) {
            if (isGuessing(play({ judged, right, chance, seed }))) return false;
          }
          return true;
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('finds most guessers within 500 answers', () => {
    let found = 0;
    for (let seed = 1; seed <= 200; seed += 1) {
      if (isGuessing(play({ judged: 500, right: 0.3, chance: 0.3, seed }))) found += 1;
    }
    // One in twenty has better luck than guessing should.
    expect(found).toBeGreaterThan(180);
  });

  it('keeps a name at the edge, and takes it back when answers are right', () => {
    const edge = { judged: 40, accuracy: 0.4, chance: 0.31 };
    expect(isGuessing(edge)).toBe(false);
    expect(isGuessing(edge, true)).toBe(true);
    expect(isGuessing({ judged: 200, accuracy: 0.6, chance: 0.31 }, true)).toBe(false);
    expect(isGuessing({ judged: 500, accuracy: 0.45, chance: 0.31 }, true)).toBe(false);
  });
});
