import * as Schema from 'effect/Schema';
import { Fraction } from '../ids.ts';
import { brierScore, type Distribution, LanguageTag, type TaskDefinition, TaskText } from './definition.ts';
import { composeSentiment, sentimentBooks } from './sentimentText.ts';

const Request = Schema.Struct({ text: TaskText, language: Schema.optionalKey(LanguageTag) });
export type SentimentAnalysisRequest = typeof Request.Type;

const Answer = Schema.Struct({
  /** Probability that the text is positive. */
  sentiment_score: Fraction,
  confidence: Fraction,
});
export type SentimentAnalysisAnswer = typeof Answer.Type;

const Truth = Schema.Struct({ label: Schema.Literals(['Positive', 'Negative']) });
export type SentimentAnalysisTruth = typeof Truth.Type;

/** Whether a customer's remark is favourable; a remark with two sides counts for the side it comes down on. */
export const sentimentAnalysis: TaskDefinition<
  'sentiment_analysis',
  SentimentAnalysisRequest,
  SentimentAnalysisAnswer,
  SentimentAnalysisTruth
> = {
  kind: 'sentiment_analysis',
  requestSchema: Request,
  answerSchema: Answer,
  truthSchema: Truth,
  generate: (random) => {
    const { text, label, language } = composeSentiment(random.pick(sentimentBooks), random);
    return { request: { text, language }, truth: { label } };
  },
  judge: ({ answer, truth }) => {
    const isCorrect = answer.sentiment_score > 0.5 === (truth.label === 'Positive');
    return { accuracy: isCorrect ? 1 : 0, brier: brierScore(answer.confidence, isCorrect) };
  },
  // The generator draws both sides equally often.
  chanceOf: () => 1 / 2,
  answerFrom: ({ distribution }) => {
    const score = positiveShare(distribution);
    return { sentiment_score: score, confidence: Math.max(score, 1 - score) };
  },
};

/**
 * P(positive) over positive and negative labels; neutral ones are left out. Exports without label names
 * (`LABEL_0`, `LABEL_1`) follow the usual order of two-class sentiment models: 1 is positive. A distribution
 * that names neither side says nothing, which is 0.5.
 */
const positiveShare = (distribution: Distribution): number => {
  let positive = 0;
  let negative = 0;
  for (const { label, probability } of distribution) {
    if (!(probability > 0)) continue;
    if (/^(pos|label_1$)/i.test(label)) positive += probability;
    else if (/^(neg|label_0$)/i.test(label)) negative += probability;
  }
  const total = positive + negative;
  return total > 0 ? Math.min(1, positive / total) : 0.5;
};
