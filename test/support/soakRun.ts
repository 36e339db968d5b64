import { readdirSync, readFileSync } from 'node:fs';

import { createRandom } from '#src/domain/random.ts';
import { type ProcessReport, reportPrefix } from '#src/testReport.ts';
import { openSoakStage, type SoakMiner, type SoakStage } from './soakStage.ts';
import { type Bound, type Sample, type Trend, trendOf } from './soakTrend.ts';
import type { TestProcess } from './testProcess.ts';

const sampleEveryMs = 10_000;
const churnEveryMs = 4_000;
const downMs = 3_000;
const reportPatienceMs = 20_000;
const mib = 1_048_576;

/** Figures of a process. Those that only the test build tells of itself are missing for the chain. */
const bounds: Readonly<Record<keyof ProcessReport, Bound>> = {
  heapBytes: { share: 0.05, amount: 2 * mib },
  externalBytes: { share: 0.1, amount: 4 * mib },
  // Freed pages go back to the system late.
  rssBytes: { share: 0.1, amount: 16 * mib },
  descriptors: { share: 0, amount: 3 },
  actors: { share: 0, amount: 2 },
  delays: { share: 0, amount: 3 },
  timers: { share: 0, amount: 4 },
  resources: { share: 0, amount: 4 },
  listeners: { share: 0, amount: 1 },
};
type Figure = keyof ProcessReport;
const figures = Object.keys(bounds) as readonly Figure[];

type Series = Map<string, Map<Figure, Sample[]>>;

export type SoakFinding = Trend & { readonly process: string; readonly figure: Figure };
export type SoakResult = {
  readonly rounds: number;
  readonly epochs: number;
  readonly churn: { readonly minersStopped: number; readonly linksCut: number };
  readonly findings: readonly SoakFinding[];
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const ask = async (process: TestProcess): Promise<Partial<ProcessReport>> => {
  const coming = process.says(reportPrefix, reportPatienceMs);
  process.signal('SIGUSR2');
  const report: ProcessReport = JSON.parse(await coming);
  return report;
};

/** Of a process that answers no questions: what the kernel knows. */
const look = ({ pid }: TestProcess): Partial<ProcessReport> => {
  const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { rssBytes: Number(kib) * 1_024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
};

const note = (series: Series, name: string, report: Partial<ProcessReport>): void => {
  const own = series.get(name) ?? new Map<Figure, Sample[]>();
  series.set(name, own);
  for (const figure of figures) {
    const value = report[figure];
    if (value === undefined) continue;
    const samples = own.get(figure) ?? [];
    samples.push({ atMs: performance.now(), value });
    own.set(figure, samples);
  }
};

/** The first half of the miners lives through the whole run, behind wires that are cut; the others come and go. */
const steadyOf = (miners: readonly SoakMiner[]): readonly SoakMiner[] => miners.slice(0, miners.length / 2);

const churn = async (stage: SoakStage, untilMs: number) => {
  const random = createRandom('soak churn');
  const steady = steadyOf(stage.miners);
  const count = { minersStopped: 0, linksCut: 0 };
  for (let turn = 0; performance.now() + churnEveryMs + downMs < untilMs; turn += 1) {
    await pause(churnEveryMs);
    const isCut = turn % 2 === 0;
    const miner = random.pick(isCut ? stage.miners : stage.miners.filter((one) => !steady.includes(one)));
    if (isCut) {
      await miner.wire.cut();
      await pause(downMs);
      await miner.wire.restore();
      count.linksCut += 1;
    } else {
      await miner.process().endBy(turn % 4 === 1 ? 'SIGTERM' : 'SIGKILL', reportPatienceMs);
      await pause(downMs);
      await miner.restart();
      count.minersStopped += 1;
    }
  }
  return count;
};

const sample = async (stage: SoakStage, series: Series): Promise<void> => {
  const steady = steadyOf(stage.miners).map((miner) => miner.process());
  await Promise.all(
    [stage.validator, ...steady].map(async (process) => note(series, process.name, await ask(process))),
  );
  note(series, stage.chain.name, look(stage.chain));
};

/** Runs the network for `minutes` and judges every figure of every process that lived throughout. */
export const runSoak = async (options: {
  readonly minutes: number;
  readonly store: 'embedded' | 'redis';
  readonly onProgress: (line: string) => void;
}): Promise<SoakResult> => {
  const stage = await openSoakStage(options.store);
  try {
    const { validator } = stage;
    const series: Series = new Map();
    const untilMs = performance.now() + options.minutes * 60_000;
    const churning = churn(stage, untilMs);
    while (performance.now() < untilMs) {
      await sample(stage, series);
      options.onProgress(
        `${Math.round((untilMs - performance.now()) / 1_000)} s left, ${validator.times('round.ended')} rounds`,
      );
      await Promise.race([pause(sampleEveryMs), churning.then(() => pause(sampleEveryMs))]);
    }
    return {
      rounds: validator.times('round.ended'),
      epochs: validator.times('epoch.scored'),
      churn: await churning,
      findings: [...series].flatMap(([process, own]) =>
        [...own].map(([figure, samples]) => ({ process, figure, ...trendOf(samples, bounds[figure]) })),
      ),
    };
  } finally {
    await stage.dispose();
  }
};
