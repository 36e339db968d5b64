import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';
import { afterEach, describe, expect, it } from 'vitest';

import { evidenceLogName } from '#src/actors/evidenceLog.ts';
import { archiveOldest } from '#src/actors/retention.actor.ts';
import { deriveEpochs, type SequencedRecord } from '#src/domain/derivation.ts';
import { decodeEvidence, type EpochScored, evidenceKey } from '#src/domain/evidence.ts';
import { archiveChain, archiveFolder, listArchives } from '#src/store/archive.ts';
import { readExport } from '#src/store/exportFileReader.ts';
import { EmbeddedStore, type EmbeddedStoreHandle } from '#src/store/sqlite.ts';
import { type Json, StoreService } from '#src/store/store.ts';
import { judgeLabel, soundLog } from '#test/domain/evidenceBuilder.ts';

const made: string[] = [];
afterEach(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
});

/** The log of the builder without its gaps, as a store numbers it. */
const contiguous = (epochs: number): readonly SequencedRecord[] =>
  soundLog({ seed: 'retention', epochs }).map(({ record }, index) => ({
    seq: index + 1,
    record:
      record.type === 'epoch.scored'
        ? { ...record, fromSeq: place(record.fromSeq), cutSeq: place(record.cutSeq) }
        : record,
  }));

/** The builder's odd numbers become 1, 2, 3 …; its cuts stand on even ones. */
const place = (cut: number): number => (cut === 0 ? 0 : cut / 2 + 1);

const log = contiguous(7);
const scored = log.flatMap(({ record }): readonly EpochScored[] =>
  record.type === 'epoch.scored' ? [record] : [],
);
const newest = scored.at(-1)?.epoch ?? 0;

const asRecords = (entries: readonly SequencedRecord[]) =>
  entries.map(({ record }) => ({ key: evidenceKey(record), value: record as unknown as Json }));

const withEvidence = async <A>(
  entries: readonly SequencedRecord[],
  use: (given: {
    readonly dir: string;
    readonly store: EmbeddedStoreHandle;
    readonly archive: (keepEpochs: number) => Promise<Effect.Success<ReturnType<typeof archiveOldest>>>;
  }) => Promise<A>,
): Promise<A> => {
  const dir = mkdtempSync(join(tmpdir(), 'miaoai-retention-'));
  made.push(dir);
  return Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const store = yield* EmbeddedStore.open({ dir });
        yield* store.append(evidenceLogName, asRecords(entries));
        const archive = (keepEpochs: number) =>
          Effect.runPromise(
            Effect.provideService(
              archiveOldest({ keepEpochs, dataDir: dir, owner: 'test' }, newest),
              StoreService,
              store,
            ),
          );
        return yield* Effect.promise(() => use({ dir, store, archive }));
      }),
    ),
  );
};

const drop = (store: EmbeddedStoreHandle, upTo: number) =>
  Effect.runPromise(store.dropRecords(evidenceLogName, upTo));

/** Archives and drops until nothing is too old. */
const settle = async (
  given: {
    readonly store: EmbeddedStoreHandle;
    readonly archive: (n: number) => Promise<{ lastSeq: number } | null>;
  },
  keepEpochs: number,
): Promise<void> => {
  for (let left = await given.archive(keepEpochs); left !== null; left = await given.archive(keepEpochs))
    await drop(given.store, left.lastSeq);
};

const recordsOf = async (store: EmbeddedStoreHandle): Promise<readonly SequencedRecord[]> => {
  const page = await Effect.runPromise(store.read(evidenceLogName, { after: 0, limit: 10_000 }));
  return page.map(({ seq, value }) => sequenced(seq, value));
};

const sequenced = (seq: number, value: Json): SequencedRecord => {
  const record = decodeEvidence(value);
  if (!record.ok) throw new Error(record.error.reason);
  return { seq, record: record.value };
};

