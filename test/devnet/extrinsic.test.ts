import { hexToU8a, stringToU8a } from '@polkadot/util';
import { describe, expect, it } from 'vitest';
import {
  decodeExtrinsic,
  EXTENSIONS,
  encodeBare,
  era,
  eraBirth,
  type SignedExtrinsic,
  signingPayload,
} from '#src/devnet/extrinsic.ts';
import { toHex } from '#src/devnet/hashing.ts';
import { decodeAll } from '#src/devnet/scale.ts';

const account = '11'.repeat(32);
const signature = '22'.repeat(64);
const call = '0000';
const context = {
  specVersion: 425,
  transactionVersion: 1,
  genesisHash: new Uint8Array(32).fill(0xaa),
  birthHash: new Uint8Array(32).fill(0xbb),
};
const signed = (hex: string): SignedExtrinsic => {
  const extrinsic = decodeExtrinsic(hexToU8a(hex));
  if (extrinsic.kind !== 'signed') throw new Error('expected a signed extrinsic');
  return extrinsic;
};
// immortal, nonce 5, tip 0, metadata hash off: the worked example of subtensor's extensions
const immortal = `0x8400${account}01${signature}00140000${call}`;

describe('devnet / extrinsic', () => {
  it('reads signer, signature, extensions and call of a signed extrinsic', () => {
    const extrinsic = signed(immortal);
    expect(toHex(extrinsic.signer)).toBe(`0x${account}`);
    expect(toHex(extrinsic.signature)).toBe(`0x${signature}`);
    expect(extrinsic).toMatchObject({ era: undefined, nonce: 5, tip: 0n, isMetadataHashChecked: false });
    expect(toHex(extrinsic.callBytes)).toBe(`0x${call}`);
  });

  it('signs call, extensions and the implicit data of spec 425', () => {
    const expected = `${call}00140000a901000001000000${'aa'.repeat(32)}${'bb'.repeat(32)}00`;
    expect(toHex(signingPayload(signed(immortal), context))).toBe(`0x${expected}`);
  });

  it('hashes payloads above 256 bytes', () => {
    const long = signed(`0x8400${account}01${signature}00140000${'00'.repeat(300)}`);
    expect(signingPayload(long, context)).toHaveLength(32);
  });

  it.each([
    // Substrate's own vectors: the era of period 64 and phase 42 is 0xa502, of 32768 and 20000 0x4e9c
    ['0xa502', { period: 64, phase: 42 }],
    ['0x4e9c', { period: 32_768, phase: 20_000 }],
    ['0x00', undefined],
  ])('reads and writes the era %s', (hex, expected) => {
    expect(decodeAll(era, hexToU8a(hex))).toEqual(expected);
    expect(toHex(era.enc(expected))).toBe(hex);
  });

  it('refuses an era whose phase is not below its period', () => {
    expect(() => decodeAll(era, hexToU8a('0x01ff'))).toThrow('invalid period and phase');
  });

  it('binds a mortal transaction to the last block of its phase', () => {
    const mortal = { period: 64, phase: 42 };
    expect([42, 43, 105, 106].map((block) => eraBirth(mortal, block))).toEqual([42, 42, 42, 106]);
    expect(eraBirth(mortal, 7)).toBe(42);
    expect(eraBirth(undefined, 1000)).toBe(0);
  });

  it.each([
    ['a version that is not 4', '0x850000'],
    ['an empty extrinsic', '0x'],
    ['an address that is no account', `0x8401${call}`],
    ['an ed25519 signature', `0x8400${account}00${signature}00140000${call}`],
    ['a signature that ends early', `0x8400${account}01${'22'.repeat(10)}`],
  ])('refuses %s', (_name, hex) => {
    expect(() => decodeExtrinsic(hexToU8a(hex))).toThrow();
  });

  it('puts a length before an inherent', () => {
    expect(toHex(encodeBare(stringToU8a('ab')))).toBe('0x0c046162');
  });

  it('lists the thirteen extensions of spec 425 in order', () => {
    expect(EXTENSIONS.map(({ identifier }) => identifier)).toEqual([
      'CheckNonZeroSender',
      'CheckSpecVersion',
      'CheckTxVersion',
      'CheckGenesis',
      'CheckMortality',
      'CheckNonce',
      'CheckWeight',
      'ChargeTransactionPayment',
      'SudoTransactionExtension',
      'CheckShieldedTxValidity',
      'SubtensorTransactionExtension',
      'DrandPriority',
      'CheckMetadataHash',
    ]);
  });
});
