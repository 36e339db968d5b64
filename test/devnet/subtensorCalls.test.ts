import { hexToU8a, u8aToHex } from '@polkadot/util';
import { describe, expect, it } from 'vitest';
import { storageKey } from '#src/devnet/context.ts';
import { GenesisError } from '#src/devnet/genesis.ts';
import { errors } from '#src/devnet/subtensor/errors.ts';
import { storage, storageIndex } from '#src/devnet/subtensor/storage.ts';
import { axonInfo } from '#src/devnet/subtensor/structs.ts';
import {
  account,
  address,
  genesisOf,
  NETUID,
  neuron,
  startState,
  subnetGenesis,
  TAO,
} from './subtensorFixture.ts';

const bytes = (hex: string): Uint8Array => hexToU8a(`0x${hex.replaceAll(' ', '')}`);
const start = (hyperparameters = {}) => {
  const base = subnetGenesis();
  return startState(genesisOf({ ...base, hyperparameters: { ...base.hyperparameters, ...hyperparameters } }));
};

describe('devnet / subtensor / storage', () => {
  it('lies where the real chain has it', () => {
    const { runtime } = start();
    const key = (item: Parameters<typeof storageKey>[1], ...keys: unknown[]): string =>
      storageKey(runtime.layout, item, keys);
    const pallet = '0x658faa385070e074c85bf6b568cf0555';
    expect(key(storage.Tempo, 1)).toBe(`${pallet}7641384bb339f3758acddfd7053d33170100`);
    const items = [
      [storage.Weights, 'a1e7036061f484bc3048a64b64e35ec4'],
      [storage.Axons, 'b4e0c7b1d5f74994fcd58c28ab601fec'],
      [storage.Uids, 'aab1b4e78e1ea8305462ee53b3686dc8'],
      [storage.Keys, '9f99a2ce711f3a31b2fc05604c93f179'],
      [storage.LastUpdate, '696e262a16e52255a69d8acd79354146'],
      [storage.SubnetworkN, 'a1048e9d244171852dfe8db314dc68ca'],
      [storage.NetworksAdded, '0e30450fc4d507a846032a7fa65d9a43'],
      [storage.TimelockedWeightCommits, '119e1c428ff5c7c6dac4c888a10d1443'],
      [storage.StakeThreshold, '782d99ebaa64a1ba18b3e8cda1047327'],
      [storage.LastEpochBlock, '90010c37124c14146041452f9ffba0df'],
    ] as const;
    for (const [item, hash] of items) {
      expect(key(item)).toBe(`${pallet}${hash}`);
    }
  });

  it('numbers mechanisms above the subnets', () => {
    expect(storageIndex(1, 1)).toBe(4097);
    expect(storageIndex(86, 0)).toBe(86);
  });

  it('encodes an axon in 34 bytes', () => {
    const axon = {
      block: 100n,
      version: 10_002_000,
      ip: 3_232_235_777n,
      port: 8091,
      ipType: 4,
      protocol: 4,
      placeholder1: 0,
      placeholder2: 0,
    };
    expect(u8aToHex(axonInfo.enc(axon)).slice(2)).toBe(
      '6400000000000000509e98000101a8c00000000000000000000000009b1f04040000',
    );
  });

  it('numbers errors as spec 425 does', () => {
    expect(errors.SettingWeightsTooFast.index).toBe(29);
    expect(errors.CommitRevealEnabled.index).toBe(53);
    expect(errors.MechanismDoesNotExist.index).toBe(74);
  });
});

