import { describe, expect, it } from 'vitest';
import { splitAmongParents } from '#src/devnet/subtensor/dividends.ts';
import { inheritedStake, stakeWeightOf } from '#src/devnet/subtensor/stake.ts';
import { storage } from '#src/devnet/subtensor/storage.ts';
import { stakeWeightRao } from '#src/domain/stakeWeight.ts';
import { startRuntimeState } from './runtimeState.ts';
import { account, genesisOf, NETUID, subnetGenesis, TAO } from './subtensorFixture.ts';

const ALL = (1n << 64n) - 1n;
const HALF = ALL / 2n + 1n;

const start = (hyperparameters = {}) => {
  const base = subnetGenesis();
  const state = startRuntimeState(
    genesisOf({ ...base, hyperparameters: { ...base.hyperparameters, ...hyperparameters } }),
  );
  state.advance();
  return state;
};
type State = ReturnType<typeof start>;
const children = (...links: (readonly [bigint, number])[]) =>
  links.map(([proportion, id]) => [proportion, account(id)] as const);
const setChildren = (state: State, links: ReturnType<typeof children>, hotkey = 1, signer = 100 + hotkey) =>
  state.dispatch(
    'SubtensorModule.set_children',
    { hotkey: account(hotkey), netuid: NETUID, children: links },
    signer,
  );

describe('devnet / child keys', () => {
  it('takes children with the first epoch after they are set, and links both ends', () => {
    const state = start();
    expect(setChildren(state, children([HALF, 3]))).toBeUndefined();
    expect(state.events().at(-1)).toEqual({
      name: 'SetChildrenScheduled',
      fields: [account(1), NETUID, 1n, children([HALF, 3])],
    });
    expect(state.read().get(storage.ChildKeys, account(1), NETUID)).toEqual([]);
    state.advance(9);
    expect(state.events()).toContainEqual({
      name: 'SetChildren',
      fields: [account(1), NETUID, children([HALF, 3])],
    });
    expect(state.read().get(storage.ChildKeys, account(1), NETUID)).toEqual(children([HALF, 3]));
    expect(state.read().get(storage.ParentKeys, account(3), NETUID)).toEqual(children([HALF, 1]));
    expect(state.read().iterate(storage.PendingChildKeys, NETUID)).toEqual([]);
  });

  it('waits for the cooldown', () => {
    const state = start();
    state.put(storage.PendingChildKeyCooldown, 15n);
    expect(setChildren(state, children([HALF, 3]))).toBeUndefined();
    state.advance(9);
    expect(state.read().get(storage.ChildKeys, account(1), NETUID)).toEqual([]);
    state.advance(10);
    expect(state.read().get(storage.ChildKeys, account(1), NETUID)).toHaveLength(1);
  });

  it('applies at once before the start call, and unlinks who is left out later', () => {
    const state = start();
    state.put(storage.SubtokenEnabled, NETUID, false);
    expect(setChildren(state, children([HALF, 4], [100n, 3]))).toBeUndefined();
    // Sorted by account, as the chain's map
    expect(state.read().get(storage.ChildKeys, account(1), NETUID)).toEqual(children([100n, 3], [HALF, 4]));
    state.advance(150);
    expect(setChildren(state, children([7n, 4]))).toBeUndefined();
    expect(state.read().get(storage.ParentKeys, account(3), NETUID)).toEqual([]);
    expect(state.read().get(storage.ParentKeys, account(4), NETUID)).toEqual(children([7n, 1]));
  });

  it('checks in the order of the chain', () => {
    const state = start();
    const six = children(...[10, 11, 12, 13, 14, 15].map((id) => [1n, id] as const));
    expect(setChildren(state, six, 1, 50)).toBe('NonAssociatedColdKey');
    expect(setChildren(state, children([1n, 3], [1n, 3]))).toBe('DuplicateChild');
    expect(setChildren(state, six)).toBe('TooManyChildren');
    expect(setChildren(state, children([1n, 1]))).toBe('InvalidChild');
    expect(setChildren(state, children([ALL, 3], [1n, 4]))).toBe('ProportionOverflow');
    state.put(storage.StakeThreshold, 1000n * TAO);
    expect(setChildren(state, children([1n, 3]))).toBe('NotEnoughStakeToSetChildkeys');
    state.put(storage.StakeThreshold, 0n);
    expect(setChildren(state, children([HALF, 3]))).toBeUndefined();
    expect(setChildren(state, [])).toBe('TxRateLimitExceeded');
    state.advance(9);
    expect(setChildren(state, children([1n, 1]), 3)).toBe('ChildParentInconsistency');
    const onRoot = { hotkey: account(2), netuid: 0, children: [] };
    expect(state.dispatch('SubtensorModule.set_children', onRoot, 102)).toBe(
      'RegistrationNotPermittedOnRootSubnet',
    );
  });

  it('lends stake to the child, alpha and root TAO alike', () => {
    const state = start();
    state.put(storage.TotalHotkeyAlpha, account(1), 0, 1000n * TAO);
    state.put(storage.ChildKeys, account(1), NETUID, children([HALF, 3]));
    state.put(storage.ParentKeys, account(3), NETUID, children([HALF, 1]));
    const ctx = state.read();
    expect(inheritedStake(ctx, NETUID, account(1))).toEqual({ alphaRao: 150n * TAO, taoRao: 500n * TAO });
    expect(inheritedStake(ctx, NETUID, account(3))).toEqual({ alphaRao: 150n * TAO, taoRao: 500n * TAO });
    // 150 alpha and 500 TAO at 0.0526769743872833
    expect(Number(stakeWeightRao(stakeWeightOf(ctx, NETUID, account(3)))) / 1e9).toBeCloseTo(176.3384, 3);
    expect(inheritedStake(ctx, NETUID, account(2)).alphaRao).toBe(100n * TAO);
  });

  it('gives everything to the parent whose stake the child validates with, less the childkey take', () => {
    const state = start();
    state.put(storage.ChildKeys, account(1), NETUID, children([ALL, 3]));
    state.put(storage.ParentKeys, account(3), NETUID, children([ALL, 1]));
    state.put(storage.ChildkeyTake, account(3), NETUID, 6554);
    state.write((ctx) => {
      const [parent, child] = splitAmongParents(ctx, { hotkey: account(3), netuid: NETUID, rao: TAO });
      expect(parent?.hotkey).toEqual(account(1));
      expect(Number(parent?.rao) / 1e9).toBeCloseTo(0.9, 4);
      expect(child?.hotkey).toEqual(account(3));
      expect(Number(child?.rao) / 1e9).toBeCloseTo(0.1, 4);
    });
    // Both of one coldkey: no take
    state.put(storage.Owner, account(3), account(101));
    state.write((ctx) => {
      const [parent] = splitAmongParents(ctx, { hotkey: account(3), netuid: NETUID, rao: TAO });
      expect(Number(parent?.rao)).toBeGreaterThan(Number(TAO) - 10);
    });
  });

  it('pays a parent for what its child validated', () => {
    const state = start();
    state.put(storage.ChildKeys, account(1), NETUID, children([ALL, 3]));
    state.put(storage.ParentKeys, account(3), NETUID, children([ALL, 1]));
    state.put(storage.ValidatorPermit, NETUID, [false, false, true, false]);
    const weights = { netuid: NETUID, dests: [3], weights: [1], versionKey: 0n };
    state.advance();
    expect(state.dispatch('SubtensorModule.set_weights', weights, 3)).toBeUndefined();
    const before = state.read().get(storage.TotalHotkeyAlpha, account(1), NETUID);
    state.advance(8);
    const ctx = state.read();
    expect(ctx.get(storage.Dividends, NETUID)[2]).toBe(65_535);
    expect(ctx.get(storage.TotalHotkeyAlpha, account(1), NETUID)).toBeGreaterThan(before);
    expect(ctx.get(storage.AlphaDividendsPerSubnet, NETUID, account(1))).toBeGreaterThan(0n);
    expect(ctx.get(storage.TotalHotkeyAlpha, account(3), NETUID)).toBe(0n);
  });

  it('sets a childkey take of up to 18 %, and raises it only after the rate limit', () => {
    const state = start();
    const set = (take: number, signer = 101) =>
      state.dispatch(
        'SubtensorModule.set_childkey_take',
        { hotkey: account(1), netuid: NETUID, take },
        signer,
      );
    expect(set(100, 50)).toBe('NonAssociatedColdKey');
    expect(set(11_797)).toBe('InvalidChildkeyTake');
    expect(set(1000)).toBeUndefined();
    expect(state.events().at(-1)).toEqual({ name: 'ChildKeyTakeSet', fields: [account(1), 1000] });
    expect(set(1001)).toBe('TxChildkeyTakeRateLimitExceeded');
    expect(set(900)).toBeUndefined();
  });
});

