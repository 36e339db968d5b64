/** Hashed commits and their reveals: pallets/subtensor/src/subnets/weights.rs. */
import { describe, expect, it } from 'vitest';
import { commitHashOf, type Reveal } from '#src/devnet/subtensor/commitHashes.ts';
import { errors } from '#src/devnet/subtensor/errors.ts';
import { storage, storageIndex } from '#src/devnet/subtensor/storage.ts';
import { account, genesisOf, NETUID, startState, subnetGenesis, type TestState } from './subtensorFixture.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const start = (hyperparameters = {}): TestState => {
  const base = subnetGenesis();
  const settings = { ...base.hyperparameters, commitRevealWeightsEnabled: true, weightsSetRateLimit: 0 };
  return startState(genesisOf({ ...base, hyperparameters: { ...settings, ...hyperparameters } }));
};
const shown = (overrides: Partial<Reveal> = {}) => ({
  netuid: NETUID,
  mechanism: 0,
  uids: [2, 3],
  values: [10, 20],
  salt: [1, 2, 3],
  versionKey: 0n,
  ...overrides,
});
const hashOf = (hotkey: number, overrides: Partial<Reveal> = {}): Uint8Array =>
  commitHashOf(account(hotkey), shown(overrides));
const commit = (state: TestState, hotkey: number, overrides: Partial<Reveal> = {}): string | undefined =>
  state.dispatch('commit_weights', { netuid: NETUID, commitHash: hashOf(hotkey, overrides) }, hotkey);
const reveal = (state: TestState, hotkey: number, overrides: Partial<Reveal> = {}): string | undefined =>
  state.dispatch('reveal_weights', shown(overrides), hotkey);
const row = (state: TestState, uid = 0, index = NETUID) => state.read().get(storage.Weights, index, uid);
const queue = (state: TestState, hotkey = 1, index = NETUID) =>
  state.read().get(storage.WeightCommits, index, account(hotkey));
const UPSCALED = [
  [2, 32_768],
  [3, 65_535],
];

describe('devnet / subtensor / commitHashes', () => {
  const alice = new Uint8Array(
    Buffer.from('d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d', 'hex'),
  );
  const given: Reveal = {
    netuid: 1,
    mechanism: 0,
    uids: [1, 2],
    values: [10, 20],
    salt: [1, 2],
    versionKey: 80_000n,
  };

  it('hashes hotkey, storage index, uids, values, salt and version key', () => {
    const first = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0));
    const plain = { uids: [0, 1], values: [10, 10], salt: [1, 2, 3, 4, 5, 6, 7, 8], versionKey: 0n };
    expect(hex(commitHashOf(first, { netuid: 1, mechanism: 0, ...plain }))).toBe(
      '6d0636acf6116a29e342d949b376af9893686f35589a4ddc00aa412895531f3f',
    );
    expect(hex(commitHashOf(alice, given))).toBe(
      'bc34037863b75a0d5c52dcf3c163485c91cf905d6a8bdf5e70ed7dc4378ed199',
    );
    expect(hex(commitHashOf(alice, { ...given, mechanism: 1 }))).toBe(
      'a4d444eb5c64794e056487b9a3827f4d618c8a37373949e714ff5424f99fe087',
    );
  });
});

describe('devnet / subtensor / commits of hashes', () => {
  it('checks in the order of the chain', () => {
    const state = start({ commitRevealWeightsEnabled: false, weightsSetRateLimit: 5 });
    state.advance(2);
    const request = { netuid: 77, mecid: 1, commitHash: new Uint8Array(32) };
    const attempt = (overrides = {}, signer = 9): string | undefined =>
      state.dispatch('commit_mechanism_weights', { ...request, ...overrides }, signer);
    expect(attempt()).toBe('MechanismDoesNotExist');
    expect(attempt({ netuid: NETUID })).toBe('MechanismDoesNotExist');
    expect(attempt({ netuid: NETUID, mecid: 0 })).toBe('CommitRevealDisabled');
    state.write((ctx) => ctx.put(storage.CommitRevealWeightsEnabled, NETUID, true));
    expect(attempt({ netuid: NETUID, mecid: 0 })).toBe('HotKeyNotRegisteredInSubNet');
    expect(commit(state, 1)).toBeUndefined();
    expect(commit(state, 1)).toBe('CommittingWeightsTooFast');
    expect(queue(state)).toEqual([[hashOf(1), 0n, 2n, 0n]]);
    expect(state.read().get(storage.LastUpdate, NETUID)).toEqual([2n, 0n, 0n, 0n]);
  });

  it('keeps ten of a hotkey and forgets the expired ones', () => {
    const state = start();
    state.advance();
    for (let versionKey = 0n; versionKey < 10n; versionKey += 1n) {
      expect(commit(state, 1, { versionKey })).toBeUndefined();
    }
    expect(commit(state, 1)).toBe('TooManyUnrevealedCommits');
    expect(commit(state, 2)).toBeUndefined();
    // One epoch later they may still be revealed, two epochs later no more.
    state.advance(9);
    expect(commit(state, 1)).toBe('TooManyUnrevealedCommits');
    state.advance(10);
    expect(commit(state, 1)).toBeUndefined();
    expect(queue(state)).toHaveLength(1);
  });

  it('is refused in the pool for stake (1), then for the rate (6)', () => {
    const state = start({ stakeThreshold: '1', weightsSetRateLimit: 5 });
    state.advance();
    const request = { netuid: NETUID, mecid: 0, commitHash: hashOf(1) };
    for (const name of ['commit_weights', 'commit_mechanism_weights']) {
      expect(state.refuse(name, request, 3)).toBe(1);
      expect(state.refuse(name, request, 1)).toBeUndefined();
    }
    expect(commit(state, 1)).toBeUndefined();
    expect(state.refuse('commit_weights', request, 1)).toBe(6);
    expect(state.refuse('commit_mechanism_weights', request, 1)).toBe(6);
    state.advance(4);
    expect(state.refuse('commit_weights', request, 1)).toBeUndefined();
  });
});

