import { u8aToHex } from '@polkadot/util';
import { describe, expect, it } from 'vitest';
import { blockEmissionRao } from '#src/devnet/subtensor/emission.ts';
import { events } from '#src/devnet/subtensor/events.ts';
import { readMetagraph, readSelectiveMetagraph } from '#src/devnet/subtensor/metagraph.ts';
import { stakeOf } from '#src/devnet/subtensor/stake.ts';
import { storage, storageIndex } from '#src/devnet/subtensor/storage.ts';
import { splitByMechanism, yumaInputOf } from '#src/devnet/subtensor/yumaRun.ts';
import { yumaEpoch } from '#src/domain/yuma.ts';
import {
  account,
  address,
  genesisOf,
  NETUID,
  neuron,
  startState,
  subnetGenesis,
  TAO,
  type TestState,
} from './subtensorFixture.ts';

const start = (hyperparameters = {}): TestState => {
  const base = subnetGenesis();
  return startState(genesisOf({ ...base, hyperparameters: { ...base.hyperparameters, ...hyperparameters } }));
};
const weigh = (state: TestState, signer: number, weights: number[], mecid = 0): string | undefined =>
  state.dispatch(
    'set_mechanism_weights',
    { netuid: NETUID, mecid, dests: [2, 3], weights, versionKey: 0n },
    signer,
  );
const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n);

describe('devnet / subtensor / emission', () => {
  it('mints one alpha per block until half of the supply, then halves', () => {
    expect(blockEmissionRao(0n)).toBe(TAO);
    expect(blockEmissionRao(10_499_999n * TAO)).toBe(TAO);
    expect(blockEmissionRao(10_500_000n * TAO)).toBe(TAO / 2n);
    expect(blockEmissionRao(15_750_000n * TAO)).toBe(TAO / 4n);
    expect(blockEmissionRao(21_000_000n * TAO)).toBe(0n);
  });

  it('takes the cut of the owner first and halves the rest', () => {
    const state = start();
    state.advance(3);
    const ctx = state.read();
    const cut = (TAO * 11_796n) / 65_535n;
    expect(ctx.get(storage.PendingOwnerCut, NETUID)).toBe(3n * cut);
    expect(ctx.get(storage.PendingServerEmission, NETUID)).toBe(3n * ((TAO - cut) / 2n));
    expect(
      ctx.get(storage.PendingServerEmission, NETUID) +
        ctx.get(storage.PendingValidatorEmission, NETUID) +
        ctx.get(storage.PendingOwnerCut, NETUID),
    ).toBe(3n * TAO);
  });

  it('stops while registration is closed', () => {
    const state = start({ networkRegistrationAllowed: false });
    state.advance(3);
    expect(state.read().get(storage.PendingServerEmission, NETUID)).toBe(0n);
  });
});

