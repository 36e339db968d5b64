import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { initSync, tld, tle } from '@ideallabs/timelock_wasm_wrapper';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { encryptForRound, type TimelockRandomness } from '#src/chain/timelock.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex');
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex');
const filled = (length: number, byte: number): Uint8Array => new Uint8Array(length).fill(byte);

/** drand's quicknet, and its signature of round 1000 (tests/weights.rs of the pallet). */
const quicknet = bytes(
  '83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a',
);
const signature1000 = bytes(
  'b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39',
);
const message = new TextEncoder().encode('this is a test');
const fixed: TimelockRandomness = { key: filled(32, 2), sigma: filled(32, 3), nonce: filled(12, 4) };
const fixedCiphertext = bytes(
  'ab9e1293fa46ff926f45be6a0685558e6234138124e5868b9c507d4ee88b672fa30b2594df61f84562876be964a8f6b00bf206edf264eee42b381f8b4302b4182c7e0c7587ddd2c96f30ce5a44e3ed65a16e516d48015891e9936d51bd5a137b 2000000000000000 d5bb87ad3dd71da03886c1c9604c172465bcb7676d10b88993073b037aa32cc5 2000000000000000 6688a7c77bf932f188f546db7f6cca42c5ab1075a69ba2d582f1e5334cc80b09 3a00000000000000 1e00000000000000 7024b87dde22e37afc7ea385c537a4e4e7cc98f6c99f92d7bdc49f71928d 0c00000000000000 040404040404040404040404 0800000000000000 4145535f47434d5f',
);
/** Made by the crate's own Rust code, compiled to WASM, with the same key, message and round. */
const rustCiphertext =
  '92f14ebc2bcf91021b36653b482a8e5b2344b2861ae509a393f4c9c908d2178d207533965b6463bd7e7a803fb82e224e014b3ddcce596a67a198b5bfe219d2c723de7bc33e85976f8836386a55dad7338ce083fb40762d54b973d9699c4709b22000000000000000fc52e8c39fcaea25e816a8fedc69c50c6124b23e1018a329f7190b1a83584156200000000000000048b0581408b8886d0d86ee129e7137d2c56e29ae3acad2f5b7077a53ad06d23f3a000000000000001e000000000000003eab2f87190ec1f9c6fa566406ba74674abd5b5c0f9738c9e3ecc111358b0c00000000000000251bdc9ff08a7de160af258308000000000000004145535f47434d5f';
const rustRandomness: TimelockRandomness = {
  key: filled(32, 2),
  sigma: bytes('e7935fca1870471405a1b799dcb7143693c350d1b20fffb326fd7772f3afbd48'),
  nonce: bytes('251bdc9ff08a7de160af2583'),
};

const identityOf = (round: number): Uint8Array => {
  const encoded = Buffer.alloc(8);
  encoded.writeBigUInt64BE(BigInt(round));
  return sha256(encoded);
};
const encrypt = (options: Parameters<typeof encryptForRound>[0]): Uint8Array => {
  const outcome = encryptForRound(options);
  if (!outcome.ok) throw new Error(outcome.error.message);
  return outcome.value;
};
const rustDecrypt = (ciphertext: Uint8Array, signature: Uint8Array): Uint8Array =>
  Uint8Array.from(tld(ciphertext, signature, 'bls12_381'));

/** A beacon of its own, as a private chain may have. */
const { shortSignatures } = bls12_381;
const { secretKey, publicKey: ownPoint } = shortSignatures.keygen(filled(48, 7));
const ownKey = ownPoint.toBytes(true);
const ownSignature = (round: number): Uint8Array =>
  shortSignatures.sign(shortSignatures.hash(identityOf(round)), secretKey).toBytes(true);

