import * as Effect from 'effect/Effect';

import { hasBug } from '../testBuild.ts';
import type { Json, NewRecord, Store } from './store.ts';

/**
 * Mistakes that the invariants of the chaos suite have to find: a suite that passes proves nothing until it fails where
 * it should. For the test build only, see `src/testBuild.ts`.
 */

/** Every so many verdicts one is treated wrongly: the rest is as it should be, as with most mistakes. */
const everyVerdicts = 7;

const isVerdict = ({ value }: NewRecord): boolean => {
  const { type, outcome }: { readonly type?: Json; readonly outcome?: Json } = Object(value);
  return type === 'answer.judged' && outcome === 'judged';
};

/** True for each seventh verdict that it is shown. */
const everySeventh = (): ((record: NewRecord) => boolean) => {
  let seen = 0;
  return (record) => {
    if (!isVerdict(record)) return false;
    seen += 1;
    return seen % everyVerdicts === 0;
  };
};

/** Some verdicts are appended a second time, under a key that nobody looks for. */
const withDoubleVerdicts = <S extends Store>(store: S): S => {
  const isChosen = everySeventh();
  const append: Store['append'] = (log, records) => {
    const again = records.filter(isChosen).map(({ key, value }) => ({ key: `${key}/again`, value }));
    const write = store.append(log, records);
    return again.length === 0 ? write : Effect.tap(write, () => store.append(log, again));
  };
  return { ...store, append };
};

/** Some verdicts are never written, and the writer is told that they were. */
const withLostVerdicts = <S extends Store>(store: S): S => {
  const isChosen = everySeventh();
  const append: Store['append'] = (log, records) => {
    const kept = records.filter((record) => !isChosen(record));
    if (kept.length > 0) return store.append(log, kept);
    return Effect.map(store.lastSeq(log), (lastSeq) => ({ lastSeq, duplicates: [] }));
  };
  return { ...store, append };
};

/** The same store, with the mistakes that are switched on. */
export const withDeliberateBugs = <S extends Store>(store: S): S => {
  if (hasBug('doubleJudge')) return withDoubleVerdicts(store);
  return hasBug('lostAcknowledgement') ? withLostVerdicts(store) : store;
};
