import { describe, expect, it } from 'vitest';

import { fail, type Outcome, succeed } from '#src/domain/outcome.ts';
import type { Identity } from '#src/keys/identity.ts';
import { createInitiator, createResponder } from '#src/transport/handshake.ts';
import { createNoise } from '#src/transport/noise.ts';
import { type Network, prologueOf, proofBytes } from '#src/transport/proof.ts';
import type { Rejection } from '#src/transport/refusals.ts';
import { createReplayCache } from '#src/transport/replayCache.ts';
import { minerIdentity, strangerIdentity, validatorIdentity } from '#test/support/peers.ts';

const network: Network = { genesis: Buffer.alloc(32, 0x5a), netuid: 86 };
const CLOCK_WINDOW_MS = 30_000;
const NOW_MS = 1_800_000_000_000;

type InitiatorSettings = Parameters<typeof createInitiator>[0];
type ResponderSettings = Parameters<typeof createResponder>[0];

/** Counts signatures: refusals must cost none. */
const counting = (identity: Identity): Identity & { readonly signatures: () => number } => {
  let signatures = 0;
  return {
    hotkey: identity.hotkey,
    publicKey: identity.publicKey,
    sign: (message) => {
      signatures += 1;
      return identity.sign(message);
    },
    signatures: () => signatures,
  };
};

const initiatorWith = (overrides: Partial<InitiatorSettings> = {}) =>
  createInitiator({
    network,
    identity: validatorIdentity,
    role: 'validator',
    clockWindowMs: CLOCK_WINDOW_MS,
    now: () => NOW_MS,
    expectedHotkey: minerIdentity.hotkey,
    ...overrides,
  });
const newReplays = () => createReplayCache({ windowMs: 60_000, capacity: 100 });
const responderWith = (overrides: Partial<ResponderSettings> = {}) =>
  createResponder({
    network,
    identity: minerIdentity,
    role: 'miner',
    clockWindowMs: CLOCK_WINDOW_MS,
    now: () => NOW_MS,
    authorise: () => succeed(undefined),
    remoteAddress: '192.0.2.1',
    replays: newReplays(),
    mayWork: () => true,
    ...overrides,
  });
const reasonOf = (outcome: Outcome<unknown, Rejection>): string =>
  outcome.ok ? 'accepted' : outcome.error.reason;
const unwrap = <A>(outcome: Outcome<A, Rejection>): A => {
  if (!outcome.ok) throw new Error(`${outcome.error.reason}: ${outcome.error.message}`);
  return outcome.value;
};

/** Runs all three messages; where it ends, and why. */
const run = (
  dialer: Partial<InitiatorSettings>,
  listener: Partial<ResponderSettings> = {},
): { readonly at: string; readonly reason: string } => {
  const [initiator, responder] = [initiatorWith(dialer), responderWith(listener)];
  const message2 = responder.answer(initiator.begin());
  if (!message2.ok) return { at: 'responder, message 1', reason: message2.error.reason };
  const dialed = initiator.conclude(message2.value);
  if (!dialed.ok) return { at: 'initiator, message 2', reason: dialed.error.reason };
  const accepted = responder.conclude(dialed.value.message3);
  return { at: 'responder, message 3', reason: reasonOf(accepted) };
};

/** A hotkey somebody claims and cannot sign for. */
const forged = (claimed: Identity, sign: Identity['sign']): Identity => ({
  hotkey: claimed.hotkey,
  publicKey: claimed.publicKey,
  sign,
});
const unsigned = (): Uint8Array => new Uint8Array(64);

