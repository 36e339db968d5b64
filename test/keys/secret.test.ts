import { inspect } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';

import { keysReady, verifySignature } from '#src/keys/identity.ts';
import { keyfileJson, secretFromKeyfile } from '#src/keys/keyfile.ts';
import { verifyMessage, wrapMessage } from '#src/keys/message.ts';
import { type KeySecret, newSecret, PHRASE_WORDS, privateKeyOf, secretFromText } from '#src/keys/secret.ts';
import { pairFromSeed, secretFromCanonical, secretToCanonical, signWith } from '#src/keys/sr25519.ts';

/** Substrate's development phrase, with everything btwallet keeps of it. */
const PHRASE = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk';
const SEED = 'fac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e';
const PRIVATE_KEY =
  '05d65584630d16cd4af6d0bec10f34bb504a5dcb62dba2122d49f5a663763d0afd190cce74df356432b410bd64682309d6dedb27c76845daf388557cbac3ca34';
const ADDRESS = '5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV';
const PUBLIC_KEY = '46ebddef8cd9bb167dc30878d7113b7e168e6f0646beffd77d69d39bad76b47a';
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const secretOf = (text: string): KeySecret => {
  const secret = secretFromText(text);
  if (!secret.ok) throw new Error(secret.error.message);
  return secret.value;
};

