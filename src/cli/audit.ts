import { resolve } from 'node:path';
import { Command } from 'commander';
import * as Effect from 'effect/Effect';

import { evidenceLogName } from '../actors/evidenceLog.ts';
import { judgeRecorded } from '../actors/grading.ts';
import { type EpochDerivation, type LogCheck, startDerivation } from '../domain/derivation.ts';
import { decodeEvidence } from '../domain/evidence.ts';
import { openStoreReadOnly } from '../store/sqlite.ts';

export type AuditReport = LogCheck & {
  readonly epochs: readonly EpochDerivation[];
  /** Records this version cannot read. */
  readonly unreadable: number;
  /** Every epoch derives bit for bit and the log does not contradict itself. */
  readonly sound: boolean;
};

const pageRecords = 2_000;

/** Derives every scored epoch again from the evidence in a validator's data folder, while or after it runs. */
export const audit = Effect.fn('cli.audit')(function* (dir: string) {
  const store = yield* openStoreReadOnly({ dir });
  const replay = startDerivation(judgeRecorded);
  const epochs: EpochDerivation[] = [];
  let unreadable = 0;
  for (let after = 0; ; ) {
    const page = yield* store.read(evidenceLogName, { after, limit: pageRecords });
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.seq;
    for (const { seq, value } of page) {
      const record = decodeEvidence(value);
      if (!record.ok) unreadable += 1;
      const epoch = record.ok ? replay.accept({ seq, record: record.value }) : null;
      if (epoch !== null) epochs.push(epoch);
    }
  }
  const check = replay.finish();
  const sound = epochs.every(({ equal }) => equal) && check.violationCount === 0 && unreadable === 0;
  return { ...check, epochs, unreadable, sound } satisfies AuditReport;
});

const describe = (report: AuditReport): string => {
  const lines = report.epochs.map(
    ({ epoch, verdicts, equal, firstDifference, recorded }) =>
      `epoch ${epoch}: ${verdicts} answers, ${recorded.uids.length} weights, ${equal ? 'derives bit for bit' : `DIFFERS at ${firstDifference}`}`,
  );
  const violations = report.violations.map(({ seq, rule, detail }) => `record ${seq}: ${rule}: ${detail}`);
  return [
    ...lines,
    ...violations,
    `${report.records} records, ${report.violationCount} violations, ${report.unreadable} unreadable, ${report.openRounds.length} rounds open: ${report.sound ? 'sound' : 'NOT SOUND'}`,
  ].join('\n');
};

/** `miaoai audit`. */
export const auditCommand = (): Command =>
  new Command('audit')
    .description('derive every weight vector again from the recorded evidence and compare it bit for bit')
    .requiredOption('--data-dir <path>', 'data folder of a validator; it may be running')
    .option('--json', 'print one JSON object', false)
    .action(async (options: { readonly dataDir: string; readonly json: boolean }) => {
      const result = await Effect.runPromise(
        Effect.match(Effect.scoped(audit(resolve(options.dataDir))), {
          onSuccess: (report) => ({ text: options.json ? JSON.stringify(report) : describe(report), report }),
          onFailure: (error) => ({ text: error.message, report: null }),
        }),
      );
      const stream = result.report === null ? process.stderr : process.stdout;
      stream.write(`${result.text}\n`);
      process.exitCode = result.report?.sound === true ? 0 : 1;
    });
