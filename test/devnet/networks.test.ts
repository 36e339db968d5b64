import { describe, expect, it } from 'vitest';
import { freeBalance } from '#src/devnet/balances.ts';
import { scheduleOf } from '#src/devnet/subtensor/epochSchedule.ts';
import { networkLockCost } from '#src/devnet/subtensor/networks.ts';
import { storage } from '#src/devnet/subtensor/storage.ts';
import { nextEpochBlock } from '#src/domain/epoch.ts';
import { startRuntimeState } from './runtimeState.ts';
import { account, address, genesisOf, NETUID, subnetGenesis, TAO } from './subtensorFixture.ts';

const start = () => {
  const accounts = [50, 51].map((id) => ({ address: address(id), free: 10_000n * TAO }));
  const state = startRuntimeState({ ...genesisOf(subnetGenesis()), accounts });
  state.advance(20);
  return state;
};
type State = ReturnType<typeof start>;
const register = (state: State, hotkey = 70, signer = 50) =>
  state.dispatch('SubtensorModule.register_network', { hotkey: account(hotkey) }, signer);
const startCall = (state: State, netuid: number, signer = 50) =>
  state.dispatch('SubtensorModule.start_call', { netuid }, signer);

describe('devnet / networks', () => {
  it('creates a subnet on the lowest free netuid with the values of a new one', () => {
    const state = start();
    expect(register(state)).toBeUndefined();
    expect(state.events().at(-1)).toEqual({ name: 'NetworkAdded', fields: [1, 0] });
    const ctx = state.read();
    expect(ctx.get(storage.SubnetOwner, 1)).toEqual(account(50));
    expect(ctx.get(storage.SubnetOwnerHotkey, 1)).toEqual(account(70));
    expect(ctx.get(storage.Uids, 1, account(70))).toBe(0);
    expect(ctx.get(storage.Tempo, 1)).toBe(360);
    expect(ctx.get(storage.MaxAllowedValidators, 1)).toBe(64);
    expect(ctx.get(storage.MinAllowedWeights, 1)).toBe(1);
    expect(ctx.get(storage.ImmunityPeriod, 1)).toBe(5000);
    expect(ctx.get(storage.Yuma3On, 1)).toBe(true);
    expect(ctx.get(storage.Burn, 1)).toBe(TAO);
    expect(ctx.get(storage.SubnetEmissionEnabled, 1)).toBe(false);
    expect(ctx.get(storage.NetworkRegisteredAt, 1)).toBe(20n);
    expect(ctx.get(storage.TotalNetworks)).toBe(3);
    // 1000 TAO are locked and become the pool
    expect(freeBalance(ctx, account(50))).toBe(9000n * TAO);
    expect(ctx.get(storage.SubnetTAO, 1)).toBe(1000n * TAO);
    expect(ctx.get(storage.SubnetAlphaIn, 1)).toBe(1000n * TAO);
    expect(ctx.get(storage.SubnetLocked, 1)).toBe(1000n * TAO);
  });

  it('spreads first epochs by the netuid', () => {
    const state = start();
    expect(register(state)).toBeUndefined();
    expect(state.read().get(storage.LastEpochBlock, 1)).toBe(19n);
    expect(nextEpochBlock(scheduleOf(state.read(), 1))).toBe(379);
  });

  it('asks twice the last lock, falling over 14 days, at most one a day', () => {
    const state = start();
    expect(networkLockCost(state.read())).toBe(1000n * TAO);
    expect(register(state)).toBeUndefined();
    expect(networkLockCost(state.read())).toBe(2000n * TAO);
    expect(register(state, 71)).toBe('NetworkTxRateLimitExceeded');
    expect(state.refuse('SubtensorModule.register_network', { hotkey: account(71) }, 50)).toMatchObject({
      custom: 6,
    });
    state.put(storage.NetworkRateLimit, 10n);
    state.advance(100);
    // 1000 TAO / 100_800 blocks, floored, 100 times
    expect(networkLockCost(state.read())).toBe(2000n * TAO - ((1000n * TAO) / 100_800n) * 100n);
    expect(register(state, 71, 51)).toBeUndefined();
    expect(state.read().get(storage.SubnetOwner, 3)).toEqual(account(51));
  });

  it('refuses foreign hotkeys, empty accounts, bad identities and one subnet too many', () => {
    const state = start();
    expect(register(state, 1)).toBe('NonAssociatedColdKey');
    expect(register(state, 70, 60)).toBe('CannotAffordLockCost');
    const text = new Uint8Array(0);
    const identity = {
      subnetName: new Uint8Array(257),
      githubRepo: text,
      subnetContact: text,
      subnetUrl: text,
      discord: text,
      description: text,
      logoUrl: text,
      additional: text,
    };
    const named = (subnetName: Uint8Array) =>
      state.dispatch(
        'SubtensorModule.register_network_with_identity',
        { hotkey: account(70), identity: { ...identity, subnetName } },
        50,
      );
    expect(named(identity.subnetName)).toBe('InvalidIdentity');
    expect(named(Uint8Array.of(109))).toBeUndefined();
    expect(state.read().get(storage.SubnetIdentitiesV3, 1)?.subnetName).toEqual(Uint8Array.of(109));
    state.put(storage.SubnetLimit, 2);
    state.put(storage.NetworkRateLimit, 0n);
    expect(register(state, 71)).toBe('SubnetLimitReached');
  });

  it('emits alpha and can be staked to from the start call on', () => {
    const state = start();
    expect(register(state)).toBeUndefined();
    state.advance();
    expect(state.read().get(storage.SubnetAlphaOut, 1)).toBe(0n);
    const stake = { hotkey: account(70), netuid: 1, amountStaked: TAO };
    expect(state.dispatch('SubtensorModule.add_stake', stake, 51)).toBe('SubtokenDisabled');
    expect(startCall(state, 9)).toBe('SubnetNotExists');
    expect(startCall(state, 1, 51)).toBe('BadOrigin');
    state.put(storage.StartCallDelay, 2n);
    expect(startCall(state, 1)).toBe('NeedWaitingMoreBlocksToStarCall');
    state.advance();
    expect(startCall(state, 1)).toBeUndefined();
    expect(state.events().at(-1)).toEqual({ name: 'FirstEmissionBlockNumberSet', fields: [1, 23n] });
    expect(startCall(state, 1)).toBe('FirstEmissionBlockNumberAlreadySet');
    expect(state.dispatch('SubtensorModule.add_stake', stake, 51)).toBeUndefined();
    state.advance();
    expect(state.read().get(storage.SubnetAlphaOut, 1)).toBe(2n * TAO);
  });
});

