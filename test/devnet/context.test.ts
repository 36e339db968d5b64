import { describe, expect, it } from 'vitest';
import { accountId } from '#src/devnet/chainTypes.ts';
import {
  createContext,
  createReadContext,
  createStorageLayout,
  type EmittedEvent,
  eventOwners,
  storageKey,
  storagePrefix,
} from '#src/devnet/context.ts';
import {
  blake2,
  definePallet,
  event,
  identity,
  storageMap,
  storageValue,
  twox64,
} from '#src/devnet/pallet.ts';
import { u16, u64 } from '#src/devnet/scale.ts';
import { createState } from '#src/devnet/state.ts';

const storage = {
  Tempo: storageMap([identity(u16)], u16, 360),
  Uids: storageMap([identity(u16), blake2(accountId)], u16),
  RevealPeriodEpochs: storageMap([twox64(u16)], u64, 1n),
  StakeThreshold: storageValue(u64, 0n),
};
const events = { TempoSet: event(50, [u16, u16]) };
const pallet = definePallet({ name: 'SubtensorModule', index: 7, storage, events });
const layout = createStorageLayout([pallet]);
const account = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

const setUp = () => {
  const emitted: EmittedEvent[] = [];
  const parts = {
    state: createState(),
    layout,
    owners: eventOwners([pallet]),
    specVersion: 425,
    nowMs: () => 5,
  };
  return { ctx: createContext(parts, 3, emitted), parts, emitted };
};

describe('devnet / context', () => {
  it.each([
    ['Tempo', '7641384bb339f3758acddfd7053d3317'],
    ['Weights', 'a1e7036061f484bc3048a64b64e35ec4'],
    ['Axons', 'b4e0c7b1d5f74994fcd58c28ab601fec'],
    ['Uids', 'aab1b4e78e1ea8305462ee53b3686dc8'],
    ['LastEpochBlock', '90010c37124c14146041452f9ffba0df'],
  ])('puts %s where the real chain has it', (item, hash) => {
    expect(storagePrefix('SubtensorModule', item)).toBe(`0x658faa385070e074c85bf6b568cf0555${hash}`);
  });

  it('hashes keys as declared', () => {
    expect(storageKey(layout, storage.Tempo, [1]).slice(66)).toBe('0100');
    // blake2_128 and twox64 of the SCALE bytes, then the bytes
    expect(storageKey(layout, storage.Uids, [1, account(0)]).slice(66)).toBe(
      `0100ff0f22492f44bac4c4b30ae58d0e8daa${'00'.repeat(32)}`,
    );
    expect(storageKey(layout, storage.RevealPeriodEpochs, [0]).slice(66)).toBe('01a12dfa1fa4ab9a0000');
  });

  it('gives the default, or undefined, where nothing is stored', () => {
    const { ctx } = setUp();
    expect(ctx.get(storage.Tempo, 1)).toBe(360);
    expect(ctx.get(storage.Uids, 1, account(1))).toBeUndefined();
    expect(ctx.has(storage.Tempo, 1)).toBe(false);
  });

  it('stores, takes and removes by typed keys', () => {
    const { ctx } = setUp();
    ctx.put(storage.Uids, 1, account(1), 7);
    expect(ctx.has(storage.Uids, 1, account(1))).toBe(true);
    expect(ctx.take(storage.Uids, 1, account(1))).toBe(7);
    expect(ctx.has(storage.Uids, 1, account(1))).toBe(false);
  });

  it('iterates all entries, or those under the first keys, with their keys decoded', () => {
    const { ctx } = setUp();
    ctx.put(storage.Uids, 2, account(1), 0);
    ctx.put(storage.Uids, 1, account(9), 5);
    ctx.put(storage.RevealPeriodEpochs, 4, 3n);
    expect(ctx.iterate(storage.Uids, 1)).toEqual([{ keys: [1, account(9)], value: 5 }]);
    expect(ctx.iterate(storage.Uids).map(({ keys }) => keys[0])).toEqual([1, 2]);
    expect(ctx.iterate(storage.RevealPeriodEpochs)).toEqual([{ keys: [4], value: 3n }]);
    ctx.clear(storage.Uids, 1);
    expect(ctx.iterate(storage.Uids).map(({ keys }) => keys[0])).toEqual([2]);
  });

  it('undoes state and events of a transaction that throws', () => {
    const { ctx, emitted } = setUp();
    ctx.put(storage.StakeThreshold, 1n);
    expect(() =>
      ctx.transaction(() => {
        ctx.put(storage.StakeThreshold, 2n);
        ctx.emit(events.TempoSet, [1, 10]);
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(ctx.get(storage.StakeThreshold)).toBe(1n);
    expect(emitted).toEqual([]);
  });

  it('encodes events with the index of their pallet', () => {
    const { ctx, emitted } = setUp();
    ctx.emit(events.TempoSet, [1, 10]);
    expect(emitted).toEqual([{ pallet: 7, data: Uint8Array.of(7, 50, 1, 0, 10, 0) }]);
  });

  it('reads a past block', () => {
    const { ctx, parts } = setUp();
    ctx.put(storage.StakeThreshold, 1n);
    createContext(parts, 4, []).put(storage.StakeThreshold, 2n);
    expect(createReadContext(parts, 3).get(storage.StakeThreshold)).toBe(1n);
    expect(createReadContext(parts, 4).get(storage.StakeThreshold)).toBe(2n);
  });

  it('refuses items of a pallet that the runtime does not include', () => {
    const { ctx } = setUp();
    expect(() => ctx.get(storageValue(u16, 0))).toThrow('does not include');
  });
});
