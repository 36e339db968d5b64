import { describe, expect, it } from 'vitest';
import { freeBalance } from '#src/devnet/balances.ts';
import { concatBytes } from '#src/devnet/scale.ts';
import { storage } from '#src/devnet/subtensor/storage.ts';
import { type RuntimeState, startRuntimeState } from './runtimeState.ts';
import { account, address, genesisOf, NETUID, subnetGenesis, TAO } from './subtensorFixture.ts';

const start = () => {
  const accounts = [{ address: address(50), free: 1000n * TAO }];
  const state = startRuntimeState({ ...genesisOf(subnetGenesis()), accounts });
  state.advance(2);
  return state;
};
const transfer = (state: RuntimeState, value: bigint) =>
  state.callOf('Balances.transfer_keep_alive', { dest: { tag: 'Id', value: [account(51)] }, value });
const batch = (state: RuntimeState, kind: string, calls: readonly unknown[], caller: number | 'root' = 50) =>
  state.dispatch(`Utility.${kind}`, { calls }, caller);
const names = (state: RuntimeState) =>
  state
    .events()
    .map(({ name }) => name)
    .filter((name) => /^(Batch|Item)/.test(name));
const received = (state: RuntimeState) => freeBalance(state.read(), account(51));
/** More than anybody has. */
const TOO_MUCH = 5000n * TAO;

describe('devnet / utility', () => {
  it('runs all calls of a batch as its signer', () => {
    const state = start();
    expect(batch(state, 'batch', [transfer(state, TAO), transfer(state, 2n * TAO)])).toBeUndefined();
    expect(received(state)).toBe(3n * TAO);
    expect(names(state)).toEqual(['ItemCompleted', 'ItemCompleted', 'BatchCompleted']);
  });

  it('stops a batch at the first failure and keeps what was done', () => {
    const state = start();
    const calls = [TAO, TOO_MUCH, TAO].map((value) => transfer(state, value));
    expect(batch(state, 'batch', calls)).toBeUndefined();
    expect(received(state)).toBe(TAO);
    expect(names(state)).toEqual(['ItemCompleted', 'BatchInterrupted']);
    expect(state.events().at(-1)?.fields).toEqual({
      index: 1,
      error: { tag: 'Token', value: [{ tag: 'FundsUnavailable', value: undefined }] },
    });
  });

  it('undoes all of batch_all when one call fails, with its error', () => {
    const state = start();
    const calls = [TAO, TOO_MUCH].map((value) => transfer(state, value));
    expect(batch(state, 'batch_all', calls)).toBe('Token');
    expect(received(state)).toBe(0n);
  });

  it('goes on after failures in force_batch', () => {
    const state = start();
    const calls = [TOO_MUCH, TAO].map((value) => transfer(state, value));
    expect(batch(state, 'force_batch', calls)).toBeUndefined();
    expect(received(state)).toBe(TAO);
    expect(names(state)).toEqual(['ItemFailed', 'ItemCompleted', 'BatchCompletedWithErrors']);
    expect(batch(state, 'force_batch', [transfer(state, TAO)])).toBeUndefined();
    expect(names(state)).toEqual(['ItemCompleted', 'BatchCompleted']);
  });

  it('filters a batch directly in a batch, for everybody but root', () => {
    const state = start();
    const inner = state.callOf('Utility.batch_all', { calls: [] });
    for (const kind of ['batch', 'batch_all', 'force_batch']) {
      expect(batch(state, kind, [inner])).toBe('CallFiltered');
      expect(batch(state, kind, [inner], 'root')).toBeUndefined();
    }
  });

  it('refuses more calls than the real chain takes', () => {
    const state = start();
    const remark = state.callOf('System.remark', { remark: new Uint8Array(0) });
    expect(batch(state, 'batch', new Array(10_923).fill(remark))).toBe('TooManyCalls');
  });

  it('raises what the pool would have refused as a dispatch error of the module', () => {
    const state = start();
    state.put(storage.StakeThreshold, 200n * TAO);
    const args = { netuid: NETUID, dests: [2], weights: [1], versionKey: 0n };
    const weights = state.callOf('SubtensorModule.set_weights', args);
    expect(state.refuse('SubtensorModule.set_weights', args, 2)).toMatchObject({ custom: 1 });
    expect(batch(state, 'batch_all', [weights], 2)).toBe('NotEnoughStakeToSetWeights');
    expect(batch(state, 'force_batch', [weights], 2)).toBeUndefined();
    expect(state.events()).toContainEqual({
      name: 'ItemFailed',
      fields: {
        error: { tag: 'Module', value: [{ index: 7, error: Uint8Array.of(10, 0, 0, 0) }] },
      },
    });
  });

  it('reads nested calls from bytes and writes them back', () => {
    const state = start();
    const bytes = Uint8Array.of(11, 0, 8, 0, 0, 4, 1, 0, 7, 8, 2, 3);
    const { name, declaration, args } = state.runtime.calls.dec(bytes);
    expect(name).toBe('batch');
    const nested = args['calls'] as readonly { readonly name: string }[];
    expect(nested.map((call) => call.name)).toEqual(['remark', 'remark_with_event']);
    expect(
      concatBytes(Uint8Array.of(11, 0), declaration.args['calls']?.enc(nested) ?? new Uint8Array()),
    ).toEqual(bytes);
  });

  it('does not read calls that are nested too deep or do not exist', () => {
    const { calls } = start().runtime;
    // A batch of one batch of one batch …
    const deep = Uint8Array.from({ length: 3 * 5000 }, (_, i) => [11, 0, 4][i % 3] ?? 0);
    expect(() => calls.dec(deep)).toThrow('nested more than');
    expect(() => calls.dec(Uint8Array.of(11, 0, 4, 250, 0))).toThrow('no call has pallet index 250');
    expect(() => calls.dec(Uint8Array.of(11, 0, 4, 0))).toThrow(RangeError);
  });
});
