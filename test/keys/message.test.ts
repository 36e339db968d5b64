import { beforeAll, describe, expect, it } from 'vitest';

import { identityFromUri, keysReady } from '#src/keys/identity.ts';
import { isPlainText, verifyMessage, wrapMessage } from '#src/keys/message.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');
const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';

describe('keys / message', () => {
  beforeAll(keysReady);

  it.each([
    ['a sentence', bytes('I own 5Grw… on 2026-11-22.\n'), true],
    ['nothing', bytes(''), true],
    ['a text that starts as hex does', bytes('0x1234'), true],
    ['an identifier as long as a hash', bytes('9f86d081884c7d659a2feaa0c55ad015'), true],
    ['any other text as long as a hash', bytes('<-+ looked for among 2^46 texts!'), false],
    ['bytes that are no text', Buffer.from('2f0555cc76fc2840', 'hex'), false],
    ['control characters', bytes('\u0005\u0000 transfer'), false],
  ])('knows whether %s can be signed as it is', (_name, message, expected) => {
    expect(isPlainText(message)).toBe(expected);
  });

  it('verifies what was signed with and without <Bytes>', () => {
    const alice = identityFromUri('//Alice');
    if (!alice.ok) throw new Error(alice.error.message);
    const { publicKey, hotkey } = alice.value;
    expect(hotkey).toBe(ALICE);
    const message = bytes('hello');
    const wrapped = wrapMessage(message);
    expect(Buffer.from(wrapped).toString()).toBe('<Bytes>hello</Bytes>');
    for (const signed of [message, wrapped]) {
      const signature = alice.value.sign(signed);
      expect(verifyMessage({ message, signature, publicKey })).toBe(true);
      expect(verifyMessage({ message: bytes('hullo'), signature, publicKey })).toBe(false);
    }
  });
});
