/** Timelocked commits: sections of pallets/subtensor/src/subnets/weights.rs and coinbase/reveal_commits.rs. */
import { describe, expect, it } from 'vitest';
import type { EmittedEvent } from '#src/devnet/context.ts';
import { drandStorage } from '#src/devnet/drand/storage.ts';
import { blake2b256 } from '#src/devnet/hashing.ts';
import { fieldsCodec } from '#src/devnet/scale.ts';
import { events } from '#src/devnet/subtensor/events.ts';
import { storage, storageIndex } from '#src/devnet/subtensor/storage.ts';
import { yumaInputOf } from '#src/devnet/subtensor/yumaRun.ts';
import {
  account,
  genesisOf,
  NETUID,
  neuron,
  startState,
  subnetGenesis,
  TAO,
  type TestState,
} from './subtensorFixture.ts';
import { beacon, legacyPayload, lock, payload, publish, weightsOf } from './timelockFixture.ts';

const ROUND = 500;
const start = (hyperparameters = {}, overrides = {}): TestState => {
  const base = subnetGenesis(overrides);
  const settings = { ...base.hyperparameters, commitRevealWeightsEnabled: true, weightsSetRateLimit: 0 };
  return startState(genesisOf({ ...base, hyperparameters: { ...settings, ...hyperparameters } }));
};
const args = (commit: Uint8Array, overrides = {}) => ({
  netuid: NETUID,
  commit,
  revealRound: BigInt(ROUND),
  commitRevealVersion: 4,
  ...overrides,
});
const commit = (
  state: TestState,
  hotkey: number,
  ciphertext: Uint8Array,
  overrides = {},
): string | undefined => state.dispatch('commit_timelocked_weights', args(ciphertext, overrides), hotkey);
/** What a validator commits: its weights for uids 2 and 3. */
const sealed = (hotkey: number, values: readonly number[], round = ROUND): Uint8Array =>
  lock(payload(account(hotkey), weightsOf(...values)), round);
const row = (state: TestState, uid = 0, index = NETUID) => state.read().get(storage.Weights, index, uid);
const queue = (state: TestState, epoch: bigint, index = NETUID) =>
  state.read().get(storage.TimelockedWeightCommits, index, epoch);
const has = (emitted: readonly EmittedEvent[], event: { readonly index: number }): boolean =>
  emitted.some(({ data }) => data[0] === 7 && data[1] === event.index);
const put = (state: TestState, ...itemKeysAndValue: unknown[]): void => {
  state.write((ctx) => {
    (ctx.put as (...parts: unknown[]) => void)(...itemKeysAndValue);
  });
};
const UPSCALED = [
  [2, 32_768],
  [3, 65_535],
];

