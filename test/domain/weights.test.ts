import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '#src/domain/random.ts';
import { missingWeights, roundHalfEven, weightsFromScores } from '#src/domain/weights.ts';

const score = fc.double({ min: 0, max: 1, noNaN: true });
const scored = fc.uniqueArray(fc.record({ uid: fc.integer({ min: 0, max: 65_535 }), score }), {
  selector: ({ uid }) => uid,
  maxLength: 256,
});

type Scores = readonly { readonly uid: number; readonly score: number }[];
const build = (scores: Scores, ownerUid: number | null = null, burnShare = 0, asked = 1) =>
  weightsFromScores({ scores: scores.map((score) => ({ ...score, asked })), ownerUid, burnShare });
const listed = (scores: readonly number[]): Scores => scores.map((value, uid) => ({ uid, score: value }));

describe('domain / weights', () => {
  it.each<[string, readonly number[], number[], number[]]>([
    // Facts of the Python SDK's conversion.
    ['the SDK’s vectors', [0, 0.1, 0.2, 0.3, 0.4], [1, 2, 3, 4], [16_384, 32_768, 49_151, 65_535]],
    ['a weight that rounds to 0', [0.5, 0.25, 1e-7], [0, 1], [65_535, 32_768]],
    ['the worked example of the original', [0.824, 0.47, 0.78], [0, 1, 2], [65_535, 37_380, 62_036]],
    ['one miner', [1e-300], [0], [65_535]],
    ['broken scores', [Number.NaN, 0.5, Number.POSITIVE_INFINITY, -1, 0], [1], [65_535]],
  ])('converts %s', (_, scores, uids, values) => {
    expect(build(listed(scores))).toEqual({ uids, values });
  });

  it('rounds half to even', () => {
    expect([0.5, 1.5, 2.5, 2.4999999999999996, 65_534.5, 3].map(roundHalfEven)).toEqual([
      0, 2, 2, 2, 65_534, 3,
    ]);
  });

  it('has ascending unique uids, positive u16 values and the maximum 65535', () => {
    fc.assert(
      fc.property(
        scored,
        fc.option(fc.integer({ min: 0, max: 65_535 }), { nil: null }),
        score,
        (scores, owner, burn) => {
          const { uids, values } = build(scores, owner, burn);
          expect(uids).toHaveLength(values.length);
          expect(uids).toEqual([...new Set(uids)].toSorted((a, b) => a - b));
          expect(values.every((value) => Number.isInteger(value) && value > 0 && value <= 65_535)).toBe(true);
          if (values.length > 0) expect(Math.max(...values)).toBe(65_535);
        },
      ),
    );
  });

  it('does not depend on the order of the scores', () => {
    fc.assert(
      fc.property(scored, fc.string(), score, (scores, seed, burn) => {
        expect(build(createRandom(seed).shuffle(scores), 3, burn)).toEqual(build(scores, 3, burn));
      }),
    );
  });

  it('does not depend on the scale of the scores', () => {
    // Powers of two scale without rounding; below 1e-290 they would leave the normal numbers.
    const normal = scored.map((scores) =>
      scores.map(({ uid, score: value }) => ({ uid, score: value < 1e-200 ? 0 : value })),
    );
    fc.assert(
      fc.property(normal, fc.integer({ min: -200, max: 200 }), (scores, exponent) => {
        const scaled = scores.map(({ uid, score: value }) => ({ uid, score: value * 2 ** exponent }));
        expect(build(scaled, 3, 0.25)).toEqual(build(scores, 3, 0.25));
      }),
    );
  });

  it('gives the higher score at least the weight of the lower', () => {
    fc.assert(
      fc.property(scored, (scores) => {
        const { uids, values } = build(scores);
        const weightOf = new Map(uids.map((uid, at) => [uid, values[at] ?? 0]));
        const ranked = scores.toSorted((a, b) => a.score - b.score).map(({ uid }) => weightOf.get(uid) ?? 0);
        expect(ranked).toEqual(ranked.toSorted((a, b) => a - b));
      }),
    );
  });

  it('pays the owner when nobody scored, and nobody when the owner is unknown', () => {
    expect(build(listed([0, 0]), 7)).toEqual({ uids: [7], values: [65_535] });
    expect(build([], 7)).toEqual({ uids: [7], values: [65_535] });
    expect(build(listed([0, Number.NaN]), null)).toEqual({ uids: [], values: [] });
  });

  it('is empty where miners exist and nobody was ever asked, unless everything is burned anyway', () => {
    const unasked = (scores: readonly number[], burnShare = 0) => build(listed(scores), 7, burnShare, 0);
    expect(unasked([0, 0])).toEqual({ uids: [], values: [] });
    expect(unasked([0, 0], 0.5)).toEqual({ uids: [], values: [] });
    expect(unasked([0, 0], 1)).toEqual({ uids: [7], values: [65_535] });
    // History stands in for an epoch without rounds.
    expect(unasked([0, 0.4])).toEqual({ uids: [1], values: [65_535] });
    expect(
      weightsFromScores({
        scores: [
          { uid: 0, score: 0, asked: 0 },
          { uid: 1, score: 0, asked: 1 },
        ],
        ownerUid: 7,
        burnShare: 0,
      }),
    ).toEqual({ uids: [7], values: [65_535] });
  });

  it('burns the asked share of all weight through the owner', () => {
    // A quarter of everything is a third of what two equal miners have: 2/3 of one miner's ratio.
    expect(build(listed([0.4, 0.4]), 9, 0.25)).toEqual({ uids: [0, 1, 9], values: [65_535, 65_535, 43_690] });
    expect(build(listed([0.4, 0.4]), 9, 0.8)).toEqual({ uids: [0, 1, 9], values: [8_192, 8_192, 65_535] });
    expect(build(listed([0.4, 0.4]), 9, 1)).toEqual({ uids: [9], values: [65_535] });
    expect(build(listed([0.4, 0.4]), 1, 0.5)).toEqual({ uids: [0, 1], values: [21_845, 65_535] });
  });

  it('cannot burn without an owner, and pays nobody when everything was to burn', () => {
    expect(build(listed([0.4, 0.2]), null, 0.5)).toEqual(build(listed([0.4, 0.2])));
    expect(build(listed([0.4, 0.2]), null, 1)).toEqual({ uids: [], values: [] });
    expect(build(listed([0.4]), 9, Number.NaN)).toEqual({ uids: [0], values: [65_535] });
  });

  it('drops uids that are none and takes the larger of two scores', () => {
    const scores = [
      { uid: -1, score: 1 },
      { uid: 1.5, score: 1 },
      { uid: 65_536, score: 1 },
      { uid: 4, score: 0.25 },
      { uid: 4, score: 0.5 },
      { uid: 5, score: 0.5 },
    ];
    expect(build(scores)).toEqual({ uids: [4, 5], values: [65_535, 65_535] });
  });

  it('says how many weights the chain still wants', () => {
    const vector = { uids: [1, 2], values: [65_535, 9] };
    const given = { vector, minAllowedWeights: 8, neurons: 256, ownUid: 1 };
    expect(missingWeights(given)).toBe(6);
    expect(missingWeights({ ...given, neurons: 2 })).toBe(0);
    expect(missingWeights({ ...given, minAllowedWeights: 1 })).toBe(0);
    expect(missingWeights({ ...given, vector: { uids: [1], values: [65_535] } })).toBe(0);
    expect(missingWeights({ ...given, vector: { uids: [2], values: [65_535] } })).toBe(7);
  });
});
