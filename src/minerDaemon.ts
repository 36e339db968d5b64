import * as Effect from 'effect/Effect';

import { type CheckChain, chainOfNetwork, chainOfStore, firstChainSeen } from './actors/chainIdentity.ts';
import { minerRuntime } from './actors/layers.ts';
import { createMinerSystem } from './actors/miner.system.ts';
import { CurrentPool } from './actors/taskDesk.ts';
import { openTracing } from './actors/tracing/tracing.ts';
import { CurrentGate } from './actors/workGate.actor.ts';
import { genesisOf } from './config/networks.ts';
import type { MinerConfig } from './config.ts';
import { beginDaemon, openDataDir, runToEnd, storeNotices } from './daemon.ts';
import { openMinerDashboard } from './dashboardRoles.ts';
import { maskEndpoint } from './domain/endpoint.ts';
import { expandModelDirs } from './inference/modelDirs.ts';
import type { Logger } from './logging.ts';
import { followModelLoad } from './modelLoad.ts';
import { requireUsable } from './store/moved.ts';
import { describeRedis, openConfiguredStore } from './store/openStore.ts';
import type { StoreHandle } from './store/store.ts';
import { version, versionInteger } from './version.ts';

/** How long a connection to a node waits for the store to say which chain is ours. */
const identityPatienceMs = 3_000;

/**
 * The store of a miner. Two miners of one hotkey must not run, their links and axons would fight: the folder is locked
 * whatever the store. A store that is away for now does not keep the miner from its work; one that is wrong does.
 */
const openStore = (config: MinerConfig, hotkey: string, log: Logger) =>
  openDataDir(config, hotkey, (folder) =>
    Effect.catchTag(
      Effect.tap(
        openConfiguredStore({ ...folder, settings: config, shared: false, onNotice: storeNotices(log) }),
        requireUsable,
      ),
      'StoreUnavailable',
      (error) => {
        log.warn({ event: 'store.away', failure: error.message }, 'the miner serves without its store');
        return Effect.succeed(null);
      },
    ),
  );

/** Holds on to the chain the store knows; while the store is in trouble, to the first chain this process saw. */
const rememberedChain = (store: StoreHandle | null): CheckChain => {
  const seen = firstChainSeen();
  if (store === null) return seen;
  const stored = chainOfStore(store);
  return (genesisHash) =>
    Effect.suspend(() =>
      store.health().isWell
        ? Effect.timeoutOrElse(stored(genesisHash), {
            duration: identityPatienceMs,
            orElse: () => seen(genesisHash),
          })
        : seen(genesisHash),
    ).pipe(Effect.andThen(seen(genesisHash)));
};

/** Counts the starts of this miner, and tells when its store is in trouble. Nothing waits for it. */
const followStore = (store: StoreHandle, log: Logger): void => {
  store.onHealth((health) => {
    if (health.isWell) log.info({ event: 'store.recovered' }, 'the store is well again');
    else log.warn({ event: 'store.troubled', trouble: health.trouble }, health.message);
  });
  Effect.runFork(
    Effect.match(store.addTo('starts', 1), {
      onSuccess: (starts) => log.info({ event: 'daemon.counted', starts }, `start number ${starts}`),
      onFailure: (error) => log.warn({ event: 'store.failed', failure: error.message }, 'start not counted'),
    }),
  );
};

/** `node dist/miner.js`. */
export const runMiner = async (): Promise<void> => {
  const begun = await beginDaemon('miner');
  const { config, identity, log } = begun;
  const modelDirs = expandModelDirs(config.modelDirs);
  const { dir, opened: store, close } = await openStore(config, identity.hotkey, log);
  log.info(
    {
      event: 'daemon.started',
      netuid: config.netuid,
      endpoints: config.chainEndpoints.map(maskEndpoint),
      modelDirs,
      dataDir: dir,
      redis: describeRedis(config),
    },
    'miner started',
  );
  const { dashboard, view, onClassified } = await openMinerDashboard(begun, dir);
  dashboard.lead();
  if (store !== null) followStore(store, log);
  const runtime = minerRuntime({
    log,
    tracing: openTracing({ env: process.env, role: 'miner', version, log }),
  });
  const pool = await runtime.runPromise(CurrentPool);
  pool.onClassified = onClassified;
  const gate = await runtime.runPromise(CurrentGate);
  const root = createMinerSystem({
    settings: { ...config, modelDirs, version: versionInteger },
    identity,
    runtime,
    pool,
    gate,
    dataDir: dir,
    log,
    checkChain: chainOfNetwork(genesisOf(config.network), rememberedChain(store)),
    onInspection: dashboard.onInspection,
  });
  if (dashboard.isShown) view.attach({ root, runtime, store });
  followModelLoad(root, { workers: config.workers, modelDirs, log });
  await runToEnd({
    root,
    log,
    dispose: async () => {
      await runtime.dispose();
      await dashboard.close();
      await close();
    },
  });
};
