import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '#src/domain/random.ts';
import { type Candidate, defaultScoringPolicy, type MinerScore, scoreEpoch } from '#src/domain/scoring.ts';
import { AnswerOutcome, type Verdict } from '#src/domain/task.ts';
import { emptyTrust, type TrustLedger } from '#src/domain/trust.ts';
import { candidateOf, emptyVerdict, hotkeyOf, verdictOf } from './evidenceBuilder.ts';

const policy = defaultScoringPolicy;

const repeat = (count: number, given: Partial<Verdict> & { readonly uid: number }): Verdict[] =>
  Array.from({ length: count }, () => verdictOf(given));

const veteran = (uid: number, mean = 1): TrustLedger => ({
  [hotkeyOf(uid)]: { absentEpochs: 0, kinds: { text_classification: { mean, samples: 20 } } },
});

const scoresOf = (
  verdicts: readonly Verdict[],
  candidates: readonly Candidate[],
  trust: TrustLedger = emptyTrust,
): readonly MinerScore[] => scoreEpoch({ verdicts, candidates, trust, policy }).scores;

// Doubles of every magnitude, and ordinary ones whose sums depend on their order.
const fraction = fc.oneof(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.nat(1_000_003).map((n) => n / 1_000_003),
);
const uid = fc.integer({ min: 0, max: 6 });
const verdict = fc.oneof(
  fc
    .record({
      uid,
      accuracy: fraction,
      brier: fraction,
      responseMs: fc.double({ min: 0, max: 2e4, noNaN: true }),
    })
    .map(verdictOf),
  fc
    .tuple(uid, fc.constantFrom(...AnswerOutcome.literals))
    .map(([who, outcome]) => (outcome === 'judged' ? verdictOf({ uid: who }) : emptyVerdict(who, outcome))),
);
const population = fc
  .uniqueArray(fc.tuple(uid, fc.double({ min: 0, max: 1e12, noNaN: true })), { selector: ([who]) => who })
  .map((rows) => rows.map(([who, stake]) => candidateOf(who, stake)));
const history = fc
  .dictionary(
    uid.map(hotkeyOf),
    fc.record({ mean: fraction, samples: fc.double({ min: 0.01, max: 1e4, noNaN: true }) }),
  )
  .map(
    (rows): TrustLedger =>
      Object.fromEntries(
        Object.entries(rows).map(([hotkey, kind]) => [
          hotkey,
          { absentEpochs: 0, kinds: { text_classification: kind } },
        ]),
      ),
  );

