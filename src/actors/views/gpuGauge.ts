import type { InferenceView } from '../../domain/view/minerView.ts';
import { askNvidiaSmi, firstGpu } from '../../inference/nvidiaSmi.ts';

type Gpu = NonNullable<InferenceView['gpu']>;

/** The first GPU of this machine as `nvidia-smi` tells it now; null where it tells nothing. */
export type GpuGauge = { readonly view: () => Gpu | null; readonly close: () => void };

export type GpuGaugeOptions = {
  readonly program?: string;
  readonly everyMs?: number;
  readonly patienceMs?: number;
};

const mebibyte = 1_048_576;
const fields = ['name', 'memory.used', 'memory.total', 'utilization.gpu', 'temperature.gpu'];

/** A line such as `NVIDIA H200, 4096, 143771, 37, 41`; null for what cannot be read so. */
export const parseGpu = (text: string): Gpu | null => {
  const told = firstGpu(text);
  const [name = ''] = told;
  const [used, total, utilization, celsius] = told.slice(-4).map(Number);
  if (told.length < fields.length || name === '') return null;
  if (used === undefined || total === undefined || utilization === undefined || celsius === undefined)
    return null;
  if (![used, total, utilization, celsius].every(Number.isFinite)) return null;
  return {
    name,
    usedBytes: used * mebibyte,
    totalBytes: total * mebibyte,
    utilization: utilization / 100,
    celsius,
  };
};

/**
 * Asks every few seconds, one question at a time; a machine without the program is asked once. Figures that are not
 * renewed are not shown.
 */
export const createGpuGauge = (options: GpuGaugeOptions = {}): GpuGauge => {
  const { program = 'nvidia-smi', everyMs = 5_000, patienceMs = 3_000 } = options;
  let gpu: Gpu | null = null;
  let isAsking = false;
  const look = async (): Promise<void> => {
    if (isAsking) return;
    isAsking = true;
    const answer = await askNvidiaSmi({ fields, patienceMs, program });
    isAsking = false;
    gpu = answer.kind === 'told' ? parseGpu(answer.text) : null;
    if (answer.kind === 'missing') clearInterval(timer);
  };
  const timer = setInterval(() => void look(), everyMs);
  timer.unref();
  void look();
  return { view: () => gpu, close: () => clearInterval(timer) };
};