describe('keys / secret', () => {
  beforeAll(keysReady);

  it.each([
    ['the phrase', PHRASE, true, true],
    ['the phrase, badly typed', `  ${PHRASE.toUpperCase().replaceAll(' ', ' \n ')} `, true, true],
    ['the seed', `0x${SEED}`, false, true],
    ['the seed without 0x', SEED, false, true],
    ['the private key', `0x${PRIVATE_KEY}`, false, false],
  ])('is the same key from %s', (_name, text, hasPhrase, hasSeed) => {
    const secret = secretOf(text);
    expect(secret.address).toBe(ADDRESS);
    expect(hex(secret.pair.publicKey)).toBe(PUBLIC_KEY);
    expect(hex(privateKeyOf(secret))).toBe(PRIVATE_KEY);
    expect(secret.phrase).toBe(hasPhrase ? PHRASE : null);
    expect(secret.seed === null ? null : hex(secret.seed)).toBe(hasSeed ? SEED : null);
  });

  // Expected addresses: btwallet tests/test_keyfile.py.
  it.each([
    ['//Alice', '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY'],
    ['//Bob/test', '5CJGwWiKXSE16WJaxBdPZhWqUYkotgenLUALv7ZvqQ4TXeqf'],
    [
      'old leopard transfer rib spatial phone calm indicate online fire caution review//Alice',
      '5FEiH8iuDUw271xbqWTWuB6WrDjv5dnCeDX1CyHubAniXDNN',
    ],
    [
      'old leopard transfer rib spatial phone calm indicate online fire caution review/Alice',
      '5GNXbA46ma5dg19GXdiKi5JH3mnkZ8Yea3bBtZAvj7t99P9i',
    ],
  ])('follows the path %s, of which only the private key can be kept', (text, address) => {
    const secret = secretOf(text);
    expect(secret).toMatchObject({ address, phrase: null, seed: null });
    const again = secretOf(hex(privateKeyOf(secret)));
    expect(again.address).toBe(address);
  });

  it('computes the public key of a private key (btwallet tests/test_keyfile.py)', () => {
    const secret = secretOf(
      '1f1995bdf3a17b60626a26cfe6f564b337d46056b7a1281b64c649d592ccda0a9cffd34d9fb01cae1fba61aeed184c817442a2186d5172416729a4b54dd4b84e',
    );
    expect(hex(secret.pair.publicKey)).toBe(
      'e4359ad3e2716c539a1d663ebd0a51bdc5c98a12e663bb4c4402db47828c9446',
    );
    const message = new TextEncoder().encode('probe');
    const signature = signWith(secret.pair, message);
    expect(verifySignature({ message, signature, publicKey: secret.pair.publicKey })).toBe(true);
  });

  it('goes from the canonical scalar to the form of polkadot-js and back', () => {
    const other = secretFromCanonical(Buffer.from(PRIVATE_KEY, 'hex'));
    expect(hex(other?.subarray(0, 32) ?? new Uint8Array())).toBe(
      '28b0ae221c6bb06856b287f60d7ea0d98552ea5a16db16956849aa371db3eb51',
    );
    for (let index = 0; index < 50; index += 1) {
      const { secretKey } = pairFromSeed(Buffer.alloc(32, index));
      expect(secretFromCanonical(secretToCanonical(secretKey))).toEqual(secretKey);
    }
    expect(() => secretToCanonical(Buffer.alloc(64, 1))).toThrow(RangeError);
  });

  it.each([
    ['nothing', '   ', '1 to 1024 characters'],
    ['a word too few', PHRASE.split(' ').slice(1).join(' '), 'this one has 11'],
    [
      'two words swapped',
      PHRASE.replace('bottom drive', 'drive bottom'),
      'misspelt, missing or in another place',
    ],
    ['an unknown word', PHRASE.replace('bottom', 'bittom'), 'misspelt'],
    ['a scalar that is too large', 'f'.repeat(128), 'canonical'],
    ['far too much', 'a '.repeat(2_000), '1 to 1024 characters'],
    ['a broken path', `${PHRASE.slice(7)}//Alice`, 'no valid secret'],
  ])('is refused without being repeated: %s', (_name, text, message) => {
    const secret = secretFromText(text);
    if (secret.ok) throw new Error('accepted');
    expect(secret.error.message).toContain(message);
    expect(secret.error.message).not.toContain('lonely');
  });

  it.each(PHRASE_WORDS)('is made anew with %i words, and comes back from them', (words) => {
    const made = newSecret(words);
    expect(made.phrase?.split(' ')).toHaveLength(words);
    expect(secretOf(made.phrase ?? '').address).toBe(made.address);
    expect(newSecret(words).address).not.toBe(made.address);
  });

  it('shows its address alone in JSON and in logs', () => {
    const secret = secretOf(PHRASE);
    for (const shown of [JSON.stringify(secret), inspect(secret), `${secret}`]) {
      for (const hidden of ['lonely', SEED.slice(0, 8), PRIVATE_KEY.slice(0, 8), 'pair']) {
        expect(shown).not.toContain(hidden);
      }
    }
    expect(JSON.stringify(secret)).toContain(ADDRESS);
  });

  it('is kept whole by a keyfile', () => {
    for (const secret of [secretOf(PHRASE), secretOf(SEED), secretOf(PRIVATE_KEY), secretOf('//Alice')]) {
      const back = secretFromKeyfile(keyfileJson(secret));
      expect(back.ok && back.value).toEqual(secret);
    }
  });

  it('reads a seed that btwallet wrote as text after 0x', () => {
    // btwallet 4.0.1 for the seed of 32 letters A.
    const file = {
      secretSeed: `0x${'A'.repeat(32)}`,
      ss58Address: '5EAKEW59bkXrt2kkqZyxGnqtx7mAGUvDpkYBaNBabU1bAz1T',
    };
    const secret = secretFromKeyfile(JSON.stringify(file));
    expect(secret.ok && hex(secret.value.seed ?? new Uint8Array())).toBe('41'.repeat(32));
  });

  it('verifies messages with and without <Bytes> around them', () => {
    const { pair } = secretOf(PHRASE);
    const message = new TextEncoder().encode('I own this');
    const wrapped = wrapMessage(message);
    const verify = (signed: Uint8Array, shown: Uint8Array): boolean =>
      verifyMessage({ message: shown, signature: signWith(pair, signed), publicKey: pair.publicKey });
    expect(verify(message, message)).toBe(true);
    expect(verify(wrapped, message)).toBe(true);
    expect(verify(message, wrapped)).toBe(true);
    expect(verify(message, new TextEncoder().encode('I own that'))).toBe(false);
    expect(wrapMessage(wrapped)).toEqual(wrapped);
  });
});
