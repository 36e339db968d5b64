import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as Effect from 'effect/Effect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openRpc, type Rpc } from '#src/chain/rpc.ts';
import { makeRuntimes } from '#src/chain/runtimes.ts';
import type { Devnet } from '#src/devnet/node.ts';
import { DEADLINES, startSubnet } from './devnetFixture.ts';

const hashOf = (block: number): string => `0x${block.toString(16).padStart(64, '0')}`;

describe('chain / runtimes', () => {
  let devnet: Devnet;
  let metadata: unknown;
  beforeAll(async () => {
    devnet = await startSubnet({ sealing: 'manual' });
    metadata = await Effect.runPromise(
      Effect.scoped(
        Effect.flatMap(openRpc({ endpoint: devnet.url, ...DEADLINES }), (rpc) =>
          rpc.call('state_call', ['Metadata_metadata_at_version', '0x0f000000', devnet.head().hash]),
        ),
      ),
    );
  });
  afterAll(() => devnet.stop());

  /** A chain that runs another runtime after every `blocksPerVersion` blocks. */
  const upgrading = (blocksPerVersion: number) => {
    const asked: string[] = [];
    const rpc: Rpc = {
      endpoint: 'ws://upgrading',
      call: (method, params) => {
        asked.push(method);
        if (method === 'state_call') return Effect.succeed(metadata);
        const specVersion = Math.floor(Number(params[0]) / blocksPerVersion);
        return Effect.succeed({ specName: 'node-subtensor', specVersion, transactionVersion: 1 });
      },
      subscribe: () => Effect.void,
      lost: Effect.never,
    };
    const runtimes = makeRuntimes(rpc);
    const at = (block: number) => Effect.runPromise(runtimes.at(hashOf(block)));
    const count = (method: string) => asked.filter((one) => one === method).length;
    return { at, count };
  };

  it('asks for a version once per block, and for metadata once per version', async () => {
    const { at, count } = upgrading(10);
    const all = await Promise.all([11, 12, 13, 11, 12, 13].map(at));
    await at(13);
    expect(new Set(all).size).toBe(1);
    expect(count('state_call')).toBe(1);
    expect(count('state_getRuntimeVersion')).toBeLessThanOrEqual(6);
    const before = count('state_getRuntimeVersion');
    await at(12);
    expect(count('state_getRuntimeVersion')).toBe(before);
  });

  it('keeps the runtimes on both sides of an upgrade, however often they take turns', async () => {
    const { at, count } = upgrading(10);
    for (let turn = 0; turn < 20; turn += 1) {
      expect((await at(19)).version.specVersion).toBe(1);
      expect((await at(20)).version.specVersion).toBe(2);
      if (turn % 5 === 0) await at(30 + turn * 10);
    }
    expect(count('state_call')).toBe(2 + 4);
  });

  it('does not take the metadata without APIs because a node was busy for a moment', async () => {
    const asked = await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const rpc = yield* openRpc({ endpoint: devnet.url, ...DEADLINES });
          const runtimes = makeRuntimes(rpc);
          const busy = { code: -32_000, message: 'too many requests' };
          devnet.faults.failCalls({ method: 'state_call', count: 1, error: busy });
          const error = yield* Effect.flip(runtimes.at(devnet.head().hash));
          const runtime = yield* runtimes.at(devnet.head().hash);
          return { error, hasApi: runtime.hasApi('SubnetInfoRuntimeApi', 'get_selective_mechagraph') };
        }),
      ),
    );
    expect(asked).toMatchObject({ error: { _tag: 'RpcRefused', reason: 'too many requests' }, hasApi: true });
  });

  it('leaves nothing behind over a hundred upgrades', { timeout: 60_000 }, async () => {
    const { at, count } = upgrading(1);
    const seen: WeakRef<object>[] = [];
    for (let version = 1; version <= 100; version += 1) seen.push(new WeakRef(await at(version)));
    expect(count('state_call')).toBe(100);
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    for (let round = 0; round < 3; round += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      collect();
    }
    const alive = seen.filter((one) => one.deref() !== undefined).length;
    // Those in the cache, and one that a register may still hold.
    expect(alive).toBeLessThanOrEqual(4);
    expect((await at(100)).version.specVersion).toBe(100);
    expect(count('state_call')).toBe(100);
  });
});
