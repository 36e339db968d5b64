import { isUtf8 } from 'node:buffer';
import * as Schema from 'effect/Schema';

import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import { type Message, type MessageType, messageSchemas, PROTOCOL_VERSION } from './protocol.ts';

/** Why bytes are no message, or a message fits no frame. `message` names the first defect only. */
export type CodecFailure = {
  readonly _tag:
    | 'TooLarge'
    | 'NotText'
    | 'NotJson'
    | 'TooDeep'
    | 'TooManyValues'
    | 'UnknownType'
    | 'UnknownVersion'
    | 'Invalid';
  readonly message: string;
};

/** Nesting of a whole message, the envelope included. */
export const MAX_JSON_DEPTH = 24;
/** Values (numbers, strings, arrays, …) in a whole message; bounds the work behind a frame. */
export const MAX_JSON_VALUES = 20_000;
const MAX_DETAIL_CHARS = 200;
/** Assigning this key to an ordinary object changes its prototype, so no message may carry it. */
const FORBIDDEN_KEY = '__proto__';

const decoders = Object.fromEntries(
  Object.entries(messageSchemas).map(([type, schema]) => [
    type,
    Schema.decodeUnknownResult(schema as Schema.Codec<Message, unknown>, { errors: 'first' }),
  ]),
) as Record<MessageType, ReturnType<typeof Schema.decodeUnknownResult<Schema.Codec<Message, unknown>>>>;

const failure = (tag: CodecFailure['_tag'], message: string): Outcome<never, CodecFailure> =>
  fail({ _tag: tag, message });

/**
 * Bytes of a message → message. Size first, then UTF-8, JSON, depth and number of values, version, type, fields.
 *
 * Never throws; the work is bounded by `maxBytes` and `MAX_JSON_VALUES`.
 */
export const decodeMessage = (bytes: Uint8Array, maxBytes: number): Outcome<Message, CodecFailure> => {
  if (bytes.length > maxBytes) {
    return failure('TooLarge', `message of ${bytes.length} bytes, at most ${maxBytes} are accepted`);
  }
  const parsed = parseJson(bytes);
  return parsed.ok ? validate(parsed.value) : parsed;
};

/** Message → bytes, checked against the same schema and bounds as the receiver's, so that it cannot be refused there. */
export const encodeMessage = (message: Message, maxBytes: number): Outcome<Buffer, CodecFailure> => {
  const checked = validate(message);
  if (!checked.ok) return checked;
  const text = JSON.stringify(checked.value);
  // A UTF-16 unit takes at least one byte, so an absurd text is refused before it is copied.
  return text.length <= maxBytes ? fitting(Buffer.from(text, 'utf8'), maxBytes) : tooLarge(maxBytes);
};

/** Bytes of a message, unless there are too many of them. */
export const fitting = (bytes: Buffer, maxBytes: number): Outcome<Buffer, CodecFailure> =>
  bytes.length <= maxBytes ? succeed(bytes) : tooLarge(maxBytes);

const tooLarge = (maxBytes: number): Outcome<never, CodecFailure> =>
  failure('TooLarge', `message of over ${maxBytes} bytes: send fewer tasks at once or smaller ones`);

/** Decodes one JSON object of the handshake with `schema`; null for whatever is wrong with it. */
export const decodePayload = <A>(schema: Schema.Codec<A, A>, bytes: Uint8Array): A | null => {
  const parsed = parseJson(bytes);
  if (!parsed.ok) return null;
  const result = Schema.decodeUnknownResult(schema)(parsed.value);
  return result._tag === 'Success' ? result.success : null;
};

const parseJson = (bytes: Uint8Array): Outcome<unknown, CodecFailure> => {
  if (!isUtf8(bytes)) return failure('NotText', 'the message is not UTF-8');
  try {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return succeed(JSON.parse(buffer.toString('utf8')));
  } catch {
    return failure('NotJson', 'the message is not JSON');
  }
};

const validate = (value: unknown): Outcome<Message, CodecFailure> => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return failure('Invalid', 'the message is not a JSON object');
  }
  const excess = findExcess(value);
  if (excess !== null) return fail(excess);
  const { type, v } = value as { readonly type?: unknown; readonly v?: unknown };
  if (typeof type !== 'string' || !Object.hasOwn(messageSchemas, type)) {
    return failure('UnknownType', 'the type of the message is not known to this version');
  }
  if (v !== PROTOCOL_VERSION) {
    return failure('UnknownVersion', `only version ${PROTOCOL_VERSION} of the protocol is spoken here`);
  }
  const result = decoders[type as MessageType](value);
  if (result._tag === 'Success') return succeed(result.success);
  return failure('Invalid', `${type}: ${result.failure.message.slice(0, MAX_DETAIL_CHARS)}`);
};

/**
 * Depth and number of values of a JSON tree, without recursion: the schema's own walk is recursive and must not meet
 * a tree that is deeper than `MAX_JSON_DEPTH`.
 */
const findExcess = (root: object): CodecFailure | null => {
  let level: object[] = [root];
  let values = 1;
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > MAX_JSON_DEPTH) return { _tag: 'TooDeep', message: `nested over ${MAX_JSON_DEPTH} levels` };
    const next: object[] = [];
    for (const node of level) {
      const isArray = Array.isArray(node);
      const children: readonly unknown[] = isArray ? node : Object.values(node);
      values += children.length;
      if (values > MAX_JSON_VALUES) {
        return { _tag: 'TooManyValues', message: `over ${MAX_JSON_VALUES} values in one message` };
      }
      if (!isArray && Object.hasOwn(node, FORBIDDEN_KEY)) {
        return { _tag: 'Invalid', message: `the key ${FORBIDDEN_KEY} is not accepted` };
      }
      for (const child of children) if (typeof child === 'object' && child !== null) next.push(child);
    }
    level = next;
  }
  return null;
};
