import type * as Schema from 'effect/Schema';

import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import { type CodecFailure, encodeMessage } from './codec.ts';
import { type MessageType, PROTOCOL_VERSION, type Tasks } from './protocol.ts';

/** A message in its bytes, checked by whoever made it. */
export type EncodedMessage = { readonly type: MessageType; readonly bytes: Buffer };

/**
 * The `tasks` message of one round, which is the same for every miner but for the ids of its requests. Checking and
 * writing it once per round instead of once per miner halves what asking 256 miners costs.
 */
export type TaskSheet = {
  /**
   * The message for one miner.
   *
   * @param given.ids one per task, in their order: 1..128 visible ASCII characters
   * @param given.deadlineMs what remains of the deadline, 0..3,600,000
   */
  readonly addressTo: (given: {
    readonly ids: readonly string[];
    readonly deadlineMs: number;
  }) => Outcome<EncodedMessage, CodecFailure>;
};

const isIdentifier = (id: string): boolean => /^[!-~]{1,128}$/.test(id);
const MAX_DEADLINE_MS = 3_600_000;

const invalid = (message: string): Outcome<never, CodecFailure> => fail({ _tag: 'Invalid', message });

/** Checks round and tasks against the schema and bounds of the receiver; the size of a frame is the link's to check. */
export const prepareTaskSheet = (given: {
  readonly round: string;
  readonly tasks: readonly { readonly kind: string; readonly request: Schema.Json }[];
}): Outcome<TaskSheet, CodecFailure> => {
  const { round, tasks } = given;
  const sample: typeof Tasks.Type = {
    type: 'tasks',
    v: PROTOCOL_VERSION,
    round,
    deadlineMs: 0,
    tasks: tasks.map(({ kind, request }) => ({ id: 'x', kind, request })),
  };
  const checked = encodeMessage(sample, Number.MAX_SAFE_INTEGER);
  if (!checked.ok) return checked;
  const head = `{"type":"tasks","v":${PROTOCOL_VERSION},"round":${JSON.stringify(round)},"deadlineMs":`;
  const tails = tasks.map(
    ({ kind, request }) => `,"kind":${JSON.stringify(kind)},"request":${JSON.stringify(request)}}`,
  );
  return succeed({
    addressTo: ({ ids, deadlineMs }) => {
      if (ids.length !== tails.length || !ids.every(isIdentifier)) {
        return invalid(
          `a sheet of ${tails.length} tasks needs as many ids of 1..128 visible ASCII characters`,
        );
      }
      if (!(deadlineMs >= 0 && deadlineMs <= MAX_DEADLINE_MS)) {
        return invalid(`a deadline is 0..${MAX_DEADLINE_MS} ms, not ${deadlineMs}`);
      }
      const items = tails.map((tail, index) => `{"id":${JSON.stringify(ids[index])}${tail}`);
      const text = `${head}${deadlineMs},"tasks":[${items.join(',')}]}`;
      return succeed({ type: 'tasks', bytes: Buffer.from(text, 'utf8') });
    },
  });
};
