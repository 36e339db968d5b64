import { Command } from 'commander';
import * as Effect from 'effect/Effect';

import { evidenceLogName } from '../actors/evidenceLog.ts';
import { judgeRecorded } from '../actors/grading.ts';
import { type EpochDerivation, type LogCheck, startDerivation } from '../domain/derivation.ts';
import { decodeEvidence } from '../domain/evidence.ts';
import { type ArchiveFile, archiveChain, listArchives } from '../store/archive.ts';
import { StoreInvalid } from '../store/errors.ts';
import type { ReadableStore } from '../store/exportFileContents.ts';
import { readExport } from '../store/exportFileReader.ts';
import type { Json } from '../store/store.ts';
import { concluding, type Ending, reported } from './ending.ts';
import { onPlace } from './storeEnding.ts';
import { addPlaceFlags, openPlace } from './storePlaces.ts';

export type AuditReport = LogCheck & {
  readonly epochs: readonly EpochDerivation[];
  /** Records this version cannot read. */
  readonly unreadable: number;
  /** First sequence number that was there, archive included; above 1 the beginning is gone. */
  readonly firstSeq: number;
  /** Files of the archive that were read, oldest first. */
  readonly archives: readonly string[];
  /** Every epoch derives bit for bit and the log does not contradict itself. */
  readonly sound: boolean;
};

const pageRecords = 2_000;

/** Refuses files that are not of the same identity as the store, before anything is taken from them. */
const checkArchive = Effect.fnUntraced(function* (
  owner: string | null,
  { file, firstSeq, lastSeq }: ArchiveFile,
) {
  const { header } = yield* readExport(file);
  if (header.firstSeq !== firstSeq || header.lastSeq !== lastSeq)
    return yield* new StoreInvalid({
      message: `${file} holds another stretch than its name says; give it its name`,
    });
  if (owner !== null && header.owner !== null && header.owner !== owner)
    return yield* new StoreInvalid({
      message: `${file} is of ${header.owner}, the store of ${owner}: move it to the archive of its own store`,
    });
});

/**
 * Derives every scored epoch again from the evidence of a store, while or after its validator runs, and from the
 * archive in `archiveDir` where that joins up with it. Of a log whose beginning is gone, the trust of the first epoch
 * on record is taken as it stands.
 */
export const audit = Effect.fn('cli.audit')(function* (store: ReadableStore, archiveDir: string | null) {
  const owner = yield* store.owner;
  if (owner?.endsWith('/miner'))
    return yield* new StoreInvalid({
      message: `this is the store of a miner (${owner}); there is no evidence to audit: name the store of a validator`,
      isSetting: true,
    });
  const info = (yield* store.logs).find(({ name }) => name === evidenceLogName);
  const logFirst = info === undefined || info.firstSeq === 0 ? 1 : info.firstSeq;
  const archives = archiveDir === null ? [] : archiveChain(yield* listArchives(archiveDir), logFirst);
  for (const archive of archives) yield* checkArchive(owner, archive);
  const firstSeq = archives[0]?.firstSeq ?? logFirst;
  const replay = startDerivation(judgeRecorded, firstSeq);
  const epochs: EpochDerivation[] = [];
  let unreadable = 0;
  const accept = (seq: number, value: Json): void => {
    const record = decodeEvidence(value);
    if (!record.ok) unreadable += 1;
    const epoch = record.ok ? replay.accept({ seq, record: record.value }) : null;
    if (epoch !== null) epochs.push(epoch);
  };
  for (const { file } of archives)
    yield* readExport(file, (entries) =>
      Effect.sync(() => {
        for (const entry of entries) {
          if ('log' in entry && entry.log === evidenceLogName) accept(entry.seq, entry.value);
        }
      }),
    );
  for (let after = logFirst - 1; ; ) {
    const page = yield* store.read(evidenceLogName, { after, limit: pageRecords });
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.seq;
    for (const { seq, value } of page) accept(seq, value);
  }
  const check = replay.finish();
  const sound = epochs.every(({ equal }) => equal) && check.violationCount === 0 && unreadable === 0;
  const files = archives.map(({ file }) => file);
  return { ...check, epochs, unreadable, firstSeq, archives: files, sound } satisfies AuditReport;
});

const beginning = (report: AuditReport): readonly string[] => [
  ...(report.archives.length > 0 ? [`${report.archives.length} files of the archive were read as well`] : []),
  ...(report.firstSeq > 1
    ? [
        `the log begins at record ${report.firstSeq}: ${
          report.anchorEpoch === null
            ? 'no epoch is on record'
            : `epochs after ${report.anchorEpoch} are derived, its trust is taken as recorded`
        }; put the files of the archive back to derive the others`,
      ]
    : []),
];

const describe = (report: AuditReport): string => {
  const lines = report.epochs.map(
    ({ epoch, verdicts, equal, firstDifference, recorded }) =>
      `epoch ${epoch}: ${verdicts} answers, ${recorded.uids.length} weights, ${equal ? 'derives bit for bit' : `DIFFERS at ${firstDifference}`}`,
  );
  const violations = report.violations.map(({ seq, rule, detail }) => `record ${seq}: ${rule}: ${detail}`);
  return [
    ...beginning(report),
    ...lines,
    ...violations,
    `${report.records} records, ${report.violationCount} violations, ${report.unreadable} unreadable, ${report.openRounds.length} rounds open: ${report.sound ? 'sound' : 'NOT SOUND'}`,
  ].join('\n');
};

type AuditFlags = { readonly archiveDir?: string; readonly json: boolean };

const run = (command: Command, flags: AuditFlags): Effect.Effect<Ending> =>
  onPlace({ command, roles: ['validator'] }, (place) =>
    Effect.gen(function* () {
      const archiveDir = flags.archiveDir ?? (place.kind === 'dataDir' ? place.dir : null);
      const report = yield* audit(yield* openPlace(place), archiveDir);
      return reported(report.sound, describe(report), report);
    }),
  );

/** `miaoai audit`. */
export const auditCommand = (): Command =>
  addPlaceFlags(
    new Command('audit').description(
      'derive every weight vector again from the recorded evidence and compare it bit for bit',
    ),
    'a validator; it may be running',
  )
    .option('--archive-dir <path>', 'data folder whose archive joins up; that of --data-dir unless given')
    .option('--json', 'print one JSON object', false)
    .action((flags: AuditFlags, command: Command) =>
      concluding(Effect.runPromise(run(command, flags)), flags.json),
    );
