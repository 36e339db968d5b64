import { describe, expect, it } from 'vitest';
import type { GenesisConfig } from '#src/devnet/genesis.ts';
import { storage } from '#src/devnet/subtensor/storage.ts';
import { startRuntimeState } from './runtimeState.ts';
import { account, genesisOf, NETUID, subnetGenesis } from './subtensorFixture.ts';

const OWNER = 200;
const start = (tempo: number, flags: Partial<GenesisConfig['flags']> = {}, hyperparameters = {}) => {
  const base = subnetGenesis({ tempo });
  const config = genesisOf({ ...base, hyperparameters: { ...base.hyperparameters, ...hyperparameters } });
  const state = startRuntimeState({ ...config, flags: { ...config.flags, ...flags } });
  state.advance();
  return state;
};
type State = ReturnType<typeof start>;
const setTempo = (state: State, tempo: number, caller = OWNER) =>
  state.dispatch('SubtensorModule.set_tempo', { netuid: NETUID, tempo }, caller);
const trigger = (state: State, caller = OWNER) =>
  state.dispatch('SubtensorModule.trigger_epoch', { netuid: NETUID }, caller);
const names = (state: State) => state.events().map(({ name }) => name);

describe('devnet / set_tempo', () => {
  it('is for the owner, from 360 to 50 400 blocks', () => {
    const state = start(400);
    expect(setTempo(state, 500, 50)).toBe('BadOrigin');
    expect(state.dispatch('SubtensorModule.set_tempo', { netuid: NETUID, tempo: 500 }, 'root')).toBe(
      'BadOrigin',
    );
    expect(setTempo(state, 359)).toBe('TempoOutOfBounds');
    expect(setTempo(state, 50_401)).toBe('TempoOutOfBounds');
    expect(setTempo(state, 360)).toBeUndefined();
    expect(state.events().at(-1)).toEqual({ name: 'TempoSet', fields: [NETUID, 360] });
  });

  it('begins a new cycle, which ends a whole tempo later', () => {
    const state = start(400);
    state.advance(99);
    expect(setTempo(state, 360)).toBeUndefined();
    state.advance(359);
    expect(state.read().get(storage.SubnetEpochIndex, NETUID)).toBe(0n);
    state.advance();
    expect(state.block()).toBe(460);
    expect(state.read().get(storage.SubnetEpochIndex, NETUID)).toBe(1n);
    expect(state.read().get(storage.LastEpochBlock, NETUID)).toBe(460n);
  });

  it('is refused in the freeze window and within 360 blocks of the last change', () => {
    const state = start(400);
    expect(setTempo(state, 1000)).toBeUndefined();
    state.advance(359);
    expect(setTempo(state, 900)).toBe('TxRateLimitExceeded');
    state.advance();
    expect(setTempo(state, 360)).toBeUndefined();
    state.advance(351);
    expect(setTempo(state, 400)).toBe('AdminActionProhibitedDuringWeightsWindow');
  });

  it('takes short tempos, at any time, where genesis allows them', () => {
    const state = start(100, { allowShortTempo: true });
    expect(setTempo(state, 20)).toBeUndefined();
    state.advance();
    expect(setTempo(state, 15)).toBeUndefined();
    expect(setTempo(state, 0)).toBe('TempoOutOfBounds');
    state.advance(15);
    expect(state.read().get(storage.LastEpochBlock, NETUID)).toBe(17n);
  });
});