describe('domain / scoring', () => {
  it('follows an example computed by hand', () => {
    // Veteran: q 1 over 8 tasks, trust 1 × 20 / 40 = 0.5, quality (8 + 0.5 × 4) / 12 = 10/12, all the stake.
    // Newcomer: 4 of 8 right and certain, 4 missed: (4 × 3/7 + 4 × 4/7 × 0.875) / 8 = 13/28, over 12: 26/84; half the stake.
    const half = [...repeat(4, { uid: 2 }), ...Array.from({ length: 4 }, () => emptyVerdict(2, 'missed'))];
    const [old, fresh] = scoresOf(
      [...repeat(8, { uid: 1 }), ...half],
      [candidateOf(2, 500), candidateOf(1, 1_000)],
      veteran(1),
    );
    expect(old).toMatchObject({
      uid: 1,
      asked: 8,
      judged: 8,
      accuracy: 1,
      brier: 0,
      medianMs: 200,
      trust: 0.5,
      stake: 1,
    });
    expect(old?.quality).toBeCloseTo(10 / 12, 12);
    expect(old?.score).toBeCloseTo((10 / 12) * (0.7 + 0.05 + 0.2), 12);
    expect(fresh).toMatchObject({ uid: 2, asked: 8, judged: 4, accuracy: 0.5, trust: 0, stake: 0.5 });
    expect(fresh?.quality).toBeCloseTo(26 / 84, 12);
    expect(fresh?.score).toBeCloseTo((26 / 84) * (0.7 + 0.1), 12);
  });

  it('keeps every term in [0, 1] over any evidence', () => {
    fc.assert(
      fc.property(
        fc.array(verdict, { maxLength: 60 }),
        population,
        history,
        (verdicts, candidates, trust) => {
          const scores = scoresOf(verdicts, candidates, trust);
          expect(scores.map((score) => score.uid)).toEqual(
            candidates.map((one) => one.uid).toSorted((a, b) => a - b),
          );
          for (const score of scores) {
            for (const term of [score.quality, score.trust, score.stake, score.score, score.accuracy ?? 0]) {
              expect(term).toBeGreaterThanOrEqual(0);
              expect(term).toBeLessThanOrEqual(1);
            }
          }
        },
      ),
    );
  });

  it('depends on the evidence as a set, to the last bit', () => {
    fc.assert(
      fc.property(
        fc.array(verdict, { maxLength: 60 }),
        population,
        fc.string(),
        (verdicts, candidates, seed) => {
          const random = createRandom(seed);
          const straight = scoreEpoch({ verdicts, candidates, trust: emptyTrust, policy });
          const mixed = scoreEpoch({
            verdicts: random.shuffle(verdicts),
            candidates: random.shuffle(candidates),
            trust: emptyTrust,
            policy,
          });
          expect(mixed).toEqual(straight);
        },
      ),
    );
  });

  it('never pays stake and trust for bad work', () => {
    const [rich, poor] = scoresOf(
      [...repeat(20, { uid: 1, accuracy: 0, brier: 1 }), ...repeat(20, { uid: 2 })],
      [candidateOf(1, 1e9), candidateOf(2, 0)],
    );
    expect(rich?.score).toBe(0);
    expect(poor?.score).toBeGreaterThan(0.5);
  });

  it('gives the whale no more than the stake share', () => {
    const [whale, shrimp] = scoresOf(
      [...repeat(20, { uid: 1 }), ...repeat(20, { uid: 2 })],
      [candidateOf(1, 1e12), candidateOf(2, 1)],
    );
    expect(whale?.stake).toBe(1);
    expect((whale?.score ?? 0) / (shrimp?.score ?? 1)).toBeLessThanOrEqual(0.9 / 0.7 + 1e-9);
  });

  it('ranks honest above slow above a bluffing guesser', () => {
    const random = createRandom('ranking');
    const honest = Array.from({ length: 60 }, () => {
      const right = random.next() < 0.9;
      return verdictOf({ uid: 1, accuracy: right ? 1 : 0, brier: right ? 0.01 : 0.81 });
    });
    const slow = honest.map((one) => ({ ...one, uid: 2, hotkey: hotkeyOf(2), responseMs: 8_000 }));
    const cheater = Array.from({ length: 60 }, () => {
      const right = random.next() < 0.25;
      return verdictOf({ uid: 3, accuracy: right ? 1 : 0, brier: right ? 0 : 1 });
    });
    const [a, b, c] = scoresOf(
      [...honest, ...slow, ...cheater],
      [1, 2, 3].map((one) => candidateOf(one)),
    );
    expect(a?.score).toBeGreaterThan(b?.score ?? 1);
    expect(b?.score).toBeGreaterThan((c?.score ?? 1) * 2);
  });

  it('leaves a constant guesser almost no score, this epoch and after many', () => {
    const random = createRandom('guesser');
    const epochOf = (): Verdict[] =>
      Array.from({ length: 200 }, (_, at) => {
        const chance = at % 2 === 0 ? 1 / 2 : 1 / 8;
        const kind = at % 2 === 0 ? 'sentiment_analysis' : 'text_classification';
        const answered = (uid: number, right: boolean, claim: number) =>
          verdictOf({ uid, kind, chance, accuracy: right ? 1 : 0, brier: (claim - (right ? 1 : 0)) ** 2 });
        return [
          answered(1, random.next() < 0.9, 0.9),
          answered(2, random.next() < chance, chance),
          answered(3, random.next() < chance, 0.5),
        ];
      }).flat();
    let trust = emptyTrust;
    for (let epoch = 0; epoch < 20; epoch += 1) {
      const result = scoreEpoch({
        verdicts: epochOf(),
        candidates: [1, 2, 3].map((one) => candidateOf(one)),
        trust,
        policy,
      });
      trust = result.trust;
      const [honest, ...guessers] = result.scores.map(({ score }) => score);
      for (const guesser of guessers) expect(guesser).toBeLessThan((honest ?? 0) * 0.12);
    }
  });

  it('does not take one lucky answer for a veteran', () => {
    const [lucky, old] = scoresOf(
      [verdictOf({ uid: 1 }), ...repeat(20, { uid: 2, accuracy: 0.9 })],
      [candidateOf(1), candidateOf(2)],
      veteran(2, 0.9),
    );
    expect(lucky?.quality).toBeLessThan((old?.quality ?? 0) / 3);
  });

  it('lets history stand in for a miner that was asked nothing', () => {
    const { scores, trust } = scoreEpoch({
      verdicts: [],
      candidates: [candidateOf(1, 10), candidateOf(2, 10)],
      trust: veteran(1),
      policy,
    });
    expect(scores[0]).toMatchObject({
      asked: 0,
      accuracy: null,
      brier: null,
      medianMs: null,
      quality: 0.5,
      trust: 0.5,
    });
    expect(scores[0]?.score).toBeCloseTo(0.5 * 0.95, 12);
    expect(scores[1]?.score).toBe(0);
    expect(trust).toEqual(veteran(1));
  });

  it('scores by the hotkey, so evidence of a replaced neuron is not its successor’s', () => {
    const successor = { ...candidateOf(1), hotkey: hotkeyOf(50) };
    const [score] = scoresOf(repeat(10, { uid: 1 }), [successor], veteran(1));
    expect(score).toMatchObject({ uid: 1, asked: 0, trust: 0, quality: 0, score: 0 });
  });

  it('has no stake term where nobody has stake', () => {
    expect(scoresOf(repeat(4, { uid: 1 }), [candidateOf(1)])[0]?.stake).toBe(0);
    expect(scoresOf([], [])).toEqual([]);
  });
});
