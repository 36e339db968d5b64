import * as Effect from 'effect/Effect';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { toChainFailure } from '#src/chain/errors.ts';
import { readHeight } from '#src/chain/height.ts';
import type { Devnet } from '#src/devnet/node.ts';
import { type Spoil, type SpoilingProxy, startProxy, startSubnet, withConnection } from './devnetFixture.ts';

/** Of tests that are not about deadlines: nothing of theirs takes so long, on a busy machine either. */
const DEADLINES = { connectMs: 10_000, callMs: 10_000 };
const SHORT = { connectMs: 1_000, callMs: 300 };

describe('chain / height', () => {
  let devnet: Devnet;
  const proxies: SpoilingProxy[] = [];
  const proxy = async (spoil: Spoil): Promise<string> => {
    const started = await startProxy(devnet.url, spoil);
    proxies.push(started);
    return started.url;
  };
  const ask = (endpoint: string, asked: number) =>
    Effect.runPromise(readHeight({ endpoint, asked, ...DEADLINES }));
  const failureOf = (endpoint: string, deadlines = DEADLINES) =>
    Effect.runPromise(
      Effect.map(Effect.flip(readHeight({ endpoint, asked: 1, ...deadlines })), toChainFailure),
    );

  beforeAll(async () => {
    devnet = await startSubnet({ sealing: 'manual' });
    devnet.sealBlocks(60);
  });
  afterEach(() => {
    for (const { stop } of proxies.splice(0)) stop();
  });
  afterAll(() => devnet.stop());

  it('tells how far an endpoint is, what time the chain has there, and which block it has at ours', async () => {
    const before = devnet.head();
    const asked = devnet.chain.blockByNumber(7);
    const height = await ask(devnet.url, 7);
    expect(height).toMatchObject({
      genesisHash: devnet.chain.genesis.hash,
      head: { block: before.number, blockHash: before.hash },
      hashAsked: asked?.hash,
    });
    devnet.seal();
    expect((await ask(devnet.url, 7)).timestampMs - height.timestampMs).toBe(1_000);
    expect((await ask(devnet.url, 1_000)).hashAsked).toBeNull();
  });

  it('measures the pace of the last blocks on a live connection', async () => {
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const head = yield* connection.finalizedHead();
        expect(yield* connection.paceAt(head)).toEqual({ timestampMs: expect.any(Number), blockMs: 1_000 });
        const second = yield* connection.headAt(2);
        expect((yield* connection.paceAt(second)).blockMs).toBe(1_000);
        const first = yield* connection.headAt(1);
        expect((yield* connection.paceAt(first)).blockMs).toBe(0);
      }),
    );
  });

  it('does not take a height without the header that proves it', async () => {
    const claim = (header: unknown) => ({ ...(header as object), number: '0xffffff' });
    const url = await proxy(({ method }) => (method === 'chain_getHeader' ? claim : 'pass'));
    const failure = await failureOf(url);
    expect(failure._tag).toBe('Malformed');
    expect(failure.message).toContain('another hash');
  });

  it.each(['chain_getFinalizedHead', 'chain_getHeader', 'chain_getBlockHash', 'state_getStorage'])(
    'ends within its deadline when the node never answers %s',
    async (silent) => {
      const url = await proxy(({ method }) => (method === silent ? 'swallow' : 'pass'));
      const began = performance.now();
      expect((await failureOf(url, SHORT))._tag).toBe('Unreachable');
      expect(performance.now() - began).toBeLessThan(SHORT.connectMs + 3 * SHORT.callMs);
    },
  );

  it.each([
    ['state_getStorage', () => '0x00'],
    ['state_getStorage', () => null],
    ['chain_getHeader', () => ({ number: '0x1' })],
    ['chain_getFinalizedHead', () => 7],
  ])('calls nonsense in answer to %s malformed', async (spoiled, change) => {
    const url = await proxy(({ method }) => (method === spoiled ? change : 'pass'));
    expect((await failureOf(url))._tag).toBe('Malformed');
  });
});
