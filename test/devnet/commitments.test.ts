import { hexToU8a, u8aToHex } from '@polkadot/util';
import { describe, expect, it } from 'vitest';
import { commitmentInfo } from '#src/devnet/commitments/data.ts';
import { commitmentStorage } from '#src/devnet/commitments/pallet.ts';
import { decodeAll } from '#src/devnet/scale.ts';
import { readSelectiveMetagraph } from '#src/devnet/subtensor/metagraph.ts';
import { storage } from '#src/devnet/subtensor/storage.ts';
import { startRuntimeState } from './runtimeState.ts';
import { account, genesisOf, NETUID, subnetGenesis } from './subtensorFixture.ts';

const bytes = (hex: string): Uint8Array => hexToU8a(`0x${hex.replaceAll(' ', '')}`);
const start = (hyperparameters = {}) => {
  const base = subnetGenesis();
  const state = startRuntimeState(
    genesisOf({ ...base, hyperparameters: { ...base.hyperparameters, ...hyperparameters } }),
  );
  state.advance();
  return state;
};
type State = ReturnType<typeof start>;
/** Fields as a client encodes them: a compact count and the fields. */
const commit = (state: State, fields: string, signer = 1) =>
  state.dispatch(
    'Commitments.set_commitment',
    { netuid: NETUID, info: decodeAll(commitmentInfo, bytes(fields)) },
    signer,
  );
/** One field of raw bytes. */
const raw = (length: number): string =>
  `04 ${(length + 1).toString(16).padStart(2, '0')} ${'aa'.repeat(length)}`;
const bigRaw = (length: number): string => {
  const compact = (length << 2) | 1;
  return `04 88 ${(compact & 255).toString(16).padStart(2, '0')}${(compact >> 8).toString(16).padStart(2, '0')} ${'bb'.repeat(length)}`;
};

describe('devnet / commitments', () => {
  it('has the call bytes of the real chain', () => {
    const call = start().runtime.calls.dec(bytes('12 00 0100 04 06 68656c6c6f'));
    expect(call.name).toBe('set_commitment');
    expect(call.args).toEqual({
      netuid: 1,
      info: { fields: [{ tag: 'Raw5', value: [new TextEncoder().encode('hello')] }] },
    });
    expect(call.declaration.pays).toBe(false);
  });

  it.each([
    ['nothing', '04 00'],
    ['empty raw data', '04 01'],
    ['128 raw bytes', raw(128)],
    ['a hash', `04 82 ${'11'.repeat(32)}`],
    ['another hash', `04 85 ${'22'.repeat(32)}`],
    ['timelocked data', '04 86 0c 010203 e803000000000000'],
    ['the flag that resets bonds', '04 87'],
    ['512 big raw bytes', bigRaw(512)],
    ['three fields', '0c 06 68656c6c6f 87 00'],
  ])('reads and writes %s', (_, hex) => {
    const info = decodeAll(commitmentInfo, bytes(hex));
    expect(u8aToHex(commitmentInfo.enc(info))).toBe(u8aToHex(bytes(hex)));
  });

  it.each([
    ['a tag beyond the last', '04 89'],
    ['four fields', '10 00 00 00 00'],
    ['513 big raw bytes', bigRaw(513)],
    ['fewer bytes than the tag says', '04 06 6865'],
  ])('does not read %s', (_, hex) => {
    expect(() => decodeAll(commitmentInfo, bytes(hex))).toThrow(RangeError);
  });

  it('keeps the last commitment of a hotkey, with its block', () => {
    const state = start();
    expect(commit(state, raw(5))).toBeUndefined();
    expect(state.events().at(-1)).toEqual({
      name: 'Commitment',
      fields: { netuid: NETUID, who: account(1) },
    });
    state.advance();
    expect(commit(state, '04 00')).toBeUndefined();
    const ctx = state.read();
    expect(ctx.get(commitmentStorage.CommitmentOf, NETUID, account(1))).toMatchObject({
      deposit: 0n,
      block: 2,
      info: { fields: [{ tag: 'None' }] },
    });
    expect(ctx.get(commitmentStorage.LastCommitment, NETUID, account(1))).toBe(2);
  });

  it('is only for hotkeys of the subnet', () => {
    expect(commit(start(), raw(5), 99)).toBe('AccountNotAllowedCommit');
  });

  it('counts at least 100 bytes each against 3100 per epoch of the subnet', () => {
    const state = start();
    for (let made = 0; made < 31; made += 1) expect(commit(state, raw(3))).toBeUndefined();
    expect(commit(state, raw(3))).toBe('SpaceLimitExceeded');
    // Another hotkey has its own space
    expect(commit(state, bigRaw(512), 2)).toBeUndefined();
    expect(state.read().get(commitmentStorage.UsedSpaceOf, NETUID, account(2))).toEqual({
      lastEpoch: 0n,
      usedSpace: 512n,
    });
    state.put(storage.SubnetEpochIndex, NETUID, 1n);
    expect(commit(state, raw(3))).toBeUndefined();
    expect(state.read().get(commitmentStorage.UsedSpaceOf, NETUID, account(1))).toEqual({
      lastEpoch: 1n,
      usedSpace: 100n,
    });
  });

  it('lets root change the space', () => {
    const state = start();
    const set = (caller: number | 'root') =>
      state.dispatch('Commitments.set_max_space', { newLimit: 99 }, caller);
    expect(set(1)).toBe('BadOrigin');
    expect(set('root')).toBeUndefined();
    expect(commit(state, raw(3))).toBe('SpaceLimitExceeded');
  });

  it('keeps timelocked data with its round, and an index of who has some', () => {
    const state = start();
    const timelocked = '04 86 0c 010203 e803000000000000';
    for (const hotkey of [2, 1]) expect(commit(state, timelocked, hotkey)).toBeUndefined();
    expect(state.events().at(-1)).toEqual({
      name: 'TimelockCommitment',
      fields: { netuid: NETUID, who: account(1), revealRound: 1000n },
    });
    const index = () => state.read().get(commitmentStorage.TimelockedIndex);
    expect(index()).toEqual([
      [NETUID, account(1)],
      [NETUID, account(2)],
    ]);
    expect(commit(state, raw(1), 1)).toBeUndefined();
    expect(index()).toEqual([[NETUID, account(2)]]);
  });

  it('forgets the bonds for a hotkey that asks for it, where the subnet allows it', () => {
    const bond = (state: State) => state.read().get(storage.Bonds, NETUID, 0);
    const withBonds = (hyperparameters = {}) => {
      const state = start(hyperparameters);
      state.put(storage.Bonds, NETUID, 0, [
        [2, 100],
        [3, 200],
      ]);
      expect(commit(state, '04 87', 3)).toBeUndefined();
      return state;
    };
    expect(bond(withBonds())).toHaveLength(2);
    const reset = withBonds({ bondsResetOn: true });
    expect(bond(reset)).toEqual([[3, 200]]);
    expect(reset.read().get(commitmentStorage.LastBondsReset, NETUID, account(3))).toBe(1);
  });

  it('is shown by the selective metagraph as the SDK reads it: 14 bytes before the text', () => {
    const state = start();
    expect(commit(state, '04 06 68656c6c6f')).toBeUndefined();
    const selected = readSelectiveMetagraph(state.read(), { netuid: NETUID, mechanism: 0 }, [73]);
    const [[hotkey, encoded]] = Reflect.get(selected ?? {}, 'commitments');
    expect(hotkey).toEqual(account(1));
    expect(new TextDecoder().decode(Uint8Array.from(encoded).slice(14))).toBe('hello');
  });
});
