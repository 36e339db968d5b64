import { describe, expect, it } from 'vitest';
import { decodeAll } from '#src/devnet/scale.ts';
import { storage } from '#src/devnet/subtensor/storage.ts';
import {
  account,
  genesisOf,
  NETUID,
  startState,
  subnetGenesis,
  TAO,
  type TestState,
} from './subtensorFixture.ts';

/** Calls a runtime API over its own codec, as a client would get it. */
const ask = (state: TestState, name: string, args: { readonly [name: string]: unknown }): unknown => {
  const method = state.runtime.api(name);
  if (method === undefined) throw new Error(`no ${name}`);
  return decodeAll(method.returns, method.returns.enc(method.handle(state.read(), args)));
};

describe('devnet / subtensor runtime APIs', () => {
  const state = startState(genesisOf(subnetGenesis()));
  state.advance(3);

  it('lists root and the subnets', () => {
    const netuids = (name: string) =>
      (ask(state, `SubnetInfoRuntimeApi_${name}`, {}) as { readonly netuid: number }[]).map(
        ({ netuid }) => netuid,
      );
    for (const name of [
      'get_subnets_info',
      'get_subnets_info_v2',
      'get_all_dynamic_info',
      'get_all_metagraphs',
    ])
      expect([name, netuids(name)]).toEqual([name, [0, NETUID]]);
  });

  it('shows a subnet, its pool and its neurons, and nothing of a subnet that does not exist', () => {
    expect(ask(state, 'SubnetInfoRuntimeApi_get_subnet_info_v2', { netuid: NETUID })).toMatchObject({
      netuid: NETUID,
      subnetworkN: 4,
      tempo: 10,
      owner: account(200),
      identity: undefined,
    });
    expect(ask(state, 'SubnetInfoRuntimeApi_get_dynamic_info', { netuid: NETUID })).toMatchObject({
      ownerHotkey: account(201),
      taoIn: 10n * TAO,
      blocksSinceLastStep: 3n,
    });
    expect(ask(state, 'SubnetInfoRuntimeApi_get_subnet_state', { netuid: NETUID })).toMatchObject({
      hotkeys: [1, 2, 3, 4].map(account),
      alphaStake: [300n * TAO, 100n * TAO, 0n, 0n],
      emissionHistory: [
        [0n, 0n, 0n, 0n],
        [0n, 0n, 0n, 0n],
      ],
    });
    for (const name of [
      'get_subnet_info',
      'get_dynamic_info',
      'get_subnet_state',
      'get_subnet_hyperparams_v2',
    ])
      expect(ask(state, `SubnetInfoRuntimeApi_${name}`, { netuid: 9 })).toBeUndefined();
  });

  it('gives the hyperparameters in blocks and rao', () => {
    expect(ask(state, 'SubnetInfoRuntimeApi_get_subnet_hyperparams_v2', { netuid: NETUID })).toMatchObject({
      weightsRateLimit: 5n,
      // 13 889 thousandths of a tempo of 10 blocks
      activityCutoff: 138n,
      commitRevealWeightsEnabled: false,
      alphaLow: 45_875,
      alphaHigh: 58_982,
      alphaSigmoidSteepness: { bits: 1000n << 32n },
      yumaVersion: 3,
      subnetIsActive: true,
    });
  });

  it('prices alpha one for one, and by the ratio of the pool where the subnet is dynamic', () => {
    const priceOf = (of: TestState, netuid: number) =>
      ask(of, 'SwapRuntimeApi_current_alpha_price', { netuid });
    expect([priceOf(state, 0), priceOf(state, NETUID)]).toEqual([TAO, TAO]);
    const dynamic = startState(genesisOf(subnetGenesis({ hyperparameters: { subnetMechanism: 1 } })));
    dynamic.write((ctx) => ctx.put(storage.SubnetTAO, NETUID, 25n * TAO));
    dynamic.advance();
    expect(priceOf(dynamic, NETUID)).toBe((5n * TAO) / 2n);
    // 25 TAO × 10 alpha stay the product: with 25 TAO more, 5 alpha are left.
    expect(ask(dynamic, 'SwapRuntimeApi_sim_swap_tao_for_alpha', { netuid: NETUID, tao: 25n * TAO })).toEqual(
      { taoAmount: 25n * TAO, alphaAmount: 5n * TAO, taoFee: 0n, alphaFee: 0n },
    );
    expect(
      ask(dynamic, 'SwapRuntimeApi_sim_swap_alpha_for_tao', { netuid: NETUID, alpha: 10n * TAO }),
    ).toEqual({ taoAmount: (25n * TAO) / 2n, alphaAmount: 10n * TAO, taoFee: 0n, alphaFee: 0n });
  });

  it('says what a new subnet costs', () => {
    const cost = ask(state, 'SubnetRegistrationRuntimeApi_get_network_registration_cost', {});
    expect(cost).toBe(state.read().get(storage.NetworkLastLockCost));
  });

  it('shows what a coldkey has staked', () => {
    const position = { hotkey: account(1), coldkey: account(101), netuid: NETUID, stake: 300n * TAO };
    const mine = ask(state, 'StakeInfoRuntimeApi_get_stake_info_for_coldkey', {
      coldkeyAccount: account(101),
    });
    expect(mine).toMatchObject([{ ...position, isRegistered: true }]);
    expect(
      ask(state, 'StakeInfoRuntimeApi_get_stake_info_for_hotkey_coldkey_netuid', {
        hotkeyAccount: account(1),
        coldkeyAccount: account(102),
        netuid: NETUID,
      }),
    ).toMatchObject({ stake: 0n, isRegistered: true });
  });

  it('lists as delegates the hotkeys that have a take, with who stakes to them', () => {
    const delegating = startState(genesisOf(subnetGenesis()));
    expect(ask(delegating, 'DelegateInfoRuntimeApi_get_delegates', {})).toEqual([]);
    delegating.write((ctx) => ctx.put(storage.Delegates, account(1), 11_796));
    delegating.advance();
    const delegate = {
      delegateSs58: account(1),
      take: 11_796,
      nominators: [[account(101), [[NETUID, 300n * TAO]]]],
      ownerSs58: account(101),
      registrations: [NETUID],
      validatorPermits: [NETUID],
    };
    expect(ask(delegating, 'DelegateInfoRuntimeApi_get_delegates', {})).toMatchObject([delegate]);
    expect(
      ask(delegating, 'DelegateInfoRuntimeApi_get_delegated', { delegateeAccount: account(101) }),
    ).toMatchObject([[delegate, [NETUID, 300n * TAO]]]);
    expect(
      ask(delegating, 'DelegateInfoRuntimeApi_get_delegate', { delegateAccount: account(2) }),
    ).toBeUndefined();
  });
});
