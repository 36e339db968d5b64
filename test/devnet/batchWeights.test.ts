/** Batches of weights, commits and reveals: pallets/subtensor/src/subnets/weights.rs. */
import { describe, expect, it } from 'vitest';
import type { EmittedEvent } from '#src/devnet/context.ts';
import { fieldsCodec } from '#src/devnet/scale.ts';
import { commitHashOf } from '#src/devnet/subtensor/commitHashes.ts';
import { errors } from '#src/devnet/subtensor/errors.ts';
import { events } from '#src/devnet/subtensor/events.ts';
import { storage } from '#src/devnet/subtensor/storage.ts';
import {
  account,
  genesisOf,
  neuron,
  startState,
  subnetGenesis,
  TAO,
  type TestState,
} from './subtensorFixture.ts';

/** Commit-reveal is on in subnet 2 and off in 1 and 3. */
const start = (hyperparameters = {}): TestState => {
  const neurons = [neuron(1, 3n * TAO), neuron(2, TAO), neuron(3, 0n), neuron(4, 0n)];
  const subnets = [1, 2, 3].map((netuid) =>
    subnetGenesis({
      netuid,
      neurons,
      hyperparameters: {
        commitRevealWeightsEnabled: netuid === 2,
        weightsSetRateLimit: 5,
        maxEpochsPerBlock: 3,
        ...hyperparameters,
      },
    }),
  );
  return startState(genesisOf(...subnets));
};
const row = (state: TestState, netuid: number) => state.read().get(storage.Weights, netuid, 0);
/** Events of a call that succeeds. */
const run = (state: TestState, name: string, args: object, signer: number): EmittedEvent[] =>
  state.write((ctx) => {
    const call = state.runtime.pallets.find(({ index }) => index === 7)?.calls?.[name];
    call?.dispatch(ctx, { ...args }, { kind: 'signed', account: account(signer) });
  });
const encoded = (event: { readonly index: number; readonly fields: object }, values: unknown): Uint8Array =>
  Uint8Array.from([7, event.index, ...fieldsCodec(event.fields as never).enc(values as never)]);
const failed = (netuid: number, error: { readonly index: number }): Uint8Array =>
  encoded(events.BatchWeightItemFailed, [
    netuid,
    { tag: 'Module', value: [{ index: 7, error: Uint8Array.of(error.index, 0, 0, 0) }] },
  ]);

describe('devnet / subtensor / batchWeights', () => {
  const weights = (count: number) => ({
    weights: Array.from({ length: count }, () => [
      [2, 10],
      [3, 20],
    ]),
    versionKeys: Array.from({ length: count }, () => 0n),
  });

  it('sets weights where it can and reports each subnet where it cannot', () => {
    const state = start();
    state.advance(3);
    const emitted = run(state, 'batch_set_weights', { netuids: [1, 2, 77, 3], ...weights(4) }, 1);
    expect(emitted.map(({ data }) => data)).toEqual([
      encoded(events.WeightsSet, [1, 0]),
      encoded(events.WeightsSet, [3, 0]),
      encoded(events.BatchCompletedWithErrors, []),
      failed(2, errors.CommitRevealEnabled),
      failed(77, errors.CommitRevealEnabled),
      encoded(events.BatchWeightsCompleted, [[1, 2, 77, 3], account(1)]),
    ]);
    expect([1, 2, 3].map((netuid) => row(state, netuid).length)).toEqual([2, 0, 2]);
    expect(state.read().get(storage.LastUpdate, 1)[0]).toBe(3n);
    // A second time it is too early, which is no failure of the batch either.
    const again = run(state, 'batch_set_weights', { netuids: [1], ...weights(1) }, 1);
    expect(again.map(({ data }) => data)).toContainEqual(failed(1, errors.SettingWeightsTooFast));
  });

  it('commits hashes where it can', () => {
    const state = start();
    state.advance(3);
    const hashes = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
    const emitted = run(state, 'batch_commit_weights', { netuids: [1, 2], commitHashes: hashes }, 1);
    expect(emitted.map(({ data }) => data)).toEqual([
      encoded(events.WeightsCommitted, [account(1), 2, hashes[1]]),
      encoded(events.BatchCompletedWithErrors, []),
      failed(1, errors.CommitRevealDisabled),
      encoded(events.BatchWeightsCompleted, [[1, 2], account(1)]),
    ]);
    expect(state.read().get(storage.WeightCommits, 2, account(1))).toEqual([[hashes[1], 0n, 3n, 0n]]);
  });

  it('says nothing of errors when there are none', () => {
    const state = start();
    state.advance(3);
    const emitted = run(state, 'batch_set_weights', { netuids: [3], ...weights(1) }, 1);
    expect(emitted.map(({ data }) => data[1])).toEqual([
      events.WeightsSet.index,
      events.BatchWeightsCompleted.index,
    ]);
  });

  it('fails as a whole when the lists differ in length, in the pool with 18', () => {
    const state = start({ stakeThreshold: '1' });
    state.advance(3);
    const batches = [
      ['batch_set_weights', { netuids: [1, 3], ...weights(1) }],
      ['batch_set_weights', { netuids: [1], ...weights(1), versionKeys: [] }],
      ['batch_commit_weights', { netuids: [1], commitHashes: [] }],
      [
        'batch_reveal_weights',
        { netuid: 2, uidsList: [[1]], valuesList: [], saltsList: [[]], versionKeys: [0n] },
      ],
    ] as const;
    for (const [name, args] of batches) {
      expect(state.dispatch(name, { ...args }, 1)).toBe('InputLengthsUnequal');
      // Before the stake, which hotkey 3 does not have.
      expect(state.refuse(name, { ...args }, 3)).toBe(18);
    }
  });

  it('is refused in the pool without stake on any of its subnets (1), and not for the rate', () => {
    const state = start({ stakeThreshold: '1' });
    state.advance(3);
    const batch = { netuids: [1, 3], ...weights(2) };
    expect(state.refuse('batch_set_weights', batch, 3)).toBe(1);
    expect(state.refuse('batch_set_weights', { ...batch, netuids: [1, 77] }, 1)).toBe(1);
    expect(state.refuse('batch_set_weights', batch, 1)).toBeUndefined();
    expect(state.dispatch('batch_set_weights', batch, 1)).toBeUndefined();
    expect(state.refuse('batch_set_weights', batch, 1)).toBeUndefined();
    const commits = { netuids: [2], commitHashes: [new Uint8Array(32)] };
    expect(state.refuse('batch_commit_weights', commits, 1)).toBeUndefined();
    expect(state.refuse('batch_commit_weights', commits, 3)).toBe(1);
  });

  it('decodes the compact arguments of the real call', () => {
    const { runtime } = start();
    // netuids [1, 106], one list of weights per subnet: [(2, 1)] and [(10, 0)], version keys [0, 0]
    const bytes = Buffer.from('0750 08 04a901 08 04 08 04 04 28 00 08 00 00'.replaceAll(' ', ''), 'hex');
    const call = runtime.calls.dec(new Uint8Array(bytes));
    expect(call.name).toBe('batch_set_weights');
    expect(call.args).toEqual({
      netuids: [1, 106],
      weights: [[[2, 1]], [[10, 0]]],
      versionKeys: [0n, 0n],
    });
  });
});

