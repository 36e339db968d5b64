import { StoreInvalid, StoreUnavailable } from './errors.ts';
import type { StoreTrouble } from './health.ts';
import { withAdvice } from './vitals.ts';

/** Why the server did not do what it was asked; all of these may pass. */
export type RedisTrouble = {
  readonly trouble: StoreTrouble;
  /** What happened, without a secret. */
  readonly message: string;
  /**
   * Whether the connection may go on. False: it is closed and the server looked up again, because it is gone, hangs,
   * or is not the one that writes any more.
   */
  readonly keepsConnection: boolean;
  /** Whether the server said no before it did anything; otherwise it may have done it. */
  readonly isCertain: boolean;
  /** Whether password, user or rights are wrong, which stays so until somebody changes them. */
  readonly isSetting?: boolean;
};

/** Something is wrong with what a server answered at its first questions. */
export class RedisRefusal extends Error {
  readonly trouble: StoreTrouble;
  constructor(trouble: StoreTrouble, message: string) {
    super(message);
    this.name = 'RedisRefusal';
    this.trouble = trouble;
  }
}

type Row = Pick<RedisTrouble, 'trouble' | 'keepsConnection'> & { readonly words: string };

/** Error codes of a server: the first word of its answer (src/server.c, `shared` objects; src/cluster.c). */
const byCode: { readonly [code: string]: Row } = {
  LOADING: { trouble: 'loading', keepsConnection: true, words: 'it reads its data set' },
  READONLY: { trouble: 'readOnly', keepsConnection: false, words: 'it is a read-only replica now' },
  MASTERDOWN: { trouble: 'readOnly', keepsConnection: false, words: 'it is a replica that lost its master' },
  OOM: {
    trouble: 'memory',
    keepsConnection: true,
    words: 'its maxmemory is used up: raise maxmemory, or free memory in it',
  },
  MISCONF: {
    trouble: 'misconfigured',
    keepsConnection: true,
    words: 'it cannot write to its disk: see the log of the server, free its disk or correct its permissions',
  },
  NOREPLICAS: {
    trouble: 'misconfigured',
    keepsConnection: true,
    words: 'it has fewer replicas than its min-replicas-to-write',
  },
  NOAUTH: {
    trouble: 'misconfigured',
    keepsConnection: false,
    words: 'it wants a password: give --redis-password-file',
  },
  WRONGPASS: {
    trouble: 'misconfigured',
    keepsConnection: false,
    words: 'it refuses user or password: correct --redis-username and --redis-password-file',
  },
  NOPERM: {
    trouble: 'misconfigured',
    keepsConnection: true,
    words: 'its user lacks a right: give it those of docs/redis.md',
  },
  MOVED: {
    trouble: 'unreachable',
    keepsConnection: false,
    words: 'the cluster keeps our keys elsewhere now',
  },
  ASK: { trouble: 'unreachable', keepsConnection: true, words: 'the cluster is moving our keys' },
  TRYAGAIN: { trouble: 'unreachable', keepsConnection: true, words: 'the cluster is moving our keys' },
  CLUSTERDOWN: {
    trouble: 'unreachable',
    keepsConnection: false,
    words: 'the cluster is down or lacks the node with our keys',
  },
  BUSY: { trouble: 'slow', keepsConnection: true, words: 'it is busy with a script of somebody else' },
  UNBLOCKED: { trouble: 'unreachable', keepsConnection: false, words: 'it changed its role' },
};

const settingCodes: ReadonlySet<string> = new Set(['NOAUTH', 'WRONGPASS', 'NOPERM']);

/** Redis 6.2 wraps what a command within a script answers: "ERR Error running script (…): …: OOM command not …". */
const wrapped = new RegExp(`\\bscript\\b.*\\b(?<code>${Object.keys(byCode).join('|')})\\b`, 's');

const answerCode = (message: string): string => {
  const code = /^-?(?<code>[A-Z]{2,})\b/.exec(message)?.groups?.['code'] ?? '';
  return code === 'ERR' ? (wrapped.exec(message)?.groups?.['code'] ?? code) : code;
};

const systemCode = (cause: Error): string | null =>
  'code' in cause && typeof cause.code === 'string' ? cause.code : null;

const timedOut = /timed? ?out|ETIMEDOUT/i;

/** Errors that never came from the server: sockets, TLS, names, and the client itself. */
const ofConnection = (cause: Error): Pick<RedisTrouble, 'trouble' | 'message'> => {
  const code = systemCode(cause);
  if (code === 'EMFILE' || code === 'ENFILE')
    return { trouble: 'descriptors', message: `no further connection can be opened (${code})` };
  if (timedOut.test(cause.message)) return { trouble: 'slow', message: 'it does not answer in time' };
  if (code !== null && /CERT|TLS|SSL/.test(code))
    return {
      trouble: 'misconfigured',
      message: `its certificate is not accepted (${code}): correct --redis-ca-file or the host of the URL`,
    };
  return { trouble: 'unreachable', message: cause.message };
};

/** What an error of a command or a connection means. `place` names the server, without a secret. */
export const toRedisTrouble = (cause: unknown, place: string): RedisTrouble => {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  if (error instanceof RedisRefusal)
    return {
      trouble: error.trouble,
      message: `Redis at ${place}: ${error.message}`,
      keepsConnection: false,
      isCertain: true,
    };
  // An answer of the server is a `ReplyError`; errors within a script carry the code of the command that failed.
  const isAnswer = error.name === 'ReplyError';
  const code = isAnswer ? answerCode(error.message) : '';
  const row = byCode[code];
  if (row !== undefined) {
    const { trouble, keepsConnection, words } = row;
    const isSetting = settingCodes.has(code);
    const message = `Redis at ${place}: ${words} (${code})`;
    return { trouble, message, keepsConnection, isCertain: true, isSetting };
  }
  if (isAnswer) {
    const isFull = /max number of clients/.test(error.message);
    return {
      trouble: isFull ? 'unreachable' : 'failed',
      // An unknown command is quoted with its arguments, which may be a password.
      message: `Redis at ${place} answered: ${error.message.replace(/,? with args.*/s, '').slice(0, 200)}`,
      keepsConnection: !isFull,
      isCertain: isFull,
    };
  }
  const { trouble, message } = ofConnection(error);
  return { trouble, message: `Redis at ${place}: ${message}`, keepsConnection: false, isCertain: false };
};

/** The same as the error of somebody who asked once and does not wait: with what the operator can do. */
export const toStoreError = ({ trouble, message, isSetting = false }: RedisTrouble) =>
  isSetting
    ? new StoreInvalid({ message, isSetting })
    : new StoreUnavailable({ message: withAdvice(trouble, message) });
