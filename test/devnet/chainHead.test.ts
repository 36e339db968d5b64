/** The newer JSON-RPC interface, by hand and as an unmodified dedot uses it. */
import { once } from 'node:events';
import { Keyring } from '@polkadot/keyring';
import { cryptoWaitReady, encodeAddress } from '@polkadot/util-crypto';
import { DedotClient, LegacyClient, WsProvider } from 'dedot';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { decodeGenesis } from '#src/devnet/genesis.ts';
import { type Devnet, type DevnetOptions, startDevnet } from '#src/devnet/node.ts';
import { SPEC_426 } from '#src/devnet/profiles.ts';
import { notes, START_MS, testGenesis } from './nodeFixture.ts';

type Event = { readonly event: string; readonly [field: string]: unknown };
type Answer = { readonly result?: unknown; readonly error?: { readonly code: number } };
let node: Devnet;
const open = async (options: Partial<DevnetOptions> = {}): Promise<Devnet> => {
  const base = { genesis: testGenesis, sealing: 'manual', startMs: START_MS, pallets: [notes] } as const;
  node = await startDevnet({ ...base, finalityLagBlocks: 2, ...options });
  node.sealBlocks(4);
  return node;
};
beforeAll(() => cryptoWaitReady());
afterEach(() => node.stop());

/** A connection that sorts answers from events. */
const connect = async (url: string) => {
  const socket = new WebSocket(url);
  const events: Event[] = [];
  const answers = new Map<number, (answer: Answer) => void>();
  let id = 0;
  socket.on('message', (data) => {
    const message = JSON.parse(String(data)) as Answer & {
      readonly id?: number;
      readonly params?: { readonly result: Event };
    };
    if (message.params !== undefined) events.push(message.params.result);
    else answers.get(message.id ?? -1)?.(message);
  });
  await once(socket, 'open');
  const call = (method: string, ...params: readonly unknown[]): Promise<Answer> => {
    id += 1;
    const mine = id;
    const answered = new Promise<Answer>((resolve) => answers.set(mine, resolve));
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: mine, method, params }));
    return answered;
  };
  const resultOf = async (method: string, ...params: readonly unknown[]) =>
    (await call(method, ...params)).result;
  const codeOf = async (method: string, ...params: readonly unknown[]) =>
    (await call(method, ...params)).error?.code;
  /** Events so far, taken; an answer comes after everything that was sent before it. */
  const take = async (): Promise<Event[]> => {
    await call('system_name');
    return events.splice(0);
  };
  return { socket, call, resultOf, codeOf, take };
};
type Client = Awaited<ReturnType<typeof connect>>;

