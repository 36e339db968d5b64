/** The node as an unmodified @polkadot/api client sees it. */
import type { Header } from '@polkadot/types/interfaces';
import { u8aToHex } from '@polkadot/util';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  include,
  keyring,
  names,
  request,
  START_MS,
  startTestNode,
  TAO,
  type TestNode,
} from './nodeFixture.ts';

let test: TestNode;
let alice: ReturnType<typeof keyring.addFromUri>;
let bob: ReturnType<typeof keyring.addFromUri>;
beforeAll(async () => {
  await cryptoWaitReady();
  alice = keyring.addFromUri('//Alice');
  bob = keyring.addFromUri('//Bob');
});

// The client knows the names of pallets and calls only at run time
const call = (section: string, method: string, ...args: readonly unknown[]) => {
  const create = test.api.tx[section]?.[method];
  if (create === undefined) throw new Error(`no call ${section}.${method}`);
  return create(...args);
};
const read = async (section: string, item: string, ...args: readonly unknown[]) =>
  (await test.api.query[section]?.[item]?.(...args))?.toJSON();
const freeOf = async (address: string): Promise<bigint> => {
  const account = (await read('system', 'account', address)) as { data: { free: number } };
  return BigInt(account.data.free);
};
const note = (id: number, value: number) => call('notes', 'note', id, value);

