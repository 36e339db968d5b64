import * as Effect from 'effect/Effect';

import { chainOfNetwork, chainOfStore } from './actors/chainIdentity.ts';
import { validatorRuntime } from './actors/layers.ts';
import { loadSnapshots, type RestorableSnapshot } from './actors/snapshots.ts';
import { createValidatorSystem, type ValidatorSettings } from './actors/validator.system.ts';
import { genesisOf } from './config/networks.ts';
import type { ValidatorConfig } from './config.ts';
import { beginDaemon, openDataDir, runToEnd } from './daemon.ts';
import { maskEndpoint } from './domain/endpoint.ts';
import { defaultScoringPolicy, type ScoringPolicy } from './domain/scoring.ts';
import { isTaskKind } from './domain/tasks/kinds.ts';
import { processFailPoints, withFailPoints } from './store/failPoints.ts';
import { EmbeddedStore } from './store/sqlite.ts';
import type { Store } from './store/store.ts';
import { isTestBuild } from './testBuild.ts';

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
  const { config, identity, log } = await beginDaemon('validator');
  const { hotkey } = identity;
  const { dir, opened, close } = await openDataDir(config, hotkey, EmbeddedStore.open);
  const store: Store = isTestBuild ? withFailPoints(opened, processFailPoints()) : opened;
  log.info(
    {
      event: 'daemon.started',
      netuid: config.netuid,
      endpoints: config.chainEndpoints.map(maskEndpoint),
      dataDir: dir,
    },
    'validator started',
  );
  const runtime = validatorRuntime({ store, vitals: opened, log });
  const snapshots = await runtime.runPromise(
    Effect.catch(loadSnapshots, (failure) => {
      log.warn({ event: 'snapshot.failed', failure }, 'machines start afresh: their state could not be read');
      return Effect.succeed(new Map<string, RestorableSnapshot>());
    }),
  );
  const { root, flush } = createValidatorSystem({
    settings: settingsOf(config),
    identity,
    runtime,
    log,
    checkChain: chainOfNetwork(genesisOf(config.network), chainOfStore(store)),
    dataDir: dir,
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
