/** Faults as clients meet them, switched on the handle and over RPC. */
import { once } from 'node:events';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createFaults } from '#src/devnet/faults.ts';
import { keyring, request, startTestNode, type TestNode } from './nodeFixture.ts';

let test: TestNode;
let alice: ReturnType<typeof keyring.addFromUri>;
beforeAll(async () => {
  await cryptoWaitReady();
  alice = keyring.addFromUri('//Alice');
});
beforeEach(async () => {
  test = await startTestNode({ faults: true });
});
afterEach(() => test.stop());

const note = (id: number) => {
  const create = test.api.tx['notes']?.['note'];
  if (create === undefined) throw new Error('no call notes.note');
  return create(id, 1);
};
const submit = async (id: number) => test.api.rpc.author.submitExtrinsic(await note(id).signAsync(alice));
/** Names of calls in the order of their answers; all of them are sent at once, in the order given. */
const answerOrder = async (
  calls: Readonly<Record<string, () => Promise<unknown>>>,
): Promise<readonly string[]> => {
  const answered: string[] = [];
  await Promise.all(Object.entries(calls).map(([name, call]) => call().then(() => answered.push(name))));
  return answered;
};
const elapsedMs = async (run: Promise<unknown>): Promise<number> => {
  const startMs = performance.now();
  await run;
  return performance.now() - startMs;
};