describe('devnet / node', () => {
  beforeEach(async () => {
    test = await startTestNode();
  });
  afterEach(() => test.stop());

  it('connects without a word about unknown types', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const error = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const other = await startTestNode();
    expect(other.api.runtimeVersion.specName.toString()).toBe('node-subtensor');
    expect(other.api.runtimeVersion.specVersion.toNumber()).toBe(425);
    expect(other.api.runtimeMetadata.version).toBe(15);
    expect(other.api.runtimeChain.toString()).toBe('test chain');
    expect(other.api.registry.chainTokens).toEqual(['TAO']);
    expect(warn.mock.calls.flat()).toEqual([]);
    expect(error.mock.calls.flat()).toEqual([]);
    await other.stop();
    warn.mockRestore();
    error.mockRestore();
  });

  it('transfers and shows the events of it, fee included', async () => {
    const before = await freeOf(alice.address);
    const transaction = await call('balances', 'transferKeepAlive', bob.address, 5n * TAO).signAsync(alice);
    const records = await include(test, transaction);
    expect(names(records)).toEqual([
      'balances.Withdraw',
      'system.NewAccount',
      'balances.Endowed',
      'balances.Deposit',
      'balances.Transfer',
      'transactionPayment.TransactionFeePaid',
      'system.ExtrinsicSuccess',
    ]);
    const fee = BigInt(String(records.at(-2)?.event.data[1]));
    expect(fee).toBeGreaterThan(0n);
    expect(await freeOf(alice.address)).toBe(before - 5n * TAO - fee);
    expect(await freeOf(bob.address)).toBe(1005n * TAO);
  });

  it('takes the fee that it announced', async () => {
    const transaction = call('balances', 'transferKeepAlive', bob.address, 1n);
    const { partialFee } = await transaction.paymentInfo(alice);
    const records = await include(test, await transaction.signAsync(alice));
    const paid = records.find(({ event }) => event.method === 'TransactionFeePaid')?.event.data[1];
    expect(String(paid)).toBe(String(partialFee.toBigInt()));
  });

  it('lets an account that was never funded send calls that do not pay, and counts its nonce', async () => {
    const poor = keyring.addFromUri('//Nobody');
    for (const id of [1, 2]) {
      const records = await include(test, await note(id, id * 10).signAsync(poor));
      expect(names(records)).toEqual(['notes.Noted', 'system.ExtrinsicSuccess']);
    }
    const account = await read('system', 'account', poor.address);
    expect(account).toMatchObject({ nonce: 2, providers: 0 });
    await expect(call('system', 'remark', '0x').signAndSend(poor)).rejects.toThrow(
      '1010: Invalid Transaction: Inability to pay some fees',
    );
  });

  it('undoes what a failing call did and names the error through the metadata', async () => {
    const records = await include(test, await note(13, 1).signAsync(alice));
    expect(names(records)).toEqual(['system.ExtrinsicFailed']);
    const failure = records[0]?.event.data[0];
    const { name, section } = test.api.registry.findMetaError(
      (failure as never as { asModule: never }).asModule,
    );
    expect(`${section}.${name}`).toBe('notes.Unlucky');
    expect(await read('notes', 'notes', 13)).toBeNull();
    expect(await read('system', 'account', alice.address)).toMatchObject({ nonce: 1 });
  });

  it('names token errors', async () => {
    const transaction = await call('balances', 'transferKeepAlive', bob.address, 5000n * TAO).signAsync(
      alice,
    );
    const records = await include(test, transaction);
    const failed = records.find(({ event }) => event.method === 'ExtrinsicFailed');
    expect(failed?.event.data[0]?.toJSON()).toEqual({ token: 'FundsUnavailable' });
  });

  it('removes an account that falls below the existential deposit, unless told to keep it', async () => {
    const small = keyring.addFromUri('//Small');
    await include(test, await call('balances', 'transferKeepAlive', small.address, TAO).signAsync(alice));
    const kept = await include(
      test,
      await call('balances', 'transferAll', bob.address, true).signAsync(small),
    );
    expect(names(kept)).toContain('system.ExtrinsicSuccess');
    expect(await freeOf(small.address)).toBe(500n);
  });

  it('carries storage of many keys in pages', async () => {
    for (let id = 100; id < 130; id += 1) {
      await test.api.rpc.author.submitExtrinsic(await note(id, id).signAsync(alice, { nonce: id - 100 }));
    }
    test.node.seal();
    const entries = await test.api.query['notes']?.['notes']?.entriesPaged({ args: [], pageSize: 7 });
    expect(entries).toHaveLength(7);
    const all = await test.api.query['notes']?.['notes']?.entries();
    const found = all?.map(([key, value]) => [key.args[0]?.toJSON(), value.toJSON()]);
    expect(found?.toSorted()).toEqual(Array.from({ length: 30 }, (_, i) => [100 + i, 100 + i]));
    const several = await test.api.query['notes']?.['notes']?.multi([100, 5, 129]);
    expect(several?.map((value) => value.toJSON())).toEqual([100, null, 129]);
  });

  it('reads the state of a past block at its hash', async () => {
    await include(test, await note(1, 10).signAsync(alice));
    const { hash } = test.node.head();
    await include(test, await note(1, 20).signAsync(alice));
    const past = await test.api.at(hash);
    expect((await past.query['notes']?.['notes']?.(1))?.toJSON()).toBe(10);
    expect(await read('notes', 'notes', 1)).toBe(20);
    expect((await past.call['notesApi']?.['getNote']?.(1))?.toJSON()).toBe(10);
    expect((await past.call['notesApi']?.['block']?.())?.toJSON()).toBe(1);
  });

  it('forgets states older than 300 blocks and says so', async () => {
    const { hash } = test.node.seal();
    test.node.sealBlocks(300);
    const key = test.api.query['timestamp']?.['now']?.key() ?? '';
    await expect(request(test.node.url, 'state_getStorage', key, hash)).resolves.toMatch(/^0x/);
    test.node.seal();
    await expect(request(test.node.url, 'state_getStorage', key, hash)).rejects.toThrow(
      'State already discarded',
    );
    // the client would ask for the runtime version of that block first, which needs its state
    expect(await request(test.node.url, 'chain_getHeader', hash)).toMatchObject({ number: '0x1' });
  });

  it('follows heads, best and final', async () => {
    const seen: string[] = [];
    const show = (kind: string) => (header: Header) => {
      seen.push(`${kind} ${header.number.toNumber()}`);
    };
    const stops = [
      await test.api.rpc.chain.subscribeNewHeads(show('best')),
      await test.api.rpc.chain.subscribeFinalizedHeads(show('final')),
    ];
    test.node.sealBlocks(2);
    await vi.waitFor(() => expect(seen).toHaveLength(6));
    expect(seen.toSorted()).toEqual(['best 0', 'best 1', 'best 2', 'final 0', 'final 1', 'final 2']);
    for (const stop of stops) stop();
  });

  it('hashes headers as the client does, and links them', async () => {
    const first = test.node.seal();
    const second = test.node.seal();
    const header = await test.api.rpc.chain.getHeader(second.hash);
    expect(header.hash.toHex()).toBe(second.hash);
    expect(header.parentHash.toHex()).toBe(first.hash);
    expect(await read('system', 'blockHash', 1)).toBe(first.hash);
  });

  it('notifies of storage that changes', async () => {
    const seen: unknown[] = [];
    const stop = await test.api.query['notes']?.['notes']?.(7, (value: { toJSON(): unknown }) => {
      seen.push(value.toJSON());
    });
    await include(test, await note(7, 1).signAsync(alice));
    await include(test, await note(8, 1).signAsync(alice));
    await include(test, await note(7, 2).signAsync(alice));
    await vi.waitFor(() => expect(seen).toEqual([null, 1, 2]));
    (stop as unknown as () => void)();
  });

  it('tells a watcher of each step to finality', async () => {
    await test.stop();
    test = await startTestNode({ finalityLagBlocks: 2 });
    const seen: string[] = [];
    const stop = await note(1, 1).signAndSend(alice, ({ status }) => {
      seen.push(status.type);
    });
    await vi.waitFor(() => expect(seen).toEqual(['Ready']));
    test.node.seal();
    await vi.waitFor(() => expect(seen).toEqual(['Ready', 'InBlock']));
    test.node.sealBlocks(2);
    await vi.waitFor(() => expect(seen).toEqual(['Ready', 'InBlock', 'Finalized']));
    stop();
  });

  it('goes on after a fault of a pallet and reports it', async () => {
    await test.stop();
    const defects: unknown[] = [];
    test = await startTestNode({ onDefect: (defect) => defects.push(defect) });
    const records = await include(test, await note(66, 1).signAsync(alice));
    expect(names(records)).toEqual(['system.ExtrinsicFailed']);
    expect(defects).toEqual([new TypeError('a fault of the pallet')]);
    expect(await read('notes', 'notes', 66)).toBeNull();
  });

  it('drops a waiting transaction that has become invalid and tells its watcher', async () => {
    await test.api.rpc.author.submitExtrinsic(await note(77, 1).signAsync(alice));
    const seen: string[] = [];
    const stop = await note(77, 2).signAndSend(bob, ({ status }) => {
      seen.push(status.type);
    });
    test.node.seal();
    await vi.waitFor(() => expect(seen).toEqual(['Ready', 'Invalid']));
    expect(await read('notes', 'notes', 77)).toBe(1);
    expect(await test.api.rpc.author.pendingExtrinsics()).toHaveLength(0);
    stop();
  });

  it('goes on after a fault of a pool check, and the transaction leaves no trace', async () => {
    await test.stop();
    const defects: unknown[] = [];
    test = await startTestNode({ onDefect: (defect) => defects.push(defect) });
    // waits for an earlier nonce through block 1, up to which its check is sound
    await test.api.rpc.author.submitExtrinsic(await note(67, 1).signAsync(alice, { nonce: 1 }));
    test.node.seal();
    await test.api.rpc.author.submitExtrinsic(await note(68, 1).signAsync(alice, { nonce: 0 }));
    await test.api.rpc.author.submitExtrinsic(await note(69, 1).signAsync(bob));
    test.node.seal();
    expect(defects).toEqual([new TypeError('a fault of the check')]);
    expect([await read('notes', 'notes', 67), await read('notes', 'notes', 69)]).toEqual([null, 1]);
    expect(await read('system', 'account', alice.address)).toMatchObject({ nonce: 1 });
  });

  it('shows clients an outage and comes back on the same port', async () => {
    const ended = new Promise((resolve) => test.api.once('disconnected', resolve));
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    await test.node.unplug();
    await ended;
    test.node.sealBlocks(2);
    await test.node.plug();
    expect(await request(test.node.url, 'chain_getHeader')).toMatchObject({ number: '0x2' });
    vi.restoreAllMocks();
  });

  it('advances time by one block time with each manual block', async () => {
    test.node.sealBlocks(3);
    expect(await read('timestamp', 'now')).toBe(START_MS + 36_000);
    expect(() => test.node.seal({ nowMs: START_MS })).toThrow('not after the parent');
  });
});

