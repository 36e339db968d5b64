import { spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as Effect from 'effect/Effect';
import * as Schedule from 'effect/Schedule';

import { prepareDataDir } from '#src/store/dataDir.ts';
import { lockDir } from '#src/store/dirLock.ts';

export const repository = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(repository, 'dist');
const entries = ['cli.js', 'validator.js', 'miner.js', 'inferenceWorker.js', 'storeWorker.js'];

/** A build takes seconds; another test file may be at it. */
const buildPatienceMs = 60_000;

const changedAtMs = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

const newestSourceMs = (): number =>
  Math.max(
    ...['package-lock.json', 'rolldown.config.ts'].map((file) => changedAtMs(join(repository, file))),
    ...['src', 'ui'].flatMap((folder) =>
      readdirSync(join(repository, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => changedAtMs(join(entry.parentPath, entry.name))),
    ),
  );

const isFresh = (): boolean =>
  Math.min(...entries.map((entry) => changedAtMs(join(dist, entry)))) > newestSourceMs();

const build = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['scripts/build.ts'], { cwd: repository });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-4_000);
      });
    }
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`the build ended with code ${code}: ${said}`));
    });
  });

/** Beside what belongs to this installation alone, and out of git. */
const lockFolder = join(repository, 'node_modules', '.miaoai-test-build');

/**
 * The folder of the built daemons, built anew when a source is newer. `npm test` has built them before; this is for
 * whoever runs vitest directly. A lock keeps two test files from building into the one folder at a time.
 */
export const freshDist = (): Promise<string> =>
  Effect.gen(function* () {
    yield* prepareDataDir(lockFolder);
    yield* Effect.retry(lockDir(lockFolder), Schedule.spaced(100)).pipe(Effect.timeout(buildPatienceMs));
    if (!isFresh()) yield* Effect.promise(build);
    return dist;
  }).pipe(Effect.scoped, Effect.runPromise);
