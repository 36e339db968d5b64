import { randomBytes } from 'node:crypto';

import type { Hotkey } from '../domain/ids.ts';
import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import { type Identity, verifySignature } from '../keys/identity.ts';
import { decodeHotkey } from '../keys/ss58.ts';
import { decodePayload } from './codec.ts';
import { MAX_HANDSHAKE_FRAME_BYTES } from './limits.ts';
import { createNoise, type NoiseHandshake, type SplitKeys } from './noise.ts';
import { type Network, prologueOf, proofBytes } from './proof.ts';
import { Hello, PROTOCOL_VERSION, Proof, type Role } from './protocol.ts';
import type { RefusalReason, Rejection } from './refusals.ts';
import type { ReplayCache } from './replayCache.ts';

export const NONCE_BYTES = 32;

/** What both sides of a handshake know before it begins. */
export type HandshakeSettings = {
  readonly network: Network;
  readonly identity: Identity;
  readonly role: Role;
  readonly clockWindowMs: number;
  /** Wall clock, milliseconds since the Unix epoch. */
  readonly now: () => number;
};

export type Peer = { readonly hotkey: Hotkey; readonly role: Role };
/** A proven peer and the keys of the session with it. */
export type Established = { readonly peer: Peer; readonly keys: SplitKeys };

/** Whether a hotkey may connect at all. Called with a claim that nobody has proven yet, so it must be cheap. */
export type Authorise = (claim: Peer & { readonly remoteAddress: string }) => Outcome<void, string>;

export interface Initiator {
  /** Message 1. */
  begin(): Uint8Array;
  /** Message 2 → message 3 and the session. */
  conclude(message2: Uint8Array): Outcome<Established & { readonly message3: Uint8Array }, Rejection>;
}

export interface Responder {
  /** Message 1 → message 2. Refuses everything it can before any curve or signature work. */
  answer(message1: Uint8Array): Outcome<Uint8Array, Rejection>;
  /** Message 3 → the session. */
  conclude(message3: Uint8Array): Outcome<Established, Rejection>;
}

const reject = (reason: RefusalReason, message: string): Outcome<never, Rejection> =>
  fail({ reason, message });

const counterpart: Readonly<Record<Role, Role>> = { validator: 'miner', miner: 'validator' };

/** The dialing side: knows from the chain which hotkey must answer. */
export const createInitiator = (
  settings: HandshakeSettings & { readonly expectedHotkey: Hotkey },
): Initiator => {
  const noise = createNoise({ initiator: true, prologue: prologueOf(settings.network) });
  const nonce = randomBytes(NONCE_BYTES);
  const peer: Peer = { hotkey: settings.expectedHotkey, role: counterpart[settings.role] };
  const decoded = decodeHotkey(peer.hotkey);
  if (!decoded.ok) throw new RangeError(decoded.error.message);
  const peerKey = decoded.value;
  return {
    begin: () => noise.write(encodeHello(settings, nonce)),
    conclude(message2) {
      const proof = openProof(noise, message2);
      if (!proof.ok) return proof;
      const nonces = { initiator: nonce, responder: Buffer.from(proof.value.nonce, 'hex') };
      const verdict = verifyProof({
        ...{ settings, noise, peer, peerKey, nonces },
        proof: proof.value,
        signer: 'responder',
      });
      if (!verdict.ok) return verdict;
      const message3 = noise.write(
        signProof({ settings, noise, peer, peerKey, signer: 'initiator', nonces }),
      );
      const keys = noise.split();
      if (keys === null) return reject('Undecryptable', 'the handshake ended without keys');
      return succeed({ peer, keys, message3 });
    },
  };
};