describe('devnet / subtensor / genesis', () => {
  it('writes what a new subnet has, over which hyperparameters are set', () => {
    const ctx = start({
      kappa: 40_000,
      alphaValues: '6553,19660',
      burnIncreaseMult: 1.5,
      stakeThreshold: '7',
    }).read();
    expect(ctx.get(storage.MaxAllowedValidators, NETUID)).toBe(64);
    expect(ctx.get(storage.Yuma3On, NETUID)).toBe(true);
    expect(ctx.get(storage.Kappa, NETUID)).toBe(40_000);
    expect(ctx.get(storage.AlphaValues, NETUID)).toEqual([6553, 19_660]);
    expect(ctx.get(storage.BurnIncreaseMult, NETUID).bits).toBe((3n << 64n) / 2n);
    expect(ctx.get(storage.StakeThreshold)).toBe(7n);
    expect(ctx.get(storage.TotalNetworks)).toBe(2);
  });

  it('registers neurons in order with stake and permit', () => {
    const ctx = start().read();
    expect(ctx.get(storage.Uids, NETUID, account(3))).toBe(2);
    expect(ctx.get(storage.Owner, account(3))).toEqual(account(103));
    expect(ctx.get(storage.TotalHotkeyAlpha, account(1), NETUID)).toBe(300n * TAO);
    expect(ctx.get(storage.AlphaV2, account(1), account(101), NETUID).mantissa).toBe(300n * TAO);
    expect(ctx.get(storage.ValidatorPermit, NETUID)).toEqual([true, true, false, false]);
    expect(ctx.get(storage.LastUpdate, NETUID)).toEqual([0n, 0n, 0n, 0n]);
  });

  it('says which setting does not fit and what is known', () => {
    const withSettings = (hyperparameters: Record<string, number | boolean | string>) => () =>
      startState(genesisOf(subnetGenesis({ hyperparameters })));
    expect(withSettings({ kapa: 1 })).toThrow(/unknown hyperparameter "kapa"; known are .*kappa/);
    expect(withSettings({ kappa: 70_000 })).toThrow(/kappa = 70000 of subnet 2 does not fit/);
    expect(withSettings({ yuma3On: 1 })).toThrow(/expected true or false/);
    expect(withSettings({ mechanismCountCurrent: 2 })).toThrow(/more than 256 uids over all mechanisms/);
    expect(withSettings({ maxAllowedUids: 3 })).toThrow(GenesisError);
  });

  it('refuses the root netuid, doubled hotkeys and bad addresses', () => {
    expect(() => startState(genesisOf(subnetGenesis({ netuid: 0 })))).toThrow(/netuid 0 is taken/);
    const twice = subnetGenesis({ neurons: [neuron(1, 0n), neuron(1, 0n)] });
    expect(() => startState(genesisOf(twice))).toThrow(/appears twice/);
    expect(() => startState(genesisOf(subnetGenesis({ ownerHotkey: '5abc' })))).toThrow(
      /owner hotkey of subnet 2/,
    );
  });
});

