/** The runtime changes under clients that are connected. */
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { SPEC_425, SPEC_426 } from '#src/devnet/profiles.ts';
import { subtensorModule } from '#src/devnet/subtensor/pallet.ts';
import { include, keyring, names, notes, request, startTestNode, type TestNode } from './nodeFixture.ts';

let test: TestNode;
let alice: ReturnType<typeof keyring.addFromUri>;
const UPGRADE_BLOCK = 3;
beforeAll(async () => {
  await cryptoWaitReady();
  alice = keyring.addFromUri('//Alice');
});
beforeEach(async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined); // the client names the extension it does not know
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  test = await startTestNode({ finalityLagBlocks: 4, pallets: [subtensorModule, notes] });
  test.node.upgradeRuntime({ profile: SPEC_426, atBlock: UPGRADE_BLOCK });
});
afterEach(async () => {
  await test.stop();
  vi.restoreAllMocks();
});

const call = (section: string, method: string, ...args: readonly unknown[]) => {
  const create = test.api.tx[section]?.[method];
  if (create === undefined) throw new Error(`no call ${section}.${method}`);
  return create(...args);
};
const hashOf = (number: number): string => test.node.chain.blockByNumber(number)?.hash ?? '';
const specAt = async (number: number) =>
  ((await request(test.node.url, 'state_getRuntimeVersion', hashOf(number))) as { specVersion: number })
    .specVersion;
const CODE = '0x3a636f6465';

describe('devnet / upgrade', () => {
  it('has each block answer for the runtime of its state', async () => {
    test.node.sealBlocks(4);
    expect(await Promise.all([1, 2, 3, 4].map(specAt))).toEqual([425, 425, 426, 426]);
    const metadata = await Promise.all(
      [2, 3].map((number) => request(test.node.url, 'state_getMetadata', hashOf(number))),
    );
    expect(metadata[0]).not.toBe(metadata[1]);
    const code = await Promise.all(
      [2, 3].map((number) => request(test.node.url, 'state_getStorage', CODE, hashOf(number))),
    );
    expect(code[0]).not.toBe(code[1]);
    const version = await request(test.node.url, 'state_call', 'Core_version', '0x', hashOf(3));
    expect(String(version)).toContain(Buffer.from(Uint32Array.of(426).buffer).toString('hex'));
  });

  it('sets the code with event and digest, and notes the version in the block after', async () => {
    test.node.sealBlocks(4);
    const { digest } = await test.api.rpc.chain.getHeader(hashOf(3));
    expect(digest.logs.map((log) => log.type)).toEqual(['PreRuntime', 'RuntimeEnvironmentUpdated']);
    const at = await test.api.at(hashOf(3));
    const records = (await at.query['system']?.['events']?.()) as unknown as Parameters<typeof names>[0];
    expect(names(records)).toContain('system.CodeUpdated');
    const noted = await Promise.all(
      [3, 4].map(async (number) =>
        (await (await test.api.at(hashOf(number))).query['system']?.['lastRuntimeUpgrade']?.())?.toJSON(),
      ),
    );
    expect(noted).toMatchObject([{ specVersion: 425 }, { specVersion: 426 }]);
  });

  it('tells subscribers, and an unmodified client signs for the new version', async () => {
    test.node.sealBlocks(3);
    await vi.waitFor(() => expect(test.api.runtimeVersion.specVersion.toNumber()).toBe(426));
    const records = await include(test, await call('notes', 'note', 1, 5).signAsync(alice));
    expect(names(records)).toEqual(['notes.Noted', 'system.ExtrinsicSuccess']);
    expect(test.api.registry.signedExtensions).toContain('CheckWeightsWindow');
  });

  it('refuses signatures of the old version, waiting ones too', async () => {
    const early = await call('notes', 'note', 1, 5).signAsync(alice, { nonce: 0 });
    const late = await call('notes', 'note', 2, 5).signAsync(alice, { nonce: 1 });
    test.node.sealBlocks(2);
    const seen: string[] = [];
    await late.send(({ status }) => {
      seen.push(status.type);
    });
    test.node.seal();
    const forClient = request(test.node.url, 'author_submitExtrinsic', early.toHex());
    await expect(forClient).rejects.toThrow('1010: Invalid Transaction: Transaction has a bad signature');
    const next = await call('notes', 'note', 3, 5).signAsync(alice, {
      nonce: 0,
      runtimeVersion: { specVersion: 426, transactionVersion: 1 },
    } as never);
    await request(test.node.url, 'author_submitExtrinsic', next.toHex());
    test.node.seal();
    await vi.waitFor(() => expect(seen).toEqual(['Future', 'Ready', 'Invalid']));
  });

  it('numbers errors anew, so that clients have to go by the metadata', async () => {
    const find = (index: number) => test.api.registry.findMetaError(Uint8Array.of(7, index)).name;
    expect(find(29)).toBe('SettingWeightsTooFast');
    test.node.sealBlocks(3);
    await vi.waitFor(() => expect(test.api.runtimeVersion.specVersion.toNumber()).toBe(426));
    expect([find(19), find(20), find(21), find(31)]).toEqual([
      'WeightVecLengthIsLow',
      'NeuronIsFrozen',
      'WeightsWindowClosed',
      'SettingWeightsTooFast',
    ]);
  });

  it('happens again in the blocks that replace its own', async () => {
    test.node.sealBlocks(4);
    test.node.reorg({ depth: 3, length: 3 });
    expect(await Promise.all([1, 2, 3, 4].map(specAt))).toEqual([425, 425, 426, 426]);
    const { digest } = await test.api.rpc.chain.getHeader(hashOf(3));
    expect(digest.logs).toHaveLength(2);
  });

  it('comes too late for blocks that exist', () => {
    test.node.sealBlocks(2);
    expect(() => test.node.upgradeRuntime({ profile: SPEC_425, atBlock: 2 })).toThrow('is too late');
  });
});
