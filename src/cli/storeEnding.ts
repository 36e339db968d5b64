import * as Effect from 'effect/Effect';
import type * as Scope from 'effect/Scope';

import { commandExitCodes } from '../exitCodes.ts';
import type { StoreOpenError } from '../store/errors.ts';
import type { ExportRefused } from '../store/exportFileErrors.ts';
import { badSettings, type Ending, failed } from './ending.ts';
import { type PlaceQuestion, placeOfFlags, type StorePlace } from './storePlaces.ts';

/** What a command on stores can end with instead of its result. */
export type StoreCommandError = StoreOpenError | ExportRefused;

const codeOf = (error: StoreCommandError): number => {
  switch (error._tag) {
    case 'DataDirLocked':
    case 'StoreForeign':
    case 'StoreConflict':
      return commandExitCodes.refused;
    case 'StoreUnavailable':
      return commandExitCodes.unreachable;
    case 'StoreInvalid':
      return error.isSetting === true ? commandExitCodes.settings : commandExitCodes.failed;
    case 'ExportRefused':
      return error.reason === 'exists' ? commandExitCodes.refused : commandExitCodes.failed;
    default:
      return commandExitCodes.failed;
  }
};

/** The advice of a daemon does not fit a command: it is the daemon that has to give way. */
const messageOf = (error: StoreCommandError): string => {
  if (error._tag !== 'DataDirLocked') return error.message;
  const who = error.pid === null ? 'another process' : `process ${error.pid}`;
  return `${error.dir} is in use by ${who}: stop that daemon, then run this command again`;
};

/** Runs the work of a command in a scope; an error becomes a message and a code. */
export const ended = (work: Effect.Effect<Ending, StoreCommandError, Scope.Scope>): Effect.Effect<Ending> =>
  Effect.match(Effect.scoped(work), {
    onSuccess: (ending) => ending,
    onFailure: (error) => failed(codeOf(error), messageOf(error), error._tag),
  });

/** The same on the store that the flags name; wrong flags end with the code of wrong settings. */
export const onPlace = (
  question: PlaceQuestion,
  work: (place: StorePlace) => Effect.Effect<Ending, StoreCommandError, Scope.Scope>,
): Effect.Effect<Ending> =>
  Effect.matchEffect(placeOfFlags(question), {
    onSuccess: (place) => ended(work(place)),
    onFailure: (error) => Effect.succeed(badSettings(error.message)),
  });

/** For a command that runs for long: a line on standard error each second or so, and none when it is quick. */
export const progress = (what: string) => {
  let lastMs = performance.now();
  let count = 0;
  return (more: number): void => {
    count += more;
    if (performance.now() - lastMs < 1_000) return;
    lastMs = performance.now();
    process.stderr.write(`${what}: ${count.toLocaleString('en')}\n`);
  };
};
