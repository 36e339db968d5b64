import { randomBytes } from 'node:crypto';

/** RFC 6455 frames as a client sends and receives them, without extensions. */

export const OPCODE = {
  continuation: 0x0,
  text: 0x1,
  binary: 0x2,
  close: 0x8,
  ping: 0x9,
  pong: 0xa,
} as const;
/** Control frames carry at most this much (RFC 6455 section 5.5). */
const MAX_CONTROL_BYTES = 125;
const FINAL = 0x80;
const MASKED = 0x80;

export type Frame = { readonly opcode: number; readonly final: boolean; readonly payload: Buffer };

/** One masked, unfragmented frame: what a client must send. */
export const encodeFrame = (opcode: number, payload: Buffer): Buffer => {
  const length = payload.length;
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const header = Buffer.alloc(2 + lengthBytes + 4);
  header[0] = FINAL | opcode;
  header[1] = MASKED | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) header.writeUInt16BE(length, 2);
  if (lengthBytes === 8) header.writeBigUInt64BE(BigInt(length), 2);
  const mask = randomBytes(4);
  mask.copy(header, 2 + lengthBytes);
  const masked = Buffer.allocUnsafe(length);
  for (let index = 0; index < length; index += 1)
    masked[index] = (payload[index] ?? 0) ^ (mask[index & 3] ?? 0);
  return Buffer.concat([header, masked]);
};

type Header = {
  readonly opcode: number;
  readonly final: boolean;
  readonly start: number;
  readonly length: number;
};

/** Header at the start of `bytes`; null while incomplete. Throws on anything RFC 6455 forbids a server. */
const readHeader = (bytes: Buffer): Header | null => {
  if (bytes.length < 2) return null;
  const first = bytes.readUInt8(0);
  const second = bytes.readUInt8(1);
  if ((first & 0x70) !== 0) throw new Error('reserved frame bits are set');
  if ((second & MASKED) !== 0) throw new Error('a server must not mask its frames');
  const opcode = first & 0x0f;
  const final = (first & FINAL) !== 0;
  const short = second & 0x7f;
  if (opcode >= OPCODE.close && (!final || short > MAX_CONTROL_BYTES))
    throw new Error('broken control frame');
  const start = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < start) return null;
  const length =
    short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  return { opcode, final, start, length };
};

/** Joins chunks into frames and fragments into messages. One per connection. */
export interface FrameReader {
  /**
   * Takes the next chunk and returns the control frames and complete messages it finished, in order. Throws on a
   * protocol violation or as soon as a declared length passes `maxBytes`, before the payload is kept.
   */
  push(chunk: Buffer): readonly Frame[];
}

/** A reader that holds at most `maxBytes` of one message, plus one chunk. */
export const frameReader = (maxBytes: number): FrameReader => {
  let chunks: Buffer[] = [];
  let buffered = 0;
  let needed = 2;
  let fragments: Buffer[] = [];
  let fragmentBytes = 0;
  let fragmentOpcode: number | null = null;

  const next = (): Frame | null => {
    // Joining only once enough has arrived keeps a large message linear in its size.
    if (buffered < needed) return null;
    const bytes =
      chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, buffered);
    chunks = [bytes];
    const header = readHeader(bytes);
    if (header === null) {
      needed = bytes.length + 1;
      return null;
    }
    if (header.length + fragmentBytes > maxBytes) throw new Error(`a message exceeds ${maxBytes} bytes`);
    const end = header.start + header.length;
    if (bytes.length < end) {
      needed = end;
      return null;
    }
    chunks = bytes.length === end ? [] : [bytes.subarray(end)];
    buffered -= end;
    needed = 2;
    return { opcode: header.opcode, final: header.final, payload: bytes.subarray(header.start, end) };
  };

  const joined = (frame: Frame): Frame | null => {
    if (frame.opcode >= OPCODE.close) return frame;
    if ((frame.opcode === OPCODE.continuation) !== (fragmentOpcode !== null))
      throw new Error('fragments out of order');
    const opcode = fragmentOpcode ?? frame.opcode;
    fragments.push(frame.payload);
    fragmentBytes += frame.payload.length;
    if (!frame.final) {
      fragmentOpcode = opcode;
      return null;
    }
    const payload = fragments.length === 1 ? frame.payload : Buffer.concat(fragments, fragmentBytes);
    fragments = [];
    fragmentBytes = 0;
    fragmentOpcode = null;
    return { opcode, final: true, payload };
  };

  return {
    push(chunk) {
      chunks.push(chunk);
      buffered += chunk.length;
      const done: Frame[] = [];
      for (let frame = next(); frame !== null; frame = next()) {
        const message = joined(frame);
        if (message !== null) done.push(message);
      }
      return done;
    },
  };
};