describe('devnet / chainHead', () => {
  let client: Client;
  const hashOf = (number: number): string => node.chain.blockByNumber(number)?.hash ?? '';
  beforeEach(async () => {
    await open();
    client = await connect(node.url);
  });
  afterEach(() => client.socket.terminate());
  const follow = async (withRuntime = true): Promise<string> => {
    const id = await client.resultOf('chainHead_v1_follow', withRuntime);
    await client.take();
    return String(id);
  };

  it('reports final blocks, open ones and the best one first, then what comes', async () => {
    await client.resultOf('chainHead_v1_follow', true);
    const first = await client.take();
    expect(first.map(({ event }) => event)).toEqual([
      'initialized',
      'newBlock',
      'newBlock',
      'bestBlockChanged',
    ]);
    expect(first[0]).toMatchObject({
      finalizedBlockHashes: [0, 1, 2].map(hashOf),
      finalizedBlockRuntime: { type: 'valid', spec: { specName: 'node-subtensor', specVersion: 425 } },
    });
    expect(first[1]).toEqual({
      event: 'newBlock',
      blockHash: hashOf(3),
      parentBlockHash: hashOf(2),
      newRuntime: null,
    });
    node.seal();
    expect(await client.take()).toEqual([
      { event: 'newBlock', blockHash: hashOf(5), parentBlockHash: hashOf(4), newRuntime: null },
      { event: 'bestBlockChanged', bestBlockHash: hashOf(5) },
      { event: 'finalized', finalizedBlockHashes: [hashOf(3)], prunedBlockHashes: [] },
    ]);
  });

  it('reports forks, what they prune, and new runtimes', async () => {
    await follow();
    const replaced = hashOf(4);
    node.reorg({ depth: 1 });
    const events = await client.take();
    expect(events.map(({ event }) => event)).toEqual([
      'newBlock',
      'newBlock',
      'bestBlockChanged',
      'finalized',
    ]);
    expect(events[0]).toMatchObject({ parentBlockHash: hashOf(3) });
    node.upgradeRuntime({ profile: SPEC_426, atBlock: 6 });
    node.seal();
    const later = await client.take();
    expect(later[0]).toMatchObject({ newRuntime: { type: 'valid', spec: { specVersion: 426 } } });
    expect(later.at(-1)).toMatchObject({ finalizedBlockHashes: [hashOf(4)], prunedBlockHashes: [replaced] });
  });

  it('answers header, body, call and storage of pinned blocks', async () => {
    const id = await follow();
    expect(await client.resultOf('chainHead_v1_header', id, hashOf(3))).toMatch(/^0x[0-9a-f]+$/);
    const NOW = '0xf0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb';
    const items = [
      { key: NOW, type: 'value' },
      { key: NOW, type: 'hash' },
      { key: NOW.slice(0, 34), type: 'descendantsValues' },
      { key: '0xabcd', type: 'value' },
    ];
    const started = [
      await client.resultOf('chainHead_v1_body', id, hashOf(3)),
      await client.resultOf('chainHead_v1_call', id, hashOf(3), 'NotesApi_block', '0x'),
      await client.resultOf('chainHead_v1_storage', id, hashOf(3), items, null),
      await client.resultOf('chainHead_v1_call', id, hashOf(3), 'No_such', '0x'),
    ];
    expect(started).toMatchObject(
      ['1', '2', '3', '4'].map((operationId) => ({ result: 'started', operationId })),
    );
    const events = await client.take();
    const value = expect.stringMatching(/^0x[0-9a-f]{16}$/);
    expect(events).toMatchObject([
      { event: 'operationBodyDone', value: [expect.stringMatching(/^0x280402000b/)] },
      { event: 'operationCallDone', output: '0x03000000' },
      {
        event: 'operationStorageItems',
        items: [
          { key: NOW, value },
          { key: NOW, hash: expect.stringMatching(/^0x[0-9a-f]{64}$/) },
          { key: NOW, value },
        ],
      },
      { event: 'operationStorageDone', operationId: '3' },
      { event: 'operationError', error: expect.stringContaining('No_such is not found') },
    ]);
  });

  it('gives long answers in pages and goes on when asked', async () => {
    await node.stop();
    const address = (index: number) =>
      encodeAddress(
        new Uint8Array(32)
          .fill(1)
          .with(0, index % 256)
          .with(1, index >> 8),
        42,
      );
    const accounts = Array.from({ length: 1500 }, (_, index) => ({
      address: address(index),
      free: '100000',
    }));
    await open({ genesis: decodeGenesis({ accounts }) });
    client = await connect(node.url);
    const id = await follow();
    const ACCOUNTS = '0x26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9';
    const ask = () =>
      client.resultOf(
        'chainHead_v1_storage',
        id,
        hashOf(3),
        [{ key: ACCOUNTS, type: 'descendantsHashes' }],
        null,
      );
    await ask();
    const first = await client.take();
    expect(first.map(({ event }) => event)).toEqual(['operationStorageItems', 'operationWaitingForContinue']);
    expect(first[0]?.['items']).toHaveLength(1000);
    await client.resultOf('chainHead_v1_continue', id, '1');
    const second = await client.take();
    expect(second.map(({ event }) => event)).toEqual(['operationStorageItems', 'operationStorageDone']);
    expect(second[0]).toMatchObject({ items: expect.arrayContaining([expect.anything()]) });
    await ask();
    await client.resultOf('chainHead_v1_stopOperation', id, '2');
    await client.take();
    await client.resultOf('chainHead_v1_continue', id, '2');
    expect(await client.take()).toEqual([]);
  });

  it('says what it cannot answer', async () => {
    const id = await follow();
    const item = { key: '0xab', type: 'closestDescendantMerkleValue' };
    await client.resultOf('chainHead_v1_storage', id, hashOf(3), [item], null);
    expect(await client.take()).toMatchObject([{ event: 'operationError', operationId: '1' }]);
    await client.resultOf('chainHead_v1_storage', id, hashOf(3), [{ key: '0xab', type: 'value' }], '0xcd');
    expect(await client.take()).toMatchObject([{ event: 'operationStorageDone' }]);
    expect(await client.codeOf('chainHead_v1_storage', id, hashOf(3), [{ key: '0xab', type: 'odd' }])).toBe(
      -32_602,
    );
    const blind = await follow(false);
    expect(await client.codeOf('chainHead_v1_call', blind, hashOf(3), 'Core_version', '0x')).toBe(-32_802);
    expect(await client.codeOf('chainHead_v1_header', id, '0x12')).toBe(-32_801);
    expect(await client.resultOf('chainHead_v1_header', 'none', hashOf(3))).toBeNull();
    expect(await client.resultOf('chainHead_v1_body', 'none', hashOf(3))).toEqual({ result: 'limitReached' });
  });

  it('unpins all or none, and only once', async () => {
    const id = await follow();
    expect(await client.codeOf('chainHead_v1_unpin', id, [hashOf(1), hashOf(1)])).toBe(-32_804);
    expect(await client.codeOf('chainHead_v1_unpin', id, [hashOf(1), '0x12'])).toBe(-32_801);
    expect(await client.resultOf('chainHead_v1_unpin', id, [hashOf(1), hashOf(2)])).toBeNull();
    expect(await client.codeOf('chainHead_v1_unpin', id, hashOf(1))).toBe(-32_801);
    expect(await client.codeOf('chainHead_v1_body', id, hashOf(1))).toBe(-32_801);
  });

  it('stops a subscription that never unpins, and limits their number', async () => {
    const id = await follow();
    node.sealBlocks(520);
    const events = await client.take();
    expect(events.at(-1)).toEqual({ event: 'stop' });
    node.seal();
    expect(await client.take()).toEqual([]);
    expect(await client.resultOf('chainHead_v1_body', id, hashOf(524))).toEqual({ result: 'limitReached' });
    for (let opened = 0; opened < 4; opened += 1) await follow();
    expect(await client.codeOf('chainHead_v1_follow', true)).toBe(-32_800);
    expect(await client.codeOf('chainHead_v1_follow')).toBe(-32_602);
  });

  it('ends on request', async () => {
    const id = await follow();
    expect(await client.resultOf('chainHead_v1_unfollow', id)).toBeNull();
    node.seal();
    expect(await client.take()).toEqual([]);
  });

  it('describes the chain', async () => {
    expect(await client.resultOf('chainSpec_v1_chainName')).toBe('test chain');
    expect(await client.resultOf('chainSpec_v1_genesisHash')).toBe(hashOf(0));
    expect(await client.resultOf('chainSpec_v1_properties')).toMatchObject({ tokenSymbol: 'TAO' });
  });

  it('limits broadcasts and stops only those that run', async () => {
    const ids: unknown[] = [];
    for (let made = 0; made < 17; made += 1)
      ids.push(await client.resultOf('transaction_v1_broadcast', '0x00'));
    expect(ids.at(-1)).toBeNull();
    expect(await client.resultOf('transaction_v1_stop', ids[0])).toBeNull();
    expect(await client.codeOf('transaction_v1_stop', ids[0])).toBe(-32_602);
  });

  it('watches a transaction and says why one is refused', async () => {
    await client.resultOf('transactionWatch_v1_submitAndWatch', '0x0102');
    expect(await client.take()).toMatchObject([
      { event: 'invalid', error: expect.stringContaining('invalid format') },
    ]);
  });
});