/** The listening side: learns who dials from message 1, believes it at message 3. */
export const createResponder = (
  settings: HandshakeSettings & {
    readonly authorise: Authorise;
    readonly remoteAddress: string;
    readonly replays: ReplayCache;
    /** Asked right before the costly part; false means too many handshakes at this moment. */
    readonly mayWork: () => boolean;
  },
): Responder => {
  const nonce = randomBytes(NONCE_BYTES);
  let begun: Begun | null = null;
  return {
    answer(message1) {
      const read = readHello(message1);
      if (!read.ok) return read;
      const hello = read.value;
      const peerKey = judgeHello(settings, hello);
      if (!peerKey.ok) return peerKey;
      if (!settings.mayWork()) return reject('Busy', 'too many handshakes at this moment');
      const noise = createNoise({ initiator: false, prologue: prologueOf(settings.network) });
      if (noise.read(message1) === null) return reject('Undecryptable', 'message 1 is no Noise message');
      const peer: Peer = { hotkey: hello.from, role: hello.role };
      const nonces = { initiator: Buffer.from(hello.nonce, 'hex'), responder: nonce };
      begun = { noise, hello, peer, peerKey: peerKey.value, nonces };
      return writeOrReject(noise, signProof({ ...begun, settings, signer: 'responder' }));
    },
    conclude(message3) {
      if (begun === null) return reject('Malformed', 'message 3 came before message 1');
      const { noise, hello, peer } = begun;
      const proof = openProof(noise, message3);
      if (!proof.ok) return proof;
      if (proof.value.nonce !== hello.nonce) return reject('Malformed', 'message 3 has another nonce');
      const verdict = verifyProof({ ...begun, settings, proof: proof.value, signer: 'initiator' });
      if (!verdict.ok) return verdict;
      const keys = noise.split();
      if (keys === null) return reject('Undecryptable', 'the handshake ended without keys');
      return succeed({ peer, keys });
    },
  };
};

/** X25519 refuses low-order points, so writing message 2 can fail on a hostile ephemeral key. */
const writeOrReject = (noise: NoiseHandshake, payload: Uint8Array): Outcome<Uint8Array, Rejection> => {
  try {
    return succeed(noise.write(payload));
  } catch {
    return reject('Undecryptable', 'the ephemeral key of message 1 is a low-order point');
  }
};

const NOISE_KEY_BYTES = 32;

/** Payload of message 1: in the clear behind the ephemeral key, so reading it costs no cryptography. */
const readHello = (message1: Uint8Array): Outcome<Hello, Rejection> => {
  if (message1.length > MAX_HANDSHAKE_FRAME_BYTES || message1.length <= NOISE_KEY_BYTES) {
    return reject('Malformed', `message 1 has ${message1.length} bytes`);
  }
  const hello = decodePayload(Hello, message1.subarray(NOISE_KEY_BYTES));
  return hello === null ? reject('Malformed', 'message 1 carries no hello') : succeed(hello);
};

/** Everything that can be held against a hello; returns the raw public key of the hotkey it claims. */
const judgeHello = (
  settings: Parameters<typeof createResponder>[0],
  hello: Hello,
): Outcome<Uint8Array, Rejection> => {
  const genesis = Buffer.from(settings.network.genesis).toString('hex');
  if (hello.v !== PROTOCOL_VERSION) {
    return reject('OtherVersion', `peer speaks version ${hello.v}, here it is ${PROTOCOL_VERSION}`);
  }
  if (hello.genesis !== genesis) return reject('OtherNetwork', `peer is on the chain 0x${hello.genesis}`);
  if (hello.netuid !== settings.network.netuid) {
    return reject('OtherSubnet', `peer is on subnet ${hello.netuid}`);
  }
  if (hello.role === settings.role) return reject('SameRole', `both sides are ${hello.role}s`);
  if (hello.to !== settings.identity.hotkey) return reject('NotForMe', `peer looks for ${hello.to}`);
  const clock = judgeClock(settings, hello.at);
  if (!clock.ok) return clock;
  const key = `${hello.from}:${hello.nonce}`;
  const monotonicMs = performance.now();
  if (settings.replays.has(key, monotonicMs)) return reject('Replayed', 'this first message was seen before');
  const claim = { hotkey: hello.from, role: hello.role, remoteAddress: settings.remoteAddress };
  const allowed = settings.authorise(claim);
  if (!allowed.ok) return reject('NotAuthorised', `${hello.from}: ${allowed.error}`);
  const peerKey = decodeHotkey(hello.from);
  if (!peerKey.ok) return reject('Malformed', peerKey.error.message);
  settings.replays.add(key, monotonicMs);
  return peerKey;
};

