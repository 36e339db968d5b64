/** The pool's queue: accepts texts up to a bound, forms runs, settles each text exactly once. */
import { performance } from 'node:perf_hooks';

import type { InferenceFailure } from '../domain/inferenceFailure.ts';
import type { Outcome } from '../domain/outcome.ts';
import { fail, succeed } from '../domain/outcome.ts';
import type { Waiting } from './batcher.ts';
import { CPU_TOKEN_BUDGET, chooseBatch, GPU_TOKEN_BUDGET } from './batcher.ts';
import type { ModelManifest } from './manifest.ts';
import type { Provider } from './providers.ts';
import { packRows, rowProbabilities } from './tensors.ts';
import type { TextTokenizer } from './tokenizer.ts';
import type { Run, Worker, WorkerExit } from './workers.ts';

export type Distribution = readonly { readonly label: string; readonly probability: number }[];
export type Answer = Outcome<Distribution, InferenceFailure>;

/** What a pool reports without being asked. */
export type PoolEvent =
  | {
      readonly type: 'worker.ready';
      readonly slot: number;
      /** Observed: what executed the nodes of the warm-up run. */
      readonly provider: string;
      /** Why this is not the provider asked for, or which nodes run elsewhere; null when all is as asked. */
      readonly note: string | null;
      readonly loadMs: number;
    }
  /** A crash, a kill at a deadline, a failed load or a stop; exactly one per start. */
  | {
      readonly type: 'worker.exited';
      readonly slot: number;
      readonly reason: string;
      /** Whether it was killed because a run passed its deadline. */
      readonly overran: boolean;
    }
  | { readonly type: 'pool.saturated'; readonly queued: number }
  | { readonly type: 'pool.relieved'; readonly queued: number };

export type LoadedModel = {
  readonly index: number;
  readonly manifest: ModelManifest;
  readonly tokenizer: TextTokenizer;
};

/** When a text was taken, handed to a worker and answered; monotonic milliseconds. */
export type RunTimes = {
  readonly acceptedAtMs: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** Texts of the run it was part of. */
  readonly texts: number;
};

/** Told once, when the run of a text ended well. */
export type OnRun = (times: RunTimes) => void;

/** A text from acceptance to its answer. */
type Item = Waiting & {
  /** Place in the queue: clients take turns, and the texts of one keep their order. */
  readonly turn: number;
  readonly order: number;
  readonly loaded: LoadedModel;
  readonly ids: Int32Array;
  readonly deadlineAt: number;
  readonly settle: (answer: Answer) => void;
  /** null: nobody wants to know. */
  readonly watch: { readonly acceptedAtMs: number; readonly onRun: OnRun } | null;
};

export type Slot = { readonly worker: Worker; provider: Provider };

export type Dispatch = {
  readonly queueLimit: number;
  /** Replaces the built-in budgets; tokens per run. */
  readonly tokenBudget: number | null;
  readonly onEvent: (event: PoolEvent) => void;
  slots: readonly Slot[];
  queue: Item[];
  /** The turn of the text that was taken last, and of the text of each client that was queued last. */
  turn: number;
  readonly lastTurns: Map<string, number>;
  readonly running: Map<number, readonly Item[]>;
  /** When runs with a watched text began. */
  readonly startedAtMs: Map<number, number>;
  /** Texts accepted and not answered: those that still wait for something. */
  readonly open: Set<number>;
  nextId: number;
  runs: number;
  /** Tokens of texts that were handed to workers, without padding. */
  tokens: number;
  pumping: boolean;
  saturated: boolean;
  /** Set while workers are being stopped, so that nobody who hears of their end starts them again. */
  stopping: boolean;
  /** Set when the scope closes; nothing is accepted or started afterwards. */
  closed: boolean;
  served: number;
  refused: number;
  expired: number;
  failed: number;
};

/** Deadlines further away count as this: no text may hold a place for ever. */
const LONGEST_WAIT_MS = 300_000;
/** Two short runs are kept in a worker, so that it need not wait for a message between them; long ones gain nothing. */
const SHORT_RUN_SHARE = 0.5;

const failure = (_tag: InferenceFailure['_tag'], message: string): Answer => fail({ _tag, message });

export const createDispatch = (
  options: Pick<Dispatch, 'queueLimit' | 'tokenBudget' | 'onEvent'>,
): Dispatch => ({
  ...options,
  slots: [],
  queue: [],
  turn: 0,
  lastTurns: new Map(),
  running: new Map(),
  startedAtMs: new Map(),
  open: new Set(),
  nextId: 0,
  runs: 0,
  tokens: 0,
  pumping: false,
  saturated: false,
  stopping: false,
  closed: false,
  served: 0,
  refused: 0,
  expired: 0,
  failed: 0,
});

const budgetOf = (pool: Dispatch, slot: Slot): number =>
  pool.tokenBudget ?? (slot.provider === 'cpu' ? CPU_TOKEN_BUDGET : GPU_TOKEN_BUDGET);

