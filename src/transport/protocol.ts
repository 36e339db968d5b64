import * as Schema from 'effect/Schema';

/**
 * The wire between validator and miner: the only definition of what may be sent.
 *
 * One message is one JSON text in one sealed WebSocket frame. Unknown keys are ignored, so that fields may be added
 * within a version; an unknown `type` or `v` ends the link.
 */
export const PROTOCOL_VERSION = 1;
/** Name that separates our signatures and handshakes from those of any other protocol. */
export const PROTOCOL_NAME = 'miaoai/link';
/** Path of the WebSocket upgrade request. */
export const LINK_PATH = '/miaoai/link';

export type Role = 'validator' | 'miner';

const v = Schema.Literal(PROTOCOL_VERSION);
const ONE_HOUR_MS = 3_600_000;
const U32_MAX = 4_294_967_295;

/** Identifier chosen by a validator: 1..128 visible ASCII characters, so that it is safe in a log and in a key. */
const Identifier = Schema.String.check(Schema.isPattern(/^[!-~]{1,128}$/));
/** Name of a task kind, e.g. `sentiment_analysis`; which kinds exist is the domain's matter. */
const KindName = Schema.String.check(Schema.isPattern(/^[a-z][a-z0-9_]{0,63}$/));
const DurationMs = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: ONE_HOUR_MS }));
const Counter32 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: U32_MAX }));

const Model = Schema.Struct({
  name: Schema.String.check(Schema.isBetweenLength(1, 128)),
  /** SHA-256 of the model file, 64 lower-case hex digits. */
  sha256: Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/)),
});

/** Miner → validator: what the miner can do, and how many tasks it takes at once. Sent again when it changes. */
export const Ready = Schema.Struct({
  type: Schema.Literal('ready'),
  v,
  kinds: Schema.Array(KindName).check(Schema.isMaxLength(64)),
  models: Schema.Array(Model).check(Schema.isMaxLength(64)),
  maxInFlight: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 })),
});

/** One piece of work. `request` is opaque here; its kind's schema judges it. */
export const TaskItem = Schema.Struct({ id: Identifier, kind: KindName, request: Schema.Json });

/** Validator → miner: work of one round. `deadlineMs` is what remained of the deadline at the moment of sending. */
export const Tasks = Schema.Struct({
  type: Schema.Literal('tasks'),
  v,
  round: Identifier,
  deadlineMs: DurationMs,
  tasks: Schema.Array(TaskItem).check(Schema.isBetweenLength(1, 256)),
});

/** Miner → validator: the answer to one task, and the milliseconds the miner says it took. */
export const Answer = Schema.Struct({
  type: Schema.Literal('answer'),
  v,
  id: Identifier,
  answer: Schema.JsonObject,
  elapsedMs: DurationMs,
});

/** Miner → validator: this task will not be answered. */
export const Refusal = Schema.Struct({
  type: Schema.Literal('refusal'),
  v,
  id: Identifier,
  reason: Schema.Literals(['busy', 'unsupported', 'failed', 'expired', 'invalid']),
});

/**
 * Validator → miner: these answers are durably recorded. Until then, or past its deadline, a miner keeps an answer and
 * sends it again over its next link.
 */
export const Ack = Schema.Struct({
  type: Schema.Literal('ack'),
  v,
  ids: Schema.Array(Identifier).check(Schema.isBetweenLength(1, 1_024)),
});

/**
 * Validator → miner: answers to these requests count for nothing and need not be kept: nobody asked, or their round is
 * over without them.
 */
export const Unknown = Schema.Struct({
  type: Schema.Literal('unknown'),
  v,
  ids: Schema.Array(Identifier).check(Schema.isBetweenLength(1, 1_024)),
});

/** Either way. `n` is unpredictable, so that a pong cannot be sent ahead of its ping. */
export const Ping = Schema.Struct({ type: Schema.Literal('ping'), v, n: Counter32 });
export const Pong = Schema.Struct({ type: Schema.Literal('pong'), v, n: Counter32 });

/** Either way: the last message of a link that is closed on purpose. */
export const Bye = Schema.Struct({
  type: Schema.Literal('bye'),
  v,
  reason: Schema.String.check(Schema.isPattern(/^[ -~]{0,128}$/)),
});

export const Message = Schema.Union([Ready, Tasks, Answer, Refusal, Ack, Unknown, Ping, Pong, Bye]);
export type Message = typeof Message.Type;
export type MessageType = Message['type'];

/** The schema of each message by its `type`: decoding looks it up instead of trying the union's members in turn. */
export const messageSchemas = {
  ready: Ready,
  tasks: Tasks,
  answer: Answer,
  refusal: Refusal,
  ack: Ack,
  unknown: Unknown,
  ping: Ping,
  pong: Pong,
  bye: Bye,
} as const satisfies Record<MessageType, Schema.Codec<Message, unknown>>;

const fromBoth: readonly MessageType[] = ['ping', 'pong', 'bye'];

/** Which messages a role may send; anything else from it is a violation of the protocol. */
export const mayBeSentBy: Readonly<Record<Role, ReadonlySet<MessageType>>> = {
  miner: new Set<MessageType>(['ready', 'answer', 'refusal', ...fromBoth]),
  validator: new Set<MessageType>(['tasks', 'ack', 'unknown', ...fromBoth]),
};

const RoleName = Schema.Literals(['validator', 'miner']);
const Hex32 = Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/));
const Address = Schema.String.check(Schema.isPattern(/^5[1-9A-HJ-NP-Za-km-z]{46,47}$/));
/** Wall clock, milliseconds since the Unix epoch. */
const At = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }));
/** Version as claimed; compared after decoding, so that another version gets its own refusal. */
const Version = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 }));

/**
 * Payload of handshake message 1, in the clear: everything the responder needs to refuse without any signature work.
 * Network and subnet stand here to name the reason; what binds them is the prologue and both signatures.
 */
export const Hello = Schema.Struct({
  v: Version,
  genesis: Hex32,
  netuid: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 })),
  role: RoleName,
  from: Address,
  to: Address,
  nonce: Hex32,
  at: At,
});
export type Hello = typeof Hello.Type;

/** Payload of handshake messages 2 and 3, encrypted: who signs, and the sr25519 signature over `proofBytes`. */
export const Proof = Schema.Struct({
  role: RoleName,
  hotkey: Address,
  nonce: Hex32,
  at: At,
  signature: Schema.String.check(Schema.isPattern(/^[0-9a-f]{128}$/)),
});
export type Proof = typeof Proof.Type;
