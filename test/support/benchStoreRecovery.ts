import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import type { FillReport, RecoverReport } from './benchStoreProcess.ts';

const fillPatienceMs = 180_000;
const recoverPatienceMs = 60_000;

type Report = FillReport | RecoverReport;
type Running = {
  readonly report: Promise<Report>;
  readonly kill: () => Promise<void>;
};

const start = (mode: 'fill' | 'recover', dir: string, patienceMs: number): Running => {
  const script = new URL('./benchStoreProcess.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, mode, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const onExit = (): void => void child.kill('SIGKILL');
  process.on('exit', onExit);
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      process.off('exit', onExit);
      resolve();
    });
  });
  const report = new Promise<Report>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${mode} took longer than ${patienceMs} ms`)),
      patienceMs,
    );
    createInterface({ input: child.stdout }).on('line', (text) => {
      clearTimeout(timer);
      resolve(JSON.parse(text));
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      reject(new Error(`${mode} ended with code ${code}`));
    });
  });
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  return { report, kill };
};

export type Recovery = Omit<RecoverReport, 'type'> & {
  readonly recoverySeconds: number;
  /** Of the database, with keys and indices, before the last epoch. */
  readonly bytesPerAnswer: number;
};

/** Kills a process that writes to a store of thirty epochs, and takes the time until a validator could work on it. */
export const measureRecovery = async (dir: string): Promise<Recovery> => {
  const filling = start('fill', dir, fillPatienceMs);
  try {
    const filled = await filling.report;
    await filling.kill();
    const recovering = start('recover', dir, recoverPatienceMs);
    const recovered = await recovering.report;
    await recovering.kill();
    if (filled.type !== 'filled' || recovered.type !== 'recovered') throw new Error('the wrong report');
    const { type: _type, ...figures } = recovered;
    return {
      ...figures,
      recoverySeconds: recovered.openSeconds + recovered.prepareSeconds,
      bytesPerAnswer: filled.bytesPerAnswer,
    };
  } finally {
    await filling.kill();
  }
};