describe('devnet / dividends of root', () => {
  const twoSubnets = () => {
    const base = subnetGenesis();
    const other = { ...base, netuid: 3, neurons: [] };
    return startRuntimeState(genesisOf(base, other));
  };

  it('are recycled while the alpha of all subnets is worth no more than 1 TAO', () => {
    const state = start();
    state.put(storage.SubnetTAO, 0, 1_000_000n * TAO);
    state.put(storage.TotalHotkeyAlpha, account(1), 0, 1_000_000n * TAO);
    const before = state.read().get(storage.SubnetAlphaOut, NETUID);
    state.advance();
    const ctx = state.read();
    expect(ctx.get(storage.PendingRootAlphaDivs, NETUID)).toBe(0n);
    // 1 alpha is minted; root's part of the validators' half leaves again
    const kept = ctx.get(storage.SubnetAlphaOut, NETUID) - before;
    expect(kept).toBeLessThan(TAO);
    expect(kept).toBeGreaterThan(TAO / 2n);
  });

  it('go to the take of the validator and to what its root stakers may claim', () => {
    const state = twoSubnets();
    state.put(storage.SubnetTAO, 0, 10_000n * TAO);
    state.put(storage.TotalHotkeyAlpha, account(1), 0, 10_000n * TAO);
    state.advance(9);
    const pending = state.read().get(storage.PendingRootAlphaDivs, NETUID);
    expect(pending).toBeGreaterThan(0n);
    const before = state.read().get(storage.AlphaV2, account(1), account(101), NETUID).mantissa;
    state.advance();
    const ctx = state.read();
    const recorded = ctx.get(storage.RootAlphaDividendsPerSubnet, NETUID, account(1));
    const whole = (pending * 10n) / 9n;
    expect(Number(recorded) / Number(whole)).toBeCloseTo(1 - 11_796 / 65_535, 3);
    const [claimable] = ctx.get(storage.RootClaimable, account(1));
    expect(claimable?.[0]).toBe(NETUID);
    // Alpha per rao of root stake, times the stake
    const claimed = ((claimable?.[1].bits ?? 0n) * 10_000n * TAO) >> 32n;
    expect(Number(claimed) / Number(recorded)).toBeCloseTo(1, 3);
    expect(ctx.get(storage.AlphaV2, account(1), account(101), NETUID).mantissa).toBeGreaterThan(before);
  });
});