describe('devnet / subtensor / epochs', () => {
  it('runs every tempo blocks and keeps the schedule', () => {
    const state = start();
    state.advance(9);
    expect(state.read().get(storage.SubnetEpochIndex, NETUID)).toBe(0n);
    expect(state.read().get(storage.BlocksSinceLastStep, NETUID)).toBe(9n);
    state.advance();
    const ctx = state.read();
    expect(ctx.get(storage.SubnetEpochIndex, NETUID)).toBe(1n);
    expect(ctx.get(storage.LastEpochBlock, NETUID)).toBe(10n);
    expect(ctx.get(storage.LastMechansimStepBlock, NETUID)).toBe(10n);
    expect(ctx.get(storage.BlocksSinceLastStep, NETUID)).toBe(0n);
    expect(ctx.get(storage.PendingServerEmission, NETUID)).toBe(0n);
    state.advance(10);
    expect(state.read().get(storage.LastEpochBlock, NETUID)).toBe(20n);
  });

  it('runs a triggered epoch early and the next one a tempo after it', () => {
    const state = start();
    state.advance(2);
    state.write((ctx) => ctx.put(storage.PendingEpochAt, NETUID, 5n));
    state.advance(3);
    expect(state.read().get(storage.LastEpochBlock, NETUID)).toBe(5n);
    expect(state.read().get(storage.PendingEpochAt, NETUID)).toBe(0n);
    state.advance(9);
    expect(state.read().get(storage.SubnetEpochIndex, NETUID)).toBe(1n);
    state.advance();
    expect(state.read().get(storage.LastEpochBlock, NETUID)).toBe(15n);
  });

  it('runs two epochs per block and defers the third to the next', () => {
    const subnets = [1, 2, 3].map((netuid) => subnetGenesis({ netuid, neurons: [neuron(netuid, TAO)] }));
    const state = startState(genesisOf(...subnets));
    const emitted = state.advance(10);
    const fired = (): bigint[] => [1, 2, 3].map((netuid) => state.read().get(storage.LastEpochBlock, netuid));
    expect(fired()).toEqual([10n, 10n, 0n]);
    expect(state.read().get(storage.PendingEpochAt, 3)).toBe(11n);
    expect(emitted.map(({ data }) => data[1])).toContain(events.EpochDeferred.index);
    state.advance();
    expect(fired()).toEqual([10n, 10n, 11n]);
  });

  it('skips an epoch whose hotkeys are doubled but uses up its slot', () => {
    const state = start();
    state.write((ctx) => ctx.put(storage.Keys, NETUID, 3, account(1)));
    const emitted = state.advance(10);
    expect(emitted.map(({ data }) => data[1])).toContain(events.EpochSkipped.index);
    const ctx = state.read();
    expect(ctx.get(storage.LastEpochBlock, NETUID)).toBe(10n);
    expect(ctx.get(storage.LastMechansimStepBlock, NETUID)).toBe(0n);
    expect(ctx.get(storage.PendingServerEmission, NETUID)).toBeGreaterThan(0n);
  });

  it('stores what Yuma gives for the same input and turns it into stake', () => {
    const state = start();
    state.advance(2);
    expect(weigh(state, 1, [1, 3])).toBeUndefined();
    expect(weigh(state, 2, [1, 1])).toBeUndefined();
    state.advance(7);
    const before = state.read();
    const input = yumaInputOf(before, { netuid: NETUID, mechanism: 0 }, 0n);
    const pending = before.get(storage.PendingServerEmission, NETUID) * 10n;
    const validatorPending = before.get(storage.PendingValidatorEmission, NETUID) * 10n;
    const emissionRao = pending / 9n + validatorPending / 9n;
    const stakes = [1, 2, 3, 4].map((id) => before.get(storage.TotalHotkeyAlpha, account(id), NETUID));
    const expected = yumaEpoch({ ...input, block: 10, emissionRao });
    state.advance();

    const ctx = state.read();
    expect(ctx.get(storage.Incentive, NETUID)).toEqual(expected.incentive);
    expect(ctx.get(storage.Dividends, NETUID)).toEqual(expected.dividends);
    expect(ctx.get(storage.Consensus, NETUID)).toEqual(expected.consensus);
    expect(ctx.get(storage.ValidatorTrust, NETUID)).toEqual(expected.validatorTrust);
    expect(ctx.get(storage.ValidatorPermit, NETUID)).toEqual([true, true, false, false]);
    expect(ctx.get(storage.Emission, NETUID)).toEqual(expected.emissionRao);
    expect(ctx.get(storage.Bonds, NETUID, 0)).toEqual(expected.bonds[0]);
    expect(ctx.get(storage.Incentive, NETUID)[3]).toBeGreaterThan(ctx.get(storage.Incentive, NETUID)[2] ?? 0);

    const gained = [1, 2, 3, 4].map(
      (id, i) => ctx.get(storage.TotalHotkeyAlpha, account(id), NETUID) - (stakes[i] ?? 0n),
    );
    expect(gained.slice(2)).toEqual(expected.serverEmissionRao.slice(2));
    // Rounding loses less than a few rao of ten blocks' half.
    const earned = sum(gained.slice(0, 2));
    expect(validatorPending / 9n - earned).toBeLessThan(10n);
    // The owner of the hotkey takes 18 %; what stakers got is recorded.
    const validators = ctx.iterate(storage.AlphaDividendsPerSubnet, NETUID).map(({ value }) => value);
    expect(Number(sum(validators)) / Number(earned)).toBeCloseTo(1 - 11_796 / 65_535, 6);
    expect(stakeOf(ctx, { hotkey: account(3), coldkey: account(103), netuid: NETUID })).toBe(gained[2]);
    expect(ctx.get(storage.TotalHotkeyAlpha, account(201), NETUID)).toBe(10n * ((TAO * 11_796n) / 65_535n));
  });

  it('gives validators the half of the servers when nobody set weights', () => {
    const state = start();
    state.advance(10);
    const ctx = state.read();
    const earned = [1, 2].map((id) => ctx.get(storage.TotalHotkeyAlpha, account(id), NETUID));
    const minted = 10n * (TAO - (TAO * 11_796n) / 65_535n);
    expect(400n * TAO + minted - sum(earned)).toBeLessThan(10n);
    expect(ctx.get(storage.TotalHotkeyAlpha, account(3), NETUID)).toBe(0n);
  });

  it('withholds the incentive of the hotkeys of the owner', () => {
    const base = subnetGenesis();
    const owned = { ...neuron(3, 0n), coldkey: address(200) };
    const state = startState(
      genesisOf({ ...base, neurons: [...base.neurons.slice(0, 2), owned, neuron(4, 0n)] }),
    );
    state.advance(2);
    expect(weigh(state, 1, [1, 1])).toBeUndefined();
    expect(weigh(state, 2, [1, 1])).toBeUndefined();
    state.advance(8);
    const ctx = state.read();
    expect(ctx.get(storage.TotalHotkeyAlpha, account(3), NETUID)).toBe(0n);
    expect(ctx.get(storage.TotalHotkeyAlpha, account(4), NETUID)).toBeGreaterThan(0n);
    expect(Number(ctx.get(storage.MinerBurned, NETUID).bits) / 2 ** 32).toBeCloseTo(0.5, 3);
  });

  it('splits emission over mechanisms and adds them up', () => {
    const split = { mechanismCountCurrent: 2, maxAllowedUids: 128, mechanismEmissionSplit: '16384,49151' };
    const state = start(split);
    expect(splitByMechanism(state.read(), NETUID, 65_535n)).toEqual([16_384n, 49_151n]);
    expect(
      splitByMechanism(start({ ...split, mechanismEmissionSplit: '1,1' }).read(), NETUID, 65_535n),
    ).toEqual([65_534n, 1n]);
    state.advance(2);
    for (const validator of [1, 2]) {
      expect(weigh(state, validator, [1, 0], 0)).toBeUndefined();
      expect(weigh(state, validator, [0, 1], 1)).toBeUndefined();
    }
    state.advance(8);
    const ctx = state.read();
    expect(ctx.get(storage.Incentive, NETUID)).toEqual([0, 0, 65_535, 0]);
    expect(ctx.get(storage.Incentive, storageIndex(NETUID, 1))).toEqual([0, 0, 0, 65_535]);
    const [third = 0n, fourth = 0n] = [3, 4].map((id) =>
      ctx.get(storage.TotalHotkeyAlpha, account(id), NETUID),
    );
    expect(Number(fourth) / Number(third)).toBeCloseTo(3, 3);
    expect(Number(ctx.get(storage.Consensus, NETUID)[3]) / 65_535).toBeCloseTo(0.75, 3);
  });

  it('hands over the commits that can still be revealed while commit-reveal is on', () => {
    const state = start({ commitRevealWeightsEnabled: true });
    state.advance(2);
    const commit = [account(1), 2n, Uint8Array.of(1), 7n] as const;
    state.write((ctx) => {
      ctx.put(storage.TimelockedWeightCommits, NETUID, 0n, [commit]);
      ctx.put(storage.WeightCommits, NETUID, account(2), [
        [new Uint8Array(32), 0n, 1n, 0n],
        [new Uint8Array(32), 0n, 2n, 0n],
      ]);
    });
    const commits = () => yumaInputOf(state.read(), { netuid: NETUID, mechanism: 0 }, 0n).commitBlocks;
    expect(commits()).toEqual([2, 1, null, null]);
    state.write((ctx) => ctx.put(storage.SubnetEpochIndex, NETUID, 2n));
    expect(commits()).toEqual([null, null, null, null]);
    state.write((ctx) => ctx.put(storage.CommitRevealWeightsEnabled, NETUID, false));
    expect(commits()).toBeNull();
  });
});

