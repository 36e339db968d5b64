import { createCipheriv, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';

import { createOpener, createSealer, MAX_FRAMES_PER_KEY, SEAL_BYTES } from '#src/transport/sealedFrames.ts';

const key = randomBytes(32);
const text = (value: string): Buffer => Buffer.from(value, 'utf8');

/** The same frame by another implementation (OpenSSL). */
const sealedByOpenSsl = (message: Buffer, nonceHex: string): Buffer => {
  const cipher = createCipheriv('chacha20-poly1305', key, Buffer.from(nonceHex, 'hex'), {
    authTagLength: 16,
  });
  return Buffer.concat([cipher.update(message), cipher.final(), cipher.getAuthTag()]);
};

describe('transport / sealedFrames', () => {
  it('opens frames in the order they were sealed', () => {
    const sealer = createSealer(key);
    const opener = createOpener(key);
    for (const message of ['one', '', 'three'.repeat(20_000)]) {
      const frame = sealer.seal(text(message));
      expect(frame?.length).toBe(text(message).length + SEAL_BYTES);
      expect(opener.open(frame ?? Buffer.alloc(0))?.toString()).toBe(message);
    }
  });

  it('counts in 64 bits, little-endian, behind 4 zero bytes', () => {
    const message = text('hello');
    expect(createSealer(key, 1).seal(message)).toEqual(sealedByOpenSsl(message, '000000000100000000000000'));
    expect(createSealer(key, 2 ** 32 + 5).seal(message)).toEqual(
      sealedByOpenSsl(message, '000000000500000001000000'),
    );
  });

  it('opens nothing that was altered, repeated, left out, reordered, cut or sealed with another key', () => {
    const sealer = createSealer(key);
    const [first, second] = [sealer.seal(text('first')), sealer.seal(text('second'))];
    if (first === null || second === null) throw new Error('nothing was sealed');
    for (let index = 0; index < first.length; index += 1) {
      const altered = Buffer.from(first);
      altered[index] = (altered[index] ?? 0) ^ 1;
      expect(createOpener(key).open(altered)).toBeNull();
    }
    const repeated = createOpener(key);
    expect(repeated.open(first)?.toString()).toBe('first');
    expect(repeated.open(first)).toBeNull();
    expect(createOpener(key).open(second)).toBeNull();
    expect(createOpener(key).open(first.subarray(0, 15))).toBeNull();
    expect(createOpener(key).open(first.subarray(0, first.length - 1))).toBeNull();
    expect(createOpener(randomBytes(32)).open(first)).toBeNull();
  });

  it('stops before a counter would be exhausted', () => {
    const sealer = createSealer(key, MAX_FRAMES_PER_KEY - 1);
    expect(sealer.seal(text('last'))).not.toBeNull();
    expect(sealer.seal(text('never'))).toBeNull();
    expect(createOpener(key, MAX_FRAMES_PER_KEY).open(Buffer.alloc(40))).toBeNull();
  });
});
