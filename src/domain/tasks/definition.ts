import * as Schema from 'effect/Schema';
import { fail, type Outcome, succeed } from '../outcome.ts';
import type { Random } from '../random.ts';

/** One class of a classifier with its probability, as the miner's model returned it. */
export type ClassProbability = { readonly label: string; readonly probability: number };

/** Every class of a classifier; the order does not matter. */
export type Distribution = readonly ClassProbability[];

export type Judgement = {
  /** In [0, 1]; a wrong answer is 0, whatever confidence it claimed. */
  readonly accuracy: number;
  /** Squared distance between claimed confidence and outcome, in [0, 1], 0 is best; null where none is claimed. */
  readonly brier: number | null;
};

/**
 * Everything there is to know about one kind of task; validator and miner take both sides from here.
 *
 * `generate` makes a synthetic task with its truth, `judge` grades an answer, and `answerFrom` turns the
 * distribution of a miner's classifier into the answer of this kind. `chanceOf` is the accuracy, in [0, 1), that the
 * best answer given without looking at the task is expected to have: 1/n for one of n equally frequent classes, 0
 * where nothing can be guessed. It depends on the request alone, so whoever has the evidence can tell it again.
 */
export type TaskDefinition<Kind extends string, Request, Answer, Truth> = {
  readonly kind: Kind;
  readonly requestSchema: Schema.Codec<Request, Request>;
  readonly answerSchema: Schema.Codec<Answer, Answer>;
  readonly truthSchema: Schema.Codec<Truth, Truth>;
  readonly generate: (random: Random) => { readonly request: Request; readonly truth: Truth };
  readonly judge: (graded: {
    readonly request: Request;
    readonly answer: Answer;
    readonly truth: Truth;
  }) => Judgement;
  readonly chanceOf: (request: Request) => number;
  readonly answerFrom: (given: { readonly request: Request; readonly distribution: Distribution }) => Answer;
};

/** Why a request, an answer or a truth was refused; `reason` is for people and bounded in length. */
export type TaskDefect = { readonly _tag: 'TaskDefect'; readonly reason: string };

export const MAX_TEXT_CHARS = 4_000;
const MAX_REASON_CHARS = 300;

const wellFormed = Schema.makeFilter((text: string) => text.isWellFormed(), {
  expected: 'well-formed Unicode without lone surrogates',
});

/**
 * Text of a task, 1..4000 UTF-16 code units. Lone surrogates are refused because UTF-8 cannot carry them: what
 * a miner reads would differ from what was committed to.
 */
export const TaskText = Schema.String.check(
  Schema.isMinLength(1),
  Schema.isMaxLength(MAX_TEXT_CHARS),
  wellFormed,
);

/** Language tag after BCP 47, such as `en`, `zh` or `es-MX`; a hint, never verified against the text. */
export const LanguageTag = Schema.String.check(Schema.isPattern(/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$/));

/** Name of a class, 1..64 code units. */
export const ClassId = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(64), wellFormed);

/** Decodes untrusted data; unknown keys are refused, so that nothing unjudged travels along. */
export const decodeStrictly = <A>(schema: Schema.Codec<A, A>, input: unknown): Outcome<A, TaskDefect> => {
  const result = Schema.decodeUnknownResult(schema, { onExcessProperty: 'error' })(input);
  if (result._tag === 'Success') return succeed(result.success);
  return fail({ _tag: 'TaskDefect', reason: result.failure.message.slice(0, MAX_REASON_CHARS) });
};

/** Squared distance between a claimed probability and what happened (Brier 1950), in [0, 1]. */
export const brierScore = (confidence: number, isCorrect: boolean): number => {
  const error = confidence - (isCorrect ? 1 : 0);
  // A product, not a power: only + − × ÷ are the same to the last bit on every machine.
  return error * error;
};
