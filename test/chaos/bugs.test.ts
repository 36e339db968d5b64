import { beforeAll, describe, expect, it } from 'vitest';

import { freshTestDist } from '#test/support/testBuild.ts';

import { type BugFacts, playBugs } from './bugStage.ts';
import { checkInvariants } from './invariants.ts';

const bugs = ['none', 'doubleJudge', 'lostAcknowledgement', 'secondSubmission'] as const;

/** There were no faults, and no one looked at memory. */
const notPlayed = [
  'the network recovers from each fault',
  'processes end, and stay within memory and descriptors',
];

describe('chaos / deliberate bugs', () => {
  let facts: BugFacts;
  beforeAll(async () => {
    facts = await playBugs(await freshTestDist(), bugs);
  }, 420_000);

  /** Names of the invariants that do not hold, with what they say. */
  const brokenBy = (bug: string): ReadonlyMap<string, readonly string[]> => {
    const run = facts.get(bug);
    if (run === undefined) throw new Error(`${bug} was not played`);
    return new Map(
      checkInvariants(run)
        .filter(({ name, violations }) => violations.length > 0 && !notPlayed.includes(name))
        .map(({ name, violations }) => [name, violations]),
    );
  };

  it('finds nothing where no bug is switched on', () => {
    expect(Object.fromEntries(brokenBy('none'))).toEqual({});
  });

  it('finds an answer that was judged twice', () => {
    const broken = brokenBy('doubleJudge');
    expect(broken.get('no answer is judged twice')?.[0]).toMatch(/has 2 verdicts/);
    expect(broken.has('audit and store check are sound')).toBe(true);
    expect(broken.has('at most one weight submission per epoch and validator')).toBe(false);
  });

  it('finds an acknowledged answer that was never written', () => {
    const broken = brokenBy('lostAcknowledgement');
    expect(broken.get('no acknowledged answer is lost')?.[0]).toMatch(/was acknowledged and is lost/);
    expect(broken.has('request counts add up')).toBe(true);
    expect(broken.has('no answer is judged twice')).toBe(false);
  });

  it('finds a second submission in one epoch', () => {
    const broken = brokenBy('secondSubmission');
    expect([...broken.keys()], JSON.stringify([...broken])).toEqual([
      'at most one weight submission per epoch and validator',
    ]);
    expect(broken.get('at most one weight submission per epoch and validator')?.[0]).toMatch(
      /submitted \d times: block \d+ \(nonce \d+\), block \d+ \(nonce \d+/,
    );
  });
});
