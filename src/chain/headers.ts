import { compactToU8a, hexToU8a, u8aConcat, u8aToHex } from '@polkadot/util';
import { blake2AsU8a } from '@polkadot/util-crypto/blake2';
import * as Result from 'effect/Result';
import * as Schema from 'effect/Schema';

import type { BlockNumber } from '../domain/ids.ts';
import { decodeWith, HexBytes } from './reads.ts';

const Hash = Schema.String.check(Schema.isPattern(/^0x[0-9a-fA-F]{64}$/));
/** A header's number is hex text on the wire. */
const HexNumber = Schema.String.check(Schema.isPattern(/^0x[0-9a-fA-F]{1,8}$/));

/** The one thing of a header that a follower cannot do without. */
export const HeaderNumber = Schema.Struct({ number: HexNumber });

/** A whole header, as `chain_getHeader` and the subscriptions give it. */
const Header = Schema.Struct({
  parentHash: Hash,
  number: HexNumber,
  stateRoot: Hash,
  extrinsicsRoot: Hash,
  digest: Schema.Struct({
    logs: Schema.Array(HexBytes.check(Schema.isMaxLength(65_536))).check(Schema.isMaxLength(64)),
  }),
});
export type Header = typeof Header.Type;
export const decodeHeader = decodeWith(Header, 'chain_getHeader');
const decodeWhole = Schema.decodeUnknownResult(Header);

/** A block's hash is the Blake2b-256 of its header's SCALE bytes (sp_runtime generic/header.rs). */
export const hashOf = ({ parentHash, number, stateRoot, extrinsicsRoot, digest }: Header): string =>
  u8aToHex(
    blake2AsU8a(
      u8aConcat(
        hexToU8a(parentHash),
        compactToU8a(Number(number)),
        hexToU8a(stateRoot),
        hexToU8a(extrinsicsRoot),
        compactToU8a(digest.logs.length),
        ...digest.logs.map((log) => hexToU8a(log)),
      ),
    ),
  );

/** Block hashes that a header tells without any call: its own and its parent's. Empty for what is no whole header. */
export const hashesToldBy = (announced: unknown): ReadonlyMap<BlockNumber, string> => {
  const decoded = decodeWhole(announced);
  if (Result.isFailure(decoded)) return new Map();
  const header = decoded.success;
  const block = Number(header.number);
  return new Map([
    [block, hashOf(header)],
    [block - 1, header.parentHash.toLowerCase()],
  ]);
};
