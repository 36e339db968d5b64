/** Blocks that are replaced before they are final. */
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { keyring, request, START_MS, startTestNode, type TestNode } from './nodeFixture.ts';

let test: TestNode;
let alice: ReturnType<typeof keyring.addFromUri>;
beforeAll(async () => {
  await cryptoWaitReady();
  alice = keyring.addFromUri('//Alice');
});
beforeEach(async () => {
  test = await startTestNode({ finalityLagBlocks: 5 });
  test.node.sealBlocks(2);
});
afterEach(() => test.stop());

const note = (id: number, value: number) => {
  const create = test.api.tx['notes']?.['note'];
  if (create === undefined) throw new Error('no call notes.note');
  return create(id, value);
};
const readNote = async (id: number) => (await test.api.query['notes']?.['notes']?.(id))?.toJSON();
const nonceOf = async () => (await test.api.rpc.system.accountNextIndex(alice.address)).toNumber();
/** Statuses of a watched transaction by name. */
const watch = async (id: number, value: number, nonce: number): Promise<string[]> => {
  const seen: string[] = [];
  const signed = await note(id, value).signAsync(alice, { nonce });
  await test.api.rpc.author.submitAndWatchExtrinsic(signed, ({ type }) => {
    seen.push(type);
  });
  await vi.waitFor(() => expect(seen).toEqual(['Ready']));
  return seen;
};

describe('devnet / reorg', () => {
  it('replaces blocks by others of which there is one more, and announces the longer chain', async () => {
    const heads: string[] = [];
    const all: string[] = [];
    await test.api.rpc.chain.subscribeNewHeads(({ hash }) => {
      heads.push(hash.toHex());
    });
    await test.api.rpc.chain.subscribeAllHeads(({ hash }) => {
      all.push(hash.toHex());
    });
    const old = test.node.head();
    const head = test.node.reorg({ depth: 2 });
    expect(head.number).toBe(3);
    await vi.waitFor(() => expect(all).toHaveLength(4));
    const made = [1, 2, 3].map((number) => test.node.chain.blockByNumber(number)?.hash);
    expect(all.slice(1)).toEqual(made);
    expect(heads).toEqual([old.hash, head.hash]);
    const header = await test.api.rpc.chain.getHeader(head.hash);
    expect(header.parentHash.toHex()).toBe(made[1]);
    expect(made).not.toContain(old.hash);
  });

  it('rolls the state back and plays the transactions again, their watchers told', async () => {
    const seen = await watch(1, 10, 0);
    test.node.seal();
    await vi.waitFor(() => expect(seen.at(-1)).toBe('InBlock'));
    expect(await readNote(1)).toBe(10);
    test.node.reorg({ depth: 1 });
    await vi.waitFor(() => expect(seen).toEqual(['Ready', 'InBlock', 'Retracted', 'Ready', 'InBlock']));
    expect(await readNote(1)).toBe(10);
    test.node.sealBlocks(5);
    await vi.waitFor(() => expect(seen.at(-1)).toBe('Finalized'));
  });

  it('leaves the transactions to a later block when told so', async () => {
    const seen = await watch(1, 10, 0);
    await test.api.rpc.author.submitExtrinsic(await note(1, 20).signAsync(alice, { nonce: 1 }));
    test.node.seal();
    test.node.reorg({ depth: 1, transactions: 'wait' });
    await vi.waitFor(() => expect(seen).toEqual(['Ready', 'InBlock', 'Retracted', 'Ready']));
    expect(await readNote(1)).toBeNull();
    expect(await test.api.rpc.author.pendingExtrinsics()).toHaveLength(2);
    test.node.seal();
    expect(await readNote(1)).toBe(20);
    expect(await nonceOf()).toBe(2);
  });

  it('loses the transactions when told so', async () => {
    const seen = await watch(1, 10, 0);
    test.node.seal();
    test.node.reorg({ depth: 1, transactions: 'drop' });
    await vi.waitFor(() => expect(seen).toEqual(['Ready', 'InBlock', 'Retracted', 'Dropped']));
    test.node.sealBlocks(2);
    expect(await readNote(1)).toBeNull();
    expect(await nonceOf()).toBe(0);
    const again = await watch(1, 30, 0);
    test.node.seal();
    await vi.waitFor(() => expect(again.at(-1)).toBe('InBlock'));
    expect(await readNote(1)).toBe(30);
  });

  it('tells storage subscribers of values that went back', async () => {
    const seen: unknown[] = [];
    await test.api.query['notes']?.['notes']?.(7, (value: { toJSON(): unknown }) => {
      seen.push(value.toJSON());
    });
    await test.api.rpc.author.submitExtrinsic(await note(7, 1).signAsync(alice));
    test.node.seal();
    test.node.reorg({ depth: 1, transactions: 'drop' });
    await vi.waitFor(() => expect(seen).toEqual([null, 1, null]));
  });

  it('knows the replaced blocks and their states until their height is final', async () => {
    await test.api.rpc.author.submitExtrinsic(await note(5, 9).signAsync(alice));
    const old = test.node.seal(); // 3
    await test.api.rpc.author.submitExtrinsic(await note(5, 8).signAsync(alice));
    const later = test.node.seal(); // 4
    test.node.reorg({ depth: 1, transactions: 'drop' });
    test.node.reorg({ depth: 3, transactions: 'drop' });
    const { url } = test.node;
    expect(await request(url, 'chain_getHeader', old.hash)).toMatchObject({ number: '0x3' });
    expect(await request(url, 'chain_getBlockHash', 3)).not.toBe(old.hash);
    const key = test.api.query['notes']?.['notes']?.key(5) ?? '';
    const at = async (hash: string) => [
      await request(url, 'state_getStorage', key, hash),
      await request(url, 'state_getKeysPaged', key.slice(0, 66), 10, null, hash),
    ];
    expect(await at(old.hash)).toEqual(['0x0900000000000000', [key]]);
    expect(await at(later.hash)).toEqual(['0x0800000000000000', [key]]);
    expect(await at(test.node.head().hash)).toEqual([null, []]);
    test.node.sealBlocks(4);
    expect(await request(url, 'chain_getHeader', old.hash)).toBeNull();
  });

  it('keeps the timestamps increasing', async () => {
    test.node.reorg({ depth: 2, length: 4 });
    const times = [1, 2, 3, 4].map((number) => test.node.chain.blockByNumber(number)?.timestampMs);
    expect(times).toEqual([12_001, 24_001, 36_001, 48_001].map((ms) => START_MS + ms));
    expect((await test.api.query['timestamp']?.['now']?.())?.toJSON()).toBe(START_MS + 48_001);
  });

  it('does not replace final blocks', () => {
    test.node.sealBlocks(6); // head 8, final 3
    expect(test.node.chain.finalizedHead().number).toBe(3);
    expect(() => test.node.reorg({ depth: 6 })).toThrow('5 blocks are not final');
    expect(() => test.node.reorg({ depth: 0 })).toThrow(RangeError);
    expect(() => test.node.reorg({ depth: 2, length: 1 })).toThrow(RangeError);
    expect(test.node.reorg({ depth: 5 }).number).toBe(9);
  });
});
