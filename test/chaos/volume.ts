import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** A small file system of its own, which can be filled up. */
export type Volume = {
  readonly dir: string;
  /** Takes every byte that is left. */
  readonly fill: () => void;
  /** Gives them back. */
  readonly empty: () => void;
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

/** Mounts a tmpfs at `dir`. Needs root, or sudo without a password; null with a reason where neither is there. */
export const openVolume = (dir: string): Volume | { readonly reason: string } => {
  mkdirSync(dir, { recursive: true });
  const prefix = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const run = (...command: readonly string[]) => {
    const [program = '', ...args] = [...prefix, ...command];
    return spawnSync(program, args, { encoding: 'utf8' });
  };
  const owner = `uid=${process.getuid?.() ?? 0},gid=${process.getgid?.() ?? 0}`;
  const mounted = run('mount', '-t', 'tmpfs', '-o', `size=${sizeMiB}m,mode=0700,${owner}`, 'tmpfs', dir);
  if (mounted.status !== 0)
    return { reason: `no tmpfs can be mounted here: ${mounted.stderr?.trim() || mounted.error?.message}` };
  const ballast = join(dir, 'ballast');
  return {
    dir,
    fill: () => fillFile(ballast),
    empty: () => rmSync(ballast, { force: true }),
    close: () => {
      rmSync(ballast, { force: true });
      run('umount', '-l', dir);
    },
  };
};
