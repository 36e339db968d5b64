import type { ChildProcessByStdio } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

import type { LogLine } from '#src/cli/demo/processes.ts';

/** What processes of a test see of the environment: nothing that belongs to whoever runs it. */
export const cleanEnv = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => {
  const { PATH, HOME, TMPDIR, LANG } = process.env;
  // Pages are what other tests are about.
  return { PATH, HOME, TMPDIR, LANG, ORT_DISABLE_TELEMETRY: '1', MIAOAI_DASHBOARD: 'off', ...more };
};

/** null for what is no line of a log, such as the last words of a crash. */
export const parseLogLine = (text: string): LogLine | null => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as LogLine) : null;
  } catch {
    return null;
  }
};

/** Where the lives of one process are logged, one after the other. */
export const logFileOf = (name: string): string => `${name.replaceAll(' ', '-')}.log`;

/** Every line of both streams, as it comes; each is written to `file` before. */
export const followOutput = (
  { stdout, stderr }: ChildProcessByStdio<null, Readable, Readable>,
  file: string,
  onText: (text: string, stream: 'stdout' | 'stderr') => void,
): void => {
  for (const [stream, input] of [
    ['stdout', stdout],
    ['stderr', stderr],
  ] as const)
    createInterface({ input }).on('line', (text) => {
      appendFileSync(file, `${text}\n`);
      onText(text, stream);
    });
};
