import type { Judge } from '../domain/derivation.ts';
import type { PlannedTask } from '../domain/evidence.ts';
import type { Judgement, TaskDefinition } from '../domain/tasks/definition.ts';
import {
  decodeAnswer,
  decodeRequest,
  decodeTruth,
  isTaskKind,
  type TaskKind,
  taskKinds,
} from '../domain/tasks/kinds.ts';

type AnyDefinition = TaskDefinition<string, unknown, unknown, unknown>;

/** A task is graded many times; its request and truth are decoded once. */
export type Grader = (answer: unknown) => Judgement | null;

/** Grades answers to one planned task. null: the answer is not in the shape of its kind. */
export const graderOf = (task: PlannedTask): Grader => {
  if (!isTaskKind(task.kind)) throw new Error(`task ${task.taskId} is of the unknown kind ${task.kind}`);
  const kind: TaskKind = task.kind;
  const request = decodeRequest(kind, task.request);
  const truth = decodeTruth(kind, task.truth);
  if (!request.ok || !truth.ok) throw new Error(`task ${task.taskId} does not fit its kind ${kind}`);
  // One kind's schema decoded all three, which the compiler cannot see through the registry.
  const definition = taskKinds[kind] as unknown as AnyDefinition;
  return (input) => {
    const answer = decodeAnswer(kind, input);
    return answer.ok
      ? definition.judge({ request: request.value, truth: truth.value, answer: answer.value })
      : null;
  };
};

/** Chance level of a planned task, from its request alone. */
export const chanceOf = (task: Pick<PlannedTask, 'kind' | 'request'>): number => {
  if (!isTaskKind(task.kind)) throw new Error(`${task.kind} is no known kind of task`);
  const request = decodeRequest(task.kind, task.request);
  if (!request.ok) throw new Error(`a request does not fit its kind ${task.kind}`);
  return (taskKinds[task.kind] as unknown as AnyDefinition).chanceOf(request.value);
};

/** The same judge for replaying evidence: `deriveEpochs` grades every recorded answer again. */
export const judgeRecorded: Judge = {
  grade: ({ kind, request, answer, truth }) => graderOf({ taskId: 'recorded', kind, request, truth })(answer),
  chanceOf,
};
