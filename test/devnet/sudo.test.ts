import type { EventRecord } from '@polkadot/types/interfaces';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeGenesis } from '#src/devnet/genesis.ts';
import { defaultPallets } from '#src/devnet/runtime.ts';
import { storage } from '#src/devnet/subtensor/storage.ts';
import { sudoStorage } from '#src/devnet/sudo.ts';
import { include, keyring, names, startTestNode, type TestNode } from './nodeFixture.ts';
import { startRuntimeState } from './runtimeState.ts';
import { account, address, genesisOf, NETUID, subnetGenesis, TAO } from './subtensorFixture.ts';

const start = () => {
  const state = startRuntimeState({ ...genesisOf(subnetGenesis()), sudo: address(60) });
  state.advance();
  return state;
};
type State = ReturnType<typeof start>;
const kappa = (state: State) => state.callOf('AdminUtils.sudo_set_kappa', { netuid: NETUID, kappa: 9 });
const sudo = (state: State, call: unknown, signer = 60) => state.dispatch('Sudo.sudo', { call }, signer);

describe('devnet / sudo', () => {
  it('runs a call as root for the key, and for nobody else', () => {
    const state = start();
    expect(sudo(state, kappa(state), 50)).toBe('RequireSudo');
    expect(state.refuse('Sudo.sudo', { call: kappa(state) }, 50)).toEqual({ reason: 'BadSigner' });
    expect(state.refuse('Sudo.sudo', { call: kappa(state) }, 60)).toBeUndefined();
    expect(sudo(state, kappa(state))).toBeUndefined();
    expect(state.read().get(storage.Kappa, NETUID)).toBe(9);
    expect(state.events().at(-1)).toEqual({
      name: 'Sudid',
      fields: { sudoResult: { tag: 'Ok', value: [[]] } },
    });
  });

  it('succeeds itself when the call fails, and says so', () => {
    const state = start();
    const call = state.callOf('AdminUtils.sudo_set_kappa', { netuid: 99, kappa: 9 });
    expect(sudo(state, call)).toBeUndefined();
    expect(state.events()).toEqual([
      {
        name: 'Sudid',
        fields: {
          sudoResult: {
            tag: 'Err',
            value: [{ tag: 'Module', value: [{ index: 19, error: new Uint8Array(4) }] }],
          },
        },
      },
    ]);
  });

  it('acts for another account', () => {
    const state = start();
    const call = state.callOf('SubtensorModule.try_associate_hotkey', { hotkey: account(70) });
    const who = { tag: 'Id', value: [account(51)] };
    expect(state.dispatch('Sudo.sudo_as', { who, call }, 60)).toBeUndefined();
    expect(state.read().get(storage.Owner, account(70))).toEqual(account(51));
    expect(state.events().at(-1)?.name).toBe('SudoAsDone');
  });

  it('hands the key on and gives it up', () => {
    const state = start();
    expect(state.dispatch('Sudo.set_key', { new: { tag: 'Id', value: [account(61)] } }, 60)).toBeUndefined();
    expect(state.events()).toEqual([{ name: 'KeyChanged', fields: { old: account(60), new: account(61) } }]);
    expect(sudo(state, kappa(state))).toBe('RequireSudo');
    expect(state.dispatch('Sudo.remove_key', {}, 61)).toBeUndefined();
    expect(state.read().get(sudoStorage.Key)).toBeUndefined();
    expect(sudo(state, kappa(state), 61)).toBe('RequireSudo');
  });
});

describe('devnet / sudo and batches of an unmodified client', () => {
  const alice = keyring.addFromUri('//Alice');
  const bob = keyring.addFromUri('//Bob');
  let test: TestNode;
  beforeAll(async () => {
    const genesis = decodeGenesis({
      accounts: ['//Alice', '//Bob'].map((uri) => ({ address: uri, free: String(1000n * TAO) })),
      subnets: [{ netuid: NETUID, tempo: 100, ownerColdkey: '//Alice', ownerHotkey: '//Alice//owner' }],
    });
    test = await startTestNode({ genesis, pallets: defaultPallets });
  });
  afterAll(() => test.stop());

  const tx = (section: string, method: string) => {
    const call = test.api.tx[section]?.[method];
    if (call === undefined) throw new Error(`the client knows no ${section}.${method}`);
    return call;
  };
  const sign = (call: ReturnType<ReturnType<typeof tx>>, signer = alice) => call.signAsync(signer);
  const resultOf = (records: readonly EventRecord[], name: string): string | undefined =>
    records.find(({ event }) => `${event.section}.${event.method}` === name)?.event.data.toString();

  it('decodes nested calls, of Alice by default', async () => {
    const inner = tx('adminUtils', 'sudoSetStakeThreshold')(12_345);
    const records = await include(test, await sign(tx('sudo', 'sudo')(inner)));
    expect(names(records)).toContain('subtensorModule.StakeThresholdSet');
    expect(resultOf(records, 'sudo.Sudid')).toBe('[{"ok":null}]');
    const stored = await test.api.query['subtensorModule']?.['stakeThreshold']?.();
    expect(stored?.toString()).toBe('12345');
  });

  it('refuses the sudo of others in the pool', async () => {
    const inner = tx('adminUtils', 'sudoSetStakeThreshold')(1);
    const signed = await sign(tx('sudo', 'sudo')(inner), bob);
    await expect(test.api.rpc.author.submitExtrinsic(signed)).rejects.toThrow('1010');
  });

  it('runs batches and shows the error of an interrupted one', async () => {
    const calls = [
      tx('system', 'remark')('0x01'),
      tx('subtensorModule', 'startCall')(9),
      tx('system', 'remark')('0x02'),
    ];
    const records = await include(test, await sign(tx('utility', 'batch')(calls), bob));
    expect(names(records)).toContain('utility.BatchInterrupted');
    // SubnetNotExists of SubtensorModule
    expect(resultOf(records, 'utility.BatchInterrupted')).toBe(
      '[1,{"module":{"index":7,"error":"0x4c000000"}}]',
    );
  });

  it('has a filtered batch fail with System.CallFiltered', async () => {
    const inner = tx('utility', 'batch')([]);
    const records = await include(test, await sign(tx('utility', 'batch')([inner]), bob));
    expect(resultOf(records, 'system.ExtrinsicFailed')).toContain(
      '{"module":{"index":0,"error":"0x05000000"}}',
    );
  });
});
