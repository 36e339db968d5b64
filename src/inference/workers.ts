/**
 * The parent's end of worker processes: start, feed, kill at a deadline, report the end exactly once.
 *
 * When to start again is not decided here; that belongs to whoever receives `exited`.
 */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

import type { Outcome } from '../domain/outcome.ts';
import { fail, succeed } from '../domain/outcome.ts';
import type { FromWorker, InitMessage, ReadyMessage, RunMessage } from './workerMessages.ts';

/** One run handed to a worker. */
export type Run = {
  readonly message: RunMessage;
  /** When the last of its texts stops being wanted, `performance.now()` milliseconds. */
  readonly deadlineAt: number;
};

export type WorkerExit = {
  readonly reason: string;
  /** The run that was being executed, and the one behind it that had not begun. */
  readonly current: Run | null;
  readonly waiting: readonly Run[];
  /** Whether the worker was killed because `current` overran; only then is `waiting` known to be innocent. */
  readonly overran: boolean;
};

export type WorkerListener = {
  readonly ready: (message: ReadyMessage) => void;
  readonly finished: (run: Run, outcome: Outcome<Float32Array, string>) => void;
  readonly exited: (exit: WorkerExit) => void;
};

export type WorkerState = 'stopped' | 'starting' | 'ready' | 'stopping';

export type Worker = {
  readonly state: () => WorkerState;
  readonly pid: () => number | null;
  readonly runs: () => readonly Run[];
  /** Starts the process unless there is one. `ready` or `exited` follows. */
  readonly start: () => void;
  /** Hands over a run; only while `ready`. */
  readonly run: (run: Run) => void;
  /** Ends the process at once. `exited` follows with this reason. */
  readonly kill: (reason: string) => void;
  /** Resolves when there is no process any more. */
  readonly gone: () => Promise<void>;
};

export type WorkerOptions = {
  readonly entry: URL;
  readonly init: InitMessage;
  readonly listener: WorkerListener;
};

/** A large model read from a cold disk, or the first start of CUDA, takes tens of seconds; more is a hang. */
const LOAD_LIMIT_MS = 120_000;
/**
 * A run is never killed before this, however close its deadline: restarting costs about as much, and under load a
 * deadline often passes a few milliseconds before the answer. The caller is answered at the deadline all the same.
 */
const MINIMUM_RUN_MS = 1_000;
/**
 * Nor before this many times what runs of its size are known to take: whoever asks a slow model with short deadlines
 * would otherwise have its worker killed again and again. A hang is found after `PATIENCE_LIMIT_MS` all the same.
 */
const PATIENCE_FACTOR = 4;
const PATIENCE_LIMIT_MS = 30_000;
/** What the slowest run says fades with each faster one. */
const SLOWNESS_MEMORY = 0.9;
/** Whatever the deadline says; also keeps the timer within the 2^31 ms that Node can wait. */
const LONGEST_RUN_MS = 600_000;
const STDERR_TAIL = 2_000;

/** What native libraries need to be found; nothing else of the parent's environment, which may hold secrets. */
const PASSED_VARIABLES =
  /^(PATH|HOME|TMPDIR|TEMP|TMP|SystemRoot|LANG|LC_ALL|TZ|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|CUDA_.*|CUDNN_.*|NVIDIA_.*)$/;

/**
 * ONNX Runtime 1.29 and later report to Microsoft from Linux and macOS as well: a device id and a queue of events under
 * `~/.cache/Microsoft`, files in TMPDIR, and uploads. This turns all of it off, before the library is loaded, which is
 * the only time it is read (microsoft/onnxruntime#27379).
 */
const NO_TELEMETRY = { ORT_DISABLE_TELEMETRY: '1' } as const;

const childEnvironment = (): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => PASSED_VARIABLES.test(name))),
  ...NO_TELEMETRY,
});

type Life = {
  readonly options: WorkerOptions;
  state: WorkerState;
  child: ChildProcess | null;
  runs: readonly Run[];
  currentSince: number;
  /** Milliseconds per padded token of the slowest recent run; kept when the process is started again. */
  msPerToken: number;
  timer: NodeJS.Timeout | undefined;
  exitReason: string | null;
  overran: boolean;
  stderr: string;
  waiters: readonly (() => void)[];
};

const kill = (life: Life, reason: string): void => {
  if (life.child === null) return;
  life.exitReason ??= reason;
  life.state = 'stopping';
  clearTimeout(life.timer);
  life.child.kill('SIGKILL');
};

const tokensOf = ({ message }: Run): number => Math.max(1, message.packed.rows * message.packed.width);

/** The least time a run is given, from what was measured before. */
const patienceFor = (life: Life, run: Run): number => {
  const expectedMs = life.msPerToken * tokensOf(run);
  return Math.max(MINIMUM_RUN_MS, Math.min(PATIENCE_FACTOR * expectedMs, PATIENCE_LIMIT_MS));
};

/** Takes note of how long a run took, or had taken when it was killed. */
const measure = (life: Life, run: Run, ranMs: number): void => {
  life.msPerToken = Math.max(ranMs / tokensOf(run), life.msPerToken * SLOWNESS_MEMORY);
};

