import { readdirSync, writeSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type AnyActorRef, isMachineSnapshot } from 'xstate';

/** What a process of the test build says of itself; counts, and bytes where the name says so. */
export type ProcessReport = {
  /** Actors below the root that have not ended, the root included. */
  readonly actors: number;
  /** Delayed transitions that wait. */
  readonly delays: number;
  /** Timers of Node that keep the process alive, which includes those of `delays`. */
  readonly timers: number;
  /** Open sockets, servers, pipes, child processes, worker threads' ports. */
  readonly resources: number;
  /** Of the process itself: where a listener per event is forgotten, it shows here or in the heap. */
  readonly listeners: number;
  /** Open file descriptors. */
  readonly descriptors: number;
  /** After a full collection. */
  readonly heapBytes: number;
  readonly externalBytes: number;
  readonly rssBytes: number;
};

/** Leads the line of a report on standard error. */
export const reportPrefix = 'process report ';

const countActors = (actor: AnyActorRef): number => {
  const snapshot: unknown = actor.getSnapshot();
  if (!isMachineSnapshot(snapshot)) return 1;
  const children: readonly AnyActorRef[] = Object.values(snapshot.children);
  return children.reduce((sum, child) => sum + countActors(child), 1);
};

/** Where the system keeps transitions that wait; not in its types, because no program should depend on it. */
const countDelays = (root: AnyActorRef): number => {
  const { _scheduledEvents: scheduled }: { readonly _scheduledEvents?: object } = Object(
    root.system.getSnapshot(),
  );
  return Object.keys(scheduled ?? {}).length;
};

const collectGarbage = (): void => {
  setFlagsFromString('--expose_gc');
  const collect: () => void = runInNewContext('gc');
  collect();
};

const reportOf = (root: AnyActorRef): ProcessReport => {
  collectGarbage();
  const { heapUsed, external, rss } = process.memoryUsage();
  const resources = process.getActiveResourcesInfo();
  const timers = resources.filter((kind) => kind === 'Timeout').length;
  return {
    actors: countActors(root),
    delays: countDelays(root),
    timers,
    resources: resources.length - timers,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
    descriptors: readdirSync('/proc/self/fd').length,
    heapBytes: heapUsed,
    externalBytes: external,
    rssBytes: rss,
  };
};

/** Answers SIGUSR2 with one line on standard error: what the soak test reads. For the test build only. */
export const answerReports = (root: AnyActorRef): void => {
  process.on('SIGUSR2', () => writeSync(2, `${reportPrefix}${JSON.stringify(reportOf(root))}\n`));
};