describe('devnet / node / transactions that are refused', () => {
  beforeAll(async () => {
    test = await startTestNode();
    test.node.sealBlocks(3);
    vi.spyOn(console, 'error').mockImplementation(() => undefined); // the client logs each refusal
  });
  afterAll(async () => {
    vi.restoreAllMocks();
    await test.stop();
  });
  const submit = (transaction: { toU8a(): Uint8Array }) =>
    test.api.rpc.author.submitExtrinsic(u8aToHex(transaction.toU8a()) as never);

  it('refuses a used nonce', async () => {
    await include(test, await note(1, 1).signAsync(alice, { nonce: 0 }));
    await expect(submit(await note(1, 2).signAsync(alice, { nonce: 0 }))).rejects.toThrow(
      '1010: Invalid Transaction: Transaction is outdated',
    );
  });

  it('refuses a signature that does not fit', async () => {
    const forged = (await note(1, 2).signAsync(alice)).toU8a();
    const last = forged.length - 1;
    forged[last] = (forged[last] ?? 0) ^ 1;
    await expect(submit({ toU8a: () => forged })).rejects.toThrow(
      '1010: Invalid Transaction: Transaction has a bad signature',
    );
  });

  it('refuses a signature over another genesis, spec version or birth block', async () => {
    const wrong = '0x'.padEnd(66, '1');
    const { genesisHash, runtimeVersion } = test.api;
    const right = { blockHash: genesisHash, era: '0x00', genesisHash, nonce: 1, runtimeVersion };
    const { transactionVersion } = runtimeVersion;
    for (const part of [
      { genesisHash: wrong },
      { blockHash: wrong },
      { runtimeVersion: { specVersion: 424, transactionVersion } },
    ])
      await expect(submit(note(1, 2).sign(alice, { ...right, ...part } as never))).rejects.toThrow(
        'bad signature',
      );
    await expect(submit(note(1, 2).sign(alice, right as never))).resolves.toBeDefined();
  });

  it('refuses a transaction whose era has ended', async () => {
    const { hash, number } = test.node.head();
    const era = test.api.createType('ExtrinsicEra', { current: number, period: 4 });
    const transaction = await note(1, 2).signAsync(alice, { era: era.toHex(), blockHash: hash } as never);
    test.node.sealBlocks(8);
    await expect(submit(transaction)).rejects.toThrow('bad signature');
  });

  it("gives the pallet's number of a pool check", async () => {
    await expect(submit(await note(99, 2).signAsync(alice))).rejects.toThrow(
      '1010: Invalid Transaction: Custom error: 6',
    );
  });

  it('refuses what it already has, and another with the same nonce', async () => {
    const transaction = await note(3, 1).signAsync(bob);
    await submit(transaction);
    await expect(submit(transaction)).rejects.toThrow('1013: Transaction Already Imported');
    const nonce = transaction.nonce.toNumber();
    await expect(submit(await note(4, 1).signAsync(bob, { nonce }))).rejects.toThrow(
      '1014: Priority is too low',
    );
    expect(await test.api.rpc.author.pendingExtrinsics()).toHaveLength(1);
    test.node.seal();
    expect(await test.api.rpc.author.pendingExtrinsics()).toHaveLength(0);
  });

  it('refuses what is no extrinsic', async () => {
    for (const bytes of ['0x', '0x0102', '0x0c010203', '0x0cffffff'])
      await expect(request(test.node.url, 'author_submitExtrinsic', bytes)).rejects.toThrow(
        '1001: Extrinsic has invalid format',
      );
    const unsigned = note(1, 2).toHex();
    await expect(request(test.node.url, 'author_submitExtrinsic', unsigned)).rejects.toThrow('1011');
  });

  it('keeps a future nonce until the ones before it arrive', async () => {
    const carol = keyring.addFromUri('//Carol');
    await submit(await note(20, 2).signAsync(carol, { nonce: 1 }));
    test.node.seal();
    expect(await read('notes', 'notes', 20)).toBeNull();
    expect((await test.api.rpc.system.accountNextIndex(carol.address)).toNumber()).toBe(0);
    await submit(await note(21, 1).signAsync(carol, { nonce: 0 }));
    expect((await test.api.rpc.system.accountNextIndex(carol.address)).toNumber()).toBe(2);
    test.node.seal();
    expect([await read('notes', 'notes', 20), await read('notes', 'notes', 21)]).toEqual([2, 1]);
  });
});
