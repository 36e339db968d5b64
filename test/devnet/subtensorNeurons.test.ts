import { hexToU8a } from '@polkadot/util';
import { describe, expect, it } from 'vitest';
import { freeBalance } from '#src/devnet/balances.ts';
import { decayFactor } from '#src/devnet/subtensor/burnPrice.ts';
import { neuronToPrune } from '#src/devnet/subtensor/neurons.ts';
import { storage } from '#src/devnet/subtensor/storage.ts';
import { account, genesisOf, NETUID, startState, subnetGenesis, TAO } from './subtensorFixture.ts';

const bytes = (hex: string): Uint8Array => hexToU8a(`0x${hex.replaceAll(' ', '')}`);
const start = (hyperparameters = {}) => {
  const base = subnetGenesis();
  return startState(genesisOf({ ...base, hyperparameters: { ...base.hyperparameters, ...hyperparameters } }));
};

describe('devnet / subtensor / serving', () => {
  const axon = (overrides = {}) => ({
    netuid: NETUID,
    version: 1,
    ip: 3_232_235_777n,
    port: 8091,
    ipType: 4,
    protocol: 4,
    placeholder1: 0,
    placeholder2: 0,
    ...overrides,
  });

  it('has the call bytes of the real chain', () => {
    const call = start().runtime.calls.dec(
      bytes('07 04 0100 509e9800 0101a8c0000000000000000000000000 9b1f 04 04 00 00'),
    );
    expect(call.name).toBe('serve_axon');
    expect(call.args).toEqual({ ...axon({ netuid: 1, version: 10_002_000 }) });
  });

  it('stores the endpoint with its block', () => {
    const state = start();
    state.advance(2);
    expect(state.dispatch('serve_axon', axon(), 3)).toBeUndefined();
    expect(state.read().get(storage.Axons, NETUID, account(3))).toMatchObject({
      block: 2n,
      port: 8091,
      protocol: 4,
    });
  });

  it('checks in order, in the pool and at dispatch', () => {
    const state = start();
    state.advance(2);
    const both = (args: object, signer = 3) => [
      state.refuse('serve_axon', axon(args), signer),
      state.dispatch('serve_axon', axon(args), signer),
    ];
    const broken = { ip: 0x7f00_0001n, ipType: 5, port: 0 };
    expect(both(broken, 9)).toEqual([10, 'HotKeyNotRegisteredInNetwork']);
    expect(both(broken)).toEqual([255, 'InvalidIpType']);
    expect(both({ ...broken, ipType: 4 })).toEqual([11, 'InvalidIpAddress']);
    expect(both({ port: 0 })).toEqual([13, 'InvalidPort']);
    expect(both({})).toEqual([undefined, undefined]);
    state.advance();
    expect(both({ port: 0 })).toEqual([12, 'ServingRateLimitExceeded']);
    state.advance(4);
    expect(both({ port: 0 })).toEqual([13, 'InvalidPort']);
    expect(both({ ip: 0n })).toEqual([undefined, undefined]);
  });

  it('refuses loopback and broadcast but takes the rest of 127/8 and private ranges', () => {
    const state = start({ servingRateLimit: 0 });
    state.advance();
    const code = (ip: bigint, ipType = 4) => state.refuse('serve_axon', axon({ ip, ipType }), 3);
    expect(code(0x7f00_0001n)).toBe(11);
    expect(code(0x7f00_0002n)).toBeUndefined();
    expect(code(0xffff_ffffn)).toBe(11);
    expect(code(0x0a00_0001n)).toBeUndefined();
    expect(code(1n, 6)).toBe(11);
    expect(code((1n << 128n) - 1n, 6)).toBe(11);
    expect(code(0xfe80n << 112n, 6)).toBeUndefined();
  });

  it('takes 127.0.0.1 where genesis allows it', () => {
    const state = startState({ ...genesisOf(subnetGenesis()), flags: { allowLoopbackAxon: true } });
    state.advance();
    expect(state.dispatch('serve_axon', axon({ ip: 0x7f00_0001n }), 3)).toBeUndefined();
  });

  it('keeps certificates of up to 65 bytes and ignores others', () => {
    const state = start({ servingRateLimit: 0 });
    state.advance();
    const serve = (certificate: Uint8Array) =>
      state.dispatch('serve_axon_tls', { ...axon(), certificate }, 3);
    const stored = () => state.read().get(storage.NeuronCertificates, NETUID, account(3));
    expect(serve(new Uint8Array(66))).toBeUndefined();
    expect(serve(new Uint8Array(0))).toBeUndefined();
    expect(stored()).toBeUndefined();
    expect(serve(Uint8Array.of(7, 1, 2))).toBeUndefined();
    expect(stored()).toEqual({ algorithm: 7, publicKey: Uint8Array.of(1, 2) });
  });
});

