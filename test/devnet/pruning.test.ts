import { encodeAddress } from '@polkadot/util-crypto';
import { describe, expect, it } from 'vitest';
import { neuronToPrune } from '#src/devnet/subtensor/neurons.ts';
import { storage } from '#src/devnet/subtensor/storage.ts';
import { startRuntimeState } from './runtimeState.ts';
import { address, genesisOf, NETUID, subnetGenesis, TAO } from './subtensorFixture.ts';

const FULL = 256;
/** Accounts beyond those of one repeated byte. */
const wide = (id: number): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? id >> 8 : id & 255));
const wideAddress = (id: number): string => encodeAddress(wide(id), 42);
const hotkeyId = (uid: number): number => 1000 + uid;

/** 256 neurons; the owner's coldkey has the hotkeys of uids 10 and 20. */
const startFull = (hyperparameters = {}) => {
  const neurons = Array.from({ length: FULL }, (_, uid) => ({
    hotkey: wideAddress(hotkeyId(uid)),
    coldkey: uid === 10 || uid === 20 ? address(200) : wideAddress(3000 + uid),
    stake: uid < 64 ? TAO : 0n,
    validatorPermit: undefined,
  }));
  const base = subnetGenesis({ tempo: 1000, neurons });
  const state = startRuntimeState({
    ...genesisOf({
      ...base,
      hyperparameters: { ...base.hyperparameters, immunityPeriod: 100, ...hyperparameters },
    }),
    accounts: [{ address: address(50), free: 100_000n * TAO }],
  });
  // Past the immunity of genesis
  state.advance(101);
  state.put(
    storage.Emission,
    NETUID,
    Array.from({ length: FULL }, (_, uid) => BigInt(1000 + uid)),
  );
  return state;
};
type State = ReturnType<typeof startFull>;
const emissionOf = (state: State, changes: Readonly<Record<number, bigint>>): void => {
  const emission = state.read().get(storage.Emission, NETUID);
  state.put(
    storage.Emission,
    NETUID,
    emission.map((rao, uid) => changes[uid] ?? rao),
  );
};
const prune = (state: State) => neuronToPrune(state.read(), NETUID);
const register = (state: State, id: number) =>
  state.dispatch('SubtensorModule.burned_register', { netuid: NETUID, hotkey: wide(id) }, 50);

describe('devnet / pruning of a full subnet', () => {
  it('prunes the lowest emission, then the oldest registration, then the lowest uid', () => {
    const state = startFull();
    expect(prune(state)).toBe(0);
    emissionOf(state, { 100: 5n, 101: 5n, 102: 5n });
    expect(prune(state)).toBe(100);
    state.put(storage.BlockAtRegistration, NETUID, 100, 1n);
    expect(prune(state)).toBe(101);
    emissionOf(state, { 255: 4n });
    expect(prune(state)).toBe(255);
  });

  it('never prunes the owner hotkey nor the oldest hotkeys of the owner up to the limit', () => {
    const state = startFull();
    emissionOf(state, { 10: 0n, 20: 1n });
    // Both registered in genesis: the lower uid is the older one
    expect(prune(state)).toBe(20);
    state.put(storage.ImmuneOwnerUidsLimit, NETUID, 2);
    expect(prune(state)).toBe(0);
    state.put(storage.SubnetOwnerHotkey, NETUID, wide(hotkeyId(0)));
    expect(prune(state)).toBe(1);
  });

  it('turns to immune neurons once no more than MinNonImmuneUids others are left', () => {
    const state = startFull();
    // uids 0 to 244 are new again: eleven stay mortal
    for (let uid = 0; uid < 245; uid += 1) state.put(storage.BlockAtRegistration, NETUID, uid, 100n);
    expect(prune(state)).toBe(245);
    state.put(storage.BlockAtRegistration, NETUID, 245, 100n);
    // Ten are left: not more than MinNonImmuneUids
    expect(prune(state)).toBe(0);
  });

  it('gives the uid on with nothing of its former holder', () => {
    const state = startFull();
    const first = wide(hotkeyId(0));
    const axon = { version: 1, ip: 9n, port: 1, ipType: 4, protocol: 4, placeholder1: 0, placeholder2: 0 };
    state.write((ctx) => {
      ctx.put(storage.Axons, NETUID, first, { block: 1n, ...axon });
      ctx.put(storage.Weights, NETUID, 0, [[1, 65_535]]);
      ctx.put(storage.Weights, NETUID, 1, [
        [0, 65_535],
        [2, 100],
      ]);
      ctx.put(storage.Bonds, NETUID, 0, [[1, 9]]);
    });
    expect(register(state, 9000)).toBeUndefined();
    expect(state.events().at(-1)).toEqual({ name: 'NeuronRegistered', fields: [NETUID, 0, wide(9000)] });
    const ctx = state.read();
    expect(ctx.get(storage.SubnetworkN, NETUID)).toBe(FULL);
    expect(ctx.get(storage.Keys, NETUID, 0)).toEqual(wide(9000));
    expect(ctx.has(storage.Uids, NETUID, first)).toBe(false);
    expect(ctx.get(storage.IsNetworkMember, first, NETUID)).toBe(false);
    expect(ctx.has(storage.Axons, NETUID, first)).toBe(false);
    expect(ctx.has(storage.Weights, NETUID, 0)).toBe(false);
    expect(ctx.has(storage.Bonds, NETUID, 0)).toBe(false);
    expect(ctx.get(storage.Weights, NETUID, 1)).toEqual([
      [0, 0],
      [2, 100],
    ]);
    expect(ctx.get(storage.Emission, NETUID)[0]).toBe(0n);
    expect(ctx.get(storage.ValidatorPermit, NETUID)[0]).toBe(false);
    expect(ctx.get(storage.LastUpdate, NETUID)[0]).toBe(101n);
    // The new one is immune, so the next in line is its neighbour
    expect(prune(state)).toBe(1);
  });

  it('has no uid left when everybody is immortal', () => {
    const state = startFull({ immuneOwnerUidsLimit: 10 });
    for (let uid = 0; uid < FULL; uid += 1) {
      state.put(storage.BlockAtRegistration, NETUID, uid, 1n);
    }
    // All mortal, but fewer than the minimum that has to stay so
    state.put(storage.MinNonImmuneUids, NETUID, 256);
    expect(prune(state)).toBeUndefined();
    expect(register(state, 9000)).toBe('NoNeuronIdAvailable');
  });
});
