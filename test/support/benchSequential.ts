import { randomBytes } from 'node:crypto';

import type { MinerLinkTable } from '#src/actors/minerLinks.ts';
import { createRandom } from '#src/domain/random.ts';
import { taskKindNames, taskKinds } from '#src/domain/tasks/kinds.ts';
import { PROTOCOL_VERSION, type Tasks } from '#src/transport/protocol.ts';
import type { ListeningMiner, SimulatedMiner } from './benchLoad.ts';

/**
 * The same load one miner after another: send, wait for all answers of this miner or for the timeout, then the next.
 * Over the same links as the rounds, and without grading or evidence, so it is timed in its own favour.
 */

type TaskList = (typeof Tasks.Type)['tasks'];

export const sequentialRound = 'sequential';

/** Asks one miner and waits; returns the milliseconds it took. */
const askOne = (options: {
  readonly table: MinerLinkTable;
  readonly hotkey: string;
  readonly tasks: TaskList;
  readonly timeoutMs: number;
}): Promise<number> => {
  const { table, hotkey, tasks, timeoutMs } = options;
  const link = table.links.get(hotkey);
  if (link === undefined) return Promise.reject(new Error(`the link of ${hotkey} is gone`));
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    let open = tasks.length;
    const finish = (): void => {
      clearTimeout(timer);
      for (const { id } of tasks) table.requests.delete(id);
      resolve(performance.now() - startedMs);
    };
    const timer = setTimeout(finish, timeoutMs);
    for (const { id } of tasks) {
      table.requests.set(id, {
        hotkey,
        settle: () => {
          open -= 1;
          if (open === 0) finish();
        },
      });
    }
    const frame = {
      type: 'tasks',
      v: PROTOCOL_VERSION,
      round: sequentialRound,
      deadlineMs: timeoutMs,
      tasks,
    } as const;
    const sent = link.connection.send(frame);
    if (!sent.ok) reject(new Error(sent.error.message));
  });
};

const drawTasks = (seed: string, count: number): TaskList =>
  Array.from({ length: count }, (_, index) => {
    const kind = taskKindNames[index % taskKindNames.length] ?? 'text_classification';
    const { request } = taskKinds[kind].generate(createRandom(seed).fork(`task ${index}`));
    return { id: randomBytes(16).toString('hex'), kind, request };
  });

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

export type SequentialTime = {
  readonly seconds: number;
  /** How it was found, for people. */
  readonly method: string;
};

/**
 * Seconds the whole population would take one by one, extrapolated from a seeded sample of it: the answering and the
 * dead ones are sampled apart, and each mean counts for all of its kind.
 */
export const timeSequentially = async (options: {
  readonly table: MinerLinkTable;
  readonly population: readonly SimulatedMiner[];
  readonly listening: readonly ListeningMiner[];
  readonly seed: string;
  readonly tasks: number;
  readonly timeoutMs: number;
  readonly sample: { readonly answering: number; readonly dead: number };
}): Promise<SequentialTime> => {
  const { population, sample, timeoutMs } = options;
  const hotkeys = new Map(options.listening.map(({ index, hotkey }) => [index, hotkey]));
  const random = createRandom(options.seed).fork('sequential sample');
  const timeMean = async (group: readonly SimulatedMiner[], count: number): Promise<number> => {
    const spentMs: number[] = [];
    for (const { index } of random.shuffle(group).slice(0, count)) {
      const tasks = drawTasks(`${options.seed} ${index}`, options.tasks);
      const hotkey = hotkeys.get(index) ?? '';
      spentMs.push(await askOne({ table: options.table, hotkey, tasks, timeoutMs }));
    }
    return mean(spentMs);
  };
  const answering = population.filter(({ latencyMs }) => latencyMs !== null);
  const dead = population.filter(({ latencyMs }) => latencyMs === null);
  const answeringMs = await timeMean(answering, sample.answering);
  const deadMs = await timeMean(dead, sample.dead);
  return {
    seconds: (answering.length * answeringMs + dead.length * deadMs) / 1_000,
    method:
      `extrapolated: ${Math.min(sample.answering, answering.length)} of ${answering.length} answering and ` +
      `${Math.min(sample.dead, dead.length)} of ${dead.length} dead miners were asked one after another over the ` +
      `same sockets with a timeout of ${timeoutMs / 1_000} s; the means (${answeringMs.toFixed(1)} ms and ` +
      `${deadMs.toFixed(1)} ms) times their numbers`,
  };
};
