import { describe, expect, it } from 'vitest';
import { freeBalance } from '#src/devnet/balances.ts';
import { stakeOf } from '#src/devnet/subtensor/stake.ts';
import { storage } from '#src/devnet/subtensor/storage.ts';
import { startRuntimeState } from './runtimeState.ts';
import { account, address, genesisOf, NETUID, subnetGenesis, TAO } from './subtensorFixture.ts';

/** Coldkeys 50 and 51 with 1000 TAO each, a subnet with hotkeys 1 to 4. */
const start = (hyperparameters = {}) => {
  const base = subnetGenesis();
  const subnet = { ...base, hyperparameters: { ...base.hyperparameters, ...hyperparameters } };
  const accounts = [50, 51].map((id) => ({ address: address(id), free: 1000n * TAO }));
  const state = startRuntimeState({ ...genesisOf(subnet), accounts });
  state.advance();
  return state;
};
const place = { hotkey: account(1), netuid: NETUID };
const position = { ...place, coldkey: account(50) };
const add = (amountStaked: bigint) => ({ ...place, amountStaked });
const remove = (amountUnstaked: bigint) => ({ ...place, amountUnstaked });

describe('devnet / staking', () => {
  it('swaps one for one, and back without a loss', () => {
    const state = start();
    const before = state.read().get(storage.SubnetTAO, NETUID);
    expect(state.dispatch('SubtensorModule.add_stake', add(100n * TAO), 50)).toBeUndefined();
    expect(state.events().at(-1)).toEqual({
      name: 'StakeAdded',
      fields: [account(50), account(1), 100n * TAO, 100n * TAO, NETUID, 0n],
    });
    expect(stakeOf(state.read(), position)).toBe(100n * TAO);
    expect(freeBalance(state.read(), account(50))).toBe(900n * TAO);
    expect(state.read().get(storage.SubnetTAO, NETUID)).toBe(before + 100n * TAO);
    expect(state.read().get(storage.StakingHotkeys, account(50))).toEqual([account(1)]);

    expect(state.dispatch('SubtensorModule.remove_stake', remove(100n * TAO), 50)).toBeUndefined();
    expect(state.events().at(-1)?.name).toBe('StakeRemoved');
    expect(freeBalance(state.read(), account(50))).toBe(1000n * TAO);
    expect(stakeOf(state.read(), position)).toBe(0n);
    expect(state.read().get(storage.SubnetTAO, NETUID)).toBe(before);
    expect(state.read().get(storage.TotalHotkeyAlpha, account(1), NETUID)).toBe(300n * TAO);
  });

  it('stakes TAO on root, where it counts with the TAO weight', () => {
    const state = start();
    const onRoot = { hotkey: account(1), netuid: 0, amountStaked: 10n * TAO };
    expect(state.dispatch('SubtensorModule.add_stake', onRoot, 50)).toBeUndefined();
    expect(state.read().get(storage.TotalHotkeyAlpha, account(1), 0)).toBe(10n * TAO);
    expect(state.read().get(storage.SubnetTAO, 0)).toBe(10n * TAO);
  });

  it('shares a hotkey between stakers, rounding in favour of those who stay', () => {
    const state = start();
    for (const signer of [50, 51]) {
      expect(state.dispatch('SubtensorModule.add_stake', add(100n * TAO), signer)).toBeUndefined();
    }
    // A reward makes shares worth more than an alpha each
    state.put(storage.TotalHotkeyAlpha, account(1), NETUID, 501n * TAO + 7n);
    const other = { ...place, coldkey: account(51) };
    const before = stakeOf(state.read(), other);
    expect(state.dispatch('SubtensorModule.remove_stake', remove(33_333_333_333n), 50)).toBeUndefined();
    expect(stakeOf(state.read(), other)).toBeGreaterThanOrEqual(before);
    const left = stakeOf(state.read(), position);
    expect(state.dispatch('SubtensorModule.remove_stake', remove(left + 1n), 50)).toBe(
      'NotEnoughStakeToWithdraw',
    );
    expect(state.dispatch('SubtensorModule.remove_stake', remove(left), 50)).toBeUndefined();
    expect(stakeOf(state.read(), position)).toBe(0n);
  });

  it('checks in the order of the chain', () => {
    const state = start();
    const stake = (args: object, signer = 50) =>
      state.dispatch('SubtensorModule.add_stake', { ...add(TAO), ...args }, signer);
    expect(stake({ netuid: 9 })).toBe('SubnetNotExists');
    expect(stake({ amountStaked: 1_999_999n })).toBe('AmountTooLow');
    expect(stake({ hotkey: account(99) }, 52)).toBe('NotEnoughBalanceToStake');
    expect(stake({ hotkey: account(99) })).toBe('HotKeyAccountNotExists');
    state.put(storage.SubtokenEnabled, NETUID, false);
    expect(stake({})).toBe('SubtokenDisabled');
  });

  it('refuses to pay out more TAO than the pool holds', () => {
    const state = start();
    // Staked by genesis, without TAO behind it
    expect(state.dispatch('SubtensorModule.remove_stake', remove(300n * TAO), 101)).toBe(
      'InsufficientLiquidity',
    );
  });

  it('takes a price limit of 1 and above when buying, of 1 and below when selling', () => {
    const state = start();
    const buy = (limitPrice: bigint, allowPartial = false) =>
      state.dispatch('SubtensorModule.add_stake_limit', { ...add(TAO), limitPrice, allowPartial }, 50);
    expect(buy(TAO - 1n)).toBe('SlippageTooHigh');
    expect(buy(TAO - 1n, true)).toBe('SlippageTooHigh');
    expect(buy(TAO)).toBeUndefined();
    const sell = (limitPrice: bigint) =>
      state.dispatch(
        'SubtensorModule.remove_stake_limit',
        { ...remove(TAO), limitPrice, allowPartial: false },
        50,
      );
    expect(sell(TAO + 1n)).toBe('SlippageTooHigh');
    expect(sell(TAO)).toBeUndefined();
  });

  it('swaps against the product of the reserves where genesis asks for a dynamic subnet', () => {
    const state = start({ subnetMechanism: 1 });
    expect(state.dispatch('SubtensorModule.add_stake', add(10n * TAO), 50)).toBeUndefined();
    // 10 TAO and 10 alpha (one block has been minted beside): half of the reserve comes out
    expect(stakeOf(state.read(), position)).toBe(5n * TAO);
    expect(state.read().get(storage.SubnetAlphaIn, NETUID)).toBe(5n * TAO);
    // At 20 TAO to 5 alpha the price is 4; up to 9 the reserves may go to 30 and 3⅓
    const limited = { ...add(100n * TAO), limitPrice: 9n * TAO };
    const buy = (allowPartial: boolean) =>
      state.dispatch('SubtensorModule.add_stake_limit', { ...limited, allowPartial }, 50);
    expect(buy(false)).toBe('SlippageTooHigh');
    expect(buy(true)).toBeUndefined();
    expect(state.read().get(storage.SubnetTAO, NETUID)).toBe(30n * TAO);
  });

  it('associates a hotkey once', () => {
    const state = start();
    const associate = (signer: number) =>
      state.dispatch('SubtensorModule.try_associate_hotkey', { hotkey: account(77) }, signer);
    expect(associate(50)).toBeUndefined();
    expect(associate(51)).toBeUndefined();
    expect(state.read().get(storage.Owner, account(77))).toEqual(account(50));
    expect(state.read().get(storage.OwnedHotkeys, account(50))).toEqual([account(77)]);
  });
});

