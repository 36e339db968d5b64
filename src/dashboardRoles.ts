/** The page of each role: which view it has, and where its figures come from. */
import { createMetrics } from './actors/metrics/metrics.ts';
import { createMinerView } from './actors/views/minerView.ts';
import { createValidatorView } from './actors/views/validatorView.ts';
import type { MinerView, ValidatorView } from './actors/views/viewSource.ts';
import { diagnoseRunning } from './cli/doctor.ts';
import type { Config } from './config.ts';
import type { Begun } from './daemon.ts';
import { type Dashboard, openDashboard } from './dashboard.ts';
import { maskNetwork } from './domain/endpoint.ts';
import type { AboutView } from './domain/view/commonView.ts';
import { describeRedis } from './store/openStore.ts';
import { version } from './version.ts';

const aboutOf = (config: Config, hotkey: string, dataDir: string): Omit<AboutView, 'uid'> => ({
  role: config.role,
  version,
  network: maskNetwork(config.network),
  netuid: config.netuid,
  hotkey,
  startedAt: Date.now() - Math.round(process.uptime() * 1_000),
  pid: process.pid,
  node: process.version,
  dataDir,
  store: describeRedis(config) ?? 'embedded',
});

/** Opens the page of a validator, which may have to stand by first; the view wants to be told of its store and system. */
export const openValidatorDashboard = async (
  { config, identity, log, tail }: Begun<'validator'>,
  dir: string,
): Promise<{ readonly dashboard: Dashboard; readonly view: ValidatorView }> => {
  const { hotkey } = identity;
  const view = createValidatorView({ about: aboutOf(config, hotkey, dir), warnings: tail.warnings });
  const metrics = createMetrics({
    role: 'validator',
    version,
    slices: view.slices,
    isPerUid: config.metricsPerUid,
  });
  const doctor = () => diagnoseRunning(config, hotkey);
  return { dashboard: await openDashboard({ config, dir, log, tail, view, metrics, doctor }), view };
};

/** Opens the page of a miner; the view wants to be told of its system. */
export const openMinerDashboard = async (
  { config, identity, log, tail }: Begun<'miner'>,
  dir: string,
): Promise<{
  readonly dashboard: Dashboard;
  readonly view: MinerView;
  readonly onClassified: (seconds: number) => void;
}> => {
  const { hotkey } = identity;
  const view = createMinerView({ about: aboutOf(config, hotkey, dir), warnings: tail.warnings });
  const metrics = createMetrics({ role: 'miner', version, slices: view.slices });
  const doctor = () => diagnoseRunning(config, hotkey);
  const dashboard = await openDashboard({ config, dir, log, tail, view, metrics, doctor });
  return { dashboard, view, onClassified: metrics.observeInference };
};
