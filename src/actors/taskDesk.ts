import * as Context from 'effect/Context';
import * as Layer from 'effect/Layer';

import type { InferenceFailure } from '../domain/inferenceFailure.ts';
import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import type { TaskDefinition } from '../domain/tasks/definition.ts';
import { decodeRequest, isTaskKind, type TaskKind, taskKindNames, taskKinds } from '../domain/tasks/kinds.ts';
import type { InferencePool } from '../inference/pool.ts';
import type { Refusal } from '../transport/protocol.ts';

export type RefusalReason = (typeof Refusal.Type)['reason'];

/** Answers one task of a kind, or says why not. */
export type TaskDesk = {
  /** Kinds for which a model is loaded. */
  readonly kinds: () => readonly TaskKind[];
  readonly models: () => readonly { readonly name: string; readonly sha256: string }[];
  readonly answer: (task: {
    readonly kind: string;
    readonly request: unknown;
    /** Monotonic milliseconds (`performance.now()`) after which nobody reads the answer. */
    readonly deadlineAt: number;
  }) => Promise<Outcome<Record<string, unknown>, RefusalReason>>;
};

/** The pool of this process, while it is open. */
export type PoolHolder = { pool: InferencePool | null };
export class CurrentPool extends Context.Service<CurrentPool, PoolHolder>()('actors/CurrentPool') {
  static readonly layer = Layer.sync(CurrentPool, () => ({ pool: null }));
}

type AnyDefinition = TaskDefinition<string, { readonly text: string }, Record<string, unknown>, unknown>;

const sentimentLabels = new Set(['positive', 'negative', 'neutral']);

/** What a text classifier is for, told by its labels: exports of the hub name sentiment classes by these words. */
export const kindOfLabels = (labels: readonly string[]): TaskKind =>
  labels.every((label) => sentimentLabels.has(label.toLowerCase()))
    ? 'sentiment_analysis'
    : 'text_classification';

const refusalOf = (failure: InferenceFailure): RefusalReason => {
  switch (failure._tag) {
    case 'Busy':
      return 'busy';
    case 'Expired':
      return 'expired';
    case 'NoSuchModel':
      return 'unsupported';
    default:
      return 'failed';
  }
};

/** Routes tasks to the loaded model of their kind. With several models of one kind the first one listed serves. */
export const createTaskDesk = (holder: PoolHolder): TaskDesk => {
  const models = () => holder.pool?.models ?? [];
  const modelOf = (kind: TaskKind) => models().find(({ labels }) => kindOfLabels(labels) === kind);
  return {
    kinds: () => taskKindNames.filter((kind) => modelOf(kind) !== undefined),
    models: () => models().map(({ name, sha256 }) => ({ name, sha256 })),
    answer: async ({ kind, request, deadlineAt }) => {
      if (!isTaskKind(kind)) return fail('unsupported');
      const model = modelOf(kind);
      if (holder.pool === null || model === undefined) return fail('unsupported');
      const decoded = decodeRequest(kind, request);
      if (!decoded.ok) return fail('invalid');
      const result = await holder.pool.classify(model.name, { text: decoded.value.text, deadlineAt });
      if (!result.ok) return fail(refusalOf(result.error));
      // The request was decoded by the schema of this very kind, which the compiler cannot see.
      const definition = taskKinds[kind] as unknown as AnyDefinition;
      return succeed(definition.answerFrom({ request: decoded.value, distribution: result.value }));
    },
  };
};
