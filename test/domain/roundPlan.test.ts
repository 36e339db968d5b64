import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '#src/domain/random.ts';
import { type CohortCandidate, FLOOR_SHARE, roundId, sampleCohort, taskId } from '#src/domain/roundPlan.ts';
import { hotkeyOf } from './evidenceBuilder.ts';

const minerOf = (uid: number, given: Partial<CohortCandidate> = {}): CohortCandidate => ({
  uid,
  hotkey: hotkeyOf(uid),
  trust: 0,
  stake: 0,
  asked: 0,
  isNew: false,
  ...given,
});

const anyMiners = fc
  .array(
    fc.record({
      trust: fc.double({ min: 0, max: 1, noNaN: true }),
      stake: fc.double({ min: 0, max: 1e9, noNaN: true }),
      asked: fc.nat(20),
      isNew: fc.boolean(),
    }),
    { maxLength: 80 },
  )
  .map((rows) => rows.map((row, uid) => minerOf(uid, row)));

const uidsOf = (miners: readonly CohortCandidate[]): number[] => miners.map(({ uid }) => uid);

describe('domain / roundPlan', () => {
  it('serves someone for every number of miners from 1 to 256 and every size', () => {
    for (let n = 1; n <= 256; n += 1) {
      const candidates = Array.from({ length: n }, (_, uid) => minerOf(uid));
      for (const size of [1, 16, 1_000]) {
        const cohort = sampleCohort({ candidates, size, random: createRandom(`${n}/${size}`) });
        expect(cohort.length).toBe(Math.min(n, size));
      }
      for (const size of [0, -3, Number.NaN]) {
        expect(sampleCohort({ candidates, size, random: createRandom(`${n}`) })).toHaveLength(1);
      }
    }
    expect(sampleCohort({ candidates: [], size: 16, random: createRandom('none') })).toEqual([]);
  });

  it('takes distinct candidates and depends only on their set and the random stream', () => {
    fc.assert(
      fc.property(anyMiners, fc.integer({ min: 1, max: 100 }), fc.string(), (candidates, size, seed) => {
        const cohort = sampleCohort({ candidates, size, random: createRandom(seed) });
        expect(new Set(uidsOf(cohort)).size).toBe(Math.min(size, candidates.length));
        const mixed = createRandom(`${seed}!`).shuffle(candidates);
        expect(sampleCohort({ candidates: mixed, size, random: createRandom(seed) })).toEqual(cohort);
      }),
    );
  });

  it('asks every miner within ceil(n / floor seats) rounds, whatever its standing', () => {
    const size = 8;
    for (const n of [1, 7, 19, 100, 256]) {
      // A few hold all trust and stake.
      let miners = Array.from({ length: n }, (_, uid) =>
        minerOf(uid, uid < 5 ? { trust: 1, stake: 1e9 } : { isNew: uid % 2 === 0 }),
      );
      const rounds = Math.ceil(n / Math.ceil(Math.min(size, n) * FLOOR_SHARE));
      for (let round = 0; round < rounds; round += 1) {
        const cohort = sampleCohort({
          candidates: miners,
          size,
          random: createRandom(`floor/${n}/${round}`),
        });
        const chosen = new Set(uidsOf(cohort));
        miners = miners.map((miner) =>
          chosen.has(miner.uid) ? { ...miner, asked: miner.asked + 1 } : miner,
        );
      }
      expect(miners.every(({ asked }) => asked >= 1)).toBe(true);
    }
  });

  it('gives new miners the floor seats first among those asked as little', () => {
    const candidates = Array.from({ length: 40 }, (_, uid) => minerOf(uid, { isNew: uid >= 36 }));
    const cohort = uidsOf(sampleCohort({ candidates, size: 8, random: createRandom('new') }));
    for (const uid of [36, 37, 38, 39]) expect(cohort).toContain(uid);
  });

  it('asks the trusted and staked more often, and nobody never', () => {
    const candidates = Array.from({ length: 20 }, (_, uid) =>
      minerOf(uid, uid === 0 ? { trust: 1, stake: 100 } : {}),
    );
    const counts = new Map<number, number>();
    for (let round = 0; round < 300; round += 1) {
      for (const uid of uidsOf(
        sampleCohort({ candidates, size: 4, random: createRandom(`often/${round}`) }),
      )) {
        counts.set(uid, (counts.get(uid) ?? 0) + 1);
      }
    }
    const others = [...counts].filter(([uid]) => uid !== 0).map(([, count]) => count);
    expect(others).toHaveLength(19);
    expect(counts.get(0)).toBeGreaterThan(2 * Math.max(...others));
  });

  it('returns the highest priority first', () => {
    const candidates = [minerOf(1), minerOf(2, { trust: 0.5 }), minerOf(3, { trust: 0.4, stake: 10 })];
    expect(uidsOf(sampleCohort({ candidates, size: 3, random: createRandom('order') }))).toEqual([3, 2, 1]);
  });

  it('writes ids that say where and when', () => {
    const round = roundId({ epoch: 17, block: 6_120, nonce: '9f3a01c4' });
    expect(round).toBe('r17-6120-9f3a01c4');
    expect(taskId(round, 3)).toBe('r17-6120-9f3a01c4-3');
  });
});
