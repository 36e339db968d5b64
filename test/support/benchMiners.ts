import { type ChildProcess, fork } from 'node:child_process';

import type { ListeningMiner, MinersOrder, MinersReport, Sleep } from './benchLoad.ts';

/** Starting takes a second or two; more means that a child died or hangs. */
const answerPatienceMs = 60_000;

type ReportOf<Type extends MinersReport['type']> = Extract<MinersReport, { readonly type: Type }>;

const nextReport = <Type extends MinersReport['type']>(
  child: ChildProcess,
  type: Type,
): Promise<ReportOf<Type>> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`the simulated miners did not say '${type}' in ${answerPatienceMs} ms`)),
      answerPatienceMs,
    );
    const onExit = (code: number | null): void => {
      clearTimeout(timer);
      reject(new Error(`the simulated miners ended with code ${code} before they said '${type}'`));
    };
    child.once('exit', onExit);
    child.once('message', (report: MinersReport) => {
      clearTimeout(timer);
      child.off('exit', onExit);
      // Each order has one answer, and one order is open at a time.
      resolve(report as ReportOf<Type>);
    });
  });

const stopChild = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });

export type SimulatedMiners = {
  /** By index. */
  readonly listening: readonly ListeningMiner[];
  /** What the miners slept since the last call, as they measured it. */
  readonly takeSleeps: () => Promise<readonly Sleep[]>;
  readonly stop: () => Promise<void>;
};

/** Starts `parts` child processes that play `miners` miners between them. */
export const startMiners = async (
  load: Omit<Extract<MinersOrder, { readonly type: 'start' }>, 'type' | 'part'>,
): Promise<SimulatedMiners> => {
  const entry = new URL('./benchMinerProcess.ts', import.meta.url);
  const children = Array.from({ length: load.parts }, () =>
    fork(entry, [], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: ['--disable-warning=ExperimentalWarning'],
    }),
  );
  const ask = <Type extends MinersReport['type']>(type: Type, orderOf: (part: number) => MinersOrder) =>
    Promise.all(
      children.map((child, part) => {
        const report = nextReport(child, type);
        child.send(orderOf(part));
        return report;
      }),
    );
  const stop = async (): Promise<void> => {
    await Promise.all(children.map(stopChild));
  };
  try {
    const reports = await ask('listening', (part) => ({ type: 'start', ...load, part }));
    return {
      listening: reports.flatMap(({ miners }) => miners).toSorted((a, b) => a.index - b.index),
      takeSleeps: async () =>
        (await ask('slept', () => ({ type: 'report' }))).flatMap(({ sleeps }) => sleeps),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
};
