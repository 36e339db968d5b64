import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';
import { prettyFactory } from 'pino-pretty';

import type { LogTail } from './logTail.ts';

/**
 * Structured log of a daemon. Every line carries `event`, a stable dotted name in the past tense that alerts and tests
 * may rely on (`weights.confirmed`, `link.closed`); the text is for people and may change:
 * `log.info({ event: 'weights.confirmed', epoch, block }, 'weights are on chain')`.
 *
 * - `fatal`: the process ends. `error`: the operator has to act. `warn`: it healed itself, or soon will have to.
 * - `info`: one line per epoch, round or change of state. `debug`: one per peer or message, off in production.
 */
export type { Logger };

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

export type LogOptions = {
  readonly level: LogLevel;
  /** `auto`: pretty on a terminal, JSON elsewhere. */
  readonly format: 'auto' | 'json' | 'pretty';
  readonly role: string;
  /** SS58 address of the daemon; null before its key is known. */
  readonly hotkey: string | null;
  /** In place of standard output. */
  readonly stream?: DestinationStream;
  /** Hears every line that is written. */
  readonly tail?: LogTail;
};

const secretFields = [
  'hotkeyUri',
  'password',
  'passphrase',
  'mnemonic',
  'secretPhrase',
  'secretSeed',
  'seed',
  'privateKey',
  'secretKey',
  'apiKey',
  'token',
  'authorization',
  'cookie',
  // What a miner has to find out, and what only its miner may know before the answers are judged.
  'truth',
  'truths',
  'requestKey',
] as const;

/** Paths that are never written, at the top of a line and up to two levels below. */
export const redactedPaths: readonly string[] = secretFields.flatMap((name) => [
  name,
  `*.${name}`,
  `*.*.${name}`,
]);

/** Of every line, or told in its place. */
const notFields: ReadonlySet<string> = new Set([
  'pid',
  'hostname',
  'role',
  'hotkey',
  'event',
  'level',
  'time',
  'msg',
]);

/** A value without a space as it is, anything else as JSON: whatever it holds, the line stays one line. */
const fieldText = (value: unknown): string =>
  typeof value === 'string' && /^[^\s"=]{1,256}$/.test(value)
    ? value
    : (JSON.stringify(value) ?? 'undefined');

/** `event text key=value key=value`. */
const lineText = (line: Readonly<Record<string, unknown>>, dim: (text: string) => string): string => {
  const fields = Object.entries(line)
    .filter(([key]) => !notFields.has(key))
    .map(([key, value]) => `${key}=${fieldText(value)}`);
  const rest = fields.length === 0 ? [] : [dim(fields.join(' '))];
  // A text with a line break in it came from outside.
  const text = String(line['msg'] ?? '').replaceAll(/[\r\n]+/g, ' ');
  return [line['event'], text, ...rest].filter((part) => part !== undefined).join(' ');
};

/** Renders each line before it is written: unlike the stream of pino-pretty, nothing waits for a later tick. */
const prettyStream = (stream: DestinationStream, isTerminal: boolean): DestinationStream => {
  const render = prettyFactory({
    colorize: isTerminal,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,hostname,role,hotkey,event',
    hideObject: true,
    messageFormat: (line, _key, _level, { colors }) => lineText(line, isTerminal ? colors.gray : String),
  });
  return { write: (line) => stream.write(render(line)) };
};

/** The same lines for the page as well; as JSON, whatever the terminal shows. */
const withTail = (stream: DestinationStream, tail: LogTail | undefined): DestinationStream =>
  tail === undefined
    ? stream
    : {
        write: (line) => {
          tail.take(line);
          stream.write(line);
        },
      };

/**
 * The logger of a process. Lines are written synchronously, so that the last one before a crash is not lost; pretty
 * printing happens in this process, without a worker thread.
 */
export const createLogger = (options: LogOptions): Logger => {
  const { level, format, role, hotkey, stream, tail } = options;
  const isTerminal = stream === undefined && process.stdout.isTTY === true;
  const isPretty = format === 'pretty' || (format === 'auto' && isTerminal);
  const output = stream ?? destination({ dest: 1, sync: true });
  return pino(
    {
      level,
      base: { role, ...(hotkey === null ? {} : { hotkey }) },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: [...redactedPaths], censor: '***' },
    },
    withTail(isPretty ? prettyStream(output, isTerminal) : output, tail),
  );
};
