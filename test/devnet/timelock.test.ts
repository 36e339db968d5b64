import { describe, expect, it } from 'vitest';
import { openTimelock } from '#src/devnet/drand/timelockOpen.ts';
import { readTimelockPayload } from '#src/devnet/subtensor/timelockPayload.ts';
import { account } from './subtensorFixture.ts';
import { beacon, legacyPayload, lock, payload } from './timelockFixture.ts';

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));
const text = (opened: Uint8Array | undefined): string | undefined =>
  opened === undefined ? undefined : Buffer.from(opened).toString();

/** drand quicknet's signature of round 1000. */
const SIGNATURE_1000 = bytes(
  'b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39',
);
/** "this is a test" for round 1000; key 32 × 02, sigma 32 × 03, nonce 12 × 04. */
const DETERMINISTIC = bytes(`
  ab9e1293fa46ff926f45be6a0685558e6234138124e5868b9c507d4ee88b672fa30b2594df61f84562876be964a8f6b0
  0bf206edf264eee42b381f8b4302b4182c7e0c7587ddd2c96f30ce5a44e3ed65a16e516d48015891e9936d51bd5a137b
  2000000000000000 d5bb87ad3dd71da03886c1c9604c172465bcb7676d10b88993073b037aa32cc5
  2000000000000000 6688a7c77bf932f188f546db7f6cca42c5ab1075a69ba2d582f1e5334cc80b09
  3a00000000000000 1e00000000000000 7024b87dde22e37afc7ea385c537a4e4e7cc98f6c99f92d7bdc49f71928d
  0c00000000000000 040404040404040404040404 0800000000000000 4145535f47434d5f`);
/** The same message, from the authors' Rust code with its own randomness. */
const FROM_RUST = bytes(`
  92f14ebc2bcf91021b36653b482a8e5b2344b2861ae509a393f4c9c908d2178d207533965b6463bd7e7a803fb82e224e
  014b3ddcce596a67a198b5bfe219d2c723de7bc33e85976f8836386a55dad7338ce083fb40762d54b973d9699c4709b2
  2000000000000000 fc52e8c39fcaea25e816a8fedc69c50c6124b23e1018a329f7190b1a83584156
  2000000000000000 48b0581408b8886d0d86ee129e7137d2c56e29ae3acad2f5b7077a53ad06d23f
  3a00000000000000 1e00000000000000 3eab2f87190ec1f9c6fa566406ba74674abd5b5c0f9738c9e3ecc111358b
  0c00000000000000 251bdc9ff08a7de160af2583 0800000000000000 4145535f47434d5f`);

describe('devnet / drand / timelockOpen', () => {
  it('opens the deterministic ciphertext and the one of the Rust code', () => {
    expect(text(openTimelock(DETERMINISTIC, SIGNATURE_1000))).toBe('this is a test');
    expect(text(openTimelock(FROM_RUST, SIGNATURE_1000))).toBe('this is a test');
  });

  it('opens what the Rust code encrypts to the local beacon, of any length', () => {
    for (const length of [0, 1, 31, 1069]) {
      const plain = new Uint8Array(length).fill(7);
      const ciphertext = lock(plain, 77);
      expect(ciphertext).toHaveLength(length + 244);
      expect(openTimelock(ciphertext, beacon.pulse(77).signature)).toEqual(plain);
    }
  });

  it('stays shut under the signature of another round or of another beacon', () => {
    expect(openTimelock(lock(new Uint8Array(8), 77), beacon.pulse(78).signature)).toBeUndefined();
    expect(openTimelock(DETERMINISTIC, beacon.pulse(1000).signature)).toBeUndefined();
  });

  it.each([
    ['the point U', 5],
    ['the flags of U', 0],
    ['the length of V', 96],
    ['V', 110],
    ['the length of W', 136],
    ['W', 150],
    ['the length of the body', 176],
    ['the high byte of a length', 183],
    ['the length of the ciphertext', 184],
    ['the ciphertext', 200],
    ['the tag', 220],
    ['the length of the nonce', 222],
    ['the nonce', 232],
    ['the length of the suite', 242],
    ['the name of the suite', 252],
  ])('does not open once %s is changed', (_, offset) => {
    const broken = Uint8Array.from(DETERMINISTIC);
    broken[offset] = (broken[offset] ?? 0) ^ 0x41;
    expect(openTimelock(broken, SIGNATURE_1000)).toBeUndefined();
  });

  it('refuses too few bytes, too many bytes and signatures that are none', () => {
    for (const length of [0, 95, 96, 104, 176, 190, 257]) {
      expect(openTimelock(DETERMINISTIC.slice(0, length), SIGNATURE_1000)).toBeUndefined();
    }
    expect(openTimelock(Uint8Array.from([...DETERMINISTIC, 0]), SIGNATURE_1000)).toBeUndefined();
    const infinity = Uint8Array.from({ length: 48 }, (_, i) => (i === 0 ? 0xc0 : 0));
    for (const signature of [new Uint8Array(), new Uint8Array(48), infinity, SIGNATURE_1000.slice(1)]) {
      expect(openTimelock(DETERMINISTIC, signature)).toBeUndefined();
    }
  });
});

describe('devnet / subtensor / timelockPayload', () => {
  const weights = { uids: [1, 2, 3], values: [100, 200, 300], versionKey: 42n };
  const alice = bytes('d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d');

  it('has the bytes of the vectors', () => {
    expect(payload(alice, weights)).toEqual(
      bytes(
        `80 d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d
         0c 0100 0200 0300 0c 6400 c800 2c01 2a00000000000000`,
      ),
    );
    const first = bytes(
      `80 0100000000000000000000000000000000000000000000000000000000000000
       08 0000 0100 08 0a00 1400 0000000000000000`,
    );
    const hotkey = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0));
    expect(readTimelockPayload(first, hotkey)).toMatchObject({
      uids: [0, 1],
      values: [10, 20],
      versionKey: 0n,
    });
  });

  it('takes the layout without a hotkey, and nothing that names another one', () => {
    expect(readTimelockPayload(payload(alice, weights), alice)).toMatchObject(weights);
    expect(readTimelockPayload(payload(alice, weights), account(1))).toBeUndefined();
    expect(readTimelockPayload(legacyPayload(weights), account(1))).toMatchObject(weights);
    // As the runtime reads: what follows the value is not looked at.
    expect(readTimelockPayload(Uint8Array.from([...payload(alice, weights), 9]), alice)).toMatchObject(
      weights,
    );
  });

  it('reads nothing from bytes that are no payload', () => {
    expect(readTimelockPayload(new Uint8Array(), alice)).toBeUndefined();
    expect(readTimelockPayload(Uint8Array.of(0xff, 0xff, 0xff), alice)).toBeUndefined();
    expect(readTimelockPayload(payload(alice, weights).slice(0, -1), alice)).toBeUndefined();
  });
});
