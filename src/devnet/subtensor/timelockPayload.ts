/** What a timelocked commit holds. Source: `WeightsTlockPayload`, pallets/subtensor/src/coinbase/reveal_commits.rs. */
import { bytes, decodePrefix, struct, u16, u64, vec } from '../scale.ts';
import { isSameAccount } from './subnets.ts';

const content = { uids: vec(u16), values: vec(u16), versionKey: u64 };
const payload = struct('', { hotkey: bytes, ...content });
/** Before hotkeys stood in the payload. */
const legacyPayload = struct('', content);
const ACCOUNT_BYTES = 32;

export type TimelockedWeights = {
  readonly uids: readonly number[];
  readonly values: readonly number[];
  readonly versionKey: bigint;
};

/** As the runtime decodes: bytes after the value are left unread. */
const decoded = <T>(type: { dec(input: Uint8Array): T }, input: Uint8Array): T | undefined => {
  try {
    return decodePrefix(type, input)[0];
  } catch {
    return undefined;
  }
};

/**
 * Weights of a decrypted payload that the committer made; undefined when it is not a payload, or when it names another
 * hotkey: a copied commit. The layout without hotkey is tried where the present one does not fit.
 */
export const readTimelockPayload = (
  plain: Uint8Array,
  committer: Uint8Array,
): TimelockedWeights | undefined => {
  const current = decoded(payload, plain);
  if (current === undefined || current.hotkey.length < ACCOUNT_BYTES) {
    return decoded(legacyPayload, plain);
  }
  return isSameAccount(current.hotkey.subarray(0, ACCOUNT_BYTES), committer) ? current : undefined;
};
