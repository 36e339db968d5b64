import * as fc from 'fast-check';

import type { Message } from '#src/transport/protocol.ts';

/** Arbitrary messages inside the bounds of the protocol. */

const v = fc.constant(1 as const);
const fromAlphabet = (alphabet: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength, maxLength });

const visible = Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index)).join('');
const identifier = fromAlphabet(visible, 1, 128);
const kind = fromAlphabet('abcdefghijklmnopqrstuvwxyz0123456789_', 0, 40).map((rest) => `k${rest}`);
const sha256 = fromAlphabet('0123456789abcdef', 64, 64);
const durationMs = fc.double({ min: 0, max: 3_600_000, noNaN: true }).map((value) => value + 0);
const u32 = fc.integer({ min: 0, max: 4_294_967_295 });

const withoutPrototypeKeys = (text: string): boolean => !text.includes('__proto__');
/** JSON values, parsed from text so that -0 and the like are what JSON makes of them. */
const json = fc
  .json({ maxDepth: 4, stringUnit: 'binary' })
  .filter(withoutPrototypeKeys)
  .map((text) => JSON.parse(text));
const jsonObject = fc
  .dictionary(fc.string({ unit: 'binary', maxLength: 20 }), json, { maxKeys: 6, noNullPrototype: true })
  .filter((value) => !Object.hasOwn(value, '__proto__'));

const ready = fc.record({
  type: fc.constant('ready' as const),
  v,
  kinds: fc.array(kind, { maxLength: 64 }),
  models: fc.array(fc.record({ name: fc.string({ minLength: 1, maxLength: 128 }), sha256 }), {
    maxLength: 8,
  }),
  maxInFlight: fc.integer({ min: 0, max: 65_535 }),
});
const tasks = fc.record({
  type: fc.constant('tasks' as const),
  v,
  round: identifier,
  deadlineMs: durationMs,
  tasks: fc.array(fc.record({ id: identifier, kind, request: json }), { minLength: 1, maxLength: 6 }),
});
const answer = fc.record({
  type: fc.constant('answer' as const),
  v,
  id: identifier,
  answer: jsonObject,
  elapsedMs: durationMs,
});
const refusal = fc.record({
  type: fc.constant('refusal' as const),
  v,
  id: identifier,
  reason: fc.constantFrom('busy', 'unsupported', 'failed', 'expired', 'invalid'),
});
const ack = fc.record({
  type: fc.constant('ack' as const),
  v,
  ids: fc.array(identifier, { minLength: 1, maxLength: 20 }),
});
const ping = fc.record({ type: fc.constant('ping' as const), v, n: u32 });
const pong = fc.record({ type: fc.constant('pong' as const), v, n: u32 });
const bye = fc.record({
  type: fc.constant('bye' as const),
  v,
  reason: fromAlphabet(` ${visible}`, 0, 128),
});

export const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  ready,
  tasks,
  answer,
  refusal,
  ack,
  ping,
  pong,
  bye,
);
