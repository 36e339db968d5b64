import * as Effect from 'effect/Effect';

import { chainOfNetwork, firstChainSeen } from './actors/chainIdentity.ts';
import { minerRuntime } from './actors/layers.ts';
import { createMinerSystem } from './actors/miner.system.ts';
import { CurrentPool } from './actors/taskDesk.ts';
import { CurrentGate } from './actors/workGate.actor.ts';
import { genesisOf } from './config/networks.ts';
import { beginDaemon, openDataDir, runToEnd } from './daemon.ts';
import { maskEndpoint } from './domain/endpoint.ts';
import { expandModelDirs } from './inference/modelDirs.ts';
import { prepareDataDir } from './store/dataDir.ts';
import { lockDir } from './store/dirLock.ts';
import { versionInteger } from './version.ts';

/** A miner keeps nothing yet, but two of one hotkey must not run: their links and axons would fight. */
const lockDataDir = ({ dir }: { readonly dir: string }) => Effect.andThen(prepareDataDir(dir), lockDir(dir));

/** `node dist/miner.js`. */
export const runMiner = async (): Promise<void> => {
  const { config, identity, log } = await beginDaemon('miner');
  const { hotkey } = identity;
  const modelDirs = expandModelDirs(config.modelDirs);
  const lock = await openDataDir(config, hotkey, lockDataDir);
  log.info(
    {
      event: 'daemon.started',
      netuid: config.netuid,
      endpoints: config.chainEndpoints.map(maskEndpoint),
      modelDirs,
      dataDir: lock.dir,
    },
    'miner started',
  );
  const runtime = minerRuntime({ log });
  const pool = await runtime.runPromise(CurrentPool);
  const gate = await runtime.runPromise(CurrentGate);
  const root = createMinerSystem({
    settings: { ...config, modelDirs, version: versionInteger },
    identity,
    runtime,
    pool,
    gate,
    dataDir: lock.dir,
    log,
    checkChain: chainOfNetwork(genesisOf(config.network), firstChainSeen()),
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
