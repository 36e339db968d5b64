import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame, frameReader, OPCODE } from '#src/chain/frames.ts';

/** An unmasked frame as a server sends it. */
const serverFrame = (opcode: number, payload: Buffer, isFinal = true): Buffer => {
  const first = Buffer.from([(isFinal ? 0x80 : 0) | opcode]);
  if (payload.length < 126) return Buffer.concat([first, Buffer.from([payload.length]), payload]);
  if (payload.length < 65_536) {
    const length = Buffer.alloc(3);
    length[0] = 126;
    length.writeUInt16BE(payload.length, 1);
    return Buffer.concat([first, length, payload]);
  }
  const length = Buffer.alloc(9);
  length[0] = 127;
  length.writeBigUInt64BE(BigInt(payload.length), 1);
  return Buffer.concat([first, length, payload]);
};

describe('chain / frames', () => {
  it('reads what was sent, wherever the stream is cut', () => {
    const sizes = [0, 1, 125, 126, 127, 65_535, 65_536];
    const payloads = sizes.map((size, index) => Buffer.alloc(size, index + 1));
    const stream = Buffer.concat(payloads.map((payload) => serverFrame(OPCODE.text, payload)));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 20 }), (cuts) => {
        const reader = frameReader(100_000);
        const messages: Buffer[] = [];
        for (let start = 0, turn = 0; start < stream.length; turn += 1) {
          const end = start + (cuts[turn % cuts.length] ?? 1);
          messages.push(...reader.push(stream.subarray(start, end)).map(({ payload }) => payload));
          start = end;
        }
        expect(messages.map((message) => message.length)).toEqual(sizes);
        expect(messages.every((message, index) => message.equals(payloads[index] ?? Buffer.alloc(0)))).toBe(
          true,
        );
      }),
      { numRuns: 25 },
    );
  });

  it('reads a stream that arrives byte by byte', () => {
    const reader = frameReader(1_000);
    const stream = serverFrame(OPCODE.text, Buffer.alloc(300, 7));
    const messages = [...stream].flatMap((byte) => reader.push(Buffer.from([byte])));
    expect(messages).toEqual([{ opcode: OPCODE.text, final: true, payload: Buffer.alloc(300, 7) }]);
  });

  it('joins fragments and lets control frames pass between them', () => {
    const reader = frameReader(1_000);
    const frames = reader.push(
      Buffer.concat([
        serverFrame(OPCODE.text, Buffer.from('he'), false),
        serverFrame(OPCODE.ping, Buffer.from('p')),
        serverFrame(OPCODE.continuation, Buffer.from('ll'), false),
        serverFrame(OPCODE.continuation, Buffer.from('o')),
      ]),
    );
    expect(frames.map(({ opcode, payload }) => [opcode, payload.toString()])).toEqual([
      [OPCODE.ping, 'p'],
      [OPCODE.text, 'hello'],
    ]);
  });

  it('refuses a message as soon as its length is declared too large', () => {
    const header = serverFrame(OPCODE.text, Buffer.alloc(2_000)).subarray(0, 4);
    expect(() => frameReader(1_000).push(header)).toThrow('exceeds 1000 bytes');
    const reader = frameReader(1_000);
    reader.push(serverFrame(OPCODE.text, Buffer.alloc(900), false));
    expect(() => reader.push(serverFrame(OPCODE.continuation, Buffer.alloc(200)))).toThrow('exceeds');
    const huge = Buffer.from([0x81, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    expect(() => frameReader(1_000).push(huge)).toThrow('exceeds');
  });

  it.each([
    ['reserved bits', Buffer.from([0xc1, 0])],
    ['a masked frame', encodeFrame(OPCODE.text, Buffer.from('x'))],
    ['a fragmented ping', serverFrame(OPCODE.ping, Buffer.from('x'), false)],
    ['a long ping', serverFrame(OPCODE.ping, Buffer.alloc(126))],
    ['a continuation of nothing', serverFrame(OPCODE.continuation, Buffer.from('x'))],
    [
      'a new message inside another',
      Buffer.concat([serverFrame(1, Buffer.from('a'), false), serverFrame(1, Buffer.from('b'))]),
    ],
  ])('refuses %s', (_name, bytes) => {
    expect(() => frameReader(1_000).push(bytes)).toThrow();
  });

  it.each([5, 200, 70_000])('masks an outgoing frame of %i bytes', (size) => {
    const payload = Buffer.alloc(size, 0x61);
    const frame = encodeFrame(OPCODE.text, payload);
    const headerBytes = size < 126 ? 2 : size < 65_536 ? 4 : 10;
    expect(frame.length).toBe(headerBytes + 4 + size);
    expect(frame.readUInt8(1) & 0x80).toBe(0x80);
    const mask = frame.subarray(headerBytes, headerBytes + 4);
    const body = frame.subarray(headerBytes + 4).map((byte, index) => byte ^ (mask[index & 3] ?? 0));
    expect(Buffer.from(body).equals(payload)).toBe(true);
  });
});
