import * as Effect from 'effect/Effect';

import { StoreInvalid } from '../store/errors.ts';
import { requireUsable } from '../store/moved.ts';
import { type OriginalState, readOriginalState } from '../store/originalRedis.ts';
import type { StoreHandle } from '../store/store.ts';
import { done, type Ending } from './ending.ts';
import { becomeWriter } from './storeCopy.ts';
import {
  describePlace,
  openPlaceAlone,
  placeOf,
  type RedisFlags,
  redisAccessOf,
  type StorePlace,
} from './storePlaces.ts';

/** The set of task ids that were asked of somebody. */
const taskIds = 'task';
/** Places in the task files of the original, and its count of blocks. */
const cursors = { name: 'original.cursors', version: 1 } as const;
const MAX_CALL = 4_096;
const LEASE_MS = 10_000;

/** Uses up the ids, and answers how many were new. */
const useAll = Effect.fnUntraced(function* (store: StoreHandle, ids: readonly string[]) {
  let known = 0;
  for (let from = 0; from < ids.length; from += MAX_CALL)
    known += (yield* store.useIds(taskIds, ids.slice(from, from + MAX_CALL))).length;
  return ids.length - known;
});

const emptyText = (state: OriginalState, place: string): string =>
  state.keys.length === 0
    ? `${place} holds no state of the original: it forgets its state two hours after the last write, so import while it runs or soon after`
    : `${place} holds state of the original, but nothing of it can be used: ${state.keys
        .map(({ key, problem }) => `${key}: ${problem ?? 'no task state'}`)
        .join('; ')}`;

const describe = (state: OriginalState, added: number, place: string): string =>
  [
    ...state.keys.map(
      ({ key, bytes, problem }) =>
        `${key}: ${bytes} bytes, ${problem === null ? 'read' : `NOT USED: ${problem}`}`,
    ),
    `${place}: ${added} task ids of ${state.usedTaskIds.length} are new, ${state.files.length} places in task files`,
  ].join('\n');

/** Takes over what can be used of the original's Redis. Asked again, it adds what is new. */
export const importOriginal = Effect.fn('cli.importOriginal')(function* (
  given: {
    readonly from: string;
    readonly place: StorePlace;
  } & RedisFlags,
) {
  const { place, from: url } = given;
  const from = yield* placeOf(url, given);
  if (from.kind !== 'redis')
    return yield* new StoreInvalid({ message: '--from is the URL of the Redis of the original' });
  const state = yield* readOriginalState(yield* redisAccessOf(from));
  const { usedTaskIds, files, totalBlocksRun } = state;
  if (usedTaskIds.length === 0 && files.length === 0)
    return yield* new StoreInvalid({ message: emptyText(state, describePlace(from)) });
  const store = yield* openPlaceAlone(place, {
    owner: given.owner ?? null,
    isNew: given.owner !== undefined,
  });
  yield* requireUsable(store);
  yield* becomeWriter(store, LEASE_MS);
  const added = yield* useAll(store, usedTaskIds);
  yield* store.saveSnapshot({ ...cursors, value: { files, totalBlocksRun } });
  const text = describe(state, added, describePlace(place));
  const ending: Ending = done(text, {
    keys: state.keys,
    usedTaskIds: usedTaskIds.length,
    added,
    files,
    totalBlocksRun,
  });
  return ending;
});
