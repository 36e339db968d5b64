import { Worker } from 'node:worker_threads';

import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import {
  SchemaTooNew,
  StoreCorrupt,
  StoreForeign,
  StoreFull,
  type StoreOpenError,
  StoreUnavailable,
} from './errors.ts';
import type { ExchangeKind, Exchanges, Reply, ThreadFailure, ThreadInput } from './storeThread.ts';
import { storeWorkerUrl } from './workerEntry.ts';

/** What the worker can fail with; opening has two reasons more. */
export type ThreadError = StoreUnavailable | StoreCorrupt | StoreFull;

/** The cause of a failed opening that succeeds once the folder is taken alone. */
export const OLDER_SCHEMA = 'older schema';

const openError = (failure: ThreadFailure): StoreOpenError => {
  switch (failure._tag) {
    case 'SchemaTooNew': {
      const { found, supported } = failure;
      const message = `the store has schema ${found}, this release knows up to ${supported}: run the release that wrote it, or a newer one`;
      return new SchemaTooNew({ found, supported, message });
    }
    case 'StoreForeign': {
      const message = `the store belongs to ${failure.owner}; give each identity a --data-dir of its own`;
      return new StoreForeign({ owner: failure.owner, message });
    }
    default:
      return threadError(failure);
  }
};

const threadError = (failure: ThreadFailure): ThreadError => {
  switch (failure._tag) {
    case 'DiskFull':
      return new StoreFull({ where: 'disk', message: failure.message });
    case 'StoreCorrupt':
      return new StoreCorrupt({ message: failure.message });
    case 'SchemaOlder':
      return new StoreUnavailable({ message: failure.message, cause: OLDER_SCHEMA });
    case 'StoreUnavailable':
      return new StoreUnavailable({ message: failure.message });
    default:
      return new StoreUnavailable({ message: `unexpected answer ${failure._tag} of the store's thread` });
  }
};

/** The thread as seen from the event loop. `ask` always resolves; a dead thread answers `StoreUnavailable`. */
export type WorkerClient = {
  readonly ask: <Kind extends ExchangeKind>(
    kind: Kind,
    ask: Exchanges[Kind]['ask'],
  ) => Promise<Outcome<Exchanges[Kind]['answer'], ThreadError>>;
  /** Closes the database and waits for the thread to end, at most `patienceMs`. */
  readonly close: (patienceMs: number) => Promise<void>;
};

type Pending = (reply: Outcome<unknown, ThreadFailure>) => void;

/** The thread with its unanswered questions; id 0 stands for the opening. */
const startThread = (input: ThreadInput) => {
  const worker = new Worker(storeWorkerUrl(), {
    workerData: input,
    name: 'store',
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const pending = new Map<number, Pending>();
  let dead: string | null = null;
  const die = (message: string): void => {
    dead ??= message;
    for (const answer of pending.values()) answer(fail({ _tag: 'StoreUnavailable', message: dead }));
    pending.clear();
  };
  worker.on('message', (reply: Reply) => {
    const answer = pending.get(reply.id);
    pending.delete(reply.id);
    answer?.(reply.ok ? succeed(reply.answer) : fail(reply.failure));
  });
  worker.on('error', (cause) =>
    die(`the store's thread failed: ${cause instanceof Error ? cause.message : cause}`),
  );
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      die("the store's thread has ended");
      resolve();
    });
  });
  const expect = (id: number): Promise<Outcome<unknown, ThreadFailure>> =>
    new Promise((resolve) => {
      if (dead === null) pending.set(id, resolve);
      else resolve(fail({ _tag: 'StoreUnavailable', message: dead }));
    });
  const kill = (message: string): void => {
    die(message);
    void worker.terminate();
  };
  return { worker, expect, ended, kill };
};

/** Starts the thread and opens the database in it; a thread that is not ready after `patienceMs` is ended. */
export const startWorker = async (
  input: ThreadInput,
  patienceMs: number,
): Promise<Outcome<WorkerClient, StoreOpenError>> => {
  const { worker, expect, ended, kill } = startThread(input);
  let lastId = 0;
  const opening = setTimeout(() => kill(`${input.file} did not open within ${patienceMs} ms`), patienceMs);
  const opened = await expect(0);
  clearTimeout(opening);
  if (!opened.ok) {
    await worker.terminate();
    return fail(openError(opened.error));
  }
  const ask = async <Kind extends ExchangeKind>(kind: Kind, question: Exchanges[Kind]['ask']) => {
    lastId += 1;
    const reply = expect(lastId);
    worker.postMessage({ id: lastId, kind, ask: question });
    const outcome = await reply;
    // The worker answers each kind with its own answer: `Exchanges` is the contract of both sides.
    return outcome.ok
      ? succeed(outcome.value as Exchanges[Kind]['answer'])
      : fail(threadError(outcome.error));
  };
  const close = async (closePatienceMs: number): Promise<void> => {
    const timer = setTimeout(() => kill('the disk did not answer before the end'), closePatienceMs);
    await ask('close', null);
    await ended;
    clearTimeout(timer);
  };
  return succeed({ ask, close });
};
