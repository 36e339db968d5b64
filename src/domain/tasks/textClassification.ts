import * as Schema from 'effect/Schema';
import { Fraction } from '../ids.ts';
import type { Random } from '../random.ts';
import {
  brierScore,
  ClassId,
  type Distribution,
  LanguageTag,
  type TaskDefinition,
  TaskText,
} from './definition.ts';
import { composeIntent, intentBooks } from './intentText.ts';
import { type IntentClass, intentClasses } from './phrases/phraseBook.ts';

const Request = Schema.Struct({
  text: TaskText,
  language: Schema.optionalKey(LanguageTag),
  allowed_classes: Schema.Array(ClassId).check(
    Schema.isMinLength(2),
    Schema.isMaxLength(64),
    Schema.isUnique(),
  ),
});
export type TextClassificationRequest = typeof Request.Type;

const Answer = Schema.Struct({
  class_id: ClassId,
  confidence: Fraction,
  description: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(500))),
});
export type TextClassificationAnswer = typeof Answer.Type;

const Truth = Schema.Struct({ class_id: ClassId });
export type TextClassificationTruth = typeof Truth.Type;

/** Fewest classes a synthetic task offers: few enough to vary, enough that a guess rarely pays. */
const MIN_OFFERED_CLASSES = 4;

/** Which of the allowed classes a text belongs to; synthetic tasks are intents of a shop's customers. */
export const textClassification: TaskDefinition<
  'text_classification',
  TextClassificationRequest,
  TextClassificationAnswer,
  TextClassificationTruth
> = {
  kind: 'text_classification',
  requestSchema: Request,
  answerSchema: Answer,
  truthSchema: Truth,
  generate: (random) => {
    const { text, classId, language } = composeIntent(random.pick(intentBooks), random);
    return {
      request: { text, language, allowed_classes: offeredClasses(classId, random) },
      truth: { class_id: classId },
    };
  },
  judge: ({ request, answer, truth }) => {
    const isCorrect = request.allowed_classes.includes(answer.class_id) && answer.class_id === truth.class_id;
    return { accuracy: isCorrect ? 1 : 0, brier: brierScore(answer.confidence, isCorrect) };
  },
  // The offered classes come in random order, and each is as likely to be the right one.
  chanceOf: ({ allowed_classes }) => 1 / allowed_classes.length,
  answerFrom: ({ request, distribution }) => mostProbable(request.allowed_classes, distribution),
};

/** All classes half of the time, else some of them; the right one is always among them, in no special place. */
const offeredClasses = (classId: IntentClass, random: Random): string[] => {
  if (random.next() < 0.5) return random.shuffle(intentClasses);
  const others = random.shuffle(intentClasses.filter((other) => other !== classId));
  const wanted = MIN_OFFERED_CLASSES - 1 + random.int(others.length - MIN_OFFERED_CLASSES + 1);
  return random.shuffle([classId, ...others.slice(0, wanted)]);
};

/**
 * The most probable allowed class. The confidence is conditional on the allowed ones, because the request rules
 * the others out. A model that knows none of them guesses the first one and says that it guesses.
 */
const mostProbable = (
  allowedClasses: readonly string[],
  distribution: Distribution,
): TextClassificationAnswer => {
  const [first] = allowedClasses;
  let best = { label: first ?? '', probability: 0 };
  let total = 0;
  for (const entry of distribution) {
    if (!allowedClasses.includes(entry.label) || !(entry.probability > 0)) continue;
    total += entry.probability;
    if (entry.probability > best.probability) best = entry;
  }
  const confidence = total > 0 ? best.probability / total : 1 / Math.max(1, allowedClasses.length);
  return { class_id: best.label, confidence: Math.min(1, Math.max(0, confidence)) };
};
