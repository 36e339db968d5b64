import { hexToU8a, isHex, stringToU8a, u8aToHex } from '@polkadot/util';
import * as Effect from 'effect/Effect';
import * as Schema from 'effect/Schema';

import type { SubmitFailure } from '../domain/failures.ts';
import { BlockNumber, type Hotkey, type Netuid } from '../domain/ids.ts';
import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import type { Call } from './extrinsics.ts';
import type { SubnetSource } from './metagraph.ts';
import { decodeWith, readStorage } from './reads.ts';

/**
 * Short texts that a hotkey puts on chain for everybody to read, one per hotkey and subnet (pallet Commitments). They
 * are free and need no stake, only a registration; each counts as at least 100 of the 3100 bytes per epoch.
 */

const PALLET = 'Commitments';
/** `Data` has one case per length of raw bytes, up to this one. */
export const MAX_COMMITMENT_BYTES = 128;

/** What a hotkey committed to; `data` is null where its first field is no raw bytes (a hash, a timelocked text). */
export type Commitment = {
  readonly committedAtBlock: BlockNumber;
  readonly data: Uint8Array | null;
};

/** `set_commitment` with one raw field, or why that is impossible. */
export const commitmentCall = (netuid: Netuid, data: Uint8Array): Outcome<Call, SubmitFailure> => {
  if (data.length > MAX_COMMITMENT_BYTES) {
    return fail({
      _tag: 'Refused',
      check: 'CommitmentTooLong',
      message: `a commitment has at most ${MAX_COMMITMENT_BYTES} bytes, this one has ${data.length}: commit to its hash instead`,
      retry: { when: 'never' },
    });
  }
  const info = { fields: [{ [`Raw${data.length}`]: u8aToHex(data) }] };
  return succeed({ pallet: PALLET, name: 'set_commitment', args: [netuid, info] });
};

/** In plain JSON a case is an object of one key, or a text for a case without content. */
const Field = Schema.Union([Schema.Record(Schema.String, Schema.Unknown), Schema.String]);
const Stored = Schema.Struct({
  block: BlockNumber,
  info: Schema.Struct({ fields: Schema.Array(Field) }),
});
const decodeStored = decodeWith(Schema.Tuple([Schema.NullOr(Stored)]), 'read CommitmentOf');

/** Plain JSON shows printable bytes as text; the length in the case's name tells which of both it is. */
const rawBytes = (text: unknown, length: number | null): Uint8Array | null => {
  if (typeof text !== 'string') return null;
  const asHex = isHex(text) ? hexToU8a(text) : null;
  if (asHex !== null && (length === null || asHex.length === length)) return asHex;
  const asText = stringToU8a(text);
  return length === null || asText.length === length ? asText : null;
};

const firstRaw = (fields: readonly (typeof Field.Type)[]): Uint8Array | null => {
  const [field] = fields;
  if (field === undefined || typeof field === 'string') return null;
  const [[name, content] = ['', undefined]] = Object.entries(field);
  const length = /^raw(\d{1,3})$/i.exec(name)?.[1];
  if (length !== undefined) return rawBytes(content, Number(length));
  return /^bigraw$/i.test(name) ? rawBytes(content, null) : null;
};

/** What `hotkey` committed to on this subnet; null when nothing. */
export const readCommitment = Effect.fn('chain.readCommitment')(function* (
  source: SubnetSource,
  hotkey: Hotkey,
) {
  const items = [{ pallet: PALLET, item: 'CommitmentOf', args: [source.netuid, hotkey] }];
  const stored = yield* readStorage({ ...source, blockHash: source.head.blockHash, items });
  const [commitment] = yield* decodeStored(stored);
  if (commitment === null) return null;
  return {
    committedAtBlock: commitment.block,
    data: firstRaw(commitment.info.fields),
  } satisfies Commitment;
});
