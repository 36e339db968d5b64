import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';

import { evidenceLogName } from '#src/actors/evidenceLog.ts';
import { decodeEvidence } from '#src/domain/evidence.ts';
import type { StoreReader } from '#src/store/store.ts';

import type { ValidatorFacts } from './facts.ts';

const pageRecords = 2_000;

/** The whole evidence log of a store, and what the store could not read. */
export const readLog = Effect.fn('chaos.readLog')(function* (store: StoreReader) {
  const log: ValidatorFacts['log'][number][] = [];
  const unreadable: string[] = [];
  const setAside = (yield* store.setAside).map(
    ({ kind, name, seq, reason }) => `${kind} ${seq ?? ''} of ${name} is set aside: ${reason}`,
  );
  for (let after = 0; ; ) {
    const page = yield* store.read(evidenceLogName, { after, limit: pageRecords });
    const last = page.at(-1);
    if (last === undefined) return { log, unreadable, setAside };
    after = last.seq;
    for (const { seq, key, value } of page) {
      const record = decodeEvidence(value);
      if (record.ok) log.push({ seq, key, record: record.value });
      else unreadable.push(`record ${seq} (${key}) does not decode: ${record.error.reason}`);
    }
  }
});

/** Commands of `miaoai` that judge a store; each in a process of its own, as an operator runs them. */
export const askCommands = (options: {
  readonly dist: string;
  readonly commands: readonly (readonly string[])[];
  /** Folder or URL of the store. */
  readonly place: string;
}): ValidatorFacts['commands'] =>
  options.commands.map((command) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        join(options.dist, 'cli.js'),
        ...command,
        options.place.includes('://') ? '--redis' : '--data-dir',
        options.place,
      ],
      { encoding: 'utf8', timeout: 60_000, maxBuffer: 64 * 1_048_576 },
    );
    return { name: `miaoai ${command.join(' ')}`, code: status, text: `${stdout}${stderr}`.trim() };
  });
