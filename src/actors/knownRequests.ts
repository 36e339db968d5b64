import type { Hotkey } from '../domain/ids.ts';

/**
 * Requests that are not open but known, by id.
 *
 * - `waiting`: of a round that will be taken up, or decided and on its way to the disk. A reply is not wanted now.
 * - `recorded`: a reply is on disk. It is acknowledged as often as it comes.
 */
export type KnownRequests = {
  readonly expect: (id: string, hotkey: Hotkey) => void;
  readonly record: (id: string, hotkey: Hotkey) => void;
  /** Ended without a reply: whatever comes now is answered as unknown. */
  readonly forget: (id: string) => void;
  /** null: not known, or not asked of this hotkey, which is the same to whoever sends it. */
  readonly stateOf: (id: string, hotkey: Hotkey) => 'waiting' | 'recorded' | null;
  readonly counts: () => { readonly waiting: number; readonly recorded: number };
};

/** Some rounds of 256 miners; about 5 MB. */
export const maxRecordedRequests = 32_768;

/** Waiting requests are bounded by the rounds without an end, recorded ones by `maxRecorded`, oldest first out. */
export const createKnownRequests = (maxRecorded = maxRecordedRequests): KnownRequests => {
  const waiting = new Map<string, Hotkey>();
  const recorded = new Map<string, Hotkey>();
  return {
    expect: (id, hotkey) => void waiting.set(id, hotkey),
    record: (id, hotkey) => {
      waiting.delete(id);
      recorded.set(id, hotkey);
      if (recorded.size <= maxRecorded) return;
      const [oldest] = recorded.keys();
      if (oldest !== undefined) recorded.delete(oldest);
    },
    forget: (id) => void waiting.delete(id),
    stateOf: (id, hotkey) => {
      if (recorded.get(id) === hotkey) return 'recorded';
      return waiting.get(id) === hotkey ? 'waiting' : null;
    },
    counts: () => ({ waiting: waiting.size, recorded: recorded.size }),
  };
};
