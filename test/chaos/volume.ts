import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Where data folders live, and how to make writing there fail. */
export type Volume = {
  readonly dir: string;
  /** How it is done, for the reader of the report. */
  readonly means: 'tmpfs' | 'file size limit';
  /** Takes every byte that is left, or forbids these processes to write any. */
  readonly fill: (pids: readonly number[]) => void;
  /** Gives it back. */
  readonly empty: (pids: readonly number[]) => void;
  readonly close: () => void;
};

/** Evidence of a short run is a tenth of it; each filling writes the rest. */
const sizeMiB = 96;
const chunk = Buffer.alloc(1_048_576);

const isFull = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOSPC';

/** Writes until not a single byte fits. */
const fillFile = (path: string): void => {
  const file = openSync(path, 'a');
  try {
    for (const bytes of [chunk.length, 65_536, 4_096, 1]) {
      try {
        for (;;) writeSync(file, chunk, 0, bytes);
      } catch (error) {
        if (!isFull(error)) throw error;
      }
    }
  } finally {
    closeSync(file);
  }
};

const prlimit = (pid: number, limits: string) =>
  spawnSync('prlimit', ['--pid', String(pid), `--fsize=${limits}`], { encoding: 'utf8' });

/**
 * Without the right to mount: no file of a process may grow any more, so that its writes fail with EFBIG (Node ignores
 * SIGXFSZ). null where there is no prlimit (util-linux).
 */
const openFileLimit = (dir: string): Volume | null => {
  if (spawnSync('prlimit', ['--version']).status !== 0) return null;
  const limitAll = (pids: readonly number[], limits: string): void => {
    for (const pid of pids) prlimit(pid, limits);
  };
  return {
    dir,
    means: 'file size limit',
    fill: (pids) => limitAll(pids, '1:unlimited'),
    empty: (pids) => limitAll(pids, 'unlimited:unlimited'),
    close: () => {},
  };
};

/**
 * Mounts a small tmpfs at `dir`, which needs root or sudo without a password; where neither is there, limits the size
 * of files. A reason where nothing works.
 */
export const openVolume = (dir: string): Volume | { readonly reason: string } => {
  mkdirSync(dir, { recursive: true });
  const prefix = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const run = (...command: readonly string[]) => {
    const [program = '', ...args] = [...prefix, ...command];
    return spawnSync(program, args, { encoding: 'utf8' });
  };
  const owner = `uid=${process.getuid?.() ?? 0},gid=${process.getgid?.() ?? 0}`;
  const mounted = run('mount', '-t', 'tmpfs', '-o', `size=${sizeMiB}m,mode=0700,${owner}`, 'tmpfs', dir);
  if (mounted.status !== 0) {
    const why = mounted.stderr?.trim() || mounted.error?.message;
    return openFileLimit(dir) ?? { reason: `no tmpfs can be mounted here (${why}), and there is no prlimit` };
  }
  const ballast = join(dir, 'ballast');
  return {
    dir,
    means: 'tmpfs',
    fill: () => fillFile(ballast),
    empty: () => rmSync(ballast, { force: true }),
    close: () => {
      rmSync(ballast, { force: true });
      run('umount', '-l', dir);
    },
  };
};
