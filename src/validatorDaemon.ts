import * as Effect from 'effect/Effect';

import { chainOfNetwork, chainOfStore } from './actors/chainIdentity.ts';
import { type ValidatorRuntime, validatorRuntime } from './actors/layers.ts';
import { loadSnapshots, type RestorableSnapshot } from './actors/snapshots.ts';
import { openTracing } from './actors/tracing/tracing.ts';
import { createValidatorSystem, type ValidatorSettings } from './actors/validator.system.ts';
import { genesisOf } from './config/networks.ts';
import type { ValidatorConfig } from './config.ts';
import { type Begun, beginDaemon, endAs, openDataDir, runToEnd, storeNotices } from './daemon.ts';
import { openValidatorDashboard } from './dashboardRoles.ts';
import { maskEndpoint } from './domain/endpoint.ts';
import { defaultScoringPolicy, type ScoringPolicy } from './domain/scoring.ts';
import { isTaskKind } from './domain/tasks/kinds.ts';
import type { Logger } from './logging.ts';
import { withDeliberateBugs } from './store/deliberateBugs.ts';
import { processFailPoints, withFailPoints } from './store/failPoints.ts';
import { describeRedis, openConfiguredStore } from './store/openStore.ts';
import type { Store } from './store/store.ts';
import { isTestBuild } from './testBuild.ts';
import { version } from './version.ts';
import { becomeWriter, openHolderLock, type WritershipOptions } from './writership.ts';

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

/** The machines of an earlier life, of this process or of the one that wrote before; none if they cannot be read. */
const snapshotsOf = (runtime: ValidatorRuntime, log: Logger) =>
  runtime.runPromise(
    Effect.catch(loadSnapshots, (failure) => {
      log.warn({ event: 'snapshot.failed', failure }, 'machines start afresh: their state could not be read');
      return Effect.succeed(new Map<string, RestorableSnapshot>());
    }),
  );

/** The page shows less of what was; nothing else depends on it. */
const noteUnrecalled =
  (log: Logger) =>
  (failure: unknown): void =>
    log.warn({ event: 'dashboard.unrecalled', failure: String(failure) }, 'the page begins without a past');

/** Opens the store as one of several, and stands by until this process is the one that writes. */
const openAsWriter = async (begun: Begun<'validator'>) => {
  const { config, identity, log } = begun;
  const {
    dir,
    owner,
    opened: bare,
    close,
  } = await openDataDir(config, identity.hotkey, (folder) =>
    openConfiguredStore({
      ...folder,
      settings: config,
      shared: true,
      onNotice: storeNotices(log),
    }),
  );
  const opened = isTestBuild ? withFailPoints(withDeliberateBugs(bare), processFailPoints()) : bare;
  const { netuid, leaseMs } = config;
  const endpoints = config.chainEndpoints.map(maskEndpoint);
  const redis = describeRedis(config);
  log.info({ event: 'daemon.started', netuid, endpoints, dataDir: dir, redis, leaseMs }, 'validator started');
  // Before it may write: the page of a validator that stands by says so.
  const { dashboard, view } = await openValidatorDashboard(begun, dir);
  const holderLock = openHolderLock(dir);
  const release = async (): Promise<void> => {
    await dashboard.close();
    await close();
    await Effect.runPromise(holderLock.close);
  };
  const leave: WritershipOptions['leave'] = async (exit, reason) => {
    await release();
    return endAs({ exit, reason }, log);
  };
  const { lease, starts, signals } = await becomeWriter({
    store: opened,
    leaseMs,
    // The validators of one Redis need not be on one machine, nor in one folder.
    takeHolderLock: config.store === 'embedded' ? holderLock.take : null,
    log,
    onInspection: dashboard.onLeaseInspection,
    leave,
  });
  dashboard.lead();
  log.info({ event: 'daemon.writing', starts }, 'this validator acts for its hotkey');
  const store: Store = dashboard.isShown ? view.tap(opened) : opened;
  if (dashboard.isShown) void view.recall(opened).catch(noteUnrecalled(log));
  return { dir, owner, store, vitals: opened, lease, dashboard, view, signals, release };
};

/** `node dist/validator.js`. */
export const runValidator = async (): Promise<void> => {
  const begun = await beginDaemon('validator');
  const { config, identity, log } = begun;
  const { dir, owner, store, vitals, lease, dashboard, view, signals, release } = await openAsWriter(begun);
  const runtime = validatorRuntime({
    store,
    vitals,
    log,
    tracing: openTracing({ env: process.env, role: 'validator', version, log }),
  });
  const { root, flush } = createValidatorSystem({
    settings: settingsOf(config),
    identity,
    runtime,
    log,
    checkChain: chainOfNetwork(genesisOf(config.network), chainOfStore(store)),
    dataDir: dir,
    owner,
    snapshots: await snapshotsOf(runtime, log),
    onInspection: dashboard.onInspection,
  });
  if (dashboard.isShown) view.attach({ root, runtime, vitals });
  lease.watch((news) => {
    if (root.getSnapshot().status === 'active') root.send(news);
  });
  const dispose = async (): Promise<void> => {
    await flush();
    await runtime.dispose();
    // Nothing is written after this, so that whoever stands by may begin.
    await lease.end();
    await release();
  };
  if (signals.hasCome()) {
    await dispose();
    return endAs({ exit: 'drained', reason: 'stopped before it began to work' }, log);
  }
  await runToEnd({ root, log, dispose, onListening: signals.stop });
};
