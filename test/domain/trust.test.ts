import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KindQuality } from '#src/domain/quality.ts';
import {
  emptyTrust,
  hasHistory,
  MAX_TRUST_ENTRIES,
  type TrustLedger,
  trustOfPopulation,
  updateTrust,
} from '#src/domain/trust.ts';
import { hotkeyOf } from './evidenceBuilder.ts';

const policy = { trustDecay: 0.9, trustPriorSamples: 20, forgetEpochs: 5 };

const workOf = (quality: number, asked: number, kind = 'text_classification'): KindQuality => ({
  kind,
  asked,
  judged: asked,
  refused: 0,
  chance: 0,
  accuracy: quality,
  brier: null,
  medianMs: 100,
  speed: 1,
  quality,
});

const [alice, bob] = [hotkeyOf(1), hotkeyOf(2)];

const ledgerAfter = (
  ledger: TrustLedger,
  work: Record<string, KindQuality[]>,
  candidates = [alice, bob],
): TrustLedger => updateTrust({ ledger, candidates, work: new Map(Object.entries(work)), policy });

const trustIn = (ledger: TrustLedger, hotkey: string, hotkeys = [alice, bob]): number =>
  trustOfPopulation({ ledger, hotkeys, policy }).get(hotkey) ?? -1;

describe('domain / trust', () => {
  it('follows an example computed by hand', () => {
    const first = ledgerAfter(emptyTrust, { [alice]: [workOf(0.8, 10)] });
    expect(first).toEqual({
      [alice]: { absentEpochs: 0, kinds: { text_classification: { mean: 0.8, samples: 10 } } },
    });
    // 0.8 × 10 / 30
    expect(trustIn(first, alice)).toBeCloseTo(0.8 / 3, 12);
    const second = ledgerAfter(first, { [alice]: [workOf(0.5, 6)] });
    // Samples 9 + 6 = 15; mean (0.8 × 9 + 0.5 × 6) / 15 = 0.68; trust 0.68 × 15 / 35.
    const history = second[alice]?.kinds['text_classification'];
    expect(history?.samples).toBeCloseTo(15, 12);
    expect(history?.mean).toBeCloseTo(0.68, 12);
    expect(trustIn(second, alice)).toBeCloseTo((0.68 * 15) / 35, 12);
  });

  it('is 0 for the new and small after one lucky answer', () => {
    expect(trustIn(emptyTrust, alice)).toBe(0);
    expect(hasHistory(emptyTrust, alice)).toBe(false);
    const lucky = ledgerAfter(emptyTrust, { [alice]: [workOf(1, 1)] });
    expect(trustIn(lucky, alice)).toBeCloseTo(1 / 21, 12);
    expect(hasHistory(lucky, alice)).toBe(true);
  });

  it('averages over every kind known in the population, so a missing kind counts 0', () => {
    const ledger = ledgerAfter(emptyTrust, {
      [alice]: [workOf(1, 20), workOf(1, 20, 'sentiment_analysis')],
      [bob]: [workOf(1, 20)],
    });
    expect(trustIn(ledger, alice)).toBeCloseTo(0.5, 12);
    expect(trustIn(ledger, bob)).toBeCloseTo(0.25, 12);
  });

  it('belongs to the hotkey: a newcomer on an old uid starts without it', () => {
    const ledger = ledgerAfter(emptyTrust, { [alice]: [workOf(1, 50)] });
    const newcomer = hotkeyOf(77);
    expect(trustIn(ledger, newcomer, [newcomer, bob])).toBe(0);
  });

  it('fades for a miner that is not asked while others are', () => {
    const ledger = ledgerAfter(emptyTrust, { [alice]: [workOf(1, 20)] });
    const later = ledgerAfter(ledger, { [bob]: [workOf(1, 1)] });
    expect(later[alice]?.kinds['text_classification']).toEqual({ mean: 1, samples: 18 });
  });

  it('ages nobody in an epoch in which nobody was asked', () => {
    const ledger = ledgerAfter(emptyTrust, { [alice]: [workOf(0.7, 20)] });
    expect(ledgerAfter(ledger, {})).toEqual(ledger);
    expect(ledgerAfter(ledger, { [alice]: [], [bob]: [] })).toEqual(ledger);
  });

  it('forgets a hotkey after its epochs of absence, and only then', () => {
    let ledger = ledgerAfter(emptyTrust, { [alice]: [workOf(1, 50)] });
    for (let epoch = 1; epoch < policy.forgetEpochs; epoch += 1) {
      ledger = ledgerAfter(ledger, { [bob]: [workOf(1, 5)] }, [bob]);
      expect(ledger[alice]?.absentEpochs).toBe(epoch);
    }
    const returned = ledgerAfter(ledger, { [bob]: [workOf(1, 5)] });
    expect(returned[alice]?.absentEpochs).toBe(0);
    expect(hasHistory(ledgerAfter(ledger, { [bob]: [workOf(1, 5)] }, [bob]), alice)).toBe(false);
  });

  it('drops history that has faded to nothing', () => {
    let ledger = ledgerAfter(emptyTrust, { [alice]: [workOf(1, 1)] });
    for (let epoch = 0; epoch < 70; epoch += 1) ledger = ledgerAfter(ledger, { [bob]: [workOf(1, 1)] });
    expect(Object.keys(ledger)).toEqual([bob]);
  });

  it('is bounded, and the longest absent go first', () => {
    const entries = Array.from({ length: MAX_TRUST_ENTRIES }, (_, index) => [
      hotkeyOf(index + 10),
      { absentEpochs: index === 0 ? 3 : 0, kinds: { text_classification: { mean: 1, samples: 5 } } },
    ]);
    const ledger = ledgerAfter(Object.fromEntries(entries), { [alice]: [workOf(1, 1)] });
    expect(Object.keys(ledger)).toHaveLength(MAX_TRUST_ENTRIES);
    expect(hasHistory(ledger, alice)).toBe(true);
    expect(hasHistory(ledger, hotkeyOf(10))).toBe(false);
  });

  it('stays in [0, 1] with means in [0, 1] over any history', () => {
    const fraction = fc.double({ min: 0, max: 1, noNaN: true });
    const epoch = fc.record({ quality: fraction, asked: fc.integer({ min: 1, max: 500 }) });
    fc.assert(
      fc.property(fc.array(epoch, { maxLength: 30 }), (epochs) => {
        const ledger = epochs.reduce(
          (before, { quality, asked }) => ledgerAfter(before, { [alice]: [workOf(quality, asked)] }),
          emptyTrust,
        );
        const trust = trustIn(ledger, alice);
        expect(trust).toBeGreaterThanOrEqual(0);
        expect(trust).toBeLessThanOrEqual(1);
        for (const { mean } of Object.values(ledger[alice]?.kinds ?? {})) {
          expect(mean).toBeGreaterThanOrEqual(0);
          expect(mean).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('takes names from Object.prototype for no entries', () => {
    expect(hasHistory(emptyTrust, 'constructor')).toBe(false);
    expect(trustIn(emptyTrust, 'toString', ['toString'])).toBe(0);
  });
});
