import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '#src/domain/random.ts';
import {
  decodeAnswer,
  decodeRequest,
  decodeTruth,
  isTaskKind,
  taskKindNames,
  taskKinds,
} from '#src/domain/tasks/kinds.ts';

const notFractions = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  -0.01,
  1.01,
  1e6,
  true,
  '0.5',
  null,
];

describe('domain / tasks / kinds', () => {
  it('names every kind once, under its own key', () => {
    expect([...taskKindNames].sort()).toEqual(Object.keys(taskKinds).sort());
    for (const kind of taskKindNames) expect(taskKinds[kind].kind).toBe(kind);
  });

  it('knows its kinds and nothing of the prototype', () => {
    expect(isTaskKind('text_classification')).toBe(true);
    for (const name of ['constructor', 'toString', '', 'emotion', 7, undefined])
      expect(isTaskKind(name)).toBe(false);
  });

  it('generates requests and truths that its own schemas accept', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(...taskKindNames), (seed, kind) => {
        const { request, truth } = taskKinds[kind].generate(createRandom(seed));
        expect(decodeRequest(kind, JSON.parse(JSON.stringify(request)))).toEqual({
          ok: true,
          value: request,
        });
        expect(decodeTruth(kind, JSON.parse(JSON.stringify(truth)))).toEqual({ ok: true, value: truth });
      }),
      { numRuns: 300 },
    );
  });

  it('generates the same task from the same seed', () => {
    for (const kind of taskKindNames) {
      expect(taskKinds[kind].generate(createRandom('s'))).toEqual(
        taskKinds[kind].generate(createRandom('s')),
      );
    }
  });

  it('practically never repeats a text', () => {
    for (const kind of taskKindNames) {
      const random = createRandom('repeat');
      const texts = Array.from(
        { length: 3_000 },
        (_, n) => taskKinds[kind].generate(random.fork(`${n}`)).request.text,
      );
      expect(new Set(texts).size).toBeGreaterThan(2_850);
    }
  });

  it('refuses confidences that are not finite numbers in [0, 1]', () => {
    for (const confidence of notFractions) {
      expect(decodeAnswer('text_classification', { class_id: 'refund', confidence }).ok).toBe(false);
      expect(decodeAnswer('sentiment_analysis', { sentiment_score: 0.5, confidence }).ok).toBe(false);
      expect(decodeAnswer('sentiment_analysis', { sentiment_score: confidence, confidence: 0.5 }).ok).toBe(
        false,
      );
    }
  });

  it('refuses keys it does not know, missing keys and other shapes', () => {
    const answer = { class_id: 'refund', confidence: 0.5 };
    expect(decodeAnswer('text_classification', answer).ok).toBe(true);
    expect(decodeAnswer('text_classification', { ...answer, description: 'x'.repeat(500) }).ok).toBe(true);
    const refused = [
      { ...answer, extra: 1 },
      { ...answer, description: 'x'.repeat(501) },
      { ...answer, description: undefined },
      { class_id: 7, confidence: 0.5 },
      { class_id: '', confidence: 0.5 },
      { confidence: 0.5 },
      [answer],
      null,
      'refund',
    ];
    for (const input of refused) expect(decodeAnswer('text_classification', input).ok).toBe(false);
  });

  it('refuses requests out of bounds', () => {
    const request = { text: 'where is it', allowed_classes: ['a', 'b'] };
    expect(decodeRequest('text_classification', request).ok).toBe(true);
    const refused = [
      { ...request, text: '' },
      { ...request, text: 'x'.repeat(4_001) },
      { ...request, text: 'lone \ud800 surrogate' },
      { ...request, language: 'not a language' },
      { ...request, allowed_classes: ['a'] },
      { ...request, allowed_classes: ['a', 'a'] },
      { ...request, allowed_classes: Array.from({ length: 65 }, (_, n) => `c${n}`) },
      { ...request, allowed_classes: ['a', 'x'.repeat(65)] },
    ];
    for (const input of refused) expect(decodeRequest('text_classification', input).ok).toBe(false);
  });

  it('bounds the reason it gives', () => {
    const outcome = decodeRequest('sentiment_analysis', { text: 'x'.repeat(100_000) });
    expect(outcome.ok).toBe(false);
    if (!outcome.ok) {
      expect(outcome.error._tag).toBe('TaskDefect');
      expect(outcome.error.reason.length).toBeLessThanOrEqual(300);
    }
  });
});