describe('devnet / root registration', () => {
  const toRoot = (state: State, hotkey: number, signer = 50) =>
    state.dispatch('SubtensorModule.root_register', { hotkey: account(hotkey) }, signer);

  it('gives uids on root, one per block and six per interval', () => {
    const state = start();
    for (let hotkey = 80; hotkey < 86; hotkey += 1) {
      expect(toRoot(state, hotkey)).toBeUndefined();
      expect(toRoot(state, 90)).toBe('TooManyRegistrationsThisBlock');
      state.advance();
    }
    expect(state.read().get(storage.SubnetworkN, 0)).toBe(6);
    expect(toRoot(state, 90)).toBe('TooManyRegistrationsThisInterval');
    state.advance(80);
    expect(toRoot(state, 80)).toBe('HotKeyAlreadyRegisteredInSubNet');
    expect(toRoot(state, 90, 51)).toBeUndefined();
    expect(state.events().map(({ name }) => name)).toContain('DelegateAdded');
    expect(state.events().at(-1)).toEqual({ name: 'NeuronRegistered', fields: [0, 6, account(90)] });
  });

  it('takes the uid of the smallest stake when root is full', () => {
    const state = start();
    state.put(storage.MaxAllowedUids, 0, 2);
    for (const hotkey of [80, 81]) {
      expect(toRoot(state, hotkey)).toBeUndefined();
      state.advance();
    }
    state.put(storage.TotalHotkeyAlpha, account(80), 0, 5n * TAO);
    state.put(storage.TotalHotkeyAlpha, account(81), 0, 3n * TAO);
    expect(toRoot(state, 82)).toBe('StakeTooLowForRoot');
    state.put(storage.TotalHotkeyAlpha, account(82), 0, 4n * TAO);
    expect(toRoot(state, 82)).toBeUndefined();
    expect(state.read().get(storage.Keys, 0, 1)).toEqual(account(82));
    expect(state.read().get(storage.SubnetworkN, 0)).toBe(2);
    expect(state.read().get(storage.SubnetworkN, NETUID)).toBe(4);
  });
});
