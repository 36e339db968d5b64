import { execFileSync, spawnSync } from 'node:child_process';
import * as Effect from 'effect/Effect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { readOriginalState } from '#src/store/originalRedis.ts';
import { accessOf } from '#test/support/redisPlace.ts';
import { hasRedis, type RedisServer, startRedisServer } from '#test/support/redisServer.ts';
import { failureOf } from './openStore.ts';

/** A task state as the original keeps it, pickled by Python in its default protocol (4). */
const STATE = Buffer.from(
  // {"assigned_tasks": {}, "file_positions": {"/data/tasks.json": 40}, "used_task_ids": ["t2", "t1"],
  //  "file_task_counts": {"/data/tasks.json": 90}, "total_blocks_run": 7}
  '8004958e000000000000007d94288c0e61737369676e65645f7461736b73947d948c0e66696c655f706f736974696f6e73947d948c102f646174612f7461736b732e6a736f6e944b28738c0d757365645f7461736b5f696473945d94288c027432948c02743194658c1066696c655f7461736b5f636f756e7473947d9468054b5a738c10746f74616c5f626c6f636b735f72756e944b07752e',
  'hex',
);
const hasPython = spawnSync('python3', ['-c', 'import pickle'], { stdio: 'ignore' }).status === 0;
const own = `${'ab'.repeat(16)}_state:current`;

describe.skipIf(!hasRedis)('store / originalRedis', () => {
  let server: RedisServer;
  const put = (key: string, value: Uint8Array): void => {
    execFileSync('redis-cli', ['-p', String(server.port), '-x', 'SET', key], { input: value });
  };
  const read = () => Effect.runPromise(readOriginalState(accessOf(server.url)));
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(() => server?.stop());

  it('finds nothing in a Redis without the original', async () => {
    expect(await read()).toEqual({ keys: [], usedTaskIds: [], files: [], totalBlocksRun: null });
  });

  it('takes used ids and places in files, and says how long they would have lived', async () => {
    put('state:task_state', STATE);
    await server.cli('EXPIRE', 'state:task_state', '7200');
    const state = await read();
    expect(state).toMatchObject({
      keys: [{ key: 'state:task_state', bytes: STATE.length, problem: null }],
      usedTaskIds: ['t1', 't2'],
      files: [{ path: '/data/tasks.json', position: 40, tasks: 90 }],
      totalBlocksRun: 7,
    });
    expect(state.keys[0]?.expiresInMs).toBeGreaterThan(7_000_000);
  });

  it('executes nothing, and goes on with the keys that are plain', async () => {
    put('state:validator_state', Buffer.from('cos\nsystem\n(S"touch /tmp/pwned"\ntR.', 'latin1'));
    put(own, Buffer.from('not a pickle'));
    await server.cli('SADD', `${'cd'.repeat(16)}_state:current`, 'x');
    await server.cli('SET', 'another_state:current', 'not of the original');
    const { keys, usedTaskIds } = await read();
    expect(usedTaskIds).toEqual(['t1', 't2']);
    expect(keys.map(({ key, problem }) => [key, problem])).toEqual([
      ['state:task_state', null],
      ['state:validator_state', expect.stringContaining('os.system')],
      [own, expect.stringContaining('is no')],
      [`${'cd'.repeat(16)}_state:current`, 'it is a set, not a string'],
    ]);
  });

  it.skipIf(!hasPython)(
    'takes what real Python wrote, within another state and with ids it cannot keep',
    async () => {
      const program =
        'import pickle,sys; sys.stdout.buffer.write(pickle.dumps({"task_state": {"used_task_ids": ["t3", 7, "", "x"*300, "a\\0b"]}, "at": 1.5}, protocol=2))';
      put(own, spawnSync('python3', ['-c', program]).stdout);
      expect((await read()).usedTaskIds).toEqual(['t1', 't2', 't3']);
    },
  );

  it('names the server where it does not answer', async () => {
    const error = await failureOf(readOriginalState(accessOf('redis://127.0.0.1:1')));
    expect(error).toMatchObject({
      _tag: 'StoreUnavailable',
      message: expect.stringContaining('127.0.0.1:1'),
    });
  });
});
