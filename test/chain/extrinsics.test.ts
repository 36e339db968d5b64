import { hexToU8a, u8aConcat, u8aToHex } from '@polkadot/util';
import { blake2AsU8a } from '@polkadot/util-crypto/blake2';
import * as Effect from 'effect/Effect';
import { beforeAll, describe, expect, it } from 'vitest';
import { mortalEra, signCall } from '#src/chain/extrinsics.ts';
import type { Runtime, TransactionExtension } from '#src/chain/runtime.ts';
import { keysReady, verifySignature } from '#src/keys/identity.ts';
import { identity } from './devnetFixture.ts';

/** Extensions of spec 425 in the runtime's order; true: they add no bytes. */
const SPEC_425: readonly (readonly [string, boolean])[] = [
  ['CheckNonZeroSender', true],
  ['CheckSpecVersion', false],
  ['CheckTxVersion', false],
  ['CheckGenesis', false],
  ['CheckMortality', false],
  ['CheckNonce', false],
  ['CheckWeight', true],
  ['ChargeTransactionPayment', false],
  ['SudoTransactionExtension', true],
  ['CheckShieldedTxValidity', true],
  ['SubtensorTransactionExtension', true],
  ['DrandPriority', true],
  ['CheckMetadataHash', false],
];
const unused = () => Effect.die('not part of signing');
const runtimeWith = (extensions: readonly TransactionExtension[], extrinsicVersions = [4]): Runtime => ({
  version: { specName: 'node-subtensor', specVersion: 425, transactionVersion: 1 },
  extensions,
  extrinsicVersions,
  hasCall: () => false,
  hasStorage: () => false,
  hasApi: () => false,
  constant: unused,
  storageKey: unused,
  decodeStorage: unused,
  decodeApiResult: unused,
  encodeCall: unused,
  decodeEvents: unused,
});
const spec425 = SPEC_425.map(([name, isEmpty]) => ({ name, isEmpty }));
const genesisHash = `0x${'aa'.repeat(32)}`;
const birthHash = `0x${'bb'.repeat(32)}`;
const sign = (runtime: Runtime, call: Uint8Array) =>
  signCall({
    runtime,
    identity: identity('//Alice'),
    call,
    context: { version: runtime.version, genesisHash, era: mortalEra(42, 64), birthHash, nonce: 5 },
  });

describe('chain / extrinsics', () => {
  beforeAll(keysReady);

  // Vectors of sp_runtime generic/era.rs.
  it('encodes eras as the runtime does', () => {
    // Era::mortal(64, 42) and Era::mortal(32768, 20000).
    expect([...mortalEra(42, 64).bytes]).toEqual([5 + (42 % 16) * 16, Math.floor(42 / 16)]);
    expect([...mortalEra(20_000, 32_768).bytes]).toEqual([
      14 + (Math.floor(2_500) % 16) * 16,
      Math.floor(2_500 / 16),
    ]);
  });

  it('starts at the given block and ends a period later', () => {
    for (const block of [0, 1, 63, 64, 12_345_678]) {
      expect(mortalEra(block, 128)).toMatchObject({ birth: block, death: block + 128 });
    }
  });

  it('rounds the period up to a power of two within the format', () => {
    expect(mortalEra(10, 100)).toMatchObject({ birth: 10, death: 138 });
    expect(mortalEra(10, 1)).toMatchObject({ birth: 10, death: 14 });
    expect(mortalEra(131_072, 1_000_000)).toMatchObject({ birth: 131_072, death: 131_072 + 65_536 });
  });

  it.each([
    ['short', '0x0700010008010002000800000a0014000000000000000000'],
    ['long, thus hashed', `0x0700${'01'.repeat(300)}`],
  ])('signs a %s payload in the layout of spec 425', async (_name, hex) => {
    const call = hexToU8a(hex);
    const prepared = await Effect.runPromise(sign(runtimeWith(spec425), call));
    const bytes = hexToU8a(prepared.hex);
    // Compact length: two-byte mode for 64 to 16383 bytes.
    expect((bytes[0] ?? 0) & 3).toBe(1);
    const prefixBytes = 2;
    const alice = identity('//Alice');
    // Era 2 bytes, nonce 5 compact, tip 0, metadata mode 0.
    const extra = Uint8Array.of(...mortalEra(42, 64).bytes, 0x14, 0, 0);
    const implicit = hexToU8a(`0xa901000001000000${'aa'.repeat(32)}${'bb'.repeat(32)}00`);
    const body = bytes.subarray(prefixBytes);
    expect(u8aToHex(body.subarray(0, 34))).toBe(`0x8400${u8aToHex(alice.publicKey).slice(2)}`);
    expect(body[34]).toBe(1);
    expect(u8aToHex(body.subarray(99))).toBe(u8aToHex(u8aConcat(extra, call)));
    const payload = u8aConcat(call, extra, implicit);
    const message = payload.length > 256 ? blake2AsU8a(payload, 256) : payload;
    const signature = body.subarray(35, 99);
    expect(verifySignature({ message, signature, publicKey: alice.publicKey })).toBe(true);
    expect(prepared).toMatchObject({ nonce: 5, bornAtBlock: 42, expiresAtBlock: 106, account: alice.hotkey });
    expect(prepared.hash).toBe(u8aToHex(blake2AsU8a(bytes, 256)));
  });

  it('accepts an unknown extension only when it adds no bytes', async () => {
    const call = Uint8Array.of(0, 0);
    const harmless = runtimeWith([...spec425, { name: 'NewAndEmpty', isEmpty: true }]);
    expect((await Effect.runPromise(sign(harmless, call))).nonce).toBe(5);
    const harmful = runtimeWith([...spec425, { name: 'NewAndLong', isEmpty: false }]);
    const error = await Effect.runPromise(Effect.flip(sign(harmful, call)));
    expect(error).toMatchObject({ _tag: 'ChainUnsupported', message: expect.stringContaining('NewAndLong') });
  });

  it('refuses a runtime that no longer takes version 4', async () => {
    const error = await Effect.runPromise(Effect.flip(sign(runtimeWith(spec425, [5]), Uint8Array.of(0, 0))));
    expect(error).toMatchObject({ _tag: 'ChainUnsupported', message: expect.stringContaining('version 5') });
  });
});
