/**
 * `node scripts/buildTest.ts`: the test build of the daemons in `dist-test/`, unless the one that is there was made of
 * the same sources. Several test files may ask for it at once: a lock lets one of them build.
 */
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as Effect from 'effect/Effect';
import * as Schedule from 'effect/Schedule';
import { build } from 'rolldown';

import { bundle } from '../rolldown.config.ts';
import { prepareDataDir } from '../src/store/dataDir.ts';
import { lockDir } from '../src/store/dirLock.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const dir = 'dist-test';
const stamp = join(root, dir, '.build');
/** Beside what belongs to this installation alone, and out of git. */
const lockFolder = join(root, 'node_modules', '.miaoai-test-build');
const patienceMs = 60_000;

const sourcesHash = (): string => {
  const hash = createHash('sha256');
  const sources = globSync('src/**/*.ts', { cwd: root }).sort();
  for (const path of ['package-lock.json', 'rolldown.config.ts', ...sources]) {
    hash.update(path).update(readFileSync(join(root, path)));
  }
  return hash.digest('hex');
};

const buildStale = async (): Promise<void> => {
  const wanted = sourcesHash();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  process.stderr.write('making the test build\n');
  await build({ ...bundle({ dir, isTestBuild: true }), cwd: root, logLevel: 'warn' });
  writeFileSync(stamp, wanted);
};

const locked = Effect.gen(function* () {
  yield* prepareDataDir(lockFolder);
  yield* Effect.retry(lockDir(lockFolder), Schedule.spaced(100)).pipe(Effect.timeout(patienceMs));
  yield* Effect.promise(buildStale);
});
await Effect.runPromise(Effect.scoped(locked));