describe('actors / retention', () => {
  it('leaves the last epochs in the store and everything older in files that join up', async () => {
    await withEvidence(log, async ({ dir, store, archive }) => {
      await settle({ store, archive }, 3);
      const kept = await recordsOf(store);
      const oldest = scored.at(-3);
      expect(kept[0]?.seq).toBe(oldest?.fromSeq);
      expect(deriveEpochs(kept, judgeLabel, kept[0]?.seq)).toMatchObject({
        sound: true,
        anchorEpoch: scored.at(-4)?.epoch,
        epochs: scored.slice(-3).map(({ epoch }) => ({ epoch })),
      });
      const files = await Effect.runPromise(listArchives(dir));
      expect(files).toHaveLength(4);
      const chain = archiveChain(files, kept[0]?.seq ?? 0);
      expect(chain).toEqual(files);
      const archived: SequencedRecord[] = [];
      for (const { file } of chain)
        await Effect.runPromise(
          readExport(file, (entries) =>
            Effect.sync(() => {
              for (const entry of entries)
                if ('log' in entry) archived.push(sequenced(entry.seq, entry.value));
            }),
          ),
        );
      expect([...archived, ...kept]).toEqual(log);
    });
  });

  it('does nothing while no epoch is too many, and nothing in an empty log', async () => {
    await withEvidence(log, async ({ dir, archive }) => {
      expect(await archive(7)).toBeNull();
      expect(await archive(30)).toBeNull();
      expect(existsSync(archiveFolder(dir))).toBe(false);
    });
    await withEvidence([], async ({ archive }) => expect(await archive(3)).toBeNull());
  });

  it('writes the same file again after a crash between the file and the drop', async () => {
    await withEvidence(log, async ({ dir, archive, store }) => {
      const first = await archive(5);
      // A crash here, and one while the next file was being written.
      writeFileSync(`${first?.file}.${process.pid}.tmp`, 'half a file');
      expect(await archive(5)).toEqual(first);
      expect(readdirSync(archiveFolder(dir))).toEqual([`evidence-1-${first?.lastSeq}.jsonl.gz`]);
      await drop(store, first?.lastSeq ?? 0);
      expect(await drop(store, first?.lastSeq ?? 0)).toBe(0);
      const second = await archive(5);
      expect(second?.firstSeq).toBe((first?.lastSeq ?? 0) + 1);
    });
  });

  it('keeps both files where a restored backup led to another history', async () => {
    const other = contiguous(7).map((entry) =>
      entry.record.type === 'answer.judged' ? { ...entry, record: { ...entry.record, rttMs: 99 } } : entry,
    );
    await withEvidence(log, async ({ dir, archive }) => {
      const first = await archive(6);
      await withEvidence(other, async (life) => {
        const settings = { keepEpochs: 6, dataDir: dir, owner: 'test' };
        const again = await Effect.runPromise(
          Effect.provideService(archiveOldest(settings, newest), StoreService, life.store),
        );
        expect(again?.file).toBe(first?.file.replace('.jsonl', '.2.jsonl'));
        const files = await Effect.runPromise(listArchives(dir));
        expect(files.map(({ variant }) => variant)).toEqual([1, 2]);
        expect(archiveChain(files, (first?.lastSeq ?? 0) + 1).map(({ variant }) => variant)).toEqual([2]);
      });
    });
  });

  it('never takes a round apart: one that straddles the cut, or is still open, stays', async () => {
    const cut = scored[0]?.cutSeq ?? 0;
    // The last round of the first epoch ends behind the cut of the epoch: its end moves behind the record.
    const at = log.findLastIndex(({ seq, record }) => seq < cut && record.type === 'round.settled');
    const plan = log.findLast(({ seq, record }) => seq < cut && record.type === 'round.planned');
    const moved = [
      ...log.slice(0, at),
      ...log.slice(at + 1, at + 2),
      ...log.slice(at, at + 1),
      ...log.slice(at + 2),
    ];
    const straddling = moved.map(({ record }, index) => ({
      seq: index + 1,
      record:
        record.type === 'epoch.scored'
          ? {
              ...record,
              fromSeq: record.fromSeq === cut ? cut - 1 : record.fromSeq,
              cutSeq: record.cutSeq === cut ? cut - 1 : record.cutSeq,
            }
          : record,
    }));
    await withEvidence(straddling, async ({ archive, store }) => {
      const first = await archive(6);
      expect(first?.lastSeq).toBe((plan?.seq ?? 0) - 1);
      await settle({ archive, store }, 3);
      const kept = await recordsOf(store);
      expect(deriveEpochs(kept, judgeLabel, kept[0]?.seq)).toMatchObject({ sound: true, violations: [] });
    });
    const open = log
      .filter((_, index) => index !== at)
      .map(({ record }, index) => ({ seq: index + 1, record }));
    await withEvidence(open, async ({ archive, store }) => {
      await settle({ archive, store }, 3);
      expect((await recordsOf(store))[0]?.record).toMatchObject({
        type: 'round.planned',
        roundId: plan?.record.type === 'round.planned' ? plan.record.roundId : null,
      });
    });
  });
});
