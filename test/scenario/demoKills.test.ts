import { afterEach, describe, expect, it } from 'vitest';

import { type Demo, startDemo } from '#test/support/systemDemo.ts';
import { descendantsOf } from '#test/support/systemProcess.ts';

/** `kill -9` of every process of the demo in turn, as by hand: the table is the same in the end. */

/** Start, the rest of an epoch, and two whole ones of 20 s each after the last kill; half as much again on a busy machine. */
const runLimitMs = 200_000;
const startLimitMs = 120_000;
/** Long enough for the one before to be back. */
const betweenKillsMs = 5_500;

const victims = [
  'validator',
  'chain',
  'miner 1',
  'miner 3',
  'worker of miner 2',
  'miner 2',
  'miner 4',
] as const;

let demo: Demo | undefined;
afterEach(async () => {
  await demo?.dispose();
  demo = undefined;
});

/** The pid of the newest life of a process, as the demo says it. */
const pidOf = ({ said, tail }: Demo, name: string): number => {
  const line = said.findLast((text) => text.includes(`  ${name}`) && / pid \d+$/.test(text));
  const pid = Number(/ pid (\d+)$/.exec(line ?? '')?.[1]);
  if (!Number.isSafeInteger(pid)) throw new Error(`the demo says no pid of ${name}${tail()}`);
  return pid;
};
const victimPid = (running: Demo, victim: (typeof victims)[number]): number => {
  const [, miner] = /^worker of (.+)$/.exec(victim) ?? [];
  if (miner === undefined) return pidOf(running, victim);
  const [worker] = descendantsOf(pidOf(running, miner));
  if (worker === undefined) throw new Error(`${miner} has no worker`);
  return worker;
};
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

type Row = { readonly behaviour: string; readonly incentive: number; readonly emission: number };
type Result = {
  readonly summary: string;
  readonly epochs: number;
  readonly weightsSet: readonly { readonly epoch: number }[];
  readonly miners: readonly Row[];
};

describe('scenario / demoKills', () => {
  it('ends in the same table, whichever process is killed', async () => {
    const running = await startDemo(['--json', '--epochs', '2']);
    demo = running;
    await running.saw(/answers judged/, startLimitMs);
    for (const victim of victims) {
      process.kill(victimPid(running, victim), 'SIGKILL');
      await pause(betweenKillsMs);
    }
    const end = await running.endWithin(runLimitMs);
    expect(end, running.tail()).toEqual({ code: 0, signal: null });
    const said = running.said.join('\n');
    for (const victim of victims.filter((name) => !name.startsWith('worker'))) {
      expect(said).toMatch(new RegExp(`${victim} died \\(SIGKILL\\), started again, pid \\d+`));
    }
    const { summary, epochs, weightsSet, miners }: Result = JSON.parse(running.out.at(-1) ?? 'null');
    // Two were asked for; it lasts until two passed in which nothing was killed.
    expect(epochs).toBeGreaterThan(2);
    expect(summary).toBe(`the weights of ${epochs} epochs were set and rewarded`);
    expect(new Set(weightsSet.map(({ epoch }) => epoch)).size).toBe(epochs);
    expect(weightsSet).toHaveLength(epochs);
    expect(miners.map(({ behaviour }) => behaviour)).toEqual(['honest', 'honest', 'slow', 'nonsense']);
    for (const { emission } of miners.slice(0, 2)) expect(emission).toBeGreaterThan(0);
    const [first = 0, second = 0, slow = 0, nonsense = 1] = miners.map(({ incentive }) => incentive);
    expect(Math.min(first, second)).toBeGreaterThan(slow);
    expect(slow).toBeGreaterThan(10 * nonsense);
    expect(running.leftovers()).toEqual({ processes: [], files: [] });
  }, 360_000);
});
