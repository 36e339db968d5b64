import * as Schema from 'effect/Schema';

import { Fraction, Hotkey, Milliseconds, Uid } from './ids.ts';

/**
 * Name of a kind of task as evidence keeps it: a plain bounded string, so that a log stays readable after a kind
 * was renamed or dropped. Which names are live kinds is `tasks/kinds.ts`' business.
 */
export const TaskKindName = Schema.String.check(Schema.isPattern(/^[a-z][a-z0-9_]{0,47}$/));
export type TaskKindName = typeof TaskKindName.Type;

/** Bounded and free of `/`, which separates the parts of evidence keys and request ids. */
const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,95}$/;

/** One round of one validator; see `roundId` for the format this program writes. */
export const RoundId = Schema.String.check(Schema.isPattern(ID_PATTERN));
export type RoundId = typeof RoundId.Type;

/** One task of one round. */
export const TaskId = Schema.String.check(Schema.isPattern(ID_PATTERN));
export type TaskId = typeof TaskId.Type;

/**
 * How asking one miner one task ended.
 *
 * - `judged`: a valid answer came before the deadline and was graded.
 * - `invalid`: an answer came, but not in the shape of its kind.
 * - `refused`: the miner said that it is busy; honest, but no answer.
 * - `missed`: nothing came before the deadline.
 * - `late`: an answer came after the deadline.
 * - `unreachable`: the task could not be handed over.
 * - `lost`: never decided, because the validator died, did not run or could not write; counts against nobody.
 */
export const AnswerOutcome = Schema.Literals([
  'judged',
  'invalid',
  'refused',
  'missed',
  'late',
  'unreachable',
  'lost',
]);
export type AnswerOutcome = typeof AnswerOutcome.Type;

/** What scoring needs to know of one task asked of one miner. */
export const Verdict = Schema.Struct({
  kind: TaskKindName,
  uid: Uid,
  hotkey: Hotkey,
  outcome: AnswerOutcome,
  /** From handing over to the last byte, measured by the validator; null when no answer came. */
  responseMs: Schema.NullOr(Milliseconds),
  /** Accuracy that answering without looking at the task is expected to have; see `TaskDefinition.chanceOf`. */
  chance: Fraction,
  /** 0 unless judged. */
  accuracy: Fraction,
  /** Squared error of the claimed confidence, 0 is best; null unless judged, and for kinds without confidence. */
  brier: Schema.NullOr(Fraction),
});
export type Verdict = typeof Verdict.Type;

/** Deeper JSON than any answer needs; keeps every later recursive walk (JSON.stringify among them) shallow. */
export const MAX_JSON_DEPTH = 16;

/**
 * JSON of bounded size and depth whose text survives UTF-8 (no lone surrogates).
 *
 * @param maxChars UTF-16 code units of the value written without escapes and blanks
 */
export const boundedJson = (maxChars: number) =>
  Schema.Json.check(
    Schema.makeFilter((value: Schema.Json) => fitsJson(value, maxChars), {
      expected: `well-formed JSON of at most ${maxChars} characters, nested at most ${MAX_JSON_DEPTH} deep`,
    }),
  );

/** Whether a JSON value keeps the bounds of `boundedJson`. Iterative, and gives up at the first excess. */
export const fitsJson = (value: Schema.Json, maxChars: number): boolean => {
  const pending: { readonly node: Schema.Json; readonly depth: number }[] = [{ node: value, depth: 0 }];
  let chars = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { node, depth } = next;
    chars += ownChars(node);
    if (chars > maxChars || depth > MAX_JSON_DEPTH) return false;
    if (typeof node === 'string') {
      if (!node.isWellFormed()) return false;
    } else if (typeof node === 'object' && node !== null) {
      for (const [key, child] of Object.entries(node)) {
        if (!Array.isArray(node)) chars += key.length + 4;
        if (chars > maxChars || !key.isWellFormed()) return false;
        pending.push({ node: child, depth: depth + 1 });
      }
    }
  }
  return true;
};

const ownChars = (node: Schema.Json): number => {
  if (typeof node === 'string') return node.length + 2;
  if (Array.isArray(node)) return node.length + 2;
  return typeof node === 'object' && node !== null ? 2 : String(node).length;
};