describe('transport / handshake', () => {
  it('ends with the same two keys and the proven hotkeys on both sides', () => {
    const [initiator, responder] = [initiatorWith(), responderWith()];
    const dialed = unwrap(initiator.conclude(unwrap(responder.answer(initiator.begin()))));
    const accepted = unwrap(responder.conclude(dialed.message3));
    expect(dialed.keys).toEqual({ send: accepted.keys.receive, receive: accepted.keys.send });
    expect(Buffer.from(dialed.keys.send)).not.toEqual(Buffer.from(dialed.keys.receive));
    expect(dialed.peer).toEqual({ hotkey: minerIdentity.hotkey, role: 'miner' });
    expect(accepted.peer).toEqual({ hotkey: validatorIdentity.hotkey, role: 'validator' });
  });

  it('refuses at message 1, before any signature, what can be told from it', () => {
    const identity = counting(minerIdentity);
    const first = (dialer: Partial<InitiatorSettings>, listener: Partial<ResponderSettings> = {}): string =>
      run(dialer, { identity, ...listener }).reason;
    expect(first({ network: { ...network, netuid: 87 } })).toBe('OtherSubnet');
    expect(first({ network: { ...network, genesis: Buffer.alloc(32, 1) } })).toBe('OtherNetwork');
    expect(first({ role: 'miner' })).toBe('SameRole');
    expect(first({ expectedHotkey: strangerIdentity.hotkey })).toBe('NotForMe');
    expect(first({ now: () => NOW_MS + CLOCK_WINDOW_MS + 1 })).toBe('ClockSkew');
    expect(first({ now: () => NOW_MS - CLOCK_WINDOW_MS - 1 })).toBe('ClockSkew');
    expect(first({}, { authorise: () => fail('not registered') })).toBe('NotAuthorised');
    expect(first({}, { mayWork: () => false })).toBe('Busy');
    expect(identity.signatures()).toBe(0);
    expect(first({ now: () => NOW_MS + CLOCK_WINDOW_MS })).toBe('accepted');
    expect(identity.signatures()).toBe(1);
  });

  it('tells the authoriser who claims to call and from where', () => {
    const claims: unknown[] = [];
    run({}, { authorise: (claim) => succeed(void claims.push(claim)) });
    expect(claims).toEqual([
      { hotkey: validatorIdentity.hotkey, role: 'validator', remoteAddress: '192.0.2.1' },
    ]);
  });

  it('accepts a first message once', () => {
    const replays = newReplays();
    const message1 = initiatorWith().begin();
    expect(reasonOf(responderWith({ replays }).answer(message1))).toBe('accepted');
    expect(reasonOf(responderWith({ replays }).answer(message1))).toBe('Replayed');
  });

  it('completes no recorded handshake, even where the first message was forgotten', () => {
    const [initiator, responder] = [initiatorWith(), responderWith()];
    const message1 = initiator.begin();
    const dialed = unwrap(initiator.conclude(unwrap(responder.answer(message1))));
    const restarted = responderWith();
    unwrap(restarted.answer(message1));
    expect(reasonOf(restarted.conclude(dialed.message3))).toBe('Undecryptable');
  });

  it('refuses a dialer that claims a hotkey it cannot sign for', () => {
    const refused = { at: 'responder, message 3', reason: 'BadSignature' };
    expect(run({ identity: forged(validatorIdentity, strangerIdentity.sign) })).toEqual(refused);
    expect(run({ identity: forged(validatorIdentity, unsigned) })).toEqual(refused);
  });

  it('refuses a responder that claims a hotkey it cannot sign for', () => {
    const refused = { at: 'initiator, message 2', reason: 'BadSignature' };
    expect(run({}, { identity: forged(minerIdentity, strangerIdentity.sign) })).toEqual(refused);
    expect(run({}, { identity: forged(minerIdentity, unsigned) })).toEqual(refused);
  });

  it('does not let a lie in the clear part stand for the network that is bound', () => {
    const lying = createNoise({ initiator: true, prologue: prologueOf({ ...network, netuid: 87 }) });
    const hello = Buffer.from(initiatorWith().begin().subarray(32));
    const message2 = unwrap(responderWith().answer(lying.write(hello)));
    expect(lying.read(message2)).toBeNull();
  });

  it('refuses an altered message at either side', () => {
    const alter = (message: Uint8Array, index: number): Uint8Array => {
      const copy = Uint8Array.from(message);
      copy[index] = (copy[index] ?? 0) ^ 1;
      return copy;
    };
    for (const index of [0, 40, 90, 300]) {
      const [initiator, responder] = [initiatorWith(), responderWith()];
      const message2 = unwrap(responder.answer(initiator.begin()));
      expect(reasonOf(initiator.conclude(alter(message2, index)))).toBe('Undecryptable');
    }
    for (const index of [0, 50, 300]) {
      const [initiator, responder] = [initiatorWith(), responderWith()];
      const dialed = unwrap(initiator.conclude(unwrap(responder.answer(initiator.begin()))));
      expect(reasonOf(responder.conclude(alter(dialed.message3, index)))).toBe('Undecryptable');
    }
  });

  it('refuses the clock of a responder as well', () => {
    for (const offsetMs of [CLOCK_WINDOW_MS + 1, -CLOCK_WINDOW_MS - 1]) {
      const responder = responderWith({ now: () => NOW_MS + offsetMs, clockWindowMs: 10 * CLOCK_WINDOW_MS });
      const initiator = initiatorWith();
      expect(reasonOf(initiator.conclude(unwrap(responder.answer(initiator.begin()))))).toBe('ClockSkew');
    }
  });

  it('refuses garbage, low-order keys and messages out of turn', () => {
    const message1 = initiatorWith().begin();
    const bad: readonly Uint8Array[] = [
      new Uint8Array(0),
      new Uint8Array(32),
      new Uint8Array(1_025),
      message1.subarray(0, message1.length - 1),
      Buffer.concat([message1.subarray(0, 32), Buffer.from('{"v":1}')]),
    ];
    for (const message of bad) expect(reasonOf(responderWith().answer(message))).toBe('Malformed');
    const lowOrder = Buffer.concat([Buffer.alloc(32), message1.subarray(32)]);
    expect(reasonOf(responderWith().answer(lowOrder))).toBe('Undecryptable');
    expect(reasonOf(responderWith().conclude(message1))).toBe('Malformed');
    const initiator = initiatorWith();
    initiator.begin();
    expect(reasonOf(initiator.conclude(Buffer.alloc(400)))).toBe('Undecryptable');
    expect(reasonOf(initiatorWith().conclude(Buffer.alloc(1_025)))).toBe('Malformed');
  });

  it('names another version', () => {
    const noise = createNoise({ initiator: true, prologue: prologueOf(network) });
    const hello = JSON.parse(Buffer.from(initiatorWith().begin().subarray(32)).toString());
    const message1 = noise.write(Buffer.from(JSON.stringify({ ...hello, v: 2 })));
    expect(reasonOf(responderWith().answer(message1))).toBe('OtherVersion');
  });
});