describe('devnet / subtensor / hashReveals', () => {
  it('sets the weights in the epoch after the commit and in no other', () => {
    const state = start();
    state.advance(3);
    commit(state, 1);
    expect(reveal(state, 1)).toBe('RevealTooEarly');
    state.advance(7);
    expect(reveal(state, 1)).toBeUndefined();
    expect(row(state)).toEqual(UPSCALED);
    expect(queue(state)).toBeUndefined();
    expect(state.read().get(storage.LastUpdate, NETUID)[0]).toBe(3n);
    commit(state, 1);
    state.advance(20);
    expect(reveal(state, 1)).toBe('ExpiredWeightCommit');
    expect(reveal(state, 1, { salt: [9] })).toBe('NoWeightsCommitFound');
  });

  it('names what is wrong with a reveal, in the order of the chain', () => {
    const state = start({ commitRevealWeightsEnabled: false });
    state.advance(3);
    expect(reveal(state, 9)).toBe('CommitRevealDisabled');
    state.write((ctx) => ctx.put(storage.CommitRevealWeightsEnabled, NETUID, true));
    expect(reveal(state, 9)).toBe('NoWeightsCommitFound');
    commit(state, 1);
    state.advance(10);
    commit(state, 1, { salt: [5] });
    expect(reveal(state, 1, { salt: [9] })).toBe('InvalidRevealCommitHashNotMatch');
    expect(reveal(state, 1, { salt: [5] })).toBe('RevealTooEarly');
    state.advance(10);
    // The first has expired in front of the second.
    expect(reveal(state, 1)).toBe('ExpiredWeightCommit');
    expect(reveal(state, 1, { salt: [5] })).toBeUndefined();
  });

  it('gives up earlier commits with the revealed one', () => {
    const state = start();
    state.advance(3);
    for (const salt of [[1], [2], [3]]) commit(state, 1, { salt });
    state.advance(7);
    expect(reveal(state, 1, { salt: [2] })).toBeUndefined();
    expect(queue(state)).toHaveLength(1);
    expect(reveal(state, 1, { salt: [1] })).toBe('InvalidRevealCommitHashNotMatch');
    expect(reveal(state, 1, { salt: [3] })).toBeUndefined();
    expect(queue(state)).toBeUndefined();
  });

  it('keeps the commit when the weights are refused', () => {
    const state = start();
    state.advance(3);
    commit(state, 3);
    state.advance(7);
    expect(reveal(state, 3)).toBe('NeuronNoValidatorPermit');
    expect(queue(state, 3)).toHaveLength(1);
  });

  it('reveals for the mechanism whose index was hashed', () => {
    const state = start({ mechanismCountCurrent: 2, maxAllowedUids: 128 });
    state.advance(3);
    const index = storageIndex(NETUID, 1);
    const request = { netuid: NETUID, mecid: 1, commitHash: hashOf(1, { mechanism: 1 }) };
    expect(state.dispatch('commit_mechanism_weights', request, 1)).toBeUndefined();
    state.advance(7);
    const { mechanism: _, ...rest } = shown();
    expect(reveal(state, 1)).toBe('NoWeightsCommitFound');
    expect(state.dispatch('reveal_mechanism_weights', { ...rest, mecid: 1 }, 1)).toBeUndefined();
    expect(row(state, 0, index)).toEqual(UPSCALED);
    expect(row(state)).toEqual([]);
  });

  it('is refused in the pool for stake (1), an unknown commit (16) and a wrong epoch (17)', () => {
    const state = start({ stakeThreshold: '1' });
    state.advance(3);
    const refuse = (signer: number, overrides = {}): number | undefined =>
      state.refuse('reveal_weights', shown(overrides), signer);
    expect(refuse(3)).toBe(1);
    expect(refuse(1)).toBe(16);
    commit(state, 1);
    expect(refuse(1, { salt: [9] })).toBe(16);
    expect(refuse(1)).toBe(17);
    state.advance(5);
    expect(refuse(1)).toBe(17);
    // The next block fires the epoch of the reveal, before its transactions run.
    state.advance();
    expect(state.block()).toBe(9);
    expect(refuse(1)).toBeUndefined();
    expect(state.refuse('reveal_mechanism_weights', { ...shown(), mecid: 0 }, 1)).toBeUndefined();
    expect(state.refuse('reveal_mechanism_weights', { ...shown(), mecid: 1 }, 1)).toBe(16);
    state.advance(9);
    expect(refuse(1)).toBeUndefined();
    state.advance();
    expect(refuse(1)).toBe(17);
  });

  it('numbers its errors as spec 425 does', () => {
    const { NoWeightsCommitFound, ExpiredWeightCommit, RevealTooEarly, TooManyUnrevealedCommits } = errors;
    const indices = [NoWeightsCommitFound, TooManyUnrevealedCommits, ExpiredWeightCommit, RevealTooEarly];
    expect(indices.map(({ index }) => index)).toEqual([51, 77, 78, 79]);
  });
});