describe('devnet / subtensor / metagraph', () => {
  const field = (value: object | undefined, name: string): unknown => Reflect.get(value ?? {}, name);

  it('selects fields by index and ignores unknown ones', () => {
    const state = start();
    const selected = readSelectiveMetagraph(
      state.read(),
      { netuid: NETUID, mechanism: 0 },
      [0, 8, 52, 72, 999],
    );
    expect(field(selected, 'netuid')).toBe(NETUID);
    expect(field(selected, 'tempo')).toBe(10);
    expect(field(selected, 'hotkeys')).toEqual([1, 2, 3, 4].map(account));
    expect(field(selected, 'validators')).toEqual([1, 0]);
    expect(field(selected, 'kappa')).toBeUndefined();
  });

  it('names the mechanism by its storage index', () => {
    const state = start({ mechanismCountCurrent: 2, maxAllowedUids: 128 });
    expect(field(readMetagraph(state.read(), { netuid: NETUID, mechanism: 1 }), 'netuid')).toBe(4098);
    expect(readMetagraph(state.read(), { netuid: NETUID, mechanism: 2 })).toBeUndefined();
    expect(readMetagraph(state.read(), { netuid: 9, mechanism: 0 })).toBeUndefined();
  });

  it('answers a raw call of the selective metagraph with the layout of the chain', () => {
    const state = start();
    const method = state.runtime.api('SubnetInfoRuntimeApi_get_selective_mechagraph');
    const [netuid, subid, indexes] = ['netuid', 'subid', 'metagraphIndexes'].map(
      (name) => method?.args[name],
    );
    const encoded = [netuid?.enc(2), subid?.enc(0), indexes?.enc([0, 52])].flatMap((part) => [
      ...(part ?? []),
    ]);
    expect(u8aToHex(Uint8Array.from(encoded))).toBe('0x0200000800003400');
    const reply = method?.returns.enc(
      method.handle(state.read(), { netuid: 2, subid: 0, metagraphIndexes: [0, 8] }),
    );
    // Some, compact 2, seven absent fields, Some(compact 10), then the rest absent.
    expect([...(reply ?? []).slice(0, 11)]).toEqual([1, 8, 0, 0, 0, 0, 0, 0, 0, 1, 40]);
    expect(reply).toHaveLength(2 + 73 + 1);
  });
});
