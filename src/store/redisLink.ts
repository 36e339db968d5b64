import type { Redis } from 'ioredis';

import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import { connectToMaster, type RedisAccess } from './redisClient.ts';
import type { RedisScript } from './redisScripts.ts';
import { readServerFacts, requireUsable, type ServerFacts } from './redisServer.ts';
import { type RedisTrouble, toRedisTrouble } from './redisTrouble.ts';
import { describeTarget } from './redisUrl.ts';

/** After a connection that failed, the next callers hear the same for this long: nobody hammers a server. */
const HOLD_OFF_MS = 50;

export type LinkOptions = {
  readonly access: RedisAccess;
  /** Any key of ours: all of them are one slot of a cluster. */
  readonly anyKey: string;
  /** Use a server that would lose what it is told. */
  readonly allowLoss: boolean;
  /** Hears of a connection that ended without our doing. */
  readonly onLost: (trouble: RedisTrouble) => void;
};

export type Connection = { readonly client: Redis; readonly facts: ServerFacts };

/**
 * The connection to whichever server is the master now. It is made when somebody needs it and dropped when it fails;
 * there is no reconnecting in the background, so that the one who waits decides how often to try.
 */
export const openRedisLink = (options: LinkOptions) => {
  const { access, allowLoss } = options;
  const place = describeTarget(access.target);
  let current: Connection | null = null;
  let connecting: Promise<Connection> | null = null;
  let failed: { readonly cause: unknown; readonly untilMs: number } | null = null;
  let turn = -1;
  let isClosed = false;

  const drop = (connection: Connection | null): void => {
    if (connection === null) return;
    if (current === connection) current = null;
    connection.client.disconnect();
  };

  const watch = (connection: Connection): void => {
    connection.client.once('end', () => {
      if (current !== connection) return;
      current = null;
      if (!isClosed) options.onLost(toRedisTrouble(new Error('the connection was closed'), place));
    });
  };

  const connect = async (): Promise<Connection> => {
    turn += 1;
    const client = await connectToMaster(access, { anyKey: options.anyKey, turn });
    try {
      const facts = await readServerFacts(client);
      requireUsable(facts, { allowLoss, isClusterTarget: access.target.kind === 'cluster' });
      if (isClosed) throw new Error('the store is closed');
      return { client, facts };
    } catch (cause) {
      client.disconnect();
      throw cause;
    }
  };

  const connection = (): Promise<Connection> => {
    if (isClosed) return Promise.reject(new Error('the store is closed'));
    if (current !== null) return Promise.resolve(current);
    if (failed !== null && performance.now() < failed.untilMs) return Promise.reject(failed.cause);
    connecting ??= connect()
      .then(
        (made) => {
          failed = null;
          current = made;
          watch(made);
          return made;
        },
        (cause: unknown) => {
          failed = { cause, untilMs: performance.now() + HOLD_OFF_MS };
          throw cause;
        },
      )
      .finally(() => {
        connecting = null;
      });
    return connecting;
  };

  /** Uses the connection once; one that failed is not used again. Always resolves. */
  const use = async <A>(work: (connection: Connection) => Promise<A>): Promise<Outcome<A, RedisTrouble>> => {
    let made: Connection;
    try {
      made = await connection();
    } catch (cause) {
      return fail({ ...toRedisTrouble(cause, place), isCertain: true });
    }
    try {
      return succeed(await work(made));
    } catch (cause) {
      const trouble = toRedisTrouble(cause, place);
      if (!trouble.keepsConnection) drop(made);
      return fail(trouble);
    }
  };

  return {
    place,
    use,
    close: (): void => {
      isClosed = true;
      drop(current);
    },
  };
};

export type RedisLink = ReturnType<typeof openRedisLink>;

const isUnknownScript = (cause: unknown): boolean =>
  cause instanceof Error && cause.message.startsWith('NOSCRIPT');

/** Runs a script by its hash, and by its text where the server does not know it (after a restart, say). */
export const runScript = async (
  client: Redis,
  script: RedisScript,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> => {
  try {
    return await client.call('EVALSHA', script.sha, keys.length, ...keys, ...args);
  } catch (cause) {
    if (!isUnknownScript(cause)) throw cause;
    return await client.call('EVAL', script.text, keys.length, ...keys, ...args);
  }
};
