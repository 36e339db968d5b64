import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assessMiner, type QualityPolicy } from '#src/domain/quality.ts';
import { createRandom } from '#src/domain/random.ts';
import { AnswerOutcome, type Verdict } from '#src/domain/task.ts';
import { emptyVerdict, verdictOf } from './evidenceBuilder.ts';

const policy: QualityPolicy = {
  calibrationWeight: 0.5,
  fullSpeedMs: 500,
  deadlineMs: 10_000,
  speedShare: 0.2,
};

// Doubles of every magnitude, and ordinary ones whose sums depend on their order.
const fraction = fc.oneof(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.nat(1_000_003).map((n) => n / 1_000_003),
);
const judgedVerdict = fc
  .record({
    kind: fc.constantFrom('text_classification', 'sentiment_analysis', 'object_detection'),
    responseMs: fc.double({ min: 0, max: 20_000, noNaN: true }),
    accuracy: fraction,
    brier: fc.option(fraction, { nil: null }),
    chance: fraction.map((value) => value / 2),
  })
  .map((fields) => verdictOf({ uid: 1, ...fields }));
const anyVerdict = fc.oneof(
  judgedVerdict,
  fc
    .constantFrom(...AnswerOutcome.literals)
    .filter((outcome) => outcome !== 'judged')
    .map((outcome) => emptyVerdict(1, outcome)),
);
const verdicts = fc.array(anyVerdict, { minLength: 1, maxLength: 40 });

const qualityOf = (work: readonly Verdict[], rules = policy): number =>
  assessMiner(work, rules).quality ?? -1;

const answered = (right: boolean, confidence: number, chance = 0): Verdict =>
  verdictOf({
    uid: 1,
    chance,
    accuracy: right ? 1 : 0,
    brier: (confidence - (right ? 1 : 0)) * (confidence - (right ? 1 : 0)),
  });

/** Exact expectation over all 2^n outcomes of n answers that are right with probability p. */
const expectedQuality = (given: { n: number; p: number; claim: number; chance: number }): number => {
  const { n, p, claim, chance } = given;
  let expectation = 0;
  for (let outcomes = 0; outcomes < 2 ** n; outcomes += 1) {
    const rights = Array.from({ length: n }, (_, at) => Math.floor(outcomes / 2 ** at) % 2 === 1);
    const probability = rights.reduce((product, right) => product * (right ? p : 1 - p), 1);
    expectation += probability * qualityOf(rights.map((right) => answered(right, claim, chance)));
  }
  return expectation;
};

