import * as Effect from 'effect/Effect';

import { evidenceLogName } from '../../actors/evidenceLog.ts';
import { decodeEvidence } from '../../domain/evidence.ts';
import { type ReadStoreOptions, readConfiguredStore } from '../../store/openStore.ts';

/** What the validator's evidence says about one miner. */
export type EvidenceRow = {
  readonly tasks: number;
  /** Judged answers by the epoch their round was planned in. */
  readonly judgedByEpoch: ReadonlyMap<number, number>;
  /** Share of right answers among all tasks asked. */
  readonly accuracy: number;
  /** Median response time of judged answers, milliseconds. */
  readonly medianMs: number | null;
  /** History before the last scored epoch. */
  readonly trust: number;
};

type Tally = {
  tasks: number;
  right: number;
  trust: number;
  readonly times: number[];
  readonly judgedByEpoch: Map<number, number>;
};

const emptyTally = (): Tally => ({ tasks: 0, right: 0, trust: 0, times: [], judgedByEpoch: new Map() });

const medianOf = (values: readonly number[]): number | null => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  return middle === undefined ? null : Math.round(middle);
};

const pageRecords = 2_000;

const tallies = Effect.fn('demo.tallies')(function* (place: ReadStoreOptions) {
  const store = yield* readConfiguredStore(place);
  const byHotkey = new Map<string, Tally>();
  const tallyOf = (hotkey: string): Tally => {
    const tally = byHotkey.get(hotkey) ?? emptyTally();
    byHotkey.set(hotkey, tally);
    return tally;
  };
  for (let after = 0; ; ) {
    const page = yield* store.read(evidenceLogName, { after, limit: pageRecords });
    const last = page.at(-1);
    if (last === undefined) return byHotkey;
    after = last.seq;
    for (const { value } of page) {
      const record = decodeEvidence(value);
      if (!record.ok) continue;
      if (record.value.type === 'epoch.scored') {
        for (const { hotkey, trust } of record.value.scores) tallyOf(hotkey).trust = trust;
      }
      if (record.value.type !== 'answer.judged') continue;
      const tally = tallyOf(record.value.hotkey);
      tally.tasks += 1;
      tally.right += record.value.accuracy;
      if (record.value.outcome !== 'judged') continue;
      const { epoch, responseMs } = record.value;
      tally.judgedByEpoch.set(epoch, (tally.judgedByEpoch.get(epoch) ?? 0) + 1);
      if (responseMs !== null) tally.times.push(responseMs);
    }
  }
});

/** Reads the validator's evidence from its store, as an auditor would, while or after it runs. */
export const readEvidenceRows = async (
  place: ReadStoreOptions,
): Promise<ReadonlyMap<string, EvidenceRow>> => {
  const byHotkey = await Effect.runPromise(Effect.scoped(tallies(place)));
  return new Map(
    [...byHotkey].map(([hotkey, { tasks, right, trust, times, judgedByEpoch }]) => [
      hotkey,
      { tasks, judgedByEpoch, accuracy: tasks === 0 ? 0 : right / tasks, medianMs: medianOf(times), trust },
    ]),
  );
};
