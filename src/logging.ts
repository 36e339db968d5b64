import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';
import { prettyFactory } from 'pino-pretty';

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
] as const;

/** Paths that are never written, at the top of a line and up to two levels below. */
export const redactedPaths: readonly string[] = secretFields.flatMap((name) => [
  name,
  `*.${name}`,
  `*.*.${name}`,
]);

/** Renders each line before it is written: unlike the stream of pino-pretty, nothing waits for a later tick. */
const prettyStream = (stream: DestinationStream, isTerminal: boolean): DestinationStream => {
  const render = prettyFactory({
    colorize: isTerminal,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'pid,hostname,role,hotkey,event',
    messageFormat: '{if event}{event} {end}{msg}',
  });
  return { write: (line) => stream.write(render(line)) };
};

/**
 * The logger of a process. Lines are written synchronously, so that the last one before a crash is not lost; pretty
 * printing happens in this process, without a worker thread.
 */
export const createLogger = (options: LogOptions): Logger => {
  const { level, format, role, hotkey, stream } = options;
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
    isPretty ? prettyStream(output, isTerminal) : output,
  );
};