const isShort = (run: Run, budget: number): boolean =>
  run.message.packed.rows * run.message.packed.width <= budget * SHORT_RUN_SHARE;

const canTake = (pool: Dispatch, slot: Slot): boolean => {
  if (slot.worker.state() !== 'ready') return false;
  const [first, second] = slot.worker.runs();
  return first === undefined || (second === undefined && isShort(first, budgetOf(pool, slot)));
};

/** The worker with the least to do: an idle one before one that is already executing. */
const freeSlot = (pool: Dispatch): Slot | undefined =>
  pool.slots
    .filter((slot) => canTake(pool, slot))
    .reduce<Slot | undefined>(
      (best, slot) =>
        best === undefined || slot.worker.runs().length < best.worker.runs().length ? slot : best,
      undefined,
    );

/** Half of the limit, so that a queue at the limit does not report on every text. */
const reportRelief = (pool: Dispatch): void => {
  if (!pool.saturated || pool.queue.length > pool.queueLimit / 2) return;
  pool.saturated = false;
  pool.onEvent({ type: 'pool.relieved', queued: pool.queue.length });
};

const startRun = (pool: Dispatch, slot: Slot, items: readonly Item[]): void => {
  const [first] = items;
  if (first === undefined) return;
  const { loaded } = first;
  pool.nextId += 1;
  pool.runs += 1;
  pool.tokens += items.reduce((sum, { ids }) => sum + ids.length, 0);
  const id = pool.nextId;
  pool.running.set(id, items);
  if (items.some(({ watch }) => watch !== null)) pool.startedAtMs.set(id, performance.now());
  const packed = packRows(
    items.map((item) => item.ids),
    loaded.tokenizer.padId,
  );
  const deadlineAt = Math.max(...items.map((item) => item.deadlineAt));
  slot.worker.run({ message: { type: 'run', id, model: loaded.index, packed }, deadlineAt });
};

/** Hands out runs while there is a free worker and a waiting text. */
export const pump = (pool: Dispatch): void => {
  for (let slot = freeSlot(pool); slot !== undefined && pool.queue.length > 0; slot = freeSlot(pool)) {
    const chosen = new Set(chooseBatch(pool.queue, budgetOf(pool, slot)));
    const items = pool.queue.filter((_, position) => chosen.has(position));
    pool.turn = Math.max(pool.turn, items[0]?.turn ?? 0);
    pool.queue = pool.queue.filter((_, position) => !chosen.has(position));
    startRun(pool, slot, items);
  }
  reportRelief(pool);
};

/** Texts that arrive in one turn of the event loop are seen together; nothing waits longer than that turn. */
const pumpSoon = (pool: Dispatch): void => {
  if (pool.pumping) return;
  pool.pumping = true;
  queueMicrotask(() => {
    pool.pumping = false;
    pump(pool);
  });
};

/** At its deadline a text is answered, wherever it is; a run that holds it goes on for the others. */
const passDeadline = (pool: Dispatch, order: number, settle: Item['settle']): void => {
  const waited = pool.queue.length;
  pool.queue = pool.queue.filter((item) => item.order !== order);
  if (pool.queue.length < waited)
    settle(failure('Expired', 'the deadline passed while the text waited for a worker'));
  else settle(failure('Failed', 'the run did not finish before the deadline'));
  reportRelief(pool);
};

const count = (pool: Dispatch, answer: Answer): void => {
  if (answer.ok) pool.served += 1;
  else if (answer.error._tag === 'Expired') pool.expired += 1;
  else pool.failed += 1;
};

const isFull = (pool: Dispatch): boolean => {
  if (pool.queue.length >= pool.queueLimit) pump(pool);
  return pool.queue.length >= pool.queueLimit;
};

const refuse = (pool: Dispatch): Answer => {
  pool.refused += 1;
  if (!pool.saturated) {
    pool.saturated = true;
    pool.onEvent({ type: 'pool.saturated', queued: pool.queue.length });
  }
  return failure(
    'Busy',
    `${pool.queue.length} texts are waiting already, which is the limit: ask again later`,
  );
};

const byTurn = (a: Item, b: Item): number => a.turn - b.turn || a.order - b.order;

/**
 * The turn of a client's next text: one after its last, and never in the past. Sorting by it makes the queue a round
 * robin over clients, so that whoever queues many texts waits behind others who queue few (start-time fair queueing).
 */
const nextTurn = (pool: Dispatch, client: string): number => {
  if (pool.queue.length === 0) pool.lastTurns.clear();
  const turn = Math.max(pool.turn, pool.lastTurns.get(client) ?? 0) + 1;
  pool.lastTurns.set(client, turn);
  return turn;
};

const enqueue = (pool: Dispatch, item: Item): void => {
  const behind = pool.queue.findIndex((other) => byTurn(item, other) < 0);
  if (behind < 0) pool.queue.push(item);
  else pool.queue.splice(behind, 0, item);
};

