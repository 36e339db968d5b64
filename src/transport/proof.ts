import { PROTOCOL_NAME, PROTOCOL_VERSION, type Role } from './protocol.ts';

/** Chain and subnet a link belongs to. */
export type Network = {
  /** Hash of block 0, 32 bytes. */
  readonly genesis: Uint8Array;
  readonly netuid: number;
};

/** Everything one side signs. Keys are raw public keys, 32 bytes; nonces are 32 bytes. */
export type ProofClaims = {
  readonly network: Network;
  readonly signer: 'initiator' | 'responder';
  readonly role: Role;
  readonly hotkey: Uint8Array;
  readonly peerHotkey: Uint8Array;
  readonly initiatorNonce: Uint8Array;
  readonly responderNonce: Uint8Array;
  /** Static Noise key of the signer: what ties the hotkey to this session and no other. */
  readonly noiseKey: Uint8Array;
};

// `<Bytes>` around a message is Substrate's convention for signatures that are not transactions: no call starts with
// it, so a proof can never be replayed as an extrinsic of the same hotkey.
const OPENING = Buffer.from(`<Bytes>${PROTOCOL_NAME}/proof`, 'latin1');
const CLOSING = Buffer.from('</Bytes>', 'latin1');

const u16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
};

const signerByte = { initiator: 1, responder: 2 } as const;
const roleByte = { validator: 1, miner: 2 } as const;

/**
 * The byte string a hotkey signs in a handshake, 230 bytes, every field of fixed width:
 *
 * `<Bytes>miaoai/link/proof` · version u16 BE · genesis 32 · netuid u16 BE · signer u8 (1 initiator, 2 responder) ·
 * role u8 (1 validator, 2 miner) · hotkey 32 · peer hotkey 32 · initiator nonce 32 · responder nonce 32 ·
 * Noise static key 32 · `</Bytes>`
 */
export const proofBytes = (claims: ProofClaims): Uint8Array =>
  Buffer.concat([
    OPENING,
    u16(PROTOCOL_VERSION),
    claims.network.genesis,
    u16(claims.network.netuid),
    Buffer.of(signerByte[claims.signer], roleByte[claims.role]),
    claims.hotkey,
    claims.peerHotkey,
    claims.initiatorNonce,
    claims.responderNonce,
    claims.noiseKey,
    CLOSING,
  ]);

/** Noise prologue: both sides mix it in first, so that handshakes of different networks cannot complete. */
export const prologueOf = (network: Network): Uint8Array =>
  Buffer.concat([
    Buffer.from(PROTOCOL_NAME, 'latin1'),
    Buffer.of(0),
    u16(PROTOCOL_VERSION),
    network.genesis,
    u16(network.netuid),
  ]);
