/** Storage and types of pallet Drand. Source: pallets/drand/src/lib.rs, types.rs. */
import { blake2, identity, storageMap, storageValue } from '../pallet.ts';
import { bool, boundedBytes, fixedBytes, struct, u32, u64, type ValueOf, variant, vec } from '../scale.ts';
import { SCHEME_ID } from './quicknet.ts';

const path = 'pallet_drand::types';
const boundedHash = boundedBytes(32);
const hex = (digits: string): Uint8Array => new Uint8Array(Buffer.from(digits, 'hex'));
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** `genesisTime` is Unix time in seconds, `period` seconds between rounds. */
export const beaconConfiguration = struct(`${path}::BeaconConfiguration`, {
  publicKey: boundedBytes(96),
  period: u32,
  genesisTime: u32,
  hash: boundedHash,
  groupHash: boundedHash,
  schemeId: boundedHash,
  metadata: struct(`${path}::Metadata`, { beaconId: boundedHash }),
});
export type BeaconConfiguration = ValueOf<typeof beaconConfiguration>;

/** `randomness` is SHA-256 of the signature. */
export const pulse = struct(`${path}::Pulse`, {
  round: u64,
  randomness: boundedBytes(32),
  signature: boundedBytes(144),
});
export type Pulse = ValueOf<typeof pulse>;

export const multiSigner = variant('sp_runtime::MultiSigner', {
  Ed25519: { index: 0, fields: [fixedBytes(32)] },
  Sr25519: { index: 1, fields: [fixedBytes(32)] },
  Ecdsa: { index: 2, fields: [fixedBytes(33)] },
});
const payloadParams = [
  { name: 'Public', type: multiSigner },
  { name: 'BlockNumber', type: u32 },
];
export const pulsesPayload = struct(
  `${path}::PulsesPayload`,
  { blockNumber: u32, pulses: vec(pulse), public: multiSigner },
  payloadParams,
);
export const beaconConfigurationPayload = struct(
  `${path}::BeaconConfigurationPayload`,
  { blockNumber: u32, config: beaconConfiguration, public: multiSigner },
  payloadParams,
);

/** What the runtime starts with: drand's public network "quicknet", a round each three seconds. */
export const QUICKNET: BeaconConfiguration = {
  publicKey: hex(
    '83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106451' +
      '0d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a',
  ),
  period: 3,
  genesisTime: 1_692_803_367,
  hash: hex('52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971'),
  groupHash: hex('f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e'),
  schemeId: text(SCHEME_ID),
  metadata: { beaconId: text('quicknet') },
};

export const drandStorage = {
  BeaconConfig: storageValue(beaconConfiguration, QUICKNET),
  HasMigrationRun: storageMap([identity(boundedBytes(128))], bool, false),
  Pulses: storageMap([blake2(u64)], pulse),
  LastStoredRound: storageValue(u64, 0n),
  OldestStoredRound: storageValue(u64, 0n),
  NextUnsignedAt: storageValue(u32, 0),
};