type Accepted = {
  readonly loaded: LoadedModel;
  readonly ids: Int32Array;
  readonly deadlineAt: number;
  readonly client: string;
  readonly onRun: OnRun | null;
};

const accept = (pool: Dispatch, { loaded, ids, deadlineAt, client, onRun }: Accepted): Promise<Answer> =>
  new Promise((resolve) => {
    pool.nextId += 1;
    const order = pool.nextId;
    const settle = (answer: Answer): void => {
      if (!pool.open.delete(order)) return;
      clearTimeout(timer);
      count(pool, answer);
      resolve(answer);
    };
    const timer = setTimeout(() => passDeadline(pool, order, settle), deadlineAt - performance.now());
    pool.open.add(order);
    const model = loaded.manifest.name;
    const turn = nextTurn(pool, client);
    const tokens = ids.length;
    const watch = onRun === null ? null : { acceptedAtMs: performance.now(), onRun };
    enqueue(pool, { turn, order, model, tokens, alone: false, loaded, ids, deadlineAt, settle, watch });
    pumpSoon(pool);
  });

/** Accepts a text or answers at once; a full queue is found out before any work is done on the text. */
export const submit = (
  pool: Dispatch,
  loaded: LoadedModel,
  request: {
    readonly text: string;
    readonly deadlineAt: number;
    readonly client?: string;
    readonly onRun?: OnRun;
  },
): Promise<Answer> => {
  if (pool.closed) return Promise.resolve(failure('Failed', 'the pool is closed'));
  const now = performance.now();
  if (!(request.deadlineAt > now)) {
    pool.expired += 1;
    return Promise.resolve(failure('Expired', 'the deadline had passed when the text arrived'));
  }
  if (isFull(pool)) return Promise.resolve(refuse(pool));
  const ids = loaded.tokenizer.encode(request.text);
  if (!ids.ok) {
    pool.failed += 1;
    return Promise.resolve(failure('Failed', ids.error));
  }
  const deadlineAt = Math.min(request.deadlineAt, now + LONGEST_WAIT_MS);
  const { client = '', onRun = null } = request;
  return accept(pool, { loaded, ids: ids.value, deadlineAt, client, onRun });
};

const answerRow = (item: Item, logits: Float32Array, row: number): Answer => {
  const { labels, activation } = item.loaded.manifest;
  const probabilities = rowProbabilities({ logits, row, labels: labels.length, activation });
  if (!probabilities.ok) return failure('Failed', probabilities.error);
  return succeed(labels.map((label, index) => ({ label, probability: probabilities.value[index] ?? 0 })));
};

/** Puts texts back where they stood, leaving out those that were answered meanwhile. */
const putBack = (pool: Dispatch, items: readonly Item[]): void => {
  const wanted = items.filter((item) => pool.open.has(item.order));
  pool.queue = [...pool.queue, ...wanted].sort(byTurn);
};

/** Tells those who want to know when the texts of a run waited and ran. */
const tellTimes = (pool: Dispatch, id: number, items: readonly Item[]): void => {
  const startedAtMs = pool.startedAtMs.get(id);
  if (startedAtMs === undefined) return;
  const run = { startedAtMs, endedAtMs: performance.now(), texts: items.length };
  for (const { watch } of items) watch?.onRun({ acceptedAtMs: watch.acceptedAtMs, ...run });
};

/** A run ended. Where a batch failed as a whole, each of its texts is tried once more by itself. */
export const finishRun = (pool: Dispatch, run: Run, outcome: Outcome<Float32Array, string>): void => {
  const items = pool.running.get(run.message.id) ?? [];
  pool.running.delete(run.message.id);
  if (outcome.ok) tellTimes(pool, run.message.id, items);
  pool.startedAtMs.delete(run.message.id);
  if (outcome.ok) {
    for (const [row, item] of items.entries()) item.settle(answerRow(item, outcome.value, row));
  } else if (items.length > 1) {
    putBack(
      pool,
      items.map((item) => ({ ...item, alone: true })),
    );
  } else for (const item of items) item.settle(failure('Failed', `the model failed: ${outcome.error}`));
  pump(pool);
};

/** A worker ended: its current run is lost; one that had not begun waits again, but only if the cause is known. */
export const abandonRuns = (pool: Dispatch, exit: WorkerExit): void => {
  for (const run of exit.current === null ? [] : [exit.current, ...exit.waiting]) {
    const items = pool.running.get(run.message.id) ?? [];
    pool.running.delete(run.message.id);
    pool.startedAtMs.delete(run.message.id);
    if (exit.overran && run !== exit.current) putBack(pool, items);
    else for (const item of items) item.settle(failure('Failed', `the worker ended: ${exit.reason}`));
  }
  pump(pool);
};

/** Answers everything that still waits. */
export const failQueued = (pool: Dispatch, message: string): void => {
  const { queue } = pool;
  pool.queue = [];
  for (const item of queue) item.settle(failure('Failed', message));
  reportRelief(pool);
};