describe('devnet / chainHead / dedot', () => {
  const alice = () => new Keyring({ type: 'sr25519', ss58Format: 42 }).addFromUri('//Alice');
  /** Calls and storage are known to dedot only at run time. */
  type Extrinsic = {
    signAndSend(
      signer: unknown,
      told: (result: { readonly status: { readonly type: string } }) => void,
    ): { untilFinalized(): Promise<{ readonly events: readonly unknown[] }> };
  };
  type Loose = Record<string, Record<string, (...args: unknown[]) => never>>;
  const loose = (part: unknown): Loose => part as Loose;

  it.each(['v2', 'legacy'] as const)(
    'reads, follows and submits with the %s client',
    async (kind) => {
      await open({ finalityLagBlocks: 1 });
      const producing = setInterval(() => node.seal(), 40);
      const provider = new WsProvider(node.url);
      const api = kind === 'v2' ? await DedotClient.new(provider) : await LegacyClient.new(provider);
      expect(api.runtimeVersion.specVersion).toBe(425);
      const account: unknown = await loose(api.query)['system']?.['account']?.(alice().address);
      expect(account).toMatchObject({ data: { free: 1000n * 1_000_000_000n } });
      expect(await loose(api.call)['notesApi']?.['getNote']?.(5)).toBeUndefined();
      const seen: number[] = [];
      const stop = await api.block.best(({ number }: { readonly number: number }) => {
        seen.push(number);
      });
      await vi.waitFor(() => expect(seen.length).toBeGreaterThan(3), { timeout: 5000 });
      stop();
      expect(seen).toEqual(seen.toSorted((a, b) => a - b));
      const statuses: string[] = [];
      const note = loose(api.tx)['notes']?.['note'];
      if (note === undefined) throw new Error('no call notes.note');
      const extrinsic: Extrinsic = note(5, 77n);
      const done = await extrinsic
        .signAndSend(alice(), ({ status }) => statuses.push(status.type))
        .untilFinalized();
      expect(
        JSON.stringify(done.events, (_, value) => (typeof value === 'bigint' ? String(value) : value)),
      ).toContain('Noted');
      expect(statuses.at(-1)).toBe('Finalized');
      expect(await loose(api.call)['notesApi']?.['getNote']?.(5)).toBe(77n);
      clearInterval(producing);
      await api.disconnect();
    },
    20_000,
  );
});
