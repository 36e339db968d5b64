/** The one way in which this program asks `nvidia-smi`. */
import { type ChildProcess, execFile } from 'node:child_process';

/**
 * - `told`: what it printed, one line for each GPU.
 * - `missing`: this machine does not have the program.
 * - `failed`: it ended without an answer, as it does without a GPU or a driver.
 * - `silent`: nothing in time, as of a GPU that fell off the bus.
 */
export type NvidiaAnswer =
  | { readonly kind: 'told'; readonly text: string }
  | { readonly kind: 'missing' | 'failed' | 'silent' };

export type NvidiaQuestion = {
  /** As `nvidia-smi --help-query-gpu` names them. */
  readonly fields: readonly string[];
  readonly patienceMs: number;
  readonly program?: string;
};

/** A healthy one prints some hundred bytes for each GPU. */
const maxPrintedBytes = 65_536;
/** A process that waits inside the driver does not end, whatever it is sent: so many may hang before none is started. */
const maxUnended = 4;
const unended = new Set<ChildProcess>();

/** Nothing waits for this process any more, nor keeps ours from its end. */
const abandon = (child: ChildProcess): void => {
  child.kill('SIGKILL');
  for (const pipe of child.stdio) pipe?.destroy();
  child.unref();
};

const start = (
  { fields, program = 'nvidia-smi' }: NvidiaQuestion,
  onAnswer: (answer: NvidiaAnswer) => void,
): ChildProcess | null => {
  const args = [`--query-gpu=${fields.join(',')}`, '--format=csv,noheader,nounits'];
  try {
    // Its own time limit would not do: it sends a signal, and then waits for the process to end.
    const limits = { maxBuffer: maxPrintedBytes, killSignal: 'SIGKILL' } as const;
    return execFile(program, args, limits, (error, text) => {
      if (error === null) onAnswer({ kind: 'told', text });
      else onAnswer({ kind: error.code === 'ENOENT' ? 'missing' : 'failed' });
    });
  } catch {
    // Out of memory or processes.
    onAnswer({ kind: 'failed' });
    return null;
  }
};

/** Asks once. Answers within its patience even where the process cannot be ended. */
export const askNvidiaSmi = (question: NvidiaQuestion): Promise<NvidiaAnswer> => {
  if (unended.size >= maxUnended) return Promise.resolve({ kind: 'silent' });
  return new Promise((resolve) => {
    const settle = (answer: NvidiaAnswer): void => {
      clearTimeout(timer);
      resolve(answer);
    };
    const timer = setTimeout(() => {
      if (child !== null) abandon(child);
      settle({ kind: 'silent' });
    }, question.patienceMs);
    const child = start(question, settle);
    // Without a number it was never started.
    if (child?.pid === undefined) return;
    unended.add(child);
    child.once('exit', () => unended.delete(child));
  });
};

/** The fields of the first GPU that it told of. */
export const firstGpu = (text: string): readonly string[] =>
  (text.split('\n')[0] ?? '').split(',').map((field) => field.trim());
