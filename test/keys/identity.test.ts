import { inspect } from 'node:util';
import { u8aToHex } from '@polkadot/util';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from '#src/domain/outcome.ts';
import {
  DEVELOPMENT_PHRASE,
  type Identity,
  identityFromUri,
  keysReady,
  verifySignature,
} from '#src/keys/identity.ts';

const identityOrThrow = (outcome: Outcome<Identity, { message: string }>): Identity => {
  if (!outcome.ok) throw new Error(outcome.error.message);
  return outcome.value;
};
const identity = (uri: string): Identity => identityOrThrow(identityFromUri(uri));
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const OTHER_PHRASE = 'old leopard transfer rib spatial phone calm indicate online fire caution review';

/** Substrate's well-known development keys and the vectors of btwallet tests/test_keyfile.py. */
const VECTORS = [
  [DEVELOPMENT_PHRASE, '5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV'],
  [
    '0xfac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e',
    '5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV',
  ],
  ['//Alice', '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY'],
  ['//Bob', '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty'],
  ['//Charlie', '5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y'],
  ['//Dave', '5DAAnrj7VHTznn2AWBemMuyBwZWs6FNFjdyVXUeYum3PTXFy'],
  [`${OTHER_PHRASE}//Alice`, '5FEiH8iuDUw271xbqWTWuB6WrDjv5dnCeDX1CyHubAniXDNN'],
  [`${OTHER_PHRASE}/Alice`, '5GNXbA46ma5dg19GXdiKi5JH3mnkZ8Yea3bBtZAvj7t99P9i'],
  ['//Bob/test', '5CJGwWiKXSE16WJaxBdPZhWqUYkotgenLUALv7ZvqQ4TXeqf'],
] as const;

describe('keys / identity', () => {
  beforeAll(keysReady);

  it.each(VECTORS)('derives %s as the chain tools do', (uri, hotkey) => {
    expect(identity(uri).hotkey).toBe(hotkey);
  });

  it('gives the public key of //Alice', () => {
    expect(u8aToHex(identity('//Alice').publicKey)).toBe(
      '0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d',
    );
  });

  it('signs what it then verifies, and nothing else', () => {
    const alice = identity('//Alice');
    const message = bytes('task 17');
    const signature = alice.sign(message);
    expect(signature).toHaveLength(64);
    expect(verifySignature({ message, signature, publicKey: alice.publicKey })).toBe(true);
    expect(verifySignature({ message: bytes('task 18'), signature, publicKey: alice.publicKey })).toBe(false);
    expect(verifySignature({ message, signature, publicKey: identity('//Bob').publicKey })).toBe(false);
  });

  it('verifies a recorded signature of the Python SDK', () => {
    const message = bytes(
      '1735689600123456789.5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY.' +
        '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty.5ecbd69c-1cec-11ee-b0dc-e29ce36fec1a.' +
        '4fae6364bdbf7a0def40e782ea7656d4bc96dd42a6eaf71d62b977d74e733ecf',
    );
    const signature = Buffer.from(
      'd4aacf471b23769ef2e95e10334524aec02d8a1306c6855f8c9fa8b1c8b2b84a' +
        '0a6694df86b76c3dfacde9c039b0eb3e3c63f1ad67a73bb59767be53182e5882',
      'hex',
    );
    expect(verifySignature({ message, signature, publicKey: identity('//Alice').publicKey })).toBe(true);
  });

  it('refuses malformed signatures and keys without throwing', () => {
    const { publicKey } = identity('//Alice');
    const message = bytes('x');
    for (const signature of [
      new Uint8Array(0),
      new Uint8Array(63),
      new Uint8Array(64),
      new Uint8Array(64).fill(255),
    ]) {
      expect(verifySignature({ message, signature, publicKey })).toBe(false);
    }
    const signature = identity('//Alice').sign(message);
    expect(verifySignature({ message, signature, publicKey: new Uint8Array(31) })).toBe(false);
    expect(verifySignature({ message, signature, publicKey: new Uint8Array(32).fill(255) })).toBe(false);
  });

  it('shows only the hotkey when printed', () => {
    const alice = identity('//Alice');
    expect(JSON.stringify({ alice })).toBe(`{"alice":{"hotkey":"${alice.hotkey}"}}`);
    expect(inspect(alice, { depth: 9, showHidden: true })).toContain(alice.hotkey);
    expect(Object.keys(alice).toSorted()).toEqual(['hotkey', 'publicKey', 'sign']);
    expect(() => Object.assign(alice, { hotkey: 'other' })).toThrow(TypeError);
  });

  it.each([
    '',
    'not a phrase at all',
    `${DEVELOPMENT_PHRASE} extra`,
    DEVELOPMENT_PHRASE.replace('walk', 'bottom'),
    '0x1234',
    `0x${'zz'.repeat(32)}`,
    `//${'a'.repeat(2_000)}`,
  ])('refuses %j without repeating it', (uri) => {
    const outcome = identityFromUri(uri);
    expect(outcome.ok).toBe(false);
    if (outcome.ok || uri === '') return;
    expect(outcome.error._tag).toBe('InvalidSecret');
    expect(outcome.error.message).not.toContain(uri);
  });
});
