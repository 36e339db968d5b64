/** The hash under which weights are committed. Source: `get_commit_hash`, pallets/subtensor/src/subnets/weights.rs. */
import { accountId } from '../chainTypes.ts';
import { blake2b256 } from '../hashing.ts';
import type { ReadContext } from '../pallet.ts';
import { fieldsCodec, u16, u64, vec } from '../scale.ts';
import { storage, storageIndex } from './storage.ts';
import { isSameAccount } from './subnets.ts';

/** What a reveal shows, values as they were hashed: before they are scaled. */
export type Reveal = {
  readonly netuid: number;
  readonly mechanism: number;
  readonly uids: readonly number[];
  readonly values: readonly number[];
  readonly salt: readonly number[];
  readonly versionKey: bigint;
};

/** (hotkey, storage index, uids, values, salt, version key) */
const preimage = fieldsCodec([accountId, u16, vec(u16), vec(u16), vec(u16), u64]);

/** blake2-256 of what was committed. */
export const commitHashOf = (hotkey: Uint8Array, reveal: Reveal): Uint8Array =>
  blake2b256(
    preimage.enc([
      hotkey,
      storageIndex(reveal.netuid, reveal.mechanism),
      [...reveal.uids],
      [...reveal.values],
      [...reveal.salt],
      reveal.versionKey,
    ]),
  );

/**
 * Epoch of the commit with a hash, whoever made it and on whichever subnet: hotkey and index are part of the hash.
 * Source: `find_commit_epoch_via_hash`.
 */
export const findCommitEpoch = (ctx: ReadContext, hash: Uint8Array): bigint | undefined => {
  for (const { value } of ctx.iterate(storage.WeightCommits)) {
    const found = value.find(([candidate]) => isSameAccount(candidate, hash));
    if (found !== undefined) {
      return found[1];
    }
  }
  return undefined;
};