describe('devnet / takes', () => {
  const take = (value: number) => ({ hotkey: account(1), take: value });

  it('lowers at once and raises only after the rate limit, up to 18 %', () => {
    const state = start();
    const lower = (value: number, signer = 101) =>
      state.dispatch('SubtensorModule.decrease_take', take(value), signer);
    const raise = (value: number) => state.dispatch('SubtensorModule.increase_take', take(value), 101);
    expect(lower(5000, 50)).toBe('NonAssociatedColdKey');
    expect(lower(11_796)).toBe('DelegateTakeTooLow');
    expect(lower(5000)).toBeUndefined();
    expect(state.events().at(-1)).toEqual({
      name: 'TakeDecreased',
      fields: [account(101), account(1), 5000],
    });
    expect(raise(5000)).toBe('DelegateTakeTooLow');
    expect(raise(11_797)).toBe('DelegateTakeTooHigh');
    expect(raise(6000)).toBe('DelegateTxRateLimitExceeded');
    state.put(storage.TxDelegateTakeRateLimit, 0n);
    expect(raise(6000)).toBeUndefined();
    expect(state.read().get(storage.Delegates, account(1))).toBe(6000);
  });

  it('refuses takes out of bounds in the pool with their codes', () => {
    const state = start();
    const code = (name: string, value: number) => state.refuse(`SubtensorModule.${name}`, take(value), 101);
    expect(code('decrease_take', 11_796)).toMatchObject({ custom: 26 });
    expect(code('increase_take', 12_000)).toMatchObject({ custom: 27 });
    expect(code('decrease_take', 1)).toBeUndefined();
  });
});