/** Watches the run at the head: the one behind it has not begun, because a worker executes one at a time. */
const watchCurrent = (life: Life): void => {
  clearTimeout(life.timer);
  const current = life.runs[0];
  if (current === undefined) return;
  const killAt = Math.max(current.deadlineAt, life.currentSince + patienceFor(life, current));
  life.timer = setTimeout(
    () => {
      life.overran = true;
      const ranMs = Math.round(performance.now() - life.currentSince);
      measure(life, current, ranMs);
      kill(
        life,
        `killed: a run of ${current.message.packed.rows} x ${current.message.packed.width} tokens overran its deadline after ${ranMs} ms`,
      );
    },
    Math.min(killAt - performance.now(), LONGEST_RUN_MS),
  );
};

const finish = (life: Life, id: number, outcome: Outcome<Float32Array, string>): void => {
  const [current, ...rest] = life.runs;
  if (current === undefined || current.message.id !== id) {
    kill(life, `answered run ${id}, which it was not executing`);
    return;
  }
  life.runs = rest;
  if (outcome.ok) measure(life, current, performance.now() - life.currentSince);
  life.currentSince = performance.now();
  watchCurrent(life);
  life.options.listener.finished(current, outcome);
};

const receive = (life: Life, message: FromWorker): void => {
  if (life.state === 'stopping' || life.state === 'stopped') return;
  if (message.type === 'ready') {
    clearTimeout(life.timer);
    life.state = 'ready';
    life.options.listener.ready(message);
  } else if (message.type === 'loadFailed') kill(life, message.message);
  else if (message.type === 'result') finish(life, message.id, succeed(message.logits));
  else finish(life, message.id, fail(message.message));
};

/** What the process itself said last, where it says why; native aborts write to stderr and nowhere else. */
const withStderr = (life: Life, reason: string): string => {
  const said = life.stderr.trim();
  return said === '' ? reason : `${reason}; it said: ${said}`;
};

const exited = (life: Life, child: ChildProcess, reason: string): void => {
  if (life.child !== child) return;
  clearTimeout(life.timer);
  const [current, ...waiting] = life.runs;
  const exit: WorkerExit = {
    reason: life.exitReason ?? withStderr(life, reason),
    current: current ?? null,
    waiting,
    overran: life.overran,
  };
  Object.assign(life, {
    state: 'stopped',
    child: null,
    runs: [],
    exitReason: null,
    overran: false,
    stderr: '',
  });
  const { waiters } = life;
  life.waiters = [];
  life.options.listener.exited(exit);
  for (const resolve of waiters) resolve();
};

const forkWorker = (entry: URL): ChildProcess =>
  fork(fileURLToPath(entry), [], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    serialization: 'advanced',
    // Nothing of the child may reach the parent's log; its stderr is kept for the reason of its end.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: childEnvironment(),
  });

const start = (life: Life): void => {
  if (life.child !== null) return;
  const child = forkWorker(life.options.entry);
  life.child = child;
  life.state = 'starting';
  life.timer = setTimeout(() => kill(life, `killed: not ready within ${LOAD_LIMIT_MS} ms`), LOAD_LIMIT_MS);
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    life.stderr = (life.stderr + text).slice(-STDERR_TAIL);
  });
  child.on('message', (message) => receive(life, message as FromWorker));
  // 'error' covers a process that never started and messages that could not be sent; an end is reported by 'close'.
  child.on('error', (error) => {
    if (child.pid === undefined) exited(life, child, `could not be started: ${error.message}`);
    else kill(life, `could not be reached: ${error.message}`);
  });
  child.on('close', (code, signal) =>
    exited(life, child, signal === null ? `ended by itself with code ${code}` : `ended by signal ${signal}`),
  );
  child.send(life.options.init, () => undefined);
};

const run = (life: Life, next: Run): void => {
  life.runs = [...life.runs, next];
  if (life.runs.length === 1) {
    life.currentSince = performance.now();
    watchCurrent(life);
  }
  // A failed send means a dying process, whose end is reported by 'close'.
  life.child?.send(next.message, () => undefined);
};

/** The child's program: TypeScript beside this file in the sources, `inferenceWorker.js` beside the bundle. */
export const workerEntry = (): URL =>
  new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './inferenceWorker.js', import.meta.url);

/** A worker that is not running yet. */
export const createWorker = (options: WorkerOptions): Worker => {
  const life: Life = {
    options,
    state: 'stopped',
    child: null,
    runs: [],
    currentSince: 0,
    msPerToken: 0,
    timer: undefined,
    exitReason: null,
    overran: false,
    stderr: '',
    waiters: [],
  };
  return {
    state: () => life.state,
    pid: () => life.child?.pid ?? null,
    runs: () => life.runs,
    start: () => start(life),
    run: (next) => run(life, next),
    kill: (reason) => kill(life, reason),
    gone: () =>
      life.child === null
        ? Promise.resolve()
        : new Promise((resolve) => {
            life.waiters = [...life.waiters, resolve];
          }),
  };
};
