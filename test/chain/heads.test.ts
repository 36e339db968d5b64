import * as Effect from 'effect/Effect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  blockAllowance,
  followHeads,
  MAX_FILL_BLOCKS,
  MAX_JUMP_BLOCKS,
  missingBlocks,
  startOfSession,
} from '#src/chain/heads.ts';
import { openRpc, type Rpc } from '#src/chain/rpc.ts';
import type { Devnet } from '#src/devnet/node.ts';
import type { Head } from '#src/domain/metagraph.ts';
import { DEADLINES, startSubnet } from './devnetFixture.ts';

describe('chain / heads', () => {
  it('starts with the first announced block', () => {
    expect(missingBlocks(null, 70)).toEqual([70]);
  });

  it('fills the numbers between two announcements', () => {
    expect(missingBlocks(70, 74)).toEqual([71, 72, 73, 74]);
  });

  it('delivers nothing twice', () => {
    expect(missingBlocks(70, 70)).toEqual([]);
    expect(missingBlocks(70, 60)).toEqual([]);
  });

  it('catches up no further than nodes keep state', () => {
    const blocks = missingBlocks(0, 10_000);
    expect(blocks).toHaveLength(MAX_FILL_BLOCKS);
    expect(blocks[0]).toBe(10_000 - MAX_FILL_BLOCKS + 1);
    expect(blocks.at(-1)).toBe(10_000);
  });

  it('goes on from the block of an earlier connection, however many sessions came between', () => {
    expect(startOfSession(null, 70)).toBeNull();
    expect(startOfSession(60, 70)).toBe(60);
  });

  it('delivers what an endpoint has after another one named a block at 4e9, or when it lags', () => {
    expect(startOfSession(4_000_000_000, 70)).toBeNull();
    expect(startOfSession(73, 70)).toBeNull();
    expect(startOfSession(70, 70)).toBeNull();
    expect(startOfSession(70, 70 + MAX_JUMP_BLOCKS + 1)).toBeNull();
  });

  it('does not believe a jump of more than a day within a session', () => {
    expect(blockAllowance(0)(MAX_JUMP_BLOCKS, 0)).toBe(true);
    expect(blockAllowance(0)(MAX_JUMP_BLOCKS + 1, 1_000_000)).toBe(false);
    expect(blockAllowance(0)(4_000_000_000, 0)).toBe(false);
    expect(blockAllowance(0)(-10, 0)).toBe(true);
  });

  it('does not follow a flood of heads, nor jump after jump', () => {
    const isAllowed = blockAllowance(0);
    let nowMs = 0;
    let followed = 0;
    while (isAllowed(1, nowMs)) {
      followed += 1;
      nowMs += 0.1;
    }
    expect(followed).toBeLessThan(MAX_JUMP_BLOCKS * 1.2);
    const jumping = blockAllowance(0);
    expect([0, 1_000, 100_000].map((atMs) => jumping(9_000, atMs))).toEqual([true, false, true]);
  });

  it('follows the fastest development chain for a month', () => {
    const isAllowed = blockAllowance(0);
    const blockMs = 100;
    const count = (30 * 86_400_000) / blockMs / 100;
    for (let hundred = 1; hundred <= count; hundred += 1) {
      if (!isAllowed(100, hundred * 100 * blockMs)) throw new Error(`refused after ${hundred * 100} blocks`);
    }
  });
});

describe('chain / heads / calls', () => {
  let devnet: Devnet;
  beforeAll(async () => {
    devnet = await startSubnet({ sealing: 'manual' });
  });
  afterAll(() => devnet.stop());

  /**
   * Follows while `steps` seal one after the other, each once the head before it was delivered.
   *
   * @param show what the endpoint's headers look like
   */
  const follow = (steps: readonly number[], show: (header: object) => object = (header) => header) =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const rpc = yield* openRpc({ endpoint: devnet.url, ...DEADLINES });
          const asked: string[] = [];
          const seen: Head[] = [];
          const counting: Rpc = {
            ...rpc,
            call: (method, params) => {
              asked.push(method);
              return rpc.call(method, params);
            },
            subscribe: (options) =>
              rpc.subscribe({ ...options, onResult: (header) => options.onResult(show(Object(header))) }),
          };
          yield* Effect.forkScoped(followHeads({ rpc: counting, onHead: (head) => seen.push(head) }));
          const arrived = Effect.promise(async () => {
            while (seen.at(-1)?.block !== devnet.head().number)
              await new Promise((wait) => setTimeout(wait, 5));
          });
          yield* arrived;
          for (const blocks of steps) {
            devnet.faults.freezeHeads(true);
            devnet.sealBlocks(blocks);
            devnet.faults.freezeHeads(false);
            yield* arrived;
          }
          const hashes = seen.map(({ block }) => devnet.chain.blockByNumber(block)?.hash);
          expect(seen.map(({ blockHash }) => blockHash)).toEqual(hashes);
          return asked;
        }),
      ),
    );

  it('asks for the hash of the first head, and of no other while it is in step', async () => {
    expect(await follow([1, 1, 2, 1, 2])).toEqual(['chain_getBlockHash']);
  });

  it('asks for what lies between two announcements and is told by neither', async () => {
    expect(await follow([1, 5])).toEqual(Array(1 + 3).fill('chain_getBlockHash'));
  });

  it.each([
    [
      'whose hashes are made in another way',
      (header: object) => ({ ...header, stateRoot: `0x${'7'.repeat(64)}` }),
    ],
    ['that lack what a hash is made of', ({ number }: { number?: unknown }) => ({ number })],
  ])('asks for every hash at an endpoint with headers %s', async (_name, show) => {
    expect(await follow([1, 1, 1], show)).toEqual(Array(4).fill('chain_getBlockHash'));
  });
});
