import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';

import { minerRuntime } from './actors/layers.ts';
import { createMinerSystem } from './actors/miner.system.ts';
import { CurrentPool } from './actors/taskDesk.ts';
import { loadConfig } from './config.ts';
import { exitCodes, loadIdentity, openDataDir, refuse, runToEnd } from './daemon.ts';
import { createLogger } from './logging.ts';
import { prepareDataDir } from './store/dataDir.ts';
import { lockDir } from './store/dirLock.ts';
import { versionInteger } from './version.ts';

/** A setting may name model folders or folders of such folders, as `models/` of this repository is one. */
const expandModelDirs = (dirs: readonly string[]): readonly string[] =>
  dirs.flatMap((dir) => {
    if (!existsSync(dir) || existsSync(join(dir, 'config.json'))) return [dir];
    return readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && existsSync(join(dir, entry.name, 'config.json')))
      .map((entry) => join(dir, entry.name))
      .toSorted();
  });

/** A miner keeps nothing yet, but two of one hotkey must not run: their links and axons would fight. */
const lockDataDir = ({ dir }: { readonly dir: string }) => Effect.andThen(prepareDataDir(dir), lockDir(dir));

/** `node dist/miner.js`. */
export const runMiner = async (): Promise<void> => {
  const loaded = loadConfig('miner', process.argv.slice(2), process.env, process.cwd());
  if (!loaded.ok) {
    if (loaded.error.kind === 'help') process.stdout.write(`${loaded.error.message}\n`);
    else process.stderr.write(`${loaded.error.message}\n`);
    process.exit(loaded.error.exitCode);
  }
  const config = loaded.value;
  const identity = await loadIdentity(config);
  if (!identity.ok) return refuse(identity.error, exitCodes.hotkey);
  const { hotkey } = identity.value;
  const log = createLogger({ level: config.logLevel, format: config.logFormat, role: 'miner', hotkey });
  const modelDirs = expandModelDirs(config.modelDirs);
  const lock = await openDataDir(config, hotkey, lockDataDir);
  log.info(
    {
      event: 'daemon.started',
      netuid: config.netuid,
      endpoints: config.chainEndpoints,
      modelDirs,
      dataDir: lock.dir,
    },
    'miner started',
  );
  const { unknownNames } = config;
  if (unknownNames.length > 0)
    log.warn({ event: 'config.unknown', unknownNames }, 'settings that nothing reads');
  const runtime = minerRuntime({ log });
  const pool = await runtime.runPromise(CurrentPool);
  const root = createMinerSystem({
    settings: { ...config, modelDirs, version: versionInteger },
    identity: identity.value,
    runtime,
    pool,
    log,
  });
  await runToEnd({
    root,
    log,
    dispose: async () => {
      await runtime.dispose();
      await lock.close();
    },
  });
};
