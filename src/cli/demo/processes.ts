import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** One JSON line of a daemon's log. */
export type LogLine = { readonly [field: string]: unknown };

export type DemoProcess = {
  readonly name: string;
  readonly child: ChildProcess;
  /** Resolves when the process has ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** The end of what it wrote to standard error. */
  readonly lastErrors: () => string;
};

const parseLine = (text: string): LogLine | null => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as LogLine) : null;
  } catch {
    return null;
  }
};

/** Lines of standard error kept to explain an early death. */
const keptErrorLines = 20;

export type StartOptions = {
  readonly name: string;
  readonly entry: string;
  readonly args: readonly string[];
  readonly logDir: string;
  readonly onLine: (line: LogLine) => void;
};

/** Starts `node <entry>`; its whole output is appended to a file, its JSON lines also go to `onLine`. */
export const startProcess = (options: StartOptions): DemoProcess => {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', options.entry, ...options.args],
    { stdio: ['ignore', 'pipe', 'pipe'], env: cleanEnvironment() },
  );
  const file = createWriteStream(join(options.logDir, `${options.name.replaceAll(' ', '-')}.log`), {
    flags: 'a',
  });
  const errors: string[] = [];
  child.stdout.pipe(file, { end: false });
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = parseLine(text);
    if (line !== null) options.onLine(line);
  });
  createInterface({ input: child.stderr }).on('line', (text) => {
    errors.push(text);
    if (errors.length > keptErrorLines) errors.shift();
    file.write(`${text}\n`);
  });
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on('close', (code, signal) => {
      file.end();
      resolve({ code, signal });
    });
    child.on('error', () => resolve({ code: 1, signal: null }));
  });
  return { name: options.name, child, ended, lastErrors: () => errors.join('\n') };
};

/** The demo must not depend on settings of the one who runs it. */
const cleanEnvironment = (): NodeJS.ProcessEnv => {
  const { PATH, HOME, TMPDIR, LANG } = process.env;
  return { PATH, HOME, TMPDIR, LANG };
};

/** Asks a process to end, and makes it. */
export const endProcess = async ({ child, ended }: DemoProcess, patienceMs: number): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  await ended;
  clearTimeout(timer);
};
