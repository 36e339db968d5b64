import { describe, expect, it } from 'vitest';
import { commitHash, timelockPayload } from '#src/chain/weightPayload.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex');
const alice = bytes('d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d');
/** Account 1 of the pallet's tests. */
const one = bytes(`01${'00'.repeat(31)}`);
const salt = [1, 2, 3, 4, 5, 6, 7, 8];

describe('chain / weightPayload', () => {
  it('writes the payload of a timelocked commit as the pallet reads it', () => {
    const small = { publicKey: one, vector: { uids: [0, 1], values: [10, 20] }, versionKey: 0 };
    expect(hex(timelockPayload(small))).toBe(
      hex(bytes(`80 01${'00'.repeat(31)} 08 0000 0100 08 0a00 1400 0000000000000000`)),
    );
    const vector = { uids: [1, 2, 3], values: [100, 200, 300] };
    expect(hex(timelockPayload({ publicKey: alice, vector, versionKey: 42 }))).toBe(
      hex(bytes(`80 ${hex(alice)} 0c 0100 0200 0300 0c 6400 c800 2c01 2a00000000000000`)),
    );
  });

  it('writes a full subnet and a large version key', () => {
    const uids = Array.from({ length: 256 }, (_, uid) => uid);
    const payload = timelockPayload({
      publicKey: alice,
      vector: { uids, values: uids },
      versionKey: 2 ** 40,
    });
    expect(payload.length).toBe(1_069);
    expect(hex(payload.subarray(33, 35))).toBe('0104');
    expect(hex(payload.subarray(-8))).toBe('0000000000010000');
  });

  it.each([
    [
      'the pallet test test_commit_reveal_weights_ok',
      { publicKey: one, index: 1, vector: { uids: [0, 1], values: [10, 10] }, salt, versionKey: 0 },
      '6d0636acf6116a29e342d949b376af9893686f35589a4ddc00aa412895531f3f',
    ],
    [
      'a subnet',
      {
        publicKey: alice,
        index: 1,
        vector: { uids: [1, 2], values: [10, 20] },
        salt: [1, 2],
        versionKey: 80_000,
      },
      'bc34037863b75a0d5c52dcf3c163485c91cf905d6a8bdf5e70ed7dc4378ed199',
    ],
    [
      'a second mechanism',
      {
        publicKey: alice,
        index: 4_097,
        vector: { uids: [1, 2], values: [10, 20] },
        salt: [1, 2],
        versionKey: 80_000,
      },
      'a4d444eb5c64794e056487b9a3827f4d618c8a37373949e714ff5424f99fe087',
    ],
  ])('hashes a plain commit of %s', (_name, commit, hash) => {
    expect(hex(commitHash(commit))).toBe(hash);
  });
});
