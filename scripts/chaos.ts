/**
 * `npm run test:chaos -- [--store embedded|redis] [--seed S] [--minutes N] [--bug NAME]`: real processes on the embedded chain, and
 * faults at random instants that a seed reproduces. Prints the plan, the faults by type and every invariant; the last
 * line is `N passed, N failed`. How to read it: docs/chaos.md.
 *
 * Exit codes: 0 every invariant holds, 1 one does not or the run took too long, 2 wrong arguments, 3 no redis-server.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

import type { StoreKind } from '#test/chaos/plan.ts';
import { describePlan, describeVerdicts, faultTable } from '#test/chaos/report.ts';
import { type ChaosResult, startChaos } from '#test/chaos/run.ts';
import { freshDist } from '#test/support/systemBuild.ts';
import { freshTestDist } from '#test/support/testBuild.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_UNAVAILABLE = 3;
/** The short form ends within this, whatever happens. */
const SHORT_LIMIT_MS = 6 * 60_000;
/** On top of the minutes of a long run: starting, one epoch in peace, draining, checking. */
const LONG_EXTRA_MS = 3 * 60_000;
/** For ending processes once the watchdog has barked. */
const CLOSE_MS = 15_000;

const leave = (message: string, code: number): never => {
  process.stderr.write(`chaos: ${message}\n`);
  process.exit(code);
};

const integer = (name: string, text: string, maximum: number): number => {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= maximum) return value;
  return leave(`--${name} is a whole number from 1 to ${maximum}, not ${text}`, EXIT_USAGE);
};

const storeKind = (text: string): StoreKind =>
  text === 'embedded' || text === 'redis'
    ? text
    : leave(`--store is embedded or redis, not ${text}`, EXIT_USAGE);

const readArguments = () => {
  try {
    return parseArgs({
      options: {
        store: { type: 'string', default: 'embedded' },
        seed: { type: 'string' },
        minutes: { type: 'string' },
        'process-faults': { type: 'string', default: '26' },
        'side-faults': { type: 'string', default: '88' },
        miners: { type: 'string', default: '3' },
        dist: { type: 'string' },
        bug: { type: 'string' },
        keep: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return leave((error as Error).message, EXIT_USAGE);
  }
};

const flags = readArguments();
const store = storeKind(flags.store);
const seed = flags.seed ?? Math.floor(Math.random() * 1e9).toString(36);
const minutes = flags.minutes === undefined ? null : integer('minutes', flags.minutes, 24 * 60);
const limitMs = minutes === null ? SHORT_LIMIT_MS - CLOSE_MS : minutes * 60_000 + LONG_EXTRA_MS;
const startedMs = performance.now();

// The chain's client complains there about each connection it loses, and here they are lost on purpose.
console.warn = () => {};
console.error = () => {};

if (store === 'redis' && spawnSync('redis-server', ['--version']).status !== 0)
  leave('redis-server is not installed: chaos with Redis is not run', EXIT_UNAVAILABLE);

const bug = flags.bug ?? null;
/** A deliberate bug is in the test build alone. */
const distOf = (): Promise<string> => (bug === null ? freshDist() : freshTestDist());

const say = (text: string): void => {
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1).padStart(6);
  process.stdout.write(`${seconds} s  ${text}\n`);
};

const running = startChaos({
  store,
  seed,
  minutes,
  processFaults: integer('process-faults', flags['process-faults'], 10_000),
  sideFaults: integer('side-faults', flags['side-faults'], 100_000),
  miners: integer('miners', flags.miners, 16),
  dist: flags.dist ?? (await distOf()),
  bug,
  say,
});
process.stdout.write(
  `chaos: store ${store}, seed ${seed}, ${running.plan.length} faults planned\n${describePlan(running.plan)}\n`,
);

const never = (): Promise<never> =>
  new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`not done after ${Math.round(limitMs / 1_000)} s`)), limitMs).unref();
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.on(signal, () => reject(new Error(`ended by ${signal}`)));
  });

const tell = (result: ChaosResult): boolean => {
  const { facts, verdicts, unaskedEnds } = result;
  const failed = verdicts.filter(({ violations }) => violations.length > 0).length;
  const ends = unaskedEnds.map(
    ({ name, code, signal, words }) => `  ${name} ended by itself (${signal ?? code}): ${words}`,
  );
  const lines = [
    faultTable(facts.outages, result.recoveries),
    `processes started again because they ended by themselves: ${ends.length}`,
    ...ends,
    describeVerdicts(verdicts),
    `${facts.blocks.length} blocks, ${facts.submissions.length} weight submissions, ${facts.witnessed.length} requests to the witness, ${result.seconds} s`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return failed === 0;
};

const conclude = async (isGood: boolean, last: string): Promise<never> => {
  // What cannot be ended in time is ended with the process.
  setTimeout(() => process.exit(EXIT_FAILED), CLOSE_MS);
  await running.close(!isGood || flags.keep);
  if (!isGood) {
    process.stdout.write(`failed with seed ${seed}; kept: ${running.dir}\n`);
    process.stdout.write(`once more: npm run test:chaos -- --store ${store} --seed ${seed}\n`);
  } else if (flags.keep) process.stdout.write(`kept: ${running.dir}\n`);
  process.stdout.write(`${last}\n`);
  process.exit(isGood ? 0 : EXIT_FAILED);
};

try {
  const result = await Promise.race([running.result, never()]);
  const isGood = tell(result);
  const failed = result.verdicts.filter(({ violations }) => violations.length > 0).length;
  await conclude(isGood, `${result.verdicts.length - failed} passed, ${failed} failed`);
} catch (error) {
  process.stdout.write(`chaos: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  await conclude(false, '0 passed, 1 failed');
}
