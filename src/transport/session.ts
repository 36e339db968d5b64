import * as Deferred from 'effect/Deferred';
import * as Effect from 'effect/Effect';

import type { LinkFailure } from '../domain/failures.ts';
import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import { decodeMessage, encodeMessage, fitting } from './codec.ts';
import type { OnMessage, PeerConnection } from './connection.ts';
import type { FrameSocket } from './frameSocket.ts';
import type { Established } from './handshake.ts';
import { type Heartbeat, startHeartbeat } from './heartbeat.ts';
import type { LinkLimits } from './limits.ts';
import { closedByPeer, closedHere, defect, type LinkEnd, overflow, silent, violation } from './linkEnd.ts';
import { createOutbound } from './outbound.ts';
import { type Message, mayBeSentBy, PROTOCOL_VERSION, type Role } from './protocol.ts';
import { createTokenBucket } from './rates.ts';
import { createOpener, createSealer, SEAL_BYTES } from './sealedFrames.ts';
import type { EncodedMessage } from './taskSheet.ts';

export type Session = PeerConnection & {
  /** Called at the first authentic message, whatever it is: the peer has accepted us. */
  onProven(listener: () => void): void;
};

type Settings = {
  readonly socket: FrameSocket;
  readonly established: Established;
  readonly role: Role;
  readonly limits: LinkLimits;
  /** Whether this side dialed: the peer still has to accept its proof. */
  readonly isDialer: boolean;
};

/** Starts the session over a socket whose handshake is done; it lives until the socket ends. */
export const startSession = ({ socket, established, role, limits, isDialer }: Settings): Session => {
  const { peer, keys } = established;
  const closed = Deferred.makeUnsafe<LinkFailure>();
  const write = createWriter({ socket, key: keys.send, role, limits });
  const inbox = createInbox(limits.maxUnheardMessages, (error) => socket.end(defect(error)));
  const heartbeat = startHeartbeat({
    limits,
    waitsForPeer: isDialer,
    ping: (n) => void write({ type: 'ping', v: PROTOCOL_VERSION, n }),
    onSilent: (message) => socket.end(silent(message)),
  });
  const read = createReader({ key: keys.receive, peerRole: peer.role, limits });
  const onProven = receiveInto({ socket, read, write, heartbeat, inbox });
  socket.onEnd((end) => {
    heartbeat.stop();
    Deferred.doneUnsafe(closed, Effect.succeed(end.failure));
  });
  return {
    remote: { hotkey: peer.hotkey, role: peer.role, address: socket.address },
    send: write,
    listen: inbox.listen,
    rttMs: heartbeat.rttMs,
    minRttMs: heartbeat.minRttMs,
    closed: Deferred.await(closed),
    close(reason) {
      const text = reason.replace(/[^ -~]/g, '?').slice(0, 128);
      write({ type: 'bye', v: PROTOCOL_VERSION, reason: text });
      socket.end(closedHere(`closed here: ${text}`));
    },
    onProven,
  };
};

/** Connects the socket's frames to the parts of a session. Returns how to learn of the first authentic message. */
const receiveInto = (parts: {
  readonly socket: FrameSocket;
  readonly read: ReturnType<typeof createReader>;
  readonly write: (message: Message) => unknown;
  readonly heartbeat: Heartbeat;
  readonly inbox: ReturnType<typeof createInbox>;
}) => {
  const { socket, heartbeat, inbox } = parts;
  let onProven: (() => void) | null = null;
  const handle = (message: Message, receivedAtMs: number): void => {
    if (message.type === 'ping') parts.write({ type: 'pong', v: PROTOCOL_VERSION, n: message.n });
    else if (message.type === 'pong') heartbeat.answered(message.n, receivedAtMs);
    else if (message.type === 'bye') socket.end(closedByPeer('Bye', `the peer said bye: ${message.reason}`));
    else if (!inbox.deliver(message, receivedAtMs)) {
      socket.end(overflow('Unheard', `over ${inbox.capacity} messages came before anybody listened`));
    }
  };
  socket.trust();
  socket.receive((frame, receivedAtMs) => {
    const message = parts.read(frame, receivedAtMs);
    if (!message.ok) return socket.end(message.error);
    heartbeat.heard(receivedAtMs);
    onProven?.();
    onProven = null;
    return handle(message.value, receivedAtMs);
  });
  return (listener: () => void): void => {
    onProven = listener;
  };
};