describe('devnet / subtensor / batch reveals', () => {
  const reveals = (...salts: number[]) => ({
    netuid: 2,
    uidsList: salts.map(() => [2, 3]),
    valuesList: salts.map((salt) => [salt, 20]),
    saltsList: salts.map((salt) => [salt]),
    versionKeys: salts.map(() => 0n),
  });
  const hashOf = (hotkey: number, salt: number): Uint8Array =>
    commitHashOf(account(hotkey), {
      netuid: 2,
      mechanism: 0,
      uids: [2, 3],
      values: [salt, 20],
      salt: [salt],
      versionKey: 0n,
    });
  const startWithCommits = (hotkey = 1): TestState => {
    const state = start({ weightsSetRateLimit: 0, stakeThreshold: '0' });
    state.advance(3);
    for (const salt of [1, 2, 3]) {
      state.dispatch('commit_weights', { netuid: 2, commitHash: hashOf(hotkey, salt) }, hotkey);
    }
    return state;
  };
  const left = (state: TestState, hotkey = 1) =>
    state
      .read()
      .get(storage.WeightCommits, 2, account(hotkey))
      ?.map(([hash]) => hash);

  it('reveals commits in any order; the last one of the list holds', () => {
    const state = startWithCommits();
    expect(state.dispatch('batch_reveal_weights', reveals(1), 1)).toBe('RevealTooEarly');
    expect(state.refuse('batch_reveal_weights', reveals(1), 1)).toBe(17);
    state.advance(7);
    expect(state.refuse('batch_reveal_weights', reveals(3, 1), 1)).toBeUndefined();
    const emitted = run(state, 'batch_reveal_weights', reveals(3, 1), 1);
    expect(emitted.at(-1)?.data).toEqual(
      encoded(events.WeightsBatchRevealed, [account(1), 2, [hashOf(1, 3), hashOf(1, 1)]]),
    );
    expect(row(state, 2)).toEqual([
      [2, 3277],
      [3, 65_535],
    ]);
    expect(left(state)).toEqual([hashOf(1, 2)]);
    expect(state.dispatch('batch_reveal_weights', reveals(2), 1)).toBeUndefined();
    expect(left(state)).toBeUndefined();
  });

  it('reveals all or nothing', () => {
    const state = startWithCommits();
    state.advance(7);
    expect(state.dispatch('batch_reveal_weights', reveals(1, 9), 1)).toBe('InvalidRevealCommitHashNotMatch');
    expect(state.refuse('batch_reveal_weights', reveals(1, 9), 1)).toBe(16);
    expect(state.dispatch('batch_reveal_weights', reveals(1, 1), 1)).toBe('InvalidRevealCommitHashNotMatch');
    expect(row(state, 2)).toEqual([]);
    expect(left(state)).toHaveLength(3);
    expect(state.dispatch('batch_reveal_weights', reveals(1), 2)).toBe('NoWeightsCommitFound');
    state.advance(10);
    expect(state.dispatch('batch_reveal_weights', reveals(1), 1)).toBe('ExpiredWeightCommit');
    expect(state.refuse('batch_reveal_weights', reveals(1), 1)).toBe(17);
  });

  it('leaves the queue alone when the weights are refused', () => {
    const state = startWithCommits(3);
    state.advance(7);
    expect(state.dispatch('batch_reveal_weights', reveals(1, 2), 3)).toBe('NeuronNoValidatorPermit');
    expect(left(state, 3)).toHaveLength(3);
  });

  it('needs commit-reveal', () => {
    const state = start();
    state.advance(3);
    expect(state.dispatch('batch_reveal_weights', { ...reveals(1), netuid: 1 }, 1)).toBe(
      'CommitRevealDisabled',
    );
  });
});
