import * as Schema from 'effect/Schema';

import { BlockNumber, Hotkey, type Netuid } from '../domain/ids.ts';
import { decodeWith, Unsigned } from './reads.ts';

/**
 * `SelectiveMetagraphIndex` of the fields read below (subtensor rpc_info/metagraph.rs). The list only grows: indices
 * keep their meaning, and a runtime ignores those it does not know.
 */
const FIELDS = [
  0, 5, 7, 8, 24, 26, 27, 28, 29, 30, 31, 36, 45, 46, 47, 52, 53, 55, 56, 57, 59, 60, 61, 62, 63, 66, 69,
] as const;
/** Far above any subnet (256 uids); a list beyond it is an attack on memory, not a metagraph. */
const MAX_NEURONS = 4_096;
export const U16_MAX = 65_535;

/** A list by uid, bounded. */
export const list = <S extends Schema.ConstraintDecoder<unknown>>(item: S) =>
  Schema.Array(item).check(Schema.isMaxLength(MAX_NEURONS));
export const U16 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: U16_MAX }));

export const AxonInfo = Schema.Struct({ ip: Unsigned, port: U16, ipType: Schema.Int });

/** Rules of a subnet as the metagraph calls name them. */
export const SubnetFields = Schema.Struct({
  netuid: U16,
  ownerHotkey: Schema.NullOr(Hotkey),
  block: BlockNumber,
  tempo: U16,
  minAllowedWeights: U16,
  weightsVersion: Unsigned,
  weightsRateLimit: Unsigned,
  activityCutoff: Unsigned,
  maxValidators: U16,
  numUids: U16,
  maxUids: U16,
  immunityPeriod: U16,
  servingRateLimit: Unsigned,
  commitRevealWeightsEnabled: Schema.Boolean,
  commitRevealPeriod: Unsigned,
});

/** Lists with one entry per uid, as the metagraph calls and `get_subnet_state` name them. */
export const NeuronFields = Schema.Struct({
  hotkeys: list(Hotkey),
  coldkeys: list(Schema.String),
  active: list(Schema.Boolean),
  validatorPermit: list(Schema.Boolean),
  lastUpdate: list(BlockNumber),
  emission: list(Unsigned),
  dividends: list(U16),
  incentives: list(U16),
  consensus: list(U16),
  blockAtRegistration: list(BlockNumber),
  totalStake: list(Unsigned),
});

const Selected = Schema.Struct({
  ...SubnetFields.fields,
  ...NeuronFields.fields,
  axons: list(AxonInfo),
});
/** What every way of reading a subnet comes to: plain JSON, checked, not yet related. */
export type Selected = typeof Selected.Type;
export const decodeSelected = decodeWith(Selected, 'read metagraph');

/** SCALE of `Vec<u16>` fields; the vector is short enough for a one-byte length. */
const fieldBytes = (): Buffer => {
  const bytes = Buffer.alloc(1 + 2 * FIELDS.length);
  bytes.writeUInt8(FIELDS.length << 2, 0);
  for (const [index, field] of FIELDS.entries()) bytes.writeUInt16LE(field, 1 + 2 * index);
  return bytes;
};

/** SCALE of the netuid, u16. */
export const netuidBytes = (netuid: Netuid): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(netuid, 0);
  return bytes;
};

/** Argument of `get_selective_mechagraph`: netuid, mechanism u8 = 0, fields. */
export const mechagraphSelection = (netuid: Netuid): Uint8Array =>
  Buffer.concat([netuidBytes(netuid), Buffer.alloc(1), fieldBytes()]);

/** Argument of `get_selective_metagraph`: netuid, fields. */
export const metagraphSelection = (netuid: Netuid): Uint8Array =>
  Buffer.concat([netuidBytes(netuid), fieldBytes()]);
