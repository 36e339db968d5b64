import * as Effect from 'effect/Effect';

import { validatorRuntime } from './actors/layers.ts';
import { loadSnapshots } from './actors/snapshots.ts';
import { createValidatorSystem, type ValidatorSettings } from './actors/validator.system.ts';
import { loadConfig, type ValidatorConfig } from './config.ts';
import { exitCodes, loadIdentity, openDataDir, refuse, runToEnd } from './daemon.ts';
import { defaultScoringPolicy, type ScoringPolicy } from './domain/scoring.ts';
import { isTaskKind } from './domain/tasks/kinds.ts';
import { createLogger } from './logging.ts';
import { EmbeddedStore } from './store/sqlite.ts';
import type { Store } from './store/store.ts';

const policyOf = (config: ValidatorConfig): ScoringPolicy => ({
  ...defaultScoringPolicy,
  qualityWeight: config.qualityWeight,
  trustWeight: config.trustWeight,
  stakeWeight: config.stakeWeight,
  burnShare: config.burnShare,
  deadlineMs: config.roundDeadlineMs,
  fullSpeedMs: Math.min(defaultScoringPolicy.fullSpeedMs, config.roundDeadlineMs / 2),
});

const settingsOf = (config: ValidatorConfig): ValidatorSettings => ({
  ...config,
  taskKinds: config.taskKinds.filter(isTaskKind),
  policy: policyOf(config),
});

/** `node dist/validator.js`. */
export const runValidator = async (): Promise<void> => {
  const loaded = loadConfig('validator', process.argv.slice(2), process.env, process.cwd());
  if (!loaded.ok) {
    if (loaded.error.kind === 'help') process.stdout.write(`${loaded.error.message}\n`);
    else process.stderr.write(`${loaded.error.message}\n`);
    process.exit(loaded.error.exitCode);
  }
  const config = loaded.value;
  const identity = await loadIdentity(config);
  if (!identity.ok) return refuse(identity.error, exitCodes.hotkey);
  const { hotkey } = identity.value;
  const log = createLogger({ level: config.logLevel, format: config.logFormat, role: 'validator', hotkey });
  const { dir, opened, close } = await openDataDir(config, hotkey, EmbeddedStore.open);
  const store: Store = opened;
  log.info(
    { event: 'daemon.started', netuid: config.netuid, endpoints: config.chainEndpoints, dataDir: dir },
    'validator started',
  );
  const { unknownNames } = config;
  if (unknownNames.length > 0)
    log.warn({ event: 'config.unknown', unknownNames }, 'settings that nothing reads');
  const runtime = validatorRuntime({ store, log });
  const snapshots = await runtime.runPromise(Effect.orElseSucceed(loadSnapshots, () => new Map()));
  const { root, flush } = createValidatorSystem({
    settings: settingsOf(config),
    identity: identity.value,
    runtime,
    log,
    snapshots,
  });
  await runToEnd({
    root,
    log,
    dispose: async () => {
      await flush();
      await runtime.dispose();
      await close();
    },
  });
};
