/** Pallets Timestamp and Aura: the time of a block, and the constant from which clients read the block time. */

import {
  call,
  constant,
  DispatchFailure,
  definePallet,
  type Pallet,
  type ReadContext,
  storageValue,
} from './pallet.ts';
import { compact, fixedBytes, newtype, u64, vec } from './scale.ts';

const storage = {
  /** Unix time, ms. */
  Now: storageValue(u64, 0n),
};
export const TIMESTAMP_INDEX = 2;
const SET_INDEX = 0;

/** `minimumPeriod` is half a block time, as in the runtime. */
export const timestamp = (blockTimeMs: number): Pallet =>
  definePallet({
    name: 'Timestamp',
    index: TIMESTAMP_INDEX,
    storage,
    constants: { MinimumPeriod: constant(u64, BigInt(Math.floor(blockTimeMs / 2))) },
    calls: {
      set: call({
        index: SET_INDEX,
        args: { now: compact(u64) },
        pays: false,
        dispatch: (ctx, { now }, origin) => {
          if (origin.kind !== 'none') throw new DispatchFailure({ tag: 'BadOrigin' });
          ctx.put(storage.Now, now);
        },
      }),
    },
  });

/** The call bytes of the inherent that opens every block. */
export const timestampInherent = (nowMs: number): Uint8Array =>
  new Uint8Array([TIMESTAMP_INDEX, SET_INDEX, ...compact(u64).enc(BigInt(nowMs))]);
export const readNowMs = (ctx: ReadContext): number => Number(ctx.get(storage.Now));

const slot = newtype('sp_consensus_slots::Slot', u64);
const auraStorage = {
  Authorities: storageValue(
    vec(newtype('sp_consensus_aura::sr25519::app_sr25519::Public', fixedBytes(32))),
    [],
  ),
  CurrentSlot: storageValue(slot, 0n),
};
/** Blocks since the Unix epoch. */
export const slotOf = (nowMs: number, blockTimeMs: number): bigint => BigInt(Math.floor(nowMs / blockTimeMs));

/** `SlotDuration` is the block time in ms, by which clients tell fast chains from the real one. */
export const aura = (blockTimeMs: number): Pallet =>
  definePallet({
    name: 'Aura',
    index: 3,
    storage: auraStorage,
    constants: { SlotDuration: constant(u64, BigInt(blockTimeMs)) },
    onFinalize: (ctx) => ctx.put(auraStorage.CurrentSlot, slotOf(ctx.nowMs, blockTimeMs)),
  });
