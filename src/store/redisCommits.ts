import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import type { CommitBackend, CommitFailure } from './groupCommit.ts';
import { setAsideKey, setAsideStrangers } from './redisAside.ts';
import { quoted } from './redisClient.ts';
import type { RedisKeys } from './redisKeys.ts';
import { type Connection, type RedisLink, runScript } from './redisLink.ts';
import { groupScript } from './redisScripts.ts';
import { countReplicas } from './redisServer.ts';
import { type EncodedGroup, encodeGroup, parseResults } from './redisWrites.ts';
import type { Write, WriteResult } from './write.ts';

/** How long a replica may take to confirm a group before the group counts as not acknowledged. */
const REPLICA_PATIENCE_MS = 1_000;
/** A server without replicas is asked again after this long whether it has some now. */
const REPLICA_CHECK_MS = 5_000;
/** Repairs before a group is sent again; each takes something foreign out of the way. */
const MAX_REPAIRS = 32;

export type CommitsOptions = {
  readonly link: RedisLink;
  readonly keys: RedisKeys;
  /** Name under which this handle was registered; never given twice. */
  readonly writer: string;
  readonly onNotice: (message: string) => void;
};

type Answer = Outcome<readonly WriteResult[], CommitFailure>;

const trouble = (
  kind: Extract<CommitFailure, { kind: 'trouble' }>['trouble'],
  message: string,
): CommitFailure => ({ kind: 'trouble', trouble: kind, message, isUnknown: true });

/**
 * Waits until a replica has what was written, where there is one: after a fail-over it is the master, and what it
 * never got would be lost although it was acknowledged.
 */
const openReplicaWait = (onNotice: (message: string) => void) => {
  let replicas: { readonly of: Connection; count: number; atMs: number } | null = null;
  let isRefused = false;

  const expected = async (connection: Connection): Promise<number> => {
    if (replicas?.of !== connection)
      replicas = { of: connection, count: connection.facts.connectedReplicas, atMs: performance.now() };
    if (replicas.count === 0 && performance.now() - replicas.atMs > REPLICA_CHECK_MS) {
      replicas.count = await countReplicas(connection.client);
      replicas.atMs = performance.now();
    }
    return replicas.count;
  };

  /** Whether the last writes are as safe as they can be now. */
  return async (connection: Connection): Promise<boolean> => {
    if (isRefused || (await expected(connection)) === 0) return true;
    try {
      if (Number(await connection.client.call('WAIT', 1, REPLICA_PATIENCE_MS)) >= 1) return true;
    } catch (cause) {
      if (!(cause instanceof Error) || !cause.message.startsWith('NOPERM')) throw cause;
      isRefused = true;
      onNotice('the user of Redis may not run WAIT: what was written just before a fail-over may be lost');
      return true;
    }
    const left = await countReplicas(connection.client);
    if (replicas !== null) replicas.count = left;
    if (left === 0) onNotice('Redis has lost its replicas: until one is back, a fail-over may lose writes');
    return left === 0;
  };
};

/** Answers of the group script that mean that nothing was written, and why it is no use to try again. */
const finalAnswer = (
  place: string,
  [word, detail]: readonly unknown[],
  write: CommitFence,
): CommitFailure | null => {
  const restart = 'restart this process, so that it begins from what is stored';
  switch (word) {
    case 'fenced':
      return {
        kind: 'fenced',
        lease: write?.lease ?? '',
        message: `the lease ${write?.lease} was taken by somebody else (ours is token ${write?.token}): nothing is written any more`,
      };
    case 'lost':
      return {
        kind: 'corrupt',
        message: `Redis at ${place} has lost writes that it had acknowledged (a fail-over to an old copy, or a restored backup): ${restart}`,
      };
    case 'unregistered':
      return {
        kind: 'corrupt',
        message: `Redis at ${place} does not know this process any more (flushed, restored, or failed over to an old copy): ${restart}`,
      };
    case 'damaged':
      return {
        kind: 'corrupt',
        message: `Redis at ${place} holds ${quoted(detail)} where our own numbers should be: restore a backup`,
      };
    default:
      return null;
  }
};

