import { parseArgs } from 'node:util';

export type BenchCommand<Flag extends string> = {
  readonly has: (flag: Flag) => boolean;
  /** A line of progress, on standard error. */
  readonly tell: (line: string) => void;
  /** With `--json` the last line of standard output. */
  readonly conclude: (result: object) => void;
};

const flagsGiven = (flags: readonly string[]): Readonly<Record<string, unknown>> => {
  try {
    const options = Object.fromEntries(flags.map((flag) => [flag, { type: 'boolean' }] as const));
    return parseArgs({ options }).values;
  } catch (error) {
    const usage = flags.map((flag) => `[--${flag}]`).join(' ');
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}; flags are ${usage}\n`);
    process.exit(2);
  }
};

/**
 * What all benchmarks have in common on the command line.
 *
 * @param maxRunMs a run that hangs ends then, with exit code 1
 * @param flags besides `--json`
 */
export const benchCommand = <const Flag extends string = never>(
  maxRunMs: number,
  flags: readonly Flag[] = [],
): BenchCommand<Flag> => {
  const given = flagsGiven(['json', ...flags]);
  const tell = (line: string): void => {
    process.stderr.write(`${line}\n`);
  };
  setTimeout(() => {
    tell(`the benchmark did not end within ${maxRunMs / 1_000} s`);
    process.exit(1);
  }, maxRunMs).unref();
  return {
    has: (flag) => given[flag] === true,
    tell,
    conclude: (result) => {
      if (given['json'] === true) process.stdout.write(`${JSON.stringify(result)}\n`);
    },
  };
};