/** Message 2 written by hand: a responder that may put anything into its proof. */
const answerByHand = (
  message1: Uint8Array,
  overrides: { readonly hotkey?: string; readonly role?: string; readonly signer?: 'initiator' },
): Uint8Array => {
  const noise = createNoise({ initiator: false, prologue: prologueOf(network) });
  const hello = JSON.parse(Buffer.from(noise.read(message1) ?? []).toString());
  const responderNonce = Buffer.alloc(32, 7);
  const signature = minerIdentity.sign(
    proofBytes({
      network,
      signer: overrides.signer ?? 'responder',
      role: 'miner',
      hotkey: minerIdentity.publicKey,
      peerHotkey: validatorIdentity.publicKey,
      initiatorNonce: Buffer.from(hello.nonce, 'hex'),
      responderNonce,
      noiseKey: noise.localStatic,
    }),
  );
  const proof = {
    role: 'miner',
    hotkey: minerIdentity.hotkey,
    nonce: responderNonce.toString('hex'),
    at: NOW_MS,
    signature: Buffer.from(signature).toString('hex'),
    ...overrides,
  };
  return noise.write(Buffer.from(JSON.stringify(proof)));
};

describe('transport / handshake, proofs written by hand', () => {
  const conclude = (overrides: Parameters<typeof answerByHand>[1]): string => {
    const initiator = initiatorWith();
    return reasonOf(initiator.conclude(answerByHand(initiator.begin(), overrides)));
  };

  it('accepts the honest one, so that the refusals below mean something', () => {
    expect(conclude({})).toBe('accepted');
  });

  it('refuses another hotkey, the same role and a signature for the other direction', () => {
    expect(conclude({ hotkey: strangerIdentity.hotkey })).toBe('OtherIdentity');
    expect(conclude({ role: 'validator' })).toBe('SameRole');
    expect(conclude({ signer: 'initiator' })).toBe('BadSignature');
  });
});
