import * as Schema from 'effect/Schema';

/** Position of a neuron in a subnet, 0-based u16. A uid is reused when its neuron is replaced: key by hotkey. */
export const Uid = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 }));
export type Uid = typeof Uid.Type;

/** SS58 address (prefix 42) of an sr25519 hotkey. The checksum is verified by `keys`, the shape here. */
export const Hotkey = Schema.String.check(Schema.isPattern(/^5[1-9A-HJ-NP-Za-km-z]{46,47}$/));
export type Hotkey = typeof Hotkey.Type;

/** Subnet number, u16. */
export const Netuid = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 }));
export type Netuid = typeof Netuid.Type;

/** Height of a block, u32 on chain. */
export const BlockNumber = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4_294_967_295 }));
export type BlockNumber = typeof BlockNumber.Type;

/** `SubtensorModule.SubnetEpochIndex`: counts the epochs a subnet has run. */
export const EpochIndex = Schema.Int.check(
  Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
);
export type EpochIndex = typeof EpochIndex.Type;

/** A finite number in [0, 1]; NaN and the infinities are refused. */
export const Fraction = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }));
export type Fraction = typeof Fraction.Type;

/** Milliseconds; a duration or, where the name says `at`, wall-clock time since the Unix epoch. */
export const Milliseconds = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0));
export type Milliseconds = typeof Milliseconds.Type;
