import type { SnapshotFrom } from 'xstate';

import type { Axon, SubnetSnapshot } from '../../domain/metagraph.ts';
import type { InferenceView, ModelRow, StandingView } from '../../domain/view/minerView.ts';
import type { ModelManifest } from '../../inference/manifest.ts';
import type { InferencePool } from '../../inference/pool.ts';
import type { minerMachine } from '../../machines/miner.machine.ts';
import { kindOfLabels } from '../taskDesk.ts';
import { ownNeuron } from './chainSlice.ts';
import type { GpuGauge } from './gpuGauge.ts';
import type { InferenceGauge } from './inferenceGauge.ts';
import { childOf } from './liveTree.ts';
import type { MinerNews } from './minerNews.ts';
import { pathOf } from './stateText.ts';

type Root = SnapshotFrom<typeof minerMachine>;

const raoPerAlpha = 1e9;

const axonText = (axon: Axon | null | undefined): string | null => {
  if (axon == null) return null;
  return axon.ip.includes(':') ? `[${axon.ip}]:${axon.port}` : `${axon.ip}:${axon.port}`;
};

/** 1 is the best; equals share a rank. null for one without incentive. */
const rankOf = (subnet: SubnetSnapshot, incentive: number): number | null =>
  incentive <= 0 ? null : 1 + subnet.neurons.filter((other) => other.incentive > incentive).length;

export const standingOf = (root: Root | null, news: MinerNews): StandingView => {
  const subnet = root?.context.subnet ?? null;
  const own = root === null ? null : ownNeuron(root.context);
  return {
    incentive: own?.incentive ?? null,
    rank: subnet === null || own === null ? null : rankOf(subnet, own.incentive),
    ranked: subnet?.neurons.filter(({ incentive }) => incentive > 0).length ?? 0,
    emission: own === null ? null : own.emissionRao / raoPerAlpha,
    history: news.incentives(),
    axon: axonText(own?.axon),
    announced: axonText(root?.context.announced?.axon),
  };
};

const workersOf = (slots: number, ready: readonly number[], news: MinerNews): InferenceView['workers'] =>
  Array.from({ length: slots }, (_, slot) => {
    const { restarts, lastExit } = news.workerOf(slot);
    return { slot, isReady: ready.includes(slot), restarts, lastExit };
  });

/** Of the first worker that does not run on what was preferred; else of the first. */
export const noteOf = (slots: number, news: MinerNews): string | null => {
  for (let slot = 0; slot < slots; slot += 1) {
    const { note } = news.workerOf(slot);
    if (note !== null) return note;
  }
  return null;
};

export const inferenceViewOf = (given: {
  readonly root: Root | null;
  readonly pool: InferencePool | null;
  readonly news: MinerNews;
  readonly gauge: InferenceGauge;
  readonly gpu: GpuGauge;
}): InferenceView => {
  const { root, pool, news, gauge, gpu } = given;
  const machine = childOf(root, 'inferencePool');
  const slots = machine?.context.slots ?? 0;
  const stats = pool?.stats() ?? null;
  return {
    state: machine === null ? 'none' : pathOf(machine.value),
    provider: machine?.context.provider ?? null,
    note: noteOf(slots, news),
    slots,
    workers: workersOf(slots, machine?.context.ready ?? [], news),
    queued: stats?.queued ?? 0,
    running: stats?.running ?? 0,
    ...gauge.rates(),
    gpu: gpu.view(),
    history: gauge.history(),
  };
};

const modelRowOf = ({ name, labels, sha256, modelFile, modelBytes, dir }: ModelManifest): ModelRow => ({
  name,
  kinds: [kindOfLabels(labels)],
  revision: sha256.slice(0, 12),
  files: [
    {
      path: modelFile.startsWith(`${dir}/`) ? modelFile.slice(dir.length + 1) : modelFile,
      bytes: modelBytes,
    },
  ],
  labels: labels.length,
});

/** The same list as long as the pool is the same. */
export const createModelRows = () => {
  let of: InferencePool | null = null;
  let rows: readonly ModelRow[] = [];
  return (pool: InferencePool | null): readonly ModelRow[] => {
    // Models stay what they are while a pool is being opened again.
    if (pool === null || pool === of) return rows;
    of = pool;
    rows = pool.models.map(modelRowOf);
    return rows;
  };
};
