import type { Outcome } from '../outcome.ts';
import { decodeStrictly, type TaskDefect } from './definition.ts';
import { sentimentAnalysis } from './sentimentAnalysis.ts';
import { textClassification } from './textClassification.ts';

/** Every kind of task this release knows, by the name that travels on the wire. */
export const taskKinds = {
  text_classification: textClassification,
  sentiment_analysis: sentimentAnalysis,
} as const;

export type TaskKinds = typeof taskKinds;
export type TaskKind = keyof TaskKinds;
export type RequestOf<Kind extends TaskKind> = TaskKinds[Kind]['requestSchema']['Type'];
export type AnswerOf<Kind extends TaskKind> = TaskKinds[Kind]['answerSchema']['Type'];
export type TruthOf<Kind extends TaskKind> = TaskKinds[Kind]['truthSchema']['Type'];

/** The names of all kinds, in a fixed order. */
export const taskKindNames: readonly TaskKind[] = ['text_classification', 'sentiment_analysis'];

/** Whether a name from outside is a kind; `constructor` and its like are not. */
export const isTaskKind = (name: unknown): name is TaskKind =>
  typeof name === 'string' && Object.hasOwn(taskKinds, name);

/** Decodes an untrusted request of a kind; unknown keys, wrong types and out-of-range values are refused. */
export const decodeRequest = <Kind extends TaskKind>(
  kind: Kind,
  input: unknown,
): Outcome<RequestOf<Kind>, TaskDefect> =>
  decodeStrictly(taskKinds[kind].requestSchema as SchemaOf<RequestOf<Kind>>, input);

/** Decodes an untrusted answer of a kind; numbers are finite and in [0, 1], booleans are not numbers. */
export const decodeAnswer = <Kind extends TaskKind>(
  kind: Kind,
  input: unknown,
): Outcome<AnswerOf<Kind>, TaskDefect> =>
  decodeStrictly(taskKinds[kind].answerSchema as SchemaOf<AnswerOf<Kind>>, input);

/** Decodes a recorded truth of a kind, for example from a task file or the evidence. */
export const decodeTruth = <Kind extends TaskKind>(
  kind: Kind,
  input: unknown,
): Outcome<TruthOf<Kind>, TaskDefect> =>
  decodeStrictly(taskKinds[kind].truthSchema as SchemaOf<TruthOf<Kind>>, input);

// An indexed access type is not narrowed by its own key; the registry pairs key and schema above.
type SchemaOf<A> = Parameters<typeof decodeStrictly<A>>[0];
