import { describe, expect, it } from 'vitest';

import { verifySignature } from '#src/keys/identity.ts';
import { prologueOf, proofBytes } from '#src/transport/proof.ts';
import { identityOfUri } from '#test/support/peers.ts';

const filled = (byte: number): Buffer => Buffer.alloc(32, byte);
const network = { genesis: filled(0x5a), netuid: 86 };
const claims = {
  network,
  signer: 'initiator',
  role: 'validator',
  hotkey: filled(1),
  peerHotkey: filled(2),
  initiatorNonce: filled(3),
  responderNonce: filled(4),
  noiseKey: filled(5),
} as const;

describe('transport / proof', () => {
  it('signs exactly these bytes: other implementations depend on them', () => {
    expect(Buffer.from(proofBytes(claims)).toString('hex')).toBe(
      [
        '3c42797465733e6d69616f61692f6c696e6b2f70726f6f66', // <Bytes>miaoai/link/proof
        '0001', // version 1
        '5a'.repeat(32), // genesis hash
        '0056', // netuid 86
        '01', // signed by the initiator
        '01', // who is a validator
        '01'.repeat(32), // hotkey of the signer
        '02'.repeat(32), // hotkey of the peer
        '03'.repeat(32), // nonce of the initiator
        '04'.repeat(32), // nonce of the responder
        '05'.repeat(32), // Noise static key of the signer
        '3c2f42797465733e', // </Bytes>
      ].join(''),
    );
    expect(proofBytes(claims).length).toBe(230);
  });

  it('binds every claim: a signature over one is none over another', () => {
    const identity = identityOfUri('//Alice');
    const signature = identity.sign(proofBytes(claims));
    const verify = (message: Uint8Array): boolean =>
      verifySignature({ message, signature, publicKey: identity.publicKey });
    expect(verify(proofBytes(claims))).toBe(true);
    const others = [
      { ...claims, network: { ...network, netuid: 87 } },
      { ...claims, network: { ...network, genesis: filled(0) } },
      { ...claims, signer: 'responder' as const },
      { ...claims, role: 'miner' as const },
      { ...claims, hotkey: filled(9) },
      { ...claims, peerHotkey: filled(9) },
      { ...claims, initiatorNonce: filled(9) },
      { ...claims, responderNonce: filled(9) },
      { ...claims, noiseKey: filled(9) },
      { ...claims, hotkey: claims.peerHotkey, peerHotkey: claims.hotkey },
    ];
    const messages = others.map((other) => Buffer.from(proofBytes(other)).toString('hex'));
    expect(new Set(messages).size).toBe(others.length);
    for (const message of messages) expect(verify(Buffer.from(message, 'hex'))).toBe(false);
  });

  it('opens every handshake with the protocol, its version and the network', () => {
    expect(Buffer.from(prologueOf(network)).toString('hex')).toBe(
      `6d69616f61692f6c696e6b000001${'5a'.repeat(32)}0056`,
    );
  });
});
