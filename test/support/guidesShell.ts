import { spawn } from 'node:child_process';

/** Commands as a person types them into a shell, with everything they say. */
export type Typed = {
  readonly lines: readonly string[];
  /** Exit code of the shell, once nothing of it runs any more; null by a signal. */
  readonly ended: Promise<number | null>;
  readonly isOver: () => boolean;
  /** To the shell and whatever it has started. */
  readonly signal: (signal: NodeJS.Signals) => void;
};

export const typeInto = (
  script: string,
  place: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Typed => {
  // A group of its own: a shell that is told to end leaves its children to themselves.
  const child = spawn('sh', ['-e', '-c', script], {
    ...place,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts);
    });
    stream.on('end', () => lines.push(...(rest === '' ? [] : [rest])));
  }
  let isOver = false;
  const ended = new Promise<number | null>((resolve) => {
    // Not `exit`: that is the shell alone, while what it started may still write.
    child.once('close', (code) => {
      isOver = true;
      resolve(code);
    });
  });
  return {
    lines,
    ended,
    isOver: () => isOver,
    signal: (signal) => {
      if (isOver || child.pid === undefined) return;
      try {
        process.kill(-child.pid, signal);
      } catch (error) {
        // Its last process has ended in this very moment.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    },
  };
};

/** Asks it to end; what has not ended after `limitMs` is killed. */
export const endTyped = async (typed: Typed, limitMs: number): Promise<void> => {
  typed.signal('SIGTERM');
  const timer = setTimeout(() => typed.signal('SIGKILL'), limitMs);
  await typed.ended;
  clearTimeout(timer);
};
