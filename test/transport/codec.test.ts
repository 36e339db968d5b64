import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { decodeMessage, encodeMessage, MAX_JSON_DEPTH, MAX_JSON_VALUES } from '#src/transport/codec.ts';
import type { Message } from '#src/transport/protocol.ts';
import { anyMessage } from '#test/transport/messages.ts';

const LIMIT = 262_144;
const bytesOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value), 'utf8');
const tagOf = (value: unknown): string => {
  const result = decodeMessage(Buffer.isBuffer(value) ? value : bytesOf(value), LIMIT);
  return result.ok ? 'ok' : result.error._tag;
};
const answer: Message = { type: 'answer', v: 1, id: 'a', answer: { label: 'x' }, elapsedMs: 1 };

describe('transport / codec', () => {
  it('decodes what it encoded, for any message', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const encoded = encodeMessage(message, LIMIT);
        if (!encoded.ok) throw new Error(encoded.error.message);
        const decoded = decodeMessage(encoded.value, LIMIT);
        // JSON has one zero; -0 inside an answer becomes 0.
        expect(decoded).toEqual({ ok: true, value: JSON.parse(JSON.stringify(message)) });
      }),
      { numRuns: 300 },
    );
  });

  it('never throws on bytes, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => decodeMessage(bytes, LIMIT).ok === false),
      { numRuns: 500 },
    );
  });

  it('never throws on JSON that is almost a message', () => {
    const almost = fc.tuple(anyMessage, fc.string(), fc.jsonValue()).map(([message, key, value]) => {
      const names = Object.keys(message);
      return { ...message, [names[key.length % names.length] ?? 'type']: value };
    });
    fc.assert(
      fc.property(almost, (value) => typeof decodeMessage(bytesOf(value), LIMIT).ok === 'boolean'),
      { numRuns: 300 },
    );
  });

  it('ignores unknown keys', () => {
    const decoded = decodeMessage(bytesOf({ ...answer, later: { any: 'thing' } }), LIMIT);
    expect(decoded).toEqual({ ok: true, value: answer });
  });

  it('names each defect by its own tag', () => {
    expect(tagOf(Buffer.alloc(LIMIT + 1, 32))).toBe('TooLarge');
    expect(tagOf(Buffer.from([0x22, 0xff, 0x22]))).toBe('NotText');
    expect(tagOf(Buffer.from('{"type":'))).toBe('NotJson');
    expect(tagOf([answer])).toBe('Invalid');
    expect(tagOf(null)).toBe('Invalid');
    expect(tagOf({ ...answer, type: 'constructor' })).toBe('UnknownType');
    expect(tagOf({ ...answer, type: 7 })).toBe('UnknownType');
    expect(tagOf({ ...answer, v: 2 })).toBe('UnknownVersion');
    expect(tagOf({ ...answer, elapsedMs: -1 })).toBe('Invalid');
    expect(tagOf({ ...answer, answer: ['list'] })).toBe('Invalid');
    expect(tagOf(Buffer.from('{"type":"pong","v":1,"n":1,"__proto__":{"x":1}}'))).toBe('Invalid');
  });

  it('bounds depth and number of values before the schema looks', () => {
    const nested = (depth: number): Buffer =>
      Buffer.from(
        `{"type":"answer","v":1,"id":"a","elapsedMs":1,"answer":{"x":${'['.repeat(depth)}${']'.repeat(depth)}}}`,
      );
    expect(tagOf(nested(MAX_JSON_DEPTH - 2))).toBe('ok');
    expect(tagOf(nested(MAX_JSON_DEPTH - 1))).toBe('TooDeep');
    expect(tagOf(nested(100_000))).toBe('TooDeep');
    const wide = { ...answer, answer: { x: Array.from({ length: MAX_JSON_VALUES }, () => 0) } };
    expect(tagOf(wide)).toBe('TooManyValues');
  });

  it('bounds every text and list', () => {
    const tooLong: unknown[] = [
      { ...answer, id: 'x'.repeat(129) },
      { ...answer, id: '' },
      { ...answer, id: 'two words' },
      { type: 'bye', v: 1, reason: 'x'.repeat(129) },
      { type: 'bye', v: 1, reason: 'line\nbreak' },
      { type: 'ack', v: 1, ids: [] },
      { type: 'ack', v: 1, ids: Array.from({ length: 1_025 }, () => 'a') },
      { type: 'ping', v: 1, n: 2 ** 32 },
      { type: 'ping', v: 1, n: 0.5 },
      { type: 'tasks', v: 1, round: 'r', deadlineMs: 3_600_001, tasks: [{ id: 'a', kind: 'k', request: 1 }] },
      { type: 'tasks', v: 1, round: 'r', deadlineMs: 1, tasks: [] },
      { type: 'tasks', v: 1, round: 'r', deadlineMs: 1, tasks: [{ id: 'a', kind: 'Bad-Kind', request: 1 }] },
      { type: 'ready', v: 1, kinds: [], models: [{ name: 'm', sha256: 'AB'.repeat(32) }], maxInFlight: 1 },
      { type: 'ready', v: 1, kinds: Array.from({ length: 65 }, () => 'k'), models: [], maxInFlight: 1 },
    ];
    for (const message of tooLong)
      expect(tagOf(message), JSON.stringify(message).slice(0, 80)).toBe('Invalid');
  });

  it('reports the first defect only, in few characters', () => {
    const result = decodeMessage(bytesOf({ type: 'answer', v: 1, id: '', answer: 3, elapsedMs: 'x' }), LIMIT);
    expect(result.ok).toBe(false);
    if (!result.ok) {
      expect(result.error.message).toContain('id');
      expect(result.error.message).not.toContain('elapsedMs');
      expect(result.error.message.length).toBeLessThan(260);
    }
  });

  it('refuses to encode what a receiver would refuse', () => {
    const large: Message = { ...answer, answer: { text: 'x'.repeat(1_000) } };
    expect(encodeMessage(large, 1_000)).toMatchObject({ ok: false, error: { _tag: 'TooLarge' } });
    const wide: Message = { ...answer, answer: { text: '好'.repeat(300) } };
    expect(encodeMessage(wide, 900)).toMatchObject({ ok: false, error: { _tag: 'TooLarge' } });
    expect(encodeMessage({ ...answer, elapsedMs: Number.NaN }, LIMIT)).toMatchObject({
      ok: false,
      error: { _tag: 'Invalid' },
    });
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    const message = { ...answer, answer: cycle } as unknown as Message;
    expect(encodeMessage(message, LIMIT)).toMatchObject({ ok: false, error: { _tag: 'TooDeep' } });
  });
});