describe('devnet / trigger_epoch', () => {
  it('runs an epoch a freeze window later and is over then', () => {
    const state = start(100);
    state.advance(9);
    expect(trigger(state, 50)).toBe('BadOrigin');
    expect(trigger(state)).toBeUndefined();
    expect(state.events().at(-1)).toEqual({
      name: 'EpochTriggered',
      fields: { netuid: NETUID, by: account(OWNER), firesAt: 20n },
    });
    expect(trigger(state)).toBe('EpochTriggerAlreadyPending');
    state.advance(9);
    expect(state.read().get(storage.SubnetEpochIndex, NETUID)).toBe(0n);
    state.advance();
    expect(state.read().get(storage.LastEpochBlock, NETUID)).toBe(20n);
    expect(state.read().get(storage.PendingEpochAt, NETUID)).toBe(0n);
    // The automatic epochs follow from there
    state.advance(100);
    expect(state.read().get(storage.LastEpochBlock, NETUID)).toBe(120n);
  });

  it('is refused shortly before the automatic epoch and with commit-reveal', () => {
    const state = start(100);
    state.advance(90);
    expect(trigger(state)).toBe('AutoEpochAlreadyImminent');
    state.put(storage.CommitRevealWeightsEnabled, NETUID, true);
    expect(trigger(state)).toBe('DynamicTempoBlockedByCommitReveal');
  });

  it('is allowed once in two tempos', () => {
    const state = start(100);
    state.advance(9);
    expect(trigger(state)).toBeUndefined();
    state.advance(11);
    expect(trigger(state)).toBe('TxRateLimitExceeded');
    state.advance(189);
    expect(trigger(state)).toBeUndefined();
  });
});

describe('devnet / set_activity_cutoff_factor', () => {
  const set = (state: State, factorMilli: number, caller: number | 'root' = OWNER) =>
    state.dispatch('SubtensorModule.set_activity_cutoff_factor', { netuid: NETUID, factorMilli }, caller);

  it('takes 1 to 50 tempos, from the owner within limits and from root at any time', () => {
    const state = start(100);
    expect(set(state, 999)).toBe('ActivityCutoffFactorMilliOutOfBounds');
    expect(set(state, 50_001)).toBe('ActivityCutoffFactorMilliOutOfBounds');
    expect(set(state, 1000)).toBeUndefined();
    expect(state.events().at(-1)).toEqual({
      name: 'ActivityCutoffFactorMilliSet',
      fields: { netuid: NETUID, factorMilli: 1000 },
    });
    expect(set(state, 2000)).toBe('TxRateLimitExceeded');
    expect(set(state, 2000, 50)).toBe('BadOrigin');
    state.advance(98);
    expect(set(state, 3000, 'root')).toBeUndefined();
    expect(state.read().get(storage.ActivityCutoffFactorMilli, NETUID)).toBe(3000);
  });
});

describe('devnet / epochs of many subnets', () => {
  const startMany = (count: number, maxEpochsPerBlock: number) => {
    const base = subnetGenesis();
    const subnets = Array.from({ length: count }, (_, i) => ({
      ...base,
      netuid: i + 1,
      hyperparameters: { ...base.hyperparameters, maxEpochsPerBlock },
    }));
    return startRuntimeState(genesisOf(...subnets));
  };

  it('run as many per block as allowed and move on block by block', () => {
    const state = startMany(7, 2);
    state.advance(10);
    const deferred = () => state.events().filter(({ name }) => name === 'EpochDeferred').length;
    const last = () =>
      Array.from({ length: 7 }, (_, i) => Number(state.read().get(storage.LastEpochBlock, i + 1)));
    expect(deferred()).toBe(5);
    state.advance();
    expect(deferred()).toBe(3);
    state.advance();
    expect(deferred()).toBe(1);
    state.advance();
    expect(deferred()).toBe(0);
    expect(last().toSorted((a, b) => a - b)).toEqual([10, 10, 11, 11, 12, 12, 13]);
    // From then on the subnets keep their distance
    state.advance(10);
    expect(last().toSorted((a, b) => a - b)).toEqual([20, 20, 21, 21, 22, 22, 23]);
  });

  it('do not defer where the cap is high enough', () => {
    const state = startMany(4, 4);
    state.advance(10);
    expect(names(state)).not.toContain('EpochDeferred');
  });
});
