import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '#src/domain/random.ts';
import { sentimentAnalysis } from '#src/domain/tasks/sentimentAnalysis.ts';
import { textClassification } from '#src/domain/tasks/textClassification.ts';

const fraction = fc.double({ min: 0, max: 1, noNaN: true });
const label = fc.constantFrom('refund', 'complaint', 'discount', 'elsewhere');
const request = { text: 'I want my money back', allowed_classes: ['refund', 'complaint', 'discount'] };

describe('domain / tasks / textClassification', () => {
  it('keeps accuracy and Brier score within [0, 1], and pays nothing for a wrong class', () => {
    fc.assert(
      fc.property(label, label, fraction, (claimed, right, confidence) => {
        const { accuracy, brier } = textClassification.judge({
          request,
          answer: { class_id: claimed, confidence },
          truth: { class_id: right },
        });
        expect(accuracy).toBe(claimed === right && claimed !== 'elsewhere' ? 1 : 0);
        expect(brier).toBeGreaterThanOrEqual(0);
        expect(brier).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('makes the honest confidence the best one to claim', () => {
    const expected = (claim: number, chance: number): number => {
      const brier = (classId: string): number =>
        textClassification.judge({
          request,
          answer: { class_id: classId, confidence: claim },
          truth: { class_id: 'refund' },
        }).brier ?? Number.NaN;
      return chance * brier('refund') + (1 - chance) * brier('complaint');
    };
    for (const claim of [0, 0.3, 0.65, 0.75, 1])
      expect(expected(claim, 0.7)).toBeGreaterThan(expected(0.7, 0.7));
  });

  it('grades class "0" like any other', () => {
    const zero = { text: 'x', allowed_classes: ['0', '1'] };
    const grade = (classId: string): number =>
      textClassification.judge({
        request: zero,
        answer: { class_id: classId, confidence: 1 },
        truth: { class_id: '0' },
      }).accuracy;
    expect([grade('0'), grade('1')]).toEqual([1, 0]);
  });

  it('answers with the most probable allowed class, its confidence conditional on the allowed ones', () => {
    const answer = textClassification.answerFrom({
      request,
      distribution: [
        { label: 'account_access', probability: 0.6 },
        { label: 'refund', probability: 0.3 },
        { label: 'discount', probability: 0.1 },
      ],
    });
    expect(answer.class_id).toBe('refund');
    expect(answer.confidence).toBeCloseTo(0.75, 12);
  });

  it('admits a guess when the model knows none of the allowed classes', () => {
    const distribution = [{ label: 'LABEL_0', probability: 1 }];
    expect(textClassification.answerFrom({ request, distribution })).toEqual({
      class_id: 'refund',
      confidence: 1 / 3,
    });
  });

  it('answers within bounds whatever the model returns', () => {
    const probability = fc.oneof(fraction, fc.constantFrom(Number.NaN, -1, 0, 1e-320, 2));
    fc.assert(
      fc.property(fc.array(fc.record({ label, probability })), (distribution) => {
        const { class_id, confidence } = textClassification.answerFrom({ request, distribution });
        expect(request.allowed_classes).toContain(class_id);
        expect(confidence >= 0 && confidence <= 1).toBe(true);
      }),
    );
  });
});

describe('domain / tasks / sentimentAnalysis', () => {
  it('matches a score above one half with Positive, and nothing else', () => {
    const grade = (score: number, truth: 'Positive' | 'Negative'): number =>
      sentimentAnalysis.judge({
        request: { text: 'fine' },
        answer: { sentiment_score: score, confidence: 1 },
        truth: { label: truth },
      }).accuracy;
    expect([grade(0.82, 'Positive'), grade(0.82, 'Negative')]).toEqual([1, 0]);
    expect([grade(0.5, 'Positive'), grade(0.5, 'Negative')]).toEqual([0, 1]);
  });

  it('reads the positive share from the usual label names', () => {
    const score = (pairs: readonly (readonly [string, number])[]): number =>
      sentimentAnalysis.answerFrom({
        request: { text: 'fine' },
        distribution: pairs.map(([name, probability]) => ({ label: name, probability })),
      }).sentiment_score;
    expect(
      score([
        ['Negative', 0.2],
        ['Positive', 0.8],
      ]),
    ).toBeCloseTo(0.8, 12);
    expect(
      score([
        ['LABEL_0', 0.9],
        ['LABEL_1', 0.1],
      ]),
    ).toBeCloseTo(0.1, 12);
    expect(
      score([
        ['neg', 0.1],
        ['neutral', 0.6],
        ['pos', 0.3],
      ]),
    ).toBeCloseTo(0.75, 12);
    expect(score([['cat', 1]])).toBe(0.5);
  });

  it('keeps Brier score and confidence within [0, 1]', () => {
    fc.assert(
      fc.property(fraction, fraction, fc.constantFrom('Positive', 'Negative'), (score, confidence, truth) => {
        const { accuracy, brier } = sentimentAnalysis.judge({
          request: { text: 'fine' },
          answer: { sentiment_score: score, confidence },
          truth: { label: truth },
        });
        expect([0, 1]).toContain(accuracy);
        expect(brier !== null && brier >= 0 && brier <= 1).toBe(true);
      }),
    );
  });
});

describe('domain / tasks / chance', () => {
  it('is what constant answers are right by on generated tasks, for each kind', () => {
    const random = createRandom('chance');
    const count = 3_000;
    const texts = Array.from({ length: count }, () => textClassification.generate(random));
    const remarks = Array.from({ length: count }, () => sentimentAnalysis.generate(random));
    const right = {
      first: texts.filter(({ request: { allowed_classes }, truth }) => allowed_classes[0] === truth.class_id),
      positive: remarks.filter(({ truth }) => truth.label === 'Positive'),
    };
    const mean = (chances: readonly number[]): number =>
      chances.reduce((sum, chance) => sum + chance, 0) / count;
    const chanceOfText = mean(texts.map((task) => textClassification.chanceOf(task.request)));
    const chanceOfRemark = mean(remarks.map((task) => sentimentAnalysis.chanceOf(task.request)));
    // Four standard deviations of a mean of 3000 draws.
    expect(Math.abs(right.first.length / count - chanceOfText)).toBeLessThan(0.025);
    expect(Math.abs(right.positive.length / count - chanceOfRemark)).toBeLessThan(0.037);
    expect(textClassification.chanceOf(request)).toBe(1 / 3);
  });
});