describe('devnet / subtensor / registration', () => {
  const register = (hotkey: number, netuid = NETUID) => ({ netuid, hotkey: account(hotkey) });

  it('gives the next uid, takes the price and raises it', () => {
    const state = start();
    state.advance();
    expect(state.dispatch('burned_register', register(30), 50)).toBeUndefined();
    const ctx = state.read();
    expect(ctx.get(storage.Uids, NETUID, account(30))).toBe(4);
    expect(ctx.get(storage.Owner, account(30))).toEqual(account(50));
    expect(ctx.get(storage.BlockAtRegistration, NETUID, 4)).toBe(1n);
    expect(ctx.get(storage.LastUpdate, NETUID)[4]).toBe(1n);
    expect(ctx.get(storage.Active, NETUID)).toHaveLength(5);
    expect(ctx.get(storage.Burn, NETUID)).toBe(1_259_999_999n); // 1.26 is cut to 64 fraction bits
    expect(freeBalance(ctx, account(50))).toBe(99n * TAO);
  });

  it('checks in the order of the chain', () => {
    const state = start();
    state.advance();
    expect(state.dispatch('burned_register', register(3, 0), 51)).toBe(
      'RegistrationNotPermittedOnRootSubnet',
    );
    expect(state.dispatch('burned_register', register(3, 9), 51)).toBe('SubnetNotExists');
    state.write((ctx) => ctx.put(storage.NetworkRegistrationAllowed, NETUID, false));
    expect(state.dispatch('burned_register', register(3), 51)).toBe('SubNetRegistrationDisabled');
    state.write((ctx) => ctx.put(storage.NetworkRegistrationAllowed, NETUID, true));
    expect(state.dispatch('burned_register', register(3), 51)).toBe('HotKeyAlreadyRegisteredInSubNet');
    expect(state.dispatch('burned_register', register(201), 51)).toBe('NotEnoughBalanceToStake');
    expect(state.dispatch('burned_register', register(201), 50)).toBe('NonAssociatedColdKey');
    state.write((ctx) => ctx.put(storage.MaxAllowedUids, NETUID, 4));
    state.write((ctx) => ctx.put(storage.ImmunityPeriod, NETUID, 0));
    expect(state.dispatch('burned_register', register(30), 50)).toBe('NoNeuronIdAvailable');
  });

  it('registers through the former proof-of-work call and under a price limit', () => {
    const state = start();
    state.advance();
    const work = { blockNumber: 0n, nonce: 0n, work: new Uint8Array(0), coldkey: account(9) };
    expect(state.dispatch('register', { ...register(30), ...work }, 50)).toBeUndefined();
    expect(state.read().get(storage.Owner, account(30))).toEqual(account(50));
    const limited = (limitPrice: bigint) =>
      state.dispatch('register_limit', { ...register(31), limitPrice }, 50);
    expect(limited(1_259_999_998n)).toBe('RegistrationPriceLimitExceeded');
    expect(limited(1_259_999_999n)).toBeUndefined();
  });

  it('decays the price to one half in a half-life', () => {
    expect(decayFactor(360)).toBe(4_286_705_684n);
    const state = start();
    state.advance();
    expect(state.read().get(storage.Burn, NETUID)).toBe(1_000_000_000n);
    state.advance();
    expect(state.read().get(storage.Burn, NETUID)).toBe(998_076_443n);
    state.advance();
    expect(state.read().get(storage.Burn, NETUID)).toBe(996_156_586n);
    let price = 1_000_000_000n;
    for (let block = 0; block < 360; block += 1) {
      price = (price * decayFactor(360)) >> 32n;
    }
    expect(price).toBe(499_999_865n);
  });

  it('replaces the prunable neuron with the lowest emission when the subnet is full', () => {
    const state = start({ maxAllowedUids: 4, minNonImmuneUids: 0, immunityPeriod: 0 });
    state.advance(2);
    const row = { netuid: NETUID, dests: [2, 3], weights: [1, 1], versionKey: 0n };
    expect(state.dispatch('set_weights', row, 1)).toBeUndefined();
    const axon = { version: 1, ip: 9n, port: 1, ipType: 4, protocol: 4, placeholder1: 0, placeholder2: 0 };
    expect(state.dispatch('serve_axon', { netuid: NETUID, ...axon }, 4)).toBeUndefined();
    state.write((ctx) => ctx.put(storage.Emission, NETUID, [9n, 9n, 5n, 4n]));
    expect(neuronToPrune(state.read(), NETUID)).toBe(3);
    expect(state.dispatch('burned_register', register(30), 50)).toBeUndefined();
    const ctx = state.read();
    expect(ctx.get(storage.Keys, NETUID, 3)).toEqual(account(30));
    expect(ctx.get(storage.Uids, NETUID, account(4))).toBeUndefined();
    expect(ctx.get(storage.Axons, NETUID, account(4))).toBeUndefined();
    expect(ctx.get(storage.Weights, NETUID, 0)).toEqual([
      [2, 65_535],
      [3, 0],
    ]);
    expect(ctx.get(storage.Emission, NETUID)).toEqual([9n, 9n, 5n, 0n]);
    expect(ctx.get(storage.SubnetworkN, NETUID)).toBe(4);
  });

  it('prunes an immune neuron only when too few others are left, and never the owner', () => {
    const state = start({ maxAllowedUids: 4, minNonImmuneUids: 10, immunityPeriod: 3 });
    state.advance(2);
    state.write((ctx) => ctx.put(storage.Emission, NETUID, [1n, 2n, 3n, 4n]));
    expect(neuronToPrune(state.read(), NETUID)).toBe(0);
    state.write((ctx) => ctx.put(storage.SubnetOwnerHotkey, NETUID, account(1)));
    expect(neuronToPrune(state.read(), NETUID)).toBe(1);
    state.advance(2);
    expect(neuronToPrune(state.read(), NETUID)).toBeUndefined();
  });
});
