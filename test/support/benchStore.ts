/** Measures one open store: how many durable rows it takes per second, and what that does to the event loop. */
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import * as Effect from 'effect/Effect';

import { evidenceLogName } from '#src/actors/evidenceLog.ts';
import type { NewRecord, Store } from '#src/store/store.ts';
import { answerOf, miners, planOf, tasksPerRound, toRecord } from './benchStoreEvidence.ts';

const loopResolutionMs = 1;

export type Throughput = {
  readonly rows: number;
  readonly rowsPerSecond: number;
  /** How late the event loop of the writing process was, while it wrote. */
  readonly loopBlockP99Ms: number;
};

/** Answers that were never stored, made one by one: a stock of them would show as work of the collector. */
const createAnswers = (epoch: number) => {
  let rounds = 0;
  let plan = planOf(epoch, rounds, 0);
  let index = 0;
  return (): NewRecord => {
    if (index === miners * tasksPerRound) {
      rounds += 1;
      plan = planOf(epoch, rounds, 0);
      index = 0;
    }
    const answer = answerOf(plan, index);
    index += 1;
    return toRecord(answer);
  };
};

/**
 * `writers` at a time, each of which waits for its row before it writes the next, for `forMs`.
 * One writer is one row after the other.
 */
export const measureWriters = async (
  store: Store,
  given: { readonly writers: number; readonly forMs: number; readonly epoch: number },
): Promise<Throughput> => {
  const next = createAnswers(given.epoch);
  const delays = monitorEventLoopDelay({ resolution: loopResolutionMs });
  let rows = 0;
  delays.enable();
  const startedMs = performance.now();
  const write = async (): Promise<void> => {
    while (performance.now() - startedMs < given.forMs) {
      await Effect.runPromise(store.append(evidenceLogName, [next()]));
      rows += 1;
    }
  };
  await Promise.all(Array.from({ length: given.writers }, write));
  const elapsedMs = performance.now() - startedMs;
  delays.disable();
  // A loop that is never late shows its resolution.
  const loopBlockP99Ms = Math.max(0, delays.percentile(99) / 1e6 - loopResolutionMs);
  return { rows, rowsPerSecond: (rows / elapsedMs) * 1_000, loopBlockP99Ms };
};

/** Bare waits for this disk per second: what no store that writes one row at a time could exceed. */
export const measureSyncs = (dir: string, forMs: number): number => {
  const file = join(dir, 'syncs');
  const handle = openSync(file, 'a');
  const row = Buffer.from(JSON.stringify(createAnswers(0)()));
  const startedMs = performance.now();
  let syncs = 0;
  for (; performance.now() - startedMs < forMs; syncs += 1) {
    writeSync(handle, row);
    fsyncSync(handle);
  }
  const elapsedMs = performance.now() - startedMs;
  closeSync(handle);
  rmSync(file);
  return (syncs / elapsedMs) * 1_000;
};