describe('devnet / subtensor / commits', () => {
  /** Breaks everything, then mends one after the other: each error shows in the chain's order. */
  it('checks timelocked commits in the order of the chain', () => {
    const state = start({ commitRevealWeightsEnabled: false, weightsSetRateLimit: 5 });
    state.advance(2);
    const cipher = new Uint8Array(3);
    const broken = { netuid: 77, commitRevealVersion: 3 };
    expect(commit(state, 9, cipher, broken)).toBe('MechanismDoesNotExist');
    expect(commit(state, 9, cipher, { ...broken, netuid: NETUID })).toBe('CommitRevealDisabled');
    put(state, storage.CommitRevealWeightsEnabled, NETUID, true);
    expect(commit(state, 9, cipher, { commitRevealVersion: 3 })).toBe('IncorrectCommitRevealVersion');
    expect(commit(state, 9, cipher)).toBe('HotKeyNotRegisteredInSubNet');
    expect(commit(state, 1, cipher)).toBeUndefined();
    expect(commit(state, 1, cipher)).toBe('CommittingWeightsTooFast');
    state.advance(4);
    expect(commit(state, 1, cipher)).toBe('CommittingWeightsTooFast');
    state.advance();
    expect(commit(state, 1, cipher)).toBeUndefined();
  });

  it('takes ten commits of a hotkey per epoch and mechanism', () => {
    const state = start();
    state.advance();
    const cipher = new Uint8Array(3);
    for (let made = 0; made < 10; made += 1) {
      expect(commit(state, 1, cipher)).toBeUndefined();
    }
    expect(commit(state, 1, cipher)).toBe('TooManyUnrevealedCommits');
    expect(commit(state, 2, cipher)).toBeUndefined();
    expect(queue(state, 0n)).toHaveLength(11);
    state.advance(10);
    expect(commit(state, 1, cipher)).toBeUndefined();
    expect(queue(state, 1n)).toHaveLength(1);
  });

  it('stores block, ciphertext and round under the epoch, moves LastUpdate and says so', () => {
    const state = start();
    state.advance(3);
    const cipher = Uint8Array.of(1, 2, 3);
    const emitted = state.write((ctx) => {
      const call = state.runtime.pallets.find(({ index }) => index === 7)?.calls?.[
        'commit_timelocked_weights'
      ];
      call?.dispatch(ctx, args(cipher), { kind: 'signed', account: account(1) });
    });
    expect(queue(state, 0n)).toEqual([[account(1), 3n, cipher, BigInt(ROUND)]]);
    expect(state.read().get(storage.LastUpdate, NETUID)).toEqual([3n, 0n, 0n, 0n]);
    const { index, fields } = events.TimelockedWeightsCommitted;
    const values = [account(1), NETUID, blake2b256(cipher), BigInt(ROUND)] as const;
    expect(emitted[0]?.data).toEqual(Uint8Array.from([7, index, ...fieldsCodec(fields).enc(values)]));
  });

  it('looks at neither permit nor content: a miner may commit nonsense', () => {
    const state = start();
    state.advance();
    expect(commit(state, 3, new Uint8Array())).toBeUndefined();
    expect(row(state, 2)).toEqual([]);
  });

  it('takes the version of the deprecated call as 4', () => {
    const state = start({ mechanismCountCurrent: 2, maxAllowedUids: 128 });
    state.advance();
    const request = { netuid: NETUID, mecid: 1, commit: new Uint8Array(2), revealRound: 1n };
    expect(state.dispatch('commit_crv3_mechanism_weights', request, 1)).toBeUndefined();
    expect(queue(state, 0n, storageIndex(NETUID, 1))).toHaveLength(1);
    expect(state.dispatch('commit_crv3_mechanism_weights', { ...request, mecid: 2 }, 1)).toBe(
      'MechanismDoesNotExist',
    );
    put(state, storage.CommitRevealWeightsVersion, 5);
    expect(state.dispatch('commit_crv3_mechanism_weights', request, 1)).toBe('IncorrectCommitRevealVersion');
  });

  it('is refused in the pool for stake (1), then for a round that is out (15), not for the rate', () => {
    const state = start({ stakeThreshold: '1', weightsSetRateLimit: 5 });
    state.advance();
    put(state, drandStorage.LastStoredRound, BigInt(ROUND + 1));
    const request = { ...args(new Uint8Array(2)), mecid: 0 };
    for (const name of [
      'commit_timelocked_weights',
      'commit_timelocked_mechanism_weights',
      'commit_crv3_mechanism_weights',
    ]) {
      expect(state.refuse(name, request, 3)).toBe(1);
      expect(state.refuse(name, request, 1)).toBe(15);
      // The newest round itself passes, although its signature is out.
      expect(state.refuse(name, { ...request, revealRound: BigInt(ROUND + 1) }, 1)).toBeUndefined();
    }
    const current = { ...request, revealRound: BigInt(ROUND + 1) };
    expect(state.dispatch('commit_timelocked_weights', current, 1)).toBeUndefined();
    expect(state.refuse('commit_timelocked_weights', current, 1)).toBeUndefined();
    expect(state.dispatch('commit_timelocked_weights', current, 1)).toBe('CommittingWeightsTooFast');
  });

  it('decodes the call bytes of the real chain', () => {
    const { runtime } = start();
    const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
    const timelocked = runtime.calls.dec(bytes('07 76 0100 01 08 aabb e803000000000000 0400'));
    expect(timelocked.name).toBe('commit_timelocked_mechanism_weights');
    expect(timelocked.args).toEqual({
      netuid: 1,
      mecid: 1,
      commit: Uint8Array.of(0xaa, 0xbb),
      revealRound: 1000n,
      commitRevealVersion: 4,
    });
    const tooLong = Uint8Array.from([7, 0x76, 1, 0, 1, 0x26, 0x4e, ...new Uint8Array(5001 + 10)]);
    expect(() => runtime.calls.dec(tooLong)).toThrow(RangeError);
  });
});

