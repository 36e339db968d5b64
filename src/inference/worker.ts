/**
 * The program of a worker process: load the models, then answer runs one after another.
 *
 * A process and not a thread, because `session.run` blocks its thread and terminating a thread in the middle of a run
 * aborts the whole process; a process can be killed at a deadline. It keeps nothing, so that killing it loses nothing.
 * When the parent has disappeared it ends after the run that it is executing.
 */
import { performance } from 'node:perf_hooks';

import { CUDA_ADVICE } from './cudaAdvice.ts';
import type { Provider } from './providers.ts';
import type { Session } from './session.ts';
import { openSession } from './session.ts';
import type { FromWorker, InitMessage, RunMessage, ToWorker } from './workerMessages.ts';

/** Long native messages are cut: the reason is in the first lines. */
const MESSAGE_LIMIT = 2_000;

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).slice(0, MESSAGE_LIMIT);

const tell = (message: FromWorker): void => {
  // A failed send means that the parent is gone; 'disconnect' ends this process.
  process.send?.(message, undefined, undefined, () => undefined);
};

type Loaded = {
  readonly sessions: readonly Session[];
  readonly provider: Provider;
  readonly note: string | null;
};

const openAll = async (init: InitMessage, provider: Provider): Promise<Loaded> => {
  const sessions: Session[] = [];
  for (const model of init.models) {
    const session = await openSession(model, provider, provider !== 'cpu').catch((error: unknown) => {
      throw new Error(`model "${model.name}" does not load on ${provider}: ${messageOf(error)}`);
    });
    if (session.provider !== provider) {
      throw new Error(
        `model "${model.name}" was loaded for ${provider}, but every node of it ran on ${session.provider}`,
      );
    }
    sessions.push(session);
  }
  const notes = sessions.flatMap((session, index) =>
    session.note === null ? [] : [`${init.models[index]?.name ?? index}: ${session.note}`],
  );
  return { sessions, provider, note: notes.length === 0 ? null : notes.join('; ') };
};

/** Loads as planned, or on the CPU where that is allowed; the reason travels with the observed provider. */
const load = async (init: InitMessage): Promise<Loaded> => {
  try {
    return await openAll(init, init.provider);
  } catch (error) {
    if (init.provider === 'cpu') throw error;
    if (!init.mayFallBack) throw new Error(`${messageOf(error)}. ${CUDA_ADVICE}, or choose the provider cpu`);
    const loaded = await openAll(init, 'cpu');
    return { ...loaded, note: messageOf(error) };
  }
};

const serve = async (loaded: Loaded, request: RunMessage): Promise<FromWorker> => {
  const session = loaded.sessions[request.model];
  if (session === undefined)
    return { type: 'runFailed', id: request.id, message: 'no such model in this worker' };
  try {
    return { type: 'result', id: request.id, logits: await session.run(request.packed) };
  } catch (error) {
    return { type: 'runFailed', id: request.id, message: messageOf(error) };
  }
};

const start = (): void => {
  let loading: Promise<Loaded> | undefined;
  let last: Promise<void> = Promise.resolve();
  // The parent decides when a worker ends: Ctrl-C reaches the whole process group, and answers are still being given.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
  process.on('disconnect', () => process.exit(0));
  process.on('message', (message: ToWorker) => {
    if (message.type === 'init') {
      const startedAt = performance.now();
      loading = load(message);
      loading.then(
        ({ provider, note }) =>
          tell({ type: 'ready', provider, note, loadMs: performance.now() - startedAt }),
        // Exiting here could overtake the message: the parent ends this process once it knows why.
        (error: unknown) => tell({ type: 'loadFailed', message: messageOf(error) }),
      );
      return;
    }
    const ready = loading;
    if (ready === undefined) return;
    last = last.then(async () => tell(await serve(await ready, message)));
  });
};

start();