describe('devnet / faults', () => {
  it('refuses extrinsics with the errors of a node, as often as told', async () => {
    const { faults } = test.node;
    faults.refuseExtrinsics({ refusal: { kind: 'custom', code: 6 }, count: 1 });
    await expect(submit(1)).rejects.toThrow('1010: Invalid Transaction: Custom error: 6');
    faults.refuseExtrinsics({ refusal: { kind: 'temporarilyBanned' }, count: 1 });
    await expect(submit(1)).rejects.toThrow('1012: Transaction is temporarily banned');
    faults.refuseExtrinsics({ refusal: { kind: 'tooLowPriority' }, count: 1 });
    await expect(submit(1)).rejects.toThrow('1014: Priority is too low: (1 vs 1)');
    faults.refuseExtrinsics({ refusal: { kind: 'invalid', reason: 'Stale' }, count: 1 });
    await expect(submit(1)).rejects.toThrow('1010: Invalid Transaction: Transaction is outdated');
    faults.refuseExtrinsics({
      refusal: { kind: 'error', error: { code: 7, message: 'own words' } },
      count: 1,
    });
    await expect(submit(1)).rejects.toThrow('7: own words');
    await expect(submit(1)).resolves.toBeDefined();
  });

  it('refuses one call and takes another', async () => {
    const stop = test.node.faults.refuseExtrinsics({
      refusal: { kind: 'poolFull' },
      call: 'Notes.note',
    });
    await expect(submit(1)).rejects.toThrow('1016: Immediately Dropped');
    const remark = test.api.tx['system']?.['remark']?.('0x01');
    await expect(remark?.signAndSend(alice)).resolves.toBeDefined();
    stop();
    test.node.seal();
    await expect(submit(2)).resolves.toBeDefined();
  });

  it('answers slowly and with errors where the pattern fits, and nowhere else', async () => {
    const { faults, url } = test.node;
    faults.delayCalls({ method: 'system_*', delayMs: 150 });
    faults.failCalls({
      method: 'chain_getHeader',
      error: { code: -32_000, message: 'overloaded' },
      count: 1,
    });
    expect(await elapsedMs(test.api.rpc.system.name())).toBeGreaterThan(140);
    await expect(request(url, 'chain_getHeader')).rejects.toThrow('-32000: overloaded');
    await expect(request(url, 'chain_getHeader')).resolves.toMatchObject({ number: '0x0' });
    // On one connection, so that a busy machine cannot change who is asked first: only the delay lets one overtake.
    const both = { slow: () => test.api.rpc.system.name(), other: () => test.api.rpc.chain.getBlockHash(0) };
    expect(await answerOrder(both)).toEqual(['other', 'slow']);
    faults.clear();
    expect(await answerOrder(both)).toEqual(['slow', 'other']);
  });

  it('announces no head while frozen, and all of them in order afterwards', async () => {
    const seen: number[] = [];
    await test.api.rpc.chain.subscribeNewHeads(({ number }) => {
      seen.push(number.toNumber());
    });
    test.node.faults.freezeHeads(true);
    test.node.sealBlocks(3);
    expect((await test.api.rpc.chain.getHeader()).number.toNumber()).toBe(3);
    expect(seen).toEqual([0]);
    test.node.faults.freezeHeads(false);
    await vi.waitFor(() => expect(seen).toEqual([0, 1, 2, 3]));
  });

  it('keeps finality where it is while stalled', () => {
    test.node.seal();
    test.node.faults.stallFinality(true);
    test.node.sealBlocks(4);
    expect(test.node.chain.finalizedHead().number).toBe(1);
    test.node.faults.reset();
    expect(test.node.chain.finalizedHead().number).toBe(5);
  });

  it('drops connections and refuses new ones for a time', async () => {
    const socket = new WebSocket(test.node.url);
    await once(socket, 'open');
    const closed = once(socket, 'close');
    const back = test.node.faults.dropConnections({ forMs: 100 });
    expect((await closed)[0]).toBe(1001);
    const refused = new WebSocket(test.node.url);
    expect(String((await once(refused, 'error'))[0])).toContain('ECONNREFUSED');
    await back;
    expect(await request(test.node.url, 'system_chain')).toBe('test chain');
  });

  it('does all of it over RPC', async () => {
    const { url } = test.node;
    await request(url, 'devnet_refuseExtrinsics', { refusal: { kind: 'custom', code: 15 }, count: 1 });
    await expect(submit(1)).rejects.toThrow('Custom error: 15');
    await request(url, 'devnet_failCalls', { method: '*', error: { code: 1, message: 'all fail' } });
    await expect(request(url, 'system_chain')).rejects.toThrow('1: all fail');
    await request(url, 'devnet_resetFaults');
    await request(url, 'devnet_delayCalls', { method: 'system_chain', delayMs: 120, count: 1 });
    expect(await elapsedMs(request(url, 'system_chain'))).toBeGreaterThan(110);
    await request(url, 'devnet_stallFinality', true);
    await request(url, 'devnet_freezeHeads', true);
    test.node.sealBlocks(2);
    await request(url, 'devnet_reorg', { depth: 1 });
    expect(test.node.head().number).toBe(3);
    await request(url, 'devnet_upgradeRuntime', { specVersion: 426, atBlock: 4 });
    test.node.seal();
    expect(test.node.chain.runtime.version.specVersion).toBe(426);
    await request(url, 'devnet_dropConnections', { forMs: 1 });
  });

  it.each<[string, readonly unknown[], string]>([
    ['devnet_refuseExtrinsics', [{ refusal: { kind: 'odd' } }], 'a refusal of kind custom'],
    ['devnet_refuseExtrinsics', [{ refusal: { kind: 'custom', code: 256 } }], 'code as an integer'],
    ['devnet_delayCalls', [{ method: '*', delayMs: 1e9 }], 'delayMs'],
    ['devnet_freezeHeads', ['yes'], 'true or false'],
    ['devnet_reorg', [{ depth: 1 }], '0 blocks are not final'],
    ['devnet_upgradeRuntime', [{ specVersion: 1, atBlock: 9 }], 'choose one of'],
    ['devnet_upgradeRuntime', [{ specVersion: 426, atBlock: 0 }], 'is too late'],
  ])('says what is wrong with %s(%j)', async (method, params, message) => {
    await expect(request(test.node.url, method, ...params)).rejects.toThrow(message);
  });

  it('has no such methods unless asked for', async () => {
    const plain = await startTestNode();
    await expect(request(plain.node.url, 'devnet_reorg', { depth: 1 })).rejects.toThrow('-32601');
    const { methods } = (await request(plain.node.url, 'rpc_methods')) as { methods: string[] };
    expect(methods.filter((method) => method.startsWith('devnet_'))).toEqual([]);
    await plain.stop();
  });
});

describe('devnet / faults / patterns', () => {
  it('takes every character but the star as itself', () => {
    const faults = createFaults();
    faults.failCalls({ method: 'state.get*At', error: { code: 1, message: 'x' } });
    expect(faults.onCall('state.getStorageAt').error).toBeDefined();
    expect(faults.onCall('state_getStorageAt').error).toBeUndefined();
    expect(faults.onCall('state.getStorage').error).toBeUndefined();
  });

  it('refuses faults that cannot strike', () => {
    const faults = createFaults();
    expect(() => faults.failCalls({ method: '*', error: { code: 1, message: 'x' }, count: 0 })).toThrow(
      'count 0',
    );
    expect(() => faults.delayCalls({ method: '*', delayMs: Number.NaN })).toThrow('delayMs');
  });
});