type CommitFence = { readonly lease: string; readonly token: number } | null;

/**
 * One group of writes is one script, so that it is written as a whole or not at all. Groups of a handle are numbered,
 * and the server remembers the last one with its results: a group whose answer was lost is sent again under the same
 * number and tag, and written once. A copy of it that a frozen server finds in its sockets later is refused, because
 * its number has passed.
 */
export const openRedisCommits = ({ link, keys, writer, onNotice }: CommitsOptions): CommitBackend => {
  const confirmed = openReplicaWait(onNotice);
  /** Number of the last group the server is known to have. */
  let lastNumber = 0;
  /** A server may say no to what follows its "done": a master that becomes a replica ends the waiting for one. */
  let isWritten = false;

  /** Takes what the script stumbled over out of the way; false where it did not stumble. */
  const repair = async (connection: Connection, group: EncodedGroup, answer: readonly unknown[]) => {
    const [word, first, second] = answer;
    if (word === 'taken') {
      lastNumber = Number(first);
      return true;
    }
    if (word === 'type') {
      const found = group.keys[Number(first) - 1];
      if (found === undefined) return false;
      const kind = found.key.startsWith(keys.snapshot('')) ? 'snapshot' : 'record';
      await setAsideKey(connection.client, keys, { ...found, kind });
      onNotice(`${found.key} had a type that this software does not give it: it was set aside`);
      return true;
    }
    if (word !== 'strange') return false;
    const log = String(first);
    const moved = await setAsideStrangers(connection.client, keys, { log, lastSeq: Number(second) });
    onNotice(`the log ${log} had ${moved} entries that this software did not write: they were set aside`);
    return true;
  };

  const finish = async (
    connection: Connection,
    writes: readonly Write[],
    { number, text }: { readonly number: number; readonly text: string },
  ): Promise<Answer> => {
    isWritten = true;
    if (!(await confirmed(connection)))
      return fail(trouble('slow', `Redis at ${link.place}: no replica has confirmed a write in time`));
    lastNumber = number;
    const results = parseResults(writes, text);
    return results === null
      ? fail({ kind: 'ended', message: `Redis at ${link.place} answered a group with ${quoted(text)}` })
      : succeed(results);
  };

  const send = async (
    connection: Connection,
    writes: readonly Write[],
    { tag, fence }: { readonly tag: string; readonly fence: CommitFence },
  ): Promise<Answer> => {
    for (let repairs = 0; repairs <= MAX_REPAIRS; repairs += 1) {
      const number = lastNumber + 1;
      const group = encodeGroup(keys, writes, { writer, number, tag, fence, nowMs: Date.now() });
      const names = group.keys.map(({ key }) => key);
      const raw = await runScript(connection.client, groupScript, names, group.args);
      const answer: readonly unknown[] = Array.isArray(raw) ? raw : [];
      if (answer[0] === 'done') return finish(connection, writes, { number, text: String(answer[1]) });
      const final = finalAnswer(link.place, answer, fence);
      if (final !== null) return fail(final);
      if (!(await repair(connection, group, answer)))
        return fail({
          kind: 'ended',
          message: `Redis at ${link.place} answered a group with ${quoted(raw)}`,
        });
    }
    return fail(trouble('failed', `Redis at ${link.place}: somebody else keeps writing to our keys`));
  };

  return async (writes, { id, fence }) => {
    isWritten = false;
    const outcome = await link.use((connection) => send(connection, writes, { tag: String(id), fence }));
    if (outcome.ok) return outcome.value;
    const { trouble: kind, message, isCertain } = outcome.error;
    return fail({ kind: 'trouble', trouble: kind, message, isUnknown: isWritten || !isCertain });
  };
};
