import * as Effect from 'effect/Effect';

import { openRedisReadOnly } from '#src/store/redis.ts';
import { redisNamespace } from '#src/store/redisKeys.ts';
import { parseRedisUrl } from '#src/store/redisUrl.ts';
import { netuid } from './crashStage.ts';
import { startRedisServer } from './redisServer.ts';
import { type Evidence, readEvidence } from './systemEvidence.ts';

/** Every fresh state of a walk has a database of its own. */
const databases = 256;
const timeoutMs = 5_000;

export type CrashRedis = {
  readonly validatorArgs: (folder: string) => readonly string[];
  readonly readEvidence: (folder: string, hotkey: string) => Promise<Evidence>;
  readonly stop: () => Promise<void>;
};

/** A Redis for a walk; it lives through all crashes, and waits for its disk before it acknowledges. */
export const openCrashRedis = async (): Promise<CrashRedis> => {
  const server = await startRedisServer({ config: ['appendfsync always', `databases ${databases}`] });
  const folders: string[] = [];
  const urlOf = (folder: string): string => {
    if (!folders.includes(folder)) folders.push(folder);
    return `${server.url}/${folders.indexOf(folder)}`;
  };
  return {
    validatorArgs: (folder) => ['--redis', urlOf(folder)],
    readEvidence: (folder, hotkey) => {
      const target = parseRedisUrl(urlOf(folder));
      if (!target.ok) throw new Error(`${urlOf(folder)} is not the URL of a Redis`);
      const none = { username: null, password: null, sentinelPassword: null, ca: null };
      const access = { target: target.value, ...none, timeoutMs };
      const namespace = redisNamespace({ network: 'local', netuid, hotkey, role: 'validator' });
      return Effect.runPromise(
        Effect.scoped(Effect.flatMap(openRedisReadOnly({ access, namespace }), readEvidence)),
      );
    },
    stop: server.stop,
  };
};