describe('domain / quality', () => {
  it('follows an example computed by hand', () => {
    // Right, right, wrong, missed; claims 0.8, 0.6, 0.5 with Brier 0.04, 0.16, 0.25; chance 1/4 on average.
    const work = [
      verdictOf({ uid: 1, chance: 0.5, brier: 0.04, responseMs: 1_450 }),
      verdictOf({ uid: 1, chance: 0.25, brier: 0.16, responseMs: 400 }),
      verdictOf({ uid: 1, chance: 0.125, accuracy: 0, brier: 0.25, responseMs: 9_000 }),
      { ...emptyVerdict(1, 'missed'), chance: 0.125 },
    ];
    const { kinds, ...miner } = assessMiner(work, policy);
    expect(miner).toMatchObject({ asked: 4, judged: 3, refused: 0, accuracy: 0.5, medianMs: 1_450 });
    expect(miner.brier).toBeCloseTo(0.15, 12);
    // Others' accuracy 1/3, 1/3, 2/3, 2/3, beyond chance (1/3 − 1/4) / (3/4) = 1/9 and (2/3 − 1/4) / (3/4) = 5/9.
    // (1/9 × 0.98 + 1/9 × 0.92 + 5/9 × 0.875 + 5/9 × 0.875) / 4; the missed one claims nothing: 1 − 0.5 × 0.25.
    const skill = (0.98 / 9 + 0.92 / 9 + (5 / 9) * 0.875 + (5 / 9) * 0.875) / 4;
    // Speed (10000 − 1450) / 9500 = 0.9; pace 0.8 + 0.18 = 0.98.
    expect(kinds[0]?.chance).toBe(0.25);
    expect(kinds[0]?.speed).toBeCloseTo(0.9, 12);
    expect(miner.quality).toBeCloseTo(skill * 0.98, 12);
  });

  it('averages kinds with equal weight, however many tasks each had', () => {
    const good = Array.from({ length: 9 }, () => verdictOf({ uid: 1 }));
    const bad = verdictOf({ uid: 1, kind: 'sentiment_analysis', accuracy: 0, brier: 1 });
    expect(qualityOf([...good, bad])).toBeCloseTo(0.5, 12);
  });

  it('knows no quality where nothing was asked', () => {
    expect(assessMiner([], policy)).toEqual({
      asked: 0,
      judged: 0,
      refused: 0,
      accuracy: 0,
      brier: null,
      medianMs: null,
      quality: null,
      kinds: [],
    });
  });

  it('counts every answer that was not judged as 0 and reports the refused apart', () => {
    for (const outcome of AnswerOutcome.literals.filter((literal) => literal !== 'judged')) {
      const summary = assessMiner([verdictOf({ uid: 1 }), emptyVerdict(1, outcome)], policy);
      expect(summary.accuracy).toBe(0.5);
      expect(summary.refused).toBe(outcome === 'refused' ? 1 : 0);
    }
  });

  it('stays in [0, 1] and does not depend on the order of evidence', () => {
    fc.assert(
      fc.property(verdicts, fc.string(), (work, seed) => {
        const summary = assessMiner(work, policy);
        for (const value of [summary.quality, summary.accuracy, summary.brier ?? 0]) {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
        }
        expect(assessMiner(createRandom(seed).shuffle(work), policy)).toEqual(summary);
      }),
    );
  });

  it('never falls when an answer gets more accurate or faster', () => {
    fc.assert(
      fc.property(verdicts, fraction, fraction, (work, better, faster) => {
        const [first, ...others] = work;
        if (first === undefined || first.outcome !== 'judged' || first.responseMs === null) return;
        const accurate = { ...first, accuracy: first.accuracy + (1 - first.accuracy) * better };
        const quick = { ...first, responseMs: first.responseMs * faster };
        const before = qualityOf(work);
        // Room for the rounding of a sum of at most forty terms.
        expect(qualityOf([accurate, ...others])).toBeGreaterThanOrEqual(before - 1e-12);
        expect(qualityOf([quick, ...others])).toBeGreaterThanOrEqual(before - 1e-12);
      }),
    );
  });

  it('pays the honest confidence best in exact expectation, for every number of answers from 2', () => {
    for (const chance of [0, 0.25, 0.5]) {
      for (const n of [2, 3, 5]) {
        for (const p of [0.1, 0.35, 0.5, 0.8]) {
          const honest = expectedQuality({ n, p, claim: p, chance });
          for (const claim of [0, 0.2, 0.6, 0.95, 1].filter((other) => other !== p)) {
            expect(expectedQuality({ n, p, claim, chance })).toBeLessThan(honest);
          }
        }
      }
    }
  });

  it('ignores the claim of a single answer, which has no others to be measured by', () => {
    expect(qualityOf([answered(true, 1)])).toBe(qualityOf([answered(true, 0.3)]));
    expect(qualityOf([answered(true, 1)])).toBeCloseTo(1 - 0.5 * 0.25, 12);
  });

  it('ranks a bluffing guesser below an honest guesser and far below an honest worker', () => {
    const random = createRandom('cheater');
    const rights = Array.from({ length: 400 }, () => random.next() < 0.25);
    const skilled = Array.from({ length: 400 }, () => random.next() < 0.85);
    const cheater = qualityOf(rights.map((right) => answered(right, 1)));
    const guesser = qualityOf(rights.map((right) => answered(right, 0.25)));
    const worker = qualityOf(skilled.map((right) => answered(right, 0.85)));
    expect(cheater).toBeLessThan(guesser);
    expect(cheater).toBeLessThan(worker / 3);
  });

  it('pays a constant guesser almost nothing, whatever confidence it claims, and an honest worker far more', () => {
    const random = createRandom('constant');
    const tasksOf = (count: number) =>
      Array.from({ length: count }, () => ({ classes: 4 + random.int(9), roll: random.next() }));
    const earned = (given: { p: (chance: number) => number; claim: number; tasks: number }): number =>
      qualityOf([
        ...tasksOf(given.tasks).map(({ roll }) => ({
          ...answered(roll < given.p(1 / 2), given.claim, 1 / 2),
          kind: 'sentiment_analysis',
        })),
        ...tasksOf(given.tasks).map(({ classes, roll }) =>
          answered(roll < given.p(1 / classes), given.claim, 1 / classes),
        ),
      ]);
    const mean = (given: Parameters<typeof earned>[0]): number =>
      Array.from({ length: 40 }, () => earned(given)).reduce((sum, quality) => sum + quality, 0) / 40;
    const worker = mean({ p: () => 0.9, claim: 0.9, tasks: 400 });
    expect(worker).toBeGreaterThan(0.75);
    for (const claim of [0, 0.25, 0.5, 1]) {
      expect(mean({ p: (chance) => chance, claim, tasks: 400 })).toBeLessThan(worker * 0.025);
      // Also in a short epoch a guesser is far behind.
      expect(mean({ p: (chance) => chance, claim, tasks: 40 })).toBeLessThan(worker * 0.08);
    }
  });

  it('reports the accuracy as graded, not corrected for chance', () => {
    const work = [answered(true, 1, 0.5), answered(true, 1, 0.5), answered(false, 0, 0.5)];
    expect(assessMiner(work, policy).accuracy).toBeCloseTo(2 / 3, 12);
    expect(assessMiner(work, policy).kinds[0]?.accuracy).toBeCloseTo(2 / 3, 12);
  });

  it('pays nothing for answering only where a guess is likely', () => {
    const easy = Array.from({ length: 20 }, (_, at) => answered(at % 2 === 0, 0.5, 0.5));
    const hard = Array.from({ length: 20 }, () => ({ ...emptyVerdict(1, 'missed'), chance: 0.1 }));
    expect(qualityOf([...easy, ...hard])).toBe(0);
  });

  it('pays a wrong answer nothing, whatever confidence it claims', () => {
    for (const claim of [0, 0.5, 1])
      expect(qualityOf([answered(false, claim), answered(false, claim)])).toBe(0);
  });

  it('pays the fast more than the slow, at most the speed share', () => {
    const at = (responseMs: number): number =>
      qualityOf([verdictOf({ uid: 1, responseMs }), verdictOf({ uid: 1, responseMs })]);
    expect([at(0), at(500)]).toEqual([1, 1]);
    expect(at(5_250)).toBeCloseTo(0.9, 12);
    expect(at(10_000)).toBeCloseTo(0.8, 12);
    expect(at(600)).toBeGreaterThan(at(700));
  });

  it('takes the median time, so one hiccup costs nothing', () => {
    const times = [300, 9_999, 301];
    const work = times.map((responseMs) => verdictOf({ uid: 1, responseMs }));
    expect(assessMiner(work, policy).medianMs).toBe(301);
    expect(qualityOf(work)).toBe(1);
    expect(assessMiner(work.slice(0, 2), policy).medianMs).toBe(5_149.5);
  });

  it('has nothing to calibrate where a kind claims no confidence', () => {
    const work = [verdictOf({ uid: 1, accuracy: 0.5, brier: null }), verdictOf({ uid: 1, brier: null })];
    expect(qualityOf(work)).toBeCloseTo(0.75, 12);
    expect(assessMiner(work, policy).brier).toBeNull();
  });
});
