import type { Lease } from './lease.ts';
import { type Answers, answerBy } from './redisAnswers.ts';
import { setAsideKey } from './redisAside.ts';
import { quoted } from './redisClient.ts';
import type { RedisKeys } from './redisKeys.ts';
import {
  readLeaseScript,
  releaseLeaseScript,
  renewLeaseScript,
  takeLeaseScript,
} from './redisLeaseScripts.ts';
import { type Connection, type RedisLink, runScript } from './redisLink.ts';
import type { RedisScript } from './redisScripts.ts';
import type { LeaseBackend } from './storeLeases.ts';

type Changed = { readonly isDone: boolean; readonly lease: Lease | null };

const parseLease = (name: string, words: readonly unknown[]): Lease | null => {
  const [token, holder, beat] = words;
  if (token === undefined) return null;
  return {
    name,
    token: Number(token),
    holder: typeof holder === 'string' && holder !== '' ? holder : null,
    beat: Number(beat),
  };
};

/** Each change of a lease is one script, and so one moment for all who look. */
export const openRedisLeases = (link: RedisLink, keys: RedisKeys): LeaseBackend => {
  const change = async (
    { client }: Connection,
    lease: {
      readonly script: RedisScript;
      readonly name: string;
      readonly args: readonly (string | number)[];
    },
  ): Promise<Changed> => {
    const { script, name, args } = lease;
    const key = keys.lease(name);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const raw = await runScript(client, script, [key, keys.leases], ['hs', ...args]);
      const [word, ...words]: readonly unknown[] = Array.isArray(raw) ? raw : [];
      if (word === 'done' || word === 'other')
        return { isDone: word === 'done', lease: parseLease(name, words) };
      if (word !== 'type') throw new Error(`it answered a lease with ${quoted(raw)}`);
      const isNames = Number(words[0]) === 2;
      await setAsideKey(client, keys, {
        key: isNames ? keys.leases : key,
        type: isNames ? 's' : 'h',
        kind: 'record',
        name,
      });
    }
    throw new Error(`${key} has a foreign type again and again`);
  };

  const read = async (connection: Connection, name: string) =>
    (await change(connection, { script: readLeaseScript, name, args: [] })).lease;

  const answers: Answers<Parameters<LeaseBackend['ask']>[0]> = {
    readLease: read,
    takeLease: (connection, { name, holder, over }) => {
      const seen = over === null ? ['', '', ''] : [over.token, over.holder ?? '', over.beat];
      return change(connection, { script: takeLeaseScript, name, args: [name, holder, ...seen] });
    },
    renewLease: (connection, { name, token }) =>
      change(connection, { script: renewLeaseScript, name, args: [token] }),
    releaseLease: async (connection, { name, token }) => {
      await change(connection, { script: releaseLeaseScript, name, args: [token] });
      return null;
    },
  };

  return { ask: answerBy(link, answers) };
};
