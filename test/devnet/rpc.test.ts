/** The JSON-RPC itself: what a client sees that sends it by hand. */
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type Devnet, startDevnet } from '#src/devnet/node.ts';
import { notes, START_MS, testGenesis } from './nodeFixture.ts';

let node: Devnet;
let socket: WebSocket;
const inbox: unknown[] = [];
const waiting: ((message: unknown) => void)[] = [];
const next = (): Promise<unknown> =>
  inbox.length > 0 ? Promise.resolve(inbox.shift()) : new Promise((resolve) => waiting.push(resolve));
const sendText = (text: string): Promise<unknown> => {
  socket.send(text);
  return next();
};
type Answer = {
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
};
let id = 0;
const rpc = async (method: string, ...params: readonly unknown[]): Promise<Answer> => {
  id += 1;
  const answer = await sendText(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  expect(answer).toMatchObject({ jsonrpc: '2.0', id });
  return answer as Answer;
};
const resultOf = async (method: string, ...params: readonly unknown[]): Promise<unknown> =>
  (await rpc(method, ...params)).result;
const codeOf = async (method: string, ...params: readonly unknown[]): Promise<number | undefined> =>
  (await rpc(method, ...params)).error?.code;

beforeAll(async () => {
  node = await startDevnet({ genesis: testGenesis, sealing: 'manual', startMs: START_MS, pallets: [notes] });
  node.sealBlocks(2);
  socket = new WebSocket(node.url);
  socket.on('message', (data) => {
    const message: unknown = JSON.parse(String(data));
    const resolve = waiting.shift();
    if (resolve === undefined) inbox.push(message);
    else resolve(message);
  });
  await once(socket, 'open');
});
afterAll(async () => {
  socket.close();
  await node.stop();
});

/** `Timestamp.Now` */
const NOW = '0xf0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb';

describe('devnet / rpc', () => {
  it.each<[string, string, number]>([
    ['text that is no JSON', '{', -32_700],
    ['a request without a version', '{"id":1,"method":"system_name"}', -32_600],
    ['params that are no list', '{"jsonrpc":"2.0","id":1,"method":"system_name","params":{}}', -32_600],
    ['an empty batch', '[]', -32_600],
    ['a number', '5', -32_600],
    ['a batch that is too large', `[${'1,'.repeat(600)}1]`, -32_010],
  ])('refuses %s', async (_name, text, code) => {
    expect(await sendText(text)).toMatchObject({ id: null, error: { code } });
  });

  it('answers batches in order', async () => {
    const batch = ['system_chain', 'no_such'].map((method, index) => ({ jsonrpc: '2.0', id: index, method }));
    expect(await sendText(JSON.stringify(batch))).toEqual([
      { jsonrpc: '2.0', id: 0, result: 'test chain' },
      { jsonrpc: '2.0', id: 1, error: { code: -32_601, message: 'Method not found' } },
    ]);
  });

  it.each<[string, readonly unknown[], number]>([
    ['no_such', [], -32_601],
    ['toString', [], -32_601],
    ['state_getStorage', [5], -32_602],
    ['state_getStorage', ['0x1'], -32_602],
    ['state_getStorage', [NOW, '0x1234'], 4003],
    ['state_getKeysPaged', ['0x', 1001], 4002],
    ['state_getKeysPaged', ['0x', -1], -32_602],
    ['state_call', ['No_such', '0x'], 4003],
    ['state_call', ['AccountNonceApi_account_nonce', '0x00'], 4003],
    ['chain_getBlockHash', ['x'], -32_602],
    ['chain_unsubscribeNewHeads', [5], -32_602],
    ['author_submitExtrinsic', ['zz'], -32_602],
    ['system_accountNextIndex', ['nobody'], -32_602],
  ])('answers %s(%j) with code %i', async (method, params, code) => {
    expect(await codeOf(method, ...params)).toBe(code);
  });

  it('lists its methods, all of which exist', async () => {
    const { methods } = (await resultOf('rpc_methods')) as { methods: readonly string[] };
    expect(methods).toEqual(expect.arrayContaining(['chain_getHeader', 'state_call', 'rpc_methods']));
    expect(methods).toEqual([...new Set(methods)].toSorted());
  });

  it('describes itself', async () => {
    expect(await resultOf('system_properties')).toEqual({
      ss58Format: 42,
      tokenDecimals: 9,
      tokenSymbol: 'TAO',
    });
    expect(await resultOf('system_chainType')).toBe('Development');
    expect(await resultOf('system_health')).toEqual({ isSyncing: false, peers: 0, shouldHavePeers: false });
    expect(await resultOf('state_getRuntimeVersion')).toMatchObject({
      specName: 'node-subtensor',
      specVersion: 425,
      transactionVersion: 1,
    });
  });

  it('finds blocks by number and hash, and answers null for those that do not exist', async () => {
    const { hash } = node.head();
    expect(await resultOf('chain_getBlockHash')).toBe(hash);
    expect(await resultOf('chain_getBlockHash', 2)).toBe(hash);
    expect(await resultOf('chain_getBlockHash', [0, '0x2', 9])).toEqual([
      node.chain.genesis.hash,
      hash,
      null,
    ]);
    expect(await resultOf('chain_getFinalizedHead')).toBe(hash);
    expect(await resultOf('chain_getHeader', '0x12')).toBeNull();
    expect(await resultOf('chain_getBlock', hash)).toMatchObject({
      block: { header: { number: '0x2' }, extrinsics: [expect.stringMatching(/^0x280402000b/)] },
    });
  });

  it('reads raw storage with hash and size, now and in the past', async () => {
    const now = (ms: number): string => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt(ms));
      return `0x${bytes.toString('hex')}`;
    };
    const first = node.chain.blockByNumber(1)?.hash;
    expect(await resultOf('state_getStorage', NOW)).toBe(now(START_MS + 24_000));
    expect(await resultOf('state_getStorage', NOW, first)).toBe(now(START_MS + 12_000));
    expect(await resultOf('state_getStorageSize', NOW)).toBe(8);
    expect(await resultOf('state_getStorageHash', NOW)).toMatch(/^0x[0-9a-f]{64}$/);
    expect(await resultOf('state_getStorage', '0xabcd')).toBeNull();
    expect(await resultOf('state_queryStorageAt', [NOW, '0xab'], first)).toEqual([
      {
        block: first,
        changes: [
          [NOW, now(START_MS + 12_000)],
          ['0xab', null],
        ],
      },
    ]);
  });

  it('pages through keys in their order', async () => {
    const all = (await resultOf('state_getKeys', '0x26aa394eea5630e07c48ae0c9558cef7')) as readonly string[];
    expect(all.length).toBeGreaterThan(5);
    const pages: string[] = [];
    for (let start: string | null = null; ; start = pages.at(-1) ?? null) {
      const params = ['0x26aa394eea5630e07c48ae0c9558cef7', 3, start];
      const page = (await resultOf('state_getKeysPaged', ...params)) as readonly string[];
      pages.push(...page);
      if (page.length < 3) break;
    }
    expect(pages).toEqual(all);
    expect(pages).toEqual(pages.toSorted());
  });

  it('notifies after it has named the subscription, and stops on request', async () => {
    const subscription = await resultOf('chain_subscribeNewHeads');
    expect(await next()).toMatchObject({
      method: 'chain_newHead',
      params: { subscription, result: { number: '0x2' } },
    });
    node.seal();
    expect(await next()).toMatchObject({ params: { subscription, result: { number: '0x3' } } });
    expect(await resultOf('chain_unsubscribeNewHeads', subscription)).toBe(true);
    expect(await resultOf('chain_unsubscribeNewHeads', subscription)).toBe(false);
    node.seal();
    expect(await resultOf('system_name')).toBe('miaoai-devnet');
  });

  it('limits the subscriptions of a connection', async () => {
    const subscriptions: unknown[] = [];
    for (;;) {
      const { result, error } = await rpc('state_subscribeStorage', []);
      if (error !== undefined) {
        expect(error.code).toBe(-32_006);
        break;
      }
      subscriptions.push(result);
      await next();
    }
    expect(subscriptions).toHaveLength(1024);
    for (const subscription of subscriptions) await resultOf('state_unsubscribeStorage', subscription);
  });

  it('cuts off a connection that sends too much at once, and only that', async () => {
    const other = new WebSocket(node.url);
    await once(other, 'open');
    other.send('x'.repeat(16 * 1024 * 1024));
    const [code] = (await once(other, 'close')) as [number];
    expect([1006, 1009]).toContain(code);
    expect(await resultOf('system_name')).toBe('miaoai-devnet');
  });

  it('ends when it is stopped, with clients connected', async () => {
    const short = await startDevnet({ genesis: testGenesis, sealing: 'manual', pallets: [] });
    const client = new WebSocket(short.url);
    await once(client, 'open');
    const closed = once(client, 'close');
    await short.stop();
    expect((await closed)[0]).toBe(1001);
  });

  it('refuses a port that is taken', async () => {
    await expect(
      startDevnet({ genesis: testGenesis, sealing: 'manual', pallets: [], port: node.port }),
    ).rejects.toThrow('EADDRINUSE');
  });
});