describe('devnet / subtensor / weights', () => {
  const weigh = (overrides = {}) => ({
    netuid: NETUID,
    dests: [2, 3],
    weights: [10, 20],
    versionKey: 0n,
    ...overrides,
  });

  it('has the call bytes of the real chain', () => {
    const { runtime } = start();
    const plain = runtime.calls.dec(bytes('07 00 0100 08 0100 0200 08 0a00 1400 0000000000000000'));
    expect(plain.name).toBe('set_weights');
    expect(plain.args).toEqual({ netuid: 1, dests: [1, 2], weights: [10, 20], versionKey: 0n });
    const mechanism = runtime.calls.dec(bytes('07 77 0100 01 04 0100 04 0a00 2a00000000000000'));
    expect(mechanism.name).toBe('set_mechanism_weights');
    expect(mechanism.args).toEqual({ netuid: 1, mecid: 1, dests: [1], weights: [10], versionKey: 42n });
  });

  it('stores the row scaled to 65535 and the block, and says so', () => {
    const state = start();
    state.advance(3);
    expect(state.dispatch('set_weights', weigh(), 1)).toBeUndefined();
    const ctx = state.read();
    expect(ctx.get(storage.Weights, NETUID, 0)).toEqual([
      [2, 32_768],
      [3, 65_535],
    ]);
    expect(ctx.get(storage.LastUpdate, NETUID)).toEqual([3n, 0n, 0n, 0n]);
  });

  it('keeps weights of mechanisms apart', () => {
    const state = start({ mechanismCountCurrent: 2, maxAllowedUids: 128 });
    state.advance(3);
    expect(state.dispatch('set_mechanism_weights', { ...weigh(), mecid: 1 }, 1)).toBeUndefined();
    const ctx = state.read();
    expect(ctx.get(storage.Weights, NETUID, 0)).toEqual([]);
    expect(ctx.get(storage.Weights, storageIndex(NETUID, 1), 0)).toHaveLength(2);
    expect(ctx.get(storage.LastUpdate, storageIndex(NETUID, 1))[0]).toBe(3n);
    expect(state.dispatch('set_weights', weigh(), 1)).toBeUndefined();
    expect(state.dispatch('set_mechanism_weights', { ...weigh(), mecid: 2 }, 1)).toBe(
      'MechanismDoesNotExist',
    );
  });

  /** Breaks every check at once, then mends one after the other: each error shows in the chain's order. */
  it('checks in the order of the chain', () => {
    const state = start({
      commitRevealWeightsEnabled: true,
      stakeThreshold: '1',
      weightsVersionKey: 9,
      minAllowedWeights: 2,
    });
    state.advance(2);
    const set = (item: Parameters<typeof storageKey>[1], ...keysAndValue: unknown[]): void => {
      state.write((ctx) => {
        (ctx.put as (...args: unknown[]) => void)(item, ...keysAndValue);
      });
    };
    const reason = (args: object, signer = 9): string | undefined =>
      state.dispatch('set_weights', weigh(args), signer);
    const broken = { netuid: 77, dests: [9, 9, 9, 9, 9], weights: [1, 1, 1, 1] };
    expect(reason({ ...broken, netuid: NETUID })).toBe('CommitRevealEnabled');
    set(storage.CommitRevealWeightsEnabled, NETUID, false);
    set(storage.CommitRevealWeightsEnabled, 0, false);
    set(storage.CommitRevealWeightsEnabled, 77, false);
    expect(reason({ ...broken, netuid: 0 })).toBe('CanNotSetRootNetworkWeights');
    expect(reason(broken)).toBe('WeightVecNotEqualSize');
    const equal = { ...broken, weights: [1, 1, 1, 1, 1] };
    expect(reason(equal)).toBe('MechanismDoesNotExist');
    const existing = { ...equal, netuid: NETUID };
    expect(reason(existing)).toBe('UidsLengthExceedUidsInSubNet');
    const fitting = { dests: [9, 9], weights: [1, 1] };
    expect(reason(fitting)).toBe('HotKeyNotRegisteredInSubNet');
    expect(reason(fitting, 3)).toBe('NotEnoughStakeToSetWeights');
    expect(reason(fitting, 1)).toBe('IncorrectWeightVersionKey');
    set(storage.LastUpdate, NETUID, [1n, 1n, 1n, 1n]);
    const current = { ...fitting, versionKey: 9n };
    expect(reason(current, 1)).toBe('SettingWeightsTooFast');
    state.advance(4);
    set(storage.ValidatorPermit, NETUID, [false, true, false, false]);
    expect(reason(current, 1)).toBe('NeuronNoValidatorPermit');
    set(storage.ValidatorPermit, NETUID, [true, true, false, false]);
    expect(reason(current, 1)).toBe('DuplicateUids');
    expect(reason({ ...current, dests: [9], weights: [1] }, 1)).toBe('UidVecContainInvalidOne');
    expect(reason({ ...current, dests: [3], weights: [1] }, 1)).toBe('WeightVecLengthIsLow');
    expect(reason({ versionKey: 9n }, 1)).toBeUndefined();
  });

  it('lets anybody with stake weigh itself, without permit or length', () => {
    const state = start({ minAllowedWeights: 3 });
    state.advance();
    expect(state.dispatch('set_weights', weigh({ dests: [2], weights: [5] }), 3)).toBeUndefined();
    expect(state.dispatch('set_weights', weigh({ dests: [2], weights: [5] }), 4)).toBe(
      'NeuronNoValidatorPermit',
    );
  });

  it('exempts the owner hotkey from stake and permit', () => {
    const base = subnetGenesis({
      hyperparameters: { commitRevealWeightsEnabled: false, stakeThreshold: '5' },
    });
    const state = startState(genesisOf({ ...base, ownerHotkey: address(3), ownerColdkey: address(103) }));
    state.advance();
    expect(state.refuse('set_weights', weigh(), 3)).toBeUndefined();
    expect(state.dispatch('set_weights', weigh(), 3)).toBeUndefined();
    expect(state.refuse('set_weights', weigh(), 4)).toBe(1);
  });

  it('accepts an empty row where none is required', () => {
    const state = start({ minAllowedWeights: 0 });
    state.advance();
    expect(state.dispatch('set_weights', weigh({ dests: [], weights: [] }), 1)).toBeUndefined();
    expect(state.read().get(storage.Weights, NETUID, 0)).toEqual([]);
  });

  it('is refused in the pool for stake (1) before the rate (6), and not at all under commit-reveal', () => {
    const state = start({ stakeThreshold: '1' });
    state.advance();
    expect(state.refuse('set_weights', weigh(), 1)).toBeUndefined();
    expect(state.dispatch('set_weights', weigh(), 1)).toBeUndefined();
    expect(state.refuse('set_weights', weigh(), 1)).toBe(6);
    expect(state.refuse('set_mechanism_weights', { ...weigh(), mecid: 0 }, 1)).toBe(6);
    expect(state.refuse('set_weights', weigh(), 3)).toBe(1);
    state.advance(4);
    // The next block is the fifth after the weights: equality passes.
    expect(state.refuse('set_weights', weigh(), 1)).toBeUndefined();
    const revealing = start({ commitRevealWeightsEnabled: true });
    revealing.advance();
    revealing.write((ctx) => ctx.put(storage.LastUpdate, NETUID, [1n, 1n, 1n, 1n]));
    expect(revealing.refuse('set_weights', weigh(), 1)).toBeUndefined();
    expect(revealing.dispatch('set_weights', weigh(), 1)).toBe('CommitRevealEnabled');
  });
});