const judgeClock = (settings: HandshakeSettings, atMs: number): Outcome<void, Rejection> => {
  const aheadMs = atMs - settings.now();
  if (Math.abs(aheadMs) <= settings.clockWindowMs) return succeed(undefined);
  const direction = aheadMs > 0 ? 'ahead of' : 'behind';
  const message =
    `the peer's clock is ${Math.round(Math.abs(aheadMs) / 1_000)} s ${direction} ours, ` +
    `at most ${settings.clockWindowMs / 1_000} s are accepted: synchronise both clocks (NTP)`;
  return fail({ reason: 'ClockSkew', message, clockMs: Math.max(0, Math.round(settings.now())) });
};

const openProof = (noise: NoiseHandshake, message: Uint8Array): Outcome<Proof, Rejection> => {
  if (message.length > MAX_HANDSHAKE_FRAME_BYTES) {
    return reject('Malformed', `a handshake message of ${message.length} bytes`);
  }
  const payload = noise.read(message);
  if (payload === null) return reject('Undecryptable', 'altered on the way, or made for another network');
  const proof = decodePayload(Proof, payload);
  return proof === null ? reject('Malformed', 'the message carries no proof') : succeed(proof);
};

type Nonces = { readonly initiator: Uint8Array; readonly responder: Uint8Array };
type ProofContext = {
  readonly settings: HandshakeSettings;
  readonly noise: NoiseHandshake;
  readonly peer: Peer;
  readonly peerKey: Uint8Array;
  readonly signer: 'initiator' | 'responder';
  readonly nonces: Nonces;
};
/** What the responder keeps between message 1 and message 3. */
type Begun = Omit<ProofContext, 'settings' | 'signer'> & { readonly hello: Hello };

const signProof = ({ settings, noise, peerKey, signer, nonces }: ProofContext): Uint8Array => {
  const signature = settings.identity.sign(
    proofBytes({
      network: settings.network,
      signer,
      role: settings.role,
      hotkey: settings.identity.publicKey,
      peerHotkey: peerKey,
      initiatorNonce: nonces.initiator,
      responderNonce: nonces.responder,
      noiseKey: noise.localStatic,
    }),
  );
  const proof: Proof = {
    role: settings.role,
    hotkey: settings.identity.hotkey,
    nonce: Buffer.from(nonces[signer]).toString('hex'),
    at: Math.round(settings.now()),
    signature: Buffer.from(signature).toString('hex'),
  };
  return Buffer.from(JSON.stringify(proof), 'utf8');
};

const verifyProof = (context: ProofContext & { readonly proof: Proof }): Outcome<void, Rejection> => {
  const { settings, noise, peer, peerKey, proof, signer, nonces } = context;
  if (proof.role === settings.role) return reject('SameRole', `both sides are ${proof.role}s`);
  if (proof.hotkey !== peer.hotkey) {
    return reject('OtherIdentity', `expected ${peer.hotkey}, ${proof.hotkey} answered`);
  }
  const clock = judgeClock(settings, proof.at);
  if (!clock.ok) return clock;
  const noiseKey = noise.remoteStatic();
  if (noiseKey === null) return reject('Undecryptable', 'the peer sent no static key');
  const message = proofBytes({
    network: settings.network,
    signer,
    role: proof.role,
    hotkey: peerKey,
    peerHotkey: settings.identity.publicKey,
    initiatorNonce: nonces.initiator,
    responderNonce: nonces.responder,
    noiseKey,
  });
  const signature = Buffer.from(proof.signature, 'hex');
  return verifySignature({ message, signature, publicKey: peerKey })
    ? succeed(undefined)
    : reject('BadSignature', `the signature is not by ${proof.hotkey}`);
};

const encodeHello = (
  settings: HandshakeSettings & { readonly expectedHotkey: Hotkey },
  nonce: Uint8Array,
): Uint8Array => {
  const hello: Hello = {
    v: PROTOCOL_VERSION,
    genesis: Buffer.from(settings.network.genesis).toString('hex'),
    netuid: settings.network.netuid,
    role: settings.role,
    from: settings.identity.hotkey,
    to: settings.expectedHotkey,
    nonce: Buffer.from(nonce).toString('hex'),
    at: Math.round(settings.now()),
  };
  return Buffer.from(JSON.stringify(hello), 'utf8');
};
