import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';

import { keysReady } from '#src/keys/identity.ts';
import { benchIdentity, drawMiners, latencyModel, type Sleep } from './benchLoad.ts';
import { type SimulatedMiners, startMiners } from './benchMiners.ts';
import { timeSequentially } from './benchSequential.ts';
import { type BenchValidator, type MeasuredRound, startValidator } from './benchValidator.ts';

/** Time after the slowest answer in a round that only warms up. */
const warmUpMarginMs = 500;

export type RoundBenchOptions = {
  readonly seed: string;
  readonly miners: number;
  readonly deadShare: number;
  readonly deadlineMs: number;
  /** Tasks of one round, in one frame per miner. */
  readonly tasks: number;
  /** Rounds before the measured ones; they end soon after the slowest answer. */
  readonly warmUps: number;
  /** Measured rounds; quantities are medians over them. */
  readonly rounds: number;
  /** Child processes the simulated miners live in. */
  readonly processes: number;
  readonly sample: { readonly answering: number; readonly dead: number };
  readonly onProgress: (line: string) => void;
};

export type RoundBenchResult = {
  readonly fanoutSeconds: number;
  readonly sequentialSeconds: number;
  readonly ratio: number;
  /** 1 is a round that ends exactly at its deadline, which is the best there is while one miner is silent. */
  readonly ratioOverBound: number;
  readonly addedLatencyMs: Quantiles;
  readonly miners: number;
  readonly dead: number;
  readonly deadlineSeconds: number;
  readonly seed: string;
  readonly node: string;
  readonly cpus: number;
  readonly tasksPerMiner: number;
  readonly sequentialMethod: string;
  readonly rounds: readonly RoundFigures[];
};

type Quantiles = { readonly p50: number; readonly p99: number };
type RoundFigures = {
  readonly fanoutSeconds: number;
  /** Answers that were measured. */
  readonly answers: number;
  readonly addedLatencyMs: Quantiles;
};

/** Nearest rank: the smallest value that at least `share` of all values do not exceed. */
const quantile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
};

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

const quantilesOf = (values: readonly number[]): Quantiles => ({
  p50: rounded(quantile(values, 0.5), 3),
  p99: rounded(quantile(values, 0.99), 3),
});

/** Pairs each verdict with the sleep the miner reported; an answer without one would be a defect of the benchmark. */
const figuresOf = (round: MeasuredRound, sleeps: readonly Sleep[]): RoundFigures => {
  const sleptMs = new Map(
    sleeps.flatMap((sleep) => (sleep.round === round.roundId ? [[sleep.index, sleep.sleptMs] as const] : [])),
  );
  const addedMs = round.verdicts.flatMap(({ uid, outcome, responseMs }) => {
    if (outcome === 'missed') return [];
    const slept = sleptMs.get(uid);
    if (outcome !== 'judged' || responseMs === null || slept === undefined) {
      throw new Error(`round ${round.roundId}: the answer of miner ${uid} is ${outcome}, expected judged`);
    }
    return [responseMs - slept];
  });
  return {
    fanoutSeconds: rounded(round.wallMs / 1_000, 4),
    answers: addedMs.length,
    addedLatencyMs: quantilesOf(addedMs),
  };
};

/** Rounds that lose an answer measure something else, so they are an error and not a number. */
const checkComplete = (round: MeasuredRound, answering: number, tasks: number): void => {
  const { judged, dispatched } = round.summary;
  if (judged !== answering * tasks) {
    throw new Error(`round ${round.roundId}: ${judged} of ${dispatched} answers were judged`);
  }
};

const measureRounds = async (given: {
  readonly options: RoundBenchOptions;
  readonly answering: number;
  readonly validator: BenchValidator;
  readonly miners: SimulatedMiners;
}): Promise<readonly RoundFigures[]> => {
  const { options, answering, validator, miners } = given;
  const { tasks, deadlineMs, onProgress } = options;
  // A validator runs for weeks: the compiler's first encounter with the code is not what a round costs.
  const warmUpMs = Math.min(deadlineMs, latencyModel.maxMs + warmUpMarginMs);
  for (let index = 0; index < options.warmUps; index += 1) {
    await validator.holdRound({ deadlineMs: warmUpMs, tasks });
  }
  const figures: RoundFigures[] = [];
  for (let index = 0; index < options.rounds; index += 1) {
    const round = await validator.holdRound({ deadlineMs, tasks });
    checkComplete(round, answering, tasks);
    const figure = figuresOf(round, await miners.takeSleeps());
    const { p50, p99 } = figure.addedLatencyMs;
    onProgress(
      `round ${index + 1}: settled in ${figure.fanoutSeconds} s, added p50 ${p50} ms, p99 ${p99} ms`,
    );
    figures.push(figure);
  }
  return figures;
};

const median = (values: readonly number[]): number => quantile(values, 0.5);

type Measured = {
  readonly rounds: readonly RoundFigures[];
  readonly sequential: { readonly seconds: number; readonly method: string };
  readonly dead: number;
};

const resultOf = (options: RoundBenchOptions, { rounds, sequential, dead }: Measured): RoundBenchResult => {
  const deadlineSeconds = options.deadlineMs / 1_000;
  const fanoutSeconds = median(rounds.map((round) => round.fanoutSeconds));
  const ratio = sequential.seconds / fanoutSeconds;
  return {
    fanoutSeconds,
    sequentialSeconds: rounded(sequential.seconds, 2),
    ratio: rounded(ratio, 3),
    ratioOverBound: rounded(ratio / (sequential.seconds / deadlineSeconds), 4),
    addedLatencyMs: {
      p50: median(rounds.map(({ addedLatencyMs }) => addedLatencyMs.p50)),
      p99: median(rounds.map(({ addedLatencyMs }) => addedLatencyMs.p99)),
    },
    miners: options.miners,
    dead,
    deadlineSeconds,
    seed: options.seed,
    node: process.version,
    cpus: availableParallelism(),
    tasksPerMiner: options.tasks,
    sequentialMethod: sequential.method,
    rounds,
  };
};

/**
 * Rounds over real sockets against simulated miners in other processes, then a sample of the same load one by one.
 * Everything it starts has ended when it returns, also when it fails.
 */
export const runRoundBench = async (options: RoundBenchOptions): Promise<RoundBenchResult> => {
  const { seed, deadShare, tasks, deadlineMs, onProgress } = options;
  await keysReady();
  const identity = benchIdentity('validator');
  const population = drawMiners({ seed, miners: options.miners, deadShare });
  const dead = population.filter(({ latencyMs }) => latencyMs === null).length;
  const dir = mkdtempSync(join(tmpdir(), 'miaoai-bench-'));
  const load = { seed, miners: options.miners, deadShare, parts: options.processes };
  const miners = await startMiners({ ...load, validatorHotkey: identity.hotkey });
  let validator: BenchValidator | null = null;
  try {
    const startedMs = performance.now();
    const { listening } = miners;
    validator = await startValidator({ dir, identity, miners: listening });
    onProgress(`${options.miners} links proven in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`);
    const answering = options.miners - dead;
    const rounds = await measureRounds({ options, answering, validator, miners });
    const sequential = await timeSequentially({
      ...{ table: validator.table, population, listening, seed, tasks },
      timeoutMs: deadlineMs,
      sample: options.sample,
    });
    onProgress(`one by one: ${sequential.seconds.toFixed(1)} s (${sequential.method})`);
    return resultOf(options, { rounds, sequential, dead });
  } finally {
    await validator?.close();
    await miners.stop();
    rmSync(dir, { recursive: true, force: true });
  }
};
