import { hexToU8a } from '@polkadot/util';
import { encodeAddress } from '@polkadot/util-crypto/address/encode';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHotkey, encodeHotkey } from '#src/keys/ss58.ts';

const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const ALICE_KEY = hexToU8a('0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d');

describe('keys / ss58', () => {
  it('encodes and decodes the well-known address', () => {
    expect(encodeHotkey(ALICE_KEY)).toBe(ALICE);
    expect(decodeHotkey(ALICE)).toEqual({ ok: true, value: ALICE_KEY });
  });

  it('gives every key back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
        expect(decodeHotkey(encodeHotkey(key))).toEqual({ ok: true, value: key });
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ['a changed character', ALICE.replace('Q', 'R')],
    ['another network prefix', encodeAddress(ALICE_KEY, 0)],
    ['a prefix that also starts with 5', `5${encodeAddress(ALICE_KEY, 0).slice(1)}`],
    ['characters outside base58', ALICE.replace('G', '0')],
    ['hex', '0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d'],
    ['nothing', ''],
    ['a very long text', '5'.repeat(100_000)],
  ])('refuses %s', (_name, text) => {
    const outcome = decodeHotkey(text);
    expect(outcome.ok).toBe(false);
    if (!outcome.ok) expect(outcome.error.message.length).toBeLessThan(200);
  });

  it('refuses to encode keys of another length', () => {
    expect(() => encodeHotkey(new Uint8Array(31))).toThrow(RangeError);
  });
});