describe('devnet / subtensor / timelockReveals', () => {
  it('reveals in the block of the next epoch, before Yuma runs on the weights', () => {
    const state = start();
    state.advance(3);
    expect(commit(state, 1, sealed(1, [10, 20]))).toBeUndefined();
    publish(state, ROUND);
    state.advance(6);
    expect(row(state)).toEqual([]);
    const emitted = state.advance();
    expect(row(state)).toEqual(UPSCALED);
    expect(has(emitted, events.TimelockedWeightsRevealed)).toBe(true);
    const incentive = state.read().get(storage.Incentive, NETUID);
    expect(incentive[3]).toBeGreaterThan(incentive[2] ?? 0);
    // A reveal does not count as an update: the commit did.
    expect(state.read().get(storage.LastUpdate, NETUID)[0]).toBe(3n);
    expect(queue(state, 0n)).toEqual([]);
  });

  it('goes through the timeline of the documentation: 360 blocks, retries, expiry', () => {
    const state = start({}, { tempo: 360 });
    put(state, storage.SubnetEpochIndex, NETUID, 20n);
    state.advance(100);
    expect(commit(state, 1, sealed(1, [10, 20]))).toBeUndefined();
    expect(
      commit(state, 2, sealed(2, [20, 10], ROUND + 1), { revealRound: BigInt(ROUND + 1) }),
    ).toBeUndefined();
    expect(queue(state, 20n)).toHaveLength(2);
    state.advance(260);
    expect(state.block()).toBe(360);
    expect(state.read().get(storage.SubnetEpochIndex, NETUID)).toBe(21n);
    // The pulse is missing: both wait. A commit in the block of the epoch belongs to the new one.
    expect(queue(state, 20n)).toHaveLength(2);
    expect(commit(state, 1, sealed(1, [1, 1]))).toBeUndefined();
    expect(queue(state, 21n)).toHaveLength(1);
    state.advance(40);
    publish(state, ROUND);
    state.advance();
    expect(row(state)).toEqual(UPSCALED);
    expect(queue(state, 20n)).toEqual(
      [[account(2), 100n, sealed(2, [20, 10], ROUND + 1), BigInt(ROUND + 1)]].map(([who, block, , round]) => [
        who,
        block,
        expect.any(Uint8Array),
        round,
      ]),
    );
    state.advance(318);
    expect(state.block()).toBe(719);
    expect(queue(state, 20n)).toHaveLength(1);
    // Its pulse comes in block 719, too late to be seen before block 720, which drops it unread.
    publish(state, ROUND + 1);
    state.advance();
    expect(queue(state, 20n)).toEqual([]);
    expect(row(state, 1)).toEqual([]);
    // The commit of block 360 was for this epoch.
    expect(row(state)).toEqual([
      [2, 65_535],
      [3, 65_535],
    ]);
  });

  it('applies the commits of a hotkey in their order, so that the last one holds', () => {
    const state = start();
    state.advance(3);
    commit(state, 1, sealed(1, [20, 10]));
    commit(state, 1, sealed(1, [10, 20]));
    publish(state, ROUND);
    state.advance(7);
    expect(row(state)).toEqual(UPSCALED);
  });

  it('drops what cannot be opened, names another hotkey or is no weights, without an event', () => {
    const state = start();
    state.advance(3);
    const dropped = [
      Uint8Array.of(1, 2, 3),
      sealed(1, [10, 20], ROUND + 1),
      sealed(2, [10, 20]),
      lock(Uint8Array.of(0xff), ROUND),
      lock(payload(account(1), { uids: [2, 9], values: [1, 1], versionKey: 0n }), ROUND),
    ];
    for (const ciphertext of dropped) {
      expect(commit(state, 1, ciphertext)).toBeUndefined();
    }
    expect(commit(state, 3, sealed(3, [10, 20]))).toBeUndefined();
    publish(state, ROUND);
    const emitted = state.advance(7);
    expect(has(emitted, events.TimelockedWeightsRevealed)).toBe(false);
    expect(has(emitted, events.WeightsSet)).toBe(false);
    expect(queue(state, 0n)).toEqual([]);
    expect([row(state, 0), row(state, 2)]).toEqual([[], []]);
  });

  it('takes payloads without a hotkey', () => {
    const state = start();
    state.advance(3);
    commit(state, 1, lock(legacyPayload(weightsOf(10, 20)), ROUND));
    publish(state, ROUND);
    state.advance(7);
    expect(row(state)).toEqual(UPSCALED);
  });

  it('drops commits under a stored pulse that is no signature', () => {
    const state = start();
    state.advance(3);
    commit(state, 1, sealed(1, [10, 20]));
    put(state, drandStorage.Pulses, BigInt(ROUND), { ...beacon.pulse(ROUND), signature: new Uint8Array(48) });
    state.advance(7);
    expect(row(state)).toEqual([]);
    expect(queue(state, 0n)).toEqual([]);
  });

  it('waits as many epochs as the subnet asks for', () => {
    const state = start({ revealPeriodEpochs: '3' });
    state.advance(3);
    commit(state, 1, sealed(1, [10, 20]));
    publish(state, ROUND);
    state.advance(26);
    expect(row(state)).toEqual([]);
    expect(queue(state, 0n)).toHaveLength(1);
    state.advance();
    expect(state.block()).toBe(30);
    expect(row(state)).toEqual(UPSCALED);
  });

  it('knows reveal periods from 1 to 100 epochs', () => {
    expect(() => start({ revealPeriodEpochs: '0' })).toThrow(
      /revealPeriodEpochs = 0 of subnet 2 must be from 1/,
    );
    expect(() => start({ revealPeriodEpochs: '101' })).toThrow(/from 1 to 100/);
  });

  it('keeps mechanisms apart', () => {
    const state = start({ mechanismCountCurrent: 2, maxAllowedUids: 128 });
    state.advance(3);
    const request = { ...args(sealed(1, [10, 20])), mecid: 1 };
    expect(state.dispatch('commit_timelocked_mechanism_weights', request, 1)).toBeUndefined();
    expect(state.read().get(storage.LastUpdate, storageIndex(NETUID, 1))[0]).toBe(3n);
    expect(state.read().get(storage.LastUpdate, NETUID)[0]).toBe(0n);
    publish(state, ROUND);
    state.advance(7);
    expect(row(state)).toEqual([]);
    expect(row(state, 0, storageIndex(NETUID, 1))).toEqual(UPSCALED);
  });

  it('looks ahead to the epoch of the block unless that is deferred', () => {
    const subnets = [1, 2, 3].map((netuid) =>
      subnetGenesis({
        netuid,
        neurons: [neuron(1, TAO), neuron(2, TAO), neuron(3, 0n), neuron(4, 0n)],
        hyperparameters: { weightsSetRateLimit: 0 },
      }),
    );
    const state = startState(genesisOf(...subnets));
    state.advance(3);
    const ciphertext = sealed(1, [10, 20]);
    for (const netuid of [1, 2, 3]) {
      expect(commit(state, 1, ciphertext, { netuid })).toBeUndefined();
    }
    publish(state, ROUND);
    state.advance(7);
    expect([1, 2, 3].map((netuid) => row(state, 0, netuid).length)).toEqual([2, 2, 0]);
    // Seen from block 10, the epoch of the third subnet has come, although it fires in block 11.
    expect(commit(state, 2, ciphertext, { netuid: 3 })).toBeUndefined();
    expect(queue(state, 1n, 3)).toHaveLength(1);
    state.advance();
    expect(row(state, 0, 3)).toEqual(UPSCALED);
    expect(state.read().get(storage.SubnetEpochIndex, 3)).toBe(1n);
    expect(queue(state, 1n, 3)).toHaveLength(1);
  });

  it('tells Yuma the earliest commit that may still be revealed', () => {
    const state = start();
    state.advance(3);
    commit(state, 1, new Uint8Array(3));
    const blocks = () => yumaInputOf(state.read(), { netuid: NETUID, mechanism: 0 }, 0n).commitBlocks;
    expect(blocks()).toEqual([3, null, null, null]);
    state.advance(2);
    commit(state, 1, new Uint8Array(3));
    expect(blocks()).toEqual([3, null, null, null]);
    state.advance(20);
    expect(blocks()).toEqual([null, null, null, null]);
  });
});
