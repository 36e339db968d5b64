import { execFile } from 'node:child_process';

import type { InferenceView } from '../../domain/view/minerView.ts';

type Gpu = NonNullable<InferenceView['gpu']>;

/** The first GPU of this machine as `nvidia-smi` tells it; null without one, or without the program. */
export type GpuGauge = { readonly view: () => Gpu | null; readonly close: () => void };

const everyMs = 5_000;
const patienceMs = 3_000;
const mebibyte = 1_048_576;
const query = 'name,memory.used,memory.total,utilization.gpu,temperature.gpu';
const args = [`--query-gpu=${query}`, '--format=csv,noheader,nounits'];

/** A line such as `NVIDIA H200, 4096, 143771, 37, 41`; null for what cannot be read so. */
export const parseGpu = (text: string): Gpu | null => {
  const [line = ''] = text.split('\n');
  const fields = line.split(',').map((field) => field.trim());
  const [name = ''] = fields;
  const [used, total, utilization, celsius] = fields.slice(-4).map(Number);
  if (fields.length < 5 || name === '') return null;
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

type Answer = { readonly text: string } | { readonly isMissing: boolean };

const ask = (program: string): Promise<Answer> =>
  new Promise((resolve) => {
    execFile(program, args, { timeout: patienceMs, maxBuffer: 65_536 }, (error, stdout) =>
      resolve(error === null ? { text: stdout } : { isMissing: error.code === 'ENOENT' }),
    );
  });

/** Asks every few seconds, one question at a time; a machine without the program is asked once. */
export const createGpuGauge = (program = 'nvidia-smi'): GpuGauge => {
  let gpu: Gpu | null = null;
  let isAsking = false;
  const look = async (): Promise<void> => {
    if (isAsking) return;
    isAsking = true;
    const answer = await ask(program);
    isAsking = false;
    if ('text' in answer) gpu = parseGpu(answer.text);
    else {
      gpu = null;
      if (answer.isMissing) clearInterval(timer);
    }
  };
  const timer = setInterval(() => void look(), everyMs);
  timer.unref();
  void look();
  return { view: () => gpu, close: () => clearInterval(timer) };
};