describe('chain / timelock', () => {
  beforeAll(() => {
    const wasm = createRequire(import.meta.url).resolve(
      '@ideallabs/timelock_wasm_wrapper/timelock_wasm_wrapper_bg.wasm',
    );
    initSync({ module: readFileSync(wasm) });
  });

  it('gives known bytes for known randomness', () => {
    const options = { publicKey: quicknet, round: 1_000, message, randomness: fixed };
    expect(hex(encrypt(options))).toBe(hex(fixedCiphertext));
  });

  it("gives the bytes of the runtime's own crate for its randomness", () => {
    const options = { publicKey: quicknet, round: 1_000, message, randomness: rustRandomness };
    expect(hex(encrypt(options))).toBe(rustCiphertext);
  });

  it('can be opened by that crate, with the signature of the round and with no other', () => {
    const ciphertext = encrypt({ publicKey: quicknet, round: 1_000, message });
    expect(ciphertext.length).toBe(message.length + 244);
    expect(hex(rustDecrypt(ciphertext, signature1000))).toBe(hex(message));
    const later = encrypt({ publicKey: quicknet, round: 1_001, message });
    expect(() => rustDecrypt(later, signature1000)).toThrow();
  });

  it.each([1, 19_066_596, 2 ** 40])('works with the key of another beacon, round %i', (round) => {
    const payload = Uint8Array.from({ length: 1_069 }, (_, index) => index);
    const ciphertext = encrypt({ publicKey: ownKey, round, message: payload });
    expect(hex(rustDecrypt(ciphertext, ownSignature(round)))).toBe(hex(payload));
  });

  it('reads the same layout that the crate writes', () => {
    const written = Uint8Array.from(tle(identityOf(9), message, fixed.key, ownKey, 'bls12_381'));
    expect(hex(rustDecrypt(written, ownSignature(9)))).toBe(hex(message));
    // Its randomness is not ours to choose: all that does not depend on it is compared.
    const ours = encrypt({ publicKey: ownKey, round: 9, message, randomness: fixed });
    const lengths = (data: Uint8Array): string[] => [
      hex(data.subarray(96, 104)),
      hex(data.subarray(136, 144)),
      hex(data.subarray(176, 192)),
      hex(data.subarray(222, 230)),
      hex(data.subarray(242)),
    ];
    expect(lengths(written)).toEqual(lengths(ours));
    // The same key and nonce give the same body.
    const nonce = written.subarray(230, 242);
    const again = encrypt({ publicKey: ownKey, round: 9, message, randomness: { ...fixed, nonce } });
    expect(hex(again.subarray(176))).toBe(hex(written.subarray(176)));
  });

  it('is never the same twice', () => {
    const options = { publicKey: ownKey, round: 5, message };
    expect(hex(encrypt(options))).not.toBe(hex(encrypt(options)));
  });

  it.each([
    ['too short', quicknet.subarray(1)],
    ['uncompressed', bls12_381.G2.Point.BASE.toBytes(false)],
    ['the identity', bls12_381.G2.Point.ZERO.toBytes(true)],
    ['not on the curve', quicknet.with(95, 0x5b)],
    ['outside the subgroup', outsideSubgroup()],
  ])('refuses a key that is %s', (_name, publicKey) => {
    const outcome = encryptForRound({ publicKey, round: 1_000, message });
    expect(outcome).toMatchObject({ ok: false, error: { _tag: 'InvalidBeaconKey' } });
  });

  it('has its tables made ahead, so that the first commit of a process holds up nothing for long', () => {
    // Tables are made once in a process, and this one has them already.
    const program = `
      const { encryptForRound, prepareTimelock } = await import(process.argv[1]);
      const publicKey = Buffer.from('${hex(quicknet)}', 'hex');
      const took = (run) => { const from = performance.now(); run(); return performance.now() - from; };
      const ahead = took(prepareTimelock);
      const first = took(() => encryptForRound({ publicKey, round: 1000, message: new Uint8Array(1069) }));
      console.log(JSON.stringify({ ahead, first }));`;
    const module = new URL('../../src/chain/timelock.ts', import.meta.url).href;
    const answer = execFileSync(process.execPath, ['--input-type=module', '-e', program, module]);
    const { ahead, first } = JSON.parse(answer.toString()) as { readonly [step: string]: number };
    expect(first).toBeLessThan(ahead ?? 0);
  });
});

/** A point of the curve over Fp2 that the cofactor was not cleared of: the first small x that has a y. */
function outsideSubgroup(): Uint8Array {
  for (let x = 1; x < 64; x += 1) {
    const encoded = filled(96, 0);
    encoded[0] = 0x80;
    encoded[95] = x;
    try {
      bls12_381.G2.Point.fromBytes(encoded);
    } catch (cause) {
      if (String(cause).includes('subgroup')) return encoded;
    }
  }
  throw new Error('no such point among the first 64');
}
