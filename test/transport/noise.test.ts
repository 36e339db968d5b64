import {
  createCipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
} from 'node:crypto';
import { describe, expect, it } from 'vitest';

import { createNoise, noiseKeysFrom } from '#src/transport/noise.ts';

/**
 * `Noise_XX_25519_ChaChaPoly_BLAKE2b` written out after the specification (revision 34) with OpenSSL's primitives:
 * what the initiator sends and derives must be equal, byte for byte.
 */
const PKCS8_X25519 = Buffer.from('302e020100300506032b656e04220420', 'hex');
const SPKI_X25519 = Buffer.from('302a300506032b656e032100', 'hex');

const shared = (secret: Uint8Array, publicKey: Uint8Array): Buffer =>
  diffieHellman({
    privateKey: createPrivateKey({
      key: Buffer.concat([PKCS8_X25519, secret]),
      format: 'der',
      type: 'pkcs8',
    }),
    publicKey: createPublicKey({ key: Buffer.concat([SPKI_X25519, publicKey]), format: 'der', type: 'spki' }),
  });
const blake2b = (...parts: Uint8Array[]): Buffer =>
  createHash('blake2b512').update(Buffer.concat(parts)).digest();
const hmac = (key: Uint8Array, ...parts: Uint8Array[]): Buffer =>
  createHmac('blake2b512', key).update(Buffer.concat(parts)).digest();
const hkdf = (chainingKey: Uint8Array, input: Uint8Array): [Buffer, Buffer] => {
  const temporary = hmac(chainingKey, input);
  const first = hmac(temporary, Buffer.of(1));
  return [first, hmac(temporary, first, Buffer.of(2))];
};

class Reference {
  private hash: Buffer = Buffer.concat([Buffer.from('Noise_XX_25519_ChaChaPoly_BLAKE2b'), Buffer.alloc(31)]);
  private chainingKey: Buffer = Buffer.from(this.hash);
  private key: Buffer | null = null;
  private counter = 0;

  mixHash(data: Uint8Array): void {
    this.hash = blake2b(this.hash, data);
  }

  mixKey(input: Uint8Array): void {
    const [chainingKey, key] = hkdf(this.chainingKey, input);
    this.chainingKey = chainingKey;
    this.key = key.subarray(0, 32);
    this.counter = 0;
  }

  encrypt(plain: Uint8Array): Buffer {
    let sealed: Buffer = Buffer.from(plain);
    if (this.key !== null) {
      const nonce = Buffer.alloc(12);
      nonce.writeUInt32LE(this.counter, 4);
      this.counter += 1;
      const cipher = createCipheriv('chacha20-poly1305', this.key, nonce, { authTagLength: 16 });
      cipher.setAAD(this.hash, { plaintextLength: plain.length });
      sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    }
    this.mixHash(sealed);
    return sealed;
  }

  split(): readonly [Buffer, Buffer] {
    const [first, second] = hkdf(this.chainingKey, Buffer.alloc(0));
    return [first.subarray(0, 32), second.subarray(0, 32)];
  }
}

const keysOf = (byte: number) => noiseKeysFrom(Buffer.alloc(32, byte));
const [iStatic, iEphemeral, rStatic, rEphemeral] = [keysOf(1), keysOf(2), keysOf(3), keysOf(4)];
const prologue = Buffer.from('test prologue');
const payloads = ['first', 'second payload', 'third'].map((text) => Buffer.from(text));

const referenceMessages = (): { readonly messages: Buffer[]; readonly split: readonly [Buffer, Buffer] } => {
  const [one = Buffer.alloc(0), two = Buffer.alloc(0), three = Buffer.alloc(0)] = payloads;
  const state = new Reference();
  state.mixHash(prologue);
  state.mixHash(iEphemeral.publicKey);
  const message1 = Buffer.concat([iEphemeral.publicKey, state.encrypt(one)]);
  state.mixHash(rEphemeral.publicKey);
  state.mixKey(shared(rEphemeral.secretKey, iEphemeral.publicKey));
  const sealedResponder = state.encrypt(rStatic.publicKey);
  state.mixKey(shared(rStatic.secretKey, iEphemeral.publicKey));
  const message2 = Buffer.concat([rEphemeral.publicKey, sealedResponder, state.encrypt(two)]);
  const sealedInitiator = state.encrypt(iStatic.publicKey);
  state.mixKey(shared(iStatic.secretKey, rEphemeral.publicKey));
  const message3 = Buffer.concat([sealedInitiator, state.encrypt(three)]);
  return { messages: [message1, message2, message3], split: state.split() };
};

describe('transport / noise', () => {
  it('speaks Noise XX as the specification writes it, with the same bytes and keys', () => {
    const reference = referenceMessages();
    const initiator = createNoise({
      initiator: true,
      prologue,
      staticKeys: iStatic,
      ephemeralKeys: iEphemeral,
    });
    const responder = createNoise({
      initiator: false,
      prologue,
      staticKeys: rStatic,
      ephemeralKeys: rEphemeral,
    });
    const [one = Buffer.alloc(0), two = Buffer.alloc(0), three = Buffer.alloc(0)] = payloads;
    const message1 = initiator.write(one);
    expect(responder.read(message1)).toEqual(one);
    const message2 = responder.write(two);
    expect(initiator.read(message2)).toEqual(two);
    const message3 = initiator.write(three);
    expect(responder.read(message3)).toEqual(three);
    expect([message1, message2, message3].map((message) => Buffer.from(message))).toEqual(reference.messages);
    const [toResponder, toInitiator] = reference.split;
    expect(initiator.split()).toEqual({ send: toResponder, receive: toInitiator });
    expect(responder.split()).toEqual({ send: toInitiator, receive: toResponder });
    expect(responder.remoteStatic()).toEqual(iStatic.publicKey);
    expect(initiator.remoteStatic()).toEqual(rStatic.publicKey);
  });

  it('does not authenticate across prologues, and leaves the caller its message', () => {
    const initiator = createNoise({ initiator: true, prologue });
    const responder = createNoise({ initiator: false, prologue: Buffer.from('another prologue') });
    const message1 = initiator.write(Buffer.from('hello'));
    const copy = Buffer.from(message1);
    expect(responder.read(message1)).toEqual(Buffer.from('hello'));
    expect(Buffer.from(message1)).toEqual(copy);
    expect(initiator.read(responder.write(Buffer.alloc(0)))).toBeNull();
    expect(initiator.split()).toBeNull();
  });

  it('reads no message that is cut short', () => {
    const responder = createNoise({ initiator: false, prologue });
    expect(responder.read(Buffer.alloc(31))).toBeNull();
  });
});