/** Message → sealed frame → socket, within the bounds. */
const createWriter = (given: {
  readonly socket: FrameSocket;
  readonly key: Uint8Array;
  readonly role: Role;
  readonly limits: LinkLimits;
}) => {
  const { socket, role, limits } = given;
  const sealer = createSealer(given.key);
  const outbound = createOutbound(socket, limits);
  const maxBytes = limits.maxFrameBytes - SEAL_BYTES;
  return (message: Message | EncodedMessage): Outcome<void, LinkFailure> => {
    const ended = socket.ended();
    if (ended !== null) return fail(ended.failure);
    if (!mayBeSentBy[role].has(message.type)) {
      return fail({ _tag: 'ProtocolViolation', message: `a ${role} may not send ${message.type}` });
    }
    const encoded = 'bytes' in message ? fitting(message.bytes, maxBytes) : encodeMessage(message, maxBytes);
    if (!encoded.ok) {
      const isTooLarge = encoded.error._tag === 'TooLarge';
      return fail({ _tag: isTooLarge ? 'Overflow' : 'ProtocolViolation', message: encoded.error.message });
    }
    const bytes = encoded.value;
    const result = outbound.offer(bytes.length + SEAL_BYTES, () => sealer.seal(bytes));
    if (result === 'sent') return succeed(undefined);
    const end: LinkEnd =
      result === 'full'
        ? overflow('OutboundFull', 'the peer reads too slowly: more waits for it than the limits allow')
        : violation('CounterExhausted', 'the frame counter is used up: connect again');
    if (result === 'unsealed' || limits.overflowPolicy === 'close') socket.end(end);
    return fail(end.failure);
  };
};

/** Frame → authentic, well-formed message that the peer's role may send; else why the link must end. */
const createReader = (given: {
  readonly key: Uint8Array;
  readonly peerRole: Role;
  readonly limits: LinkLimits;
}) => {
  const { peerRole, limits } = given;
  const opener = createOpener(given.key);
  const rate = createTokenBucket({
    perSecond: limits.messagesPerSecond,
    burst: limits.messagesPerSecond * 2,
  });
  return (frame: Buffer, receivedAtMs: number): Outcome<Message, LinkEnd> => {
    if (!rate.take(1, receivedAtMs)) {
      return fail(overflow('MessageRate', `over ${limits.messagesPerSecond} messages per second`));
    }
    const bytes = opener.open(frame);
    if (bytes === null) {
      return fail(violation('BadSeal', 'a frame was altered, repeated, left out or out of order'));
    }
    const message = decodeMessage(bytes, limits.maxFrameBytes);
    if (!message.ok) return fail(violation(message.error._tag, message.error.message));
    if (!mayBeSentBy[peerRole].has(message.value.type)) {
      return fail(violation('WrongDirection', `a ${peerRole} may not send ${message.value.type}`));
    }
    return message;
  };
};

/** Keeps messages until somebody listens. A listener that throws ends its own link, and no other. */
const createInbox = (capacity: number, onDefect: (error: unknown) => void) => {
  const waiting: { readonly message: Message; readonly receivedAtMs: number }[] = [];
  let listener: OnMessage | null = null;
  const tell = (onMessage: OnMessage, message: Message, receivedAtMs: number): void => {
    try {
      onMessage(message, receivedAtMs);
    } catch (error) {
      onDefect(error);
    }
  };
  return {
    capacity,
    /** False when nobody listens and no more can be kept. */
    deliver(message: Message, receivedAtMs: number): boolean {
      if (listener !== null) tell(listener, message, receivedAtMs);
      else if (waiting.length >= capacity) return false;
      else waiting.push({ message, receivedAtMs });
      return true;
    },
    listen(onMessage: OnMessage): void {
      listener = onMessage;
      for (const { message, receivedAtMs } of waiting.splice(0)) tell(onMessage, message, receivedAtMs);
    },
  };
};
