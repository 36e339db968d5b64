import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';

import { evidenceLogName } from '#src/actors/evidenceLog.ts';
import { EmbeddedStore } from '#src/store/sqlite.ts';
import type { Store } from '#src/store/store.ts';
import { benchCommand } from '#test/support/benchCommand.ts';
import { measureSyncs, measureWriters } from '#test/support/benchStore.ts';
import { measureRecovery } from '#test/support/benchStoreRecovery.ts';
import { measureOnRedis } from '#test/support/benchStoreRedis.ts';
import { hasRedis, missingRedis } from '#test/support/redisServer.ts';

/**
 * `npm run bench -- store [--json]`: what the stores take per second, and how soon a validator works again after it was
 * killed. With `--json` the last line of standard output is one JSON object. See docs/benchmarks.md.
 */

/** The whole run takes about a minute; a hanging one ends here. */
const maxRunMs = 300_000;
const forMs = 4_000;
const writers = 256;

const { tell, conclude } = benchCommand(maxRunMs);

const rounded = (value: number, digits = 1): number => Number(value.toFixed(digits));

/** One writer, then many, on the same store in the same run. */
const measureGrouping = async (store: Store) => {
  const measure = (epoch: number, count: number) => measureWriters(store, { writers: count, forMs, epoch });
  await measure(1, writers); // the compiler and the files grow warm
  const single = await measure(2, 1);
  const grouped = await measure(3, writers);
  return {
    groupCommitOverSingle: rounded(grouped.rowsPerSecond / single.rowsPerSecond),
    rowsPerSecond: rounded(grouped.rowsPerSecond, 0),
    singleRowsPerSecond: rounded(single.rowsPerSecond),
    loopBlockP99Ms: rounded(grouped.loopBlockP99Ms, 2),
  };
};

const measureRedis = (appendFsync: 'everysec' | 'always') =>
  measureOnRedis(appendFsync, async (store, fileBytes) => {
    const grouping = await measureGrouping(store);
    const rows = await Effect.runPromise(store.lastSeq(evidenceLogName));
    const result = { ...grouping, fileBytesPerAnswer: rounded(fileBytes() / rows, 0) };
    tell(`redis, appendfsync ${appendFsync}: ${describe(result)}`);
    return result;
  });

const describe = (figures: Awaited<ReturnType<typeof measureGrouping>>): string =>
  `${figures.rowsPerSecond} rows per second by ${writers} writers, ${figures.singleRowsPerSecond} by one ` +
  `(${figures.groupCommitOverSingle} times), event loop late by ${figures.loopBlockP99Ms} ms at p99`;

const dir = mkdtempSync(join(tmpdir(), 'miaoai-bench-'));
try {
  const syncsPerSecond = rounded(measureSyncs(dir, forMs / 2), 0);
  tell(`disk: ${syncsPerSecond} waits per second`);
  const embedded = await Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(EmbeddedStore.open({ dir: join(dir, 'embedded') }), (store) =>
        Effect.promise(() => measureGrouping(store)),
      ),
    ),
  );
  tell(`embedded: ${describe(embedded)}`);
  const recovery = await measureRecovery(join(dir, 'recovery'));
  const { recoverySeconds, bytesPerAnswer, rows: recoveredRows } = recovery;
  tell(
    `recovery: ${rounded(recoverySeconds, 2)} s with ${recoveredRows} rows (opening ` +
      `${rounded(recovery.openSeconds, 2)} s), ${bytesPerAnswer} bytes per answer`,
  );
  if (!hasRedis) tell(`no figures of Redis: ${missingRedis}`);
  const redis = hasRedis
    ? { everysec: await measureRedis('everysec'), always: await measureRedis('always') }
    : null;
  conclude({
    bench: 'store',
    ...embedded,
    recoverySeconds: rounded(recoverySeconds, 3),
    openSeconds: rounded(recovery.openSeconds, 3),
    recoveredRows,
    bytesPerAnswer,
    syncsPerSecond,
    redis,
    ...(hasRedis ? {} : { skipped: missingRedis }),
    writers,
    node: process.version,
    cpus: availableParallelism(),
  });
} finally {
  rmSync(dir, { recursive: true, force: true });
}
process.exit();
