import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The wall clock of some processes, which can be moved while they run; their monotonic clock stays as it is. */
export type WallClock = {
  readonly env: Readonly<Record<string, string>>;
  readonly step: (hours: number) => void;
};

const libraries = (): readonly string[] =>
  ['/usr/lib', '/usr/local/lib']
    .flatMap((base) => [base, ...(existsSync(base) ? readdirSync(base).map((name) => join(base, name)) : [])])
    .map((dir) => join(dir, 'faketime', 'libfaketimeMT.so.1'));

const secondsPerHour = 3_600;
/** libfaketime 0.9.10: the file is read at most once a second, and a step takes effect with that. */
const envOf = (library: string, file: string) => ({
  LD_PRELOAD: library,
  FAKETIME_TIMESTAMP_FILE: file,
  FAKETIME_CACHE_DURATION: '1',
  FAKETIME_DONT_FAKE_MONOTONIC: '1',
  DONT_FAKE_MONOTONIC: '1',
});

/** The library is believed only after it moved the clock of this very Node. */
const works = (env: Readonly<Record<string, string>>): boolean => {
  const { stdout } = spawnSync(process.execPath, ['-p', 'Date.now()'], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...env },
  });
  return Math.abs(Number(stdout) - Date.now() - secondsPerHour * 1_000) < 60_000;
};

export const openWallClock = (dir: string): WallClock | { readonly reason: string } => {
  const library = libraries().find((path) => existsSync(path));
  if (library === undefined) return { reason: 'libfaketime is not installed' };
  const file = join(dir, 'clock');
  const env = envOf(library, file);
  const step = (hours: number): void =>
    writeFileSync(file, `${hours < 0 ? '-' : '+'}${Math.abs(hours) * secondsPerHour}`);
  step(1);
  if (!works(env)) return { reason: 'libfaketime does not move the clock of this Node' };
  step(0);
  return { env, step };
};
