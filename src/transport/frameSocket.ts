import type { Socket } from 'node:net';
import type { RawData, WebSocket } from 'ws';

import { type LinkLimits, MAX_HANDSHAKE_BYTES } from './limits.ts';
import { closedByPeer, type LinkEnd, lost, overflow, violation } from './linkEnd.ts';
import { createTokenBucket } from './rates.ts';
import { refusalReasonOf } from './refusals.ts';

/** Receives one binary frame. `receivedAtMs` is `performance.now()` when its last bytes left the kernel. */
export type OnFrame = (frame: Buffer, receivedAtMs: number) => void;

/** A WebSocket that carries binary frames only, with bounds on rate, size and time; it ends exactly once. */
export interface FrameSocket {
  readonly address: string;
  /** Who gets the frames from now on. */
  receive(onFrame: OnFrame): void;
  /** Lifts the byte limit that holds until a peer is proven. */
  trust(): void;
  send(frame: Buffer, onFlushed: () => void): void;
  bufferedBytes(): number;
  /** Records the end and closes: politely if that is quick, else by force. */
  end(end: LinkEnd): void;
  ended(): LinkEnd | null;
  /** Called once with the end, at once if there was one already. */
  onEnd(listener: (end: LinkEnd) => void): void;
  /** Resolves when the operating system's socket is gone. */
  readonly gone: Promise<void>;
}

/** Bounds for `WebSocket` and `WebSocketServer`: no deflate, no automatic pong, few pieces per message. */
export const socketOptions = (limits: LinkLimits) => ({
  perMessageDeflate: false,
  autoPong: false,
  maxPayload: limits.maxFrameBytes,
  maxFragments: 64,
  maxBufferedChunks: 4_096,
});

/** Takes over an open WebSocket and the TCP socket below it. Must be called before the socket's next read. */
export const takeSocket = (given: {
  readonly ws: WebSocket;
  readonly tcp: Socket;
  readonly address: string;
  readonly limits: LinkLimits;
}): FrameSocket => {
  const { ws, tcp, limits } = given;
  let onFrame: OnFrame | null = null;
  let end: LinkEnd | null = null;
  const endListeners: ((end: LinkEnd) => void)[] = [];

  const finish = (how: LinkEnd): boolean => {
    if (end !== null) return false;
    end = how;
    guard.stop();
    for (const listener of endListeners.splice(0)) listener(how);
    return true;
  };
  const endWith = (how: LinkEnd): void => {
    if (!finish(how)) return;
    // The peer may ignore the close frame, so the time for it is limited.
    const timer = setTimeout(() => tcp.destroy(), limits.closeGraceMs);
    tcp.once('close', () => clearTimeout(timer));
    ws.close(how.closeCode);
  };
  const guard = guardBytes({ tcp, limits, onExcess: endWith });

  ws.on('message', (data: RawData, isBinary: boolean) => {
    guard.frameDone();
    if (end !== null) return;
    if (!isBinary || !Buffer.isBuffer(data)) endWith(violation('TextFrame', 'the peer sent a text frame'));
    else onFrame?.(data, guard.readAtMs());
  });
  const onControl = () => endWith(violation('ControlFrame', 'the peer sent a WebSocket ping or pong'));
  ws.on('ping', onControl);
  ws.on('pong', onControl);
  ws.on('error', (error) => endWith(endOfError(error)));
  ws.on('close', (code) => finish(endOfCode(code)));
  const gone = new Promise<void>((resolve) => {
    tcp.once('close', () => resolve());
    if (tcp.destroyed) resolve();
  });

  return {
    address: given.address,
    receive: (listener) => {
      onFrame = listener;
    },
    trust: guard.trust,
    send: (frame, onFlushed) => ws.send(frame, { binary: true, compress: false }, onFlushed),
    bufferedBytes: () => ws.bufferedAmount,
    end: endWith,
    ended: () => end,
    onEnd: (listener) => {
      if (end === null) endListeners.push(listener);
      else listener(end);
    },
    gone,
  };
};

/**
 * Watches the raw bytes of a socket: when they came, how many per second, and whether a frame that began is completed
 * in time. One listener runs before the WebSocket parser and one after it, so a chunk that completed its frame costs
 * no timer.
 */
const guardBytes = (given: {
  readonly tcp: Socket;
  readonly limits: LinkLimits;
  readonly onExcess: (end: LinkEnd) => void;
}) => {
  const { tcp, limits } = given;
  const bucket = createTokenBucket({ perSecond: limits.bytesPerSecond, burst: limits.bytesPerSecond * 2 });
  let readAtMs = performance.now();
  let bytesBefore = 0;
  let isTrusted = false;
  let isPartial = false;
  let timer: NodeJS.Timeout | null = null;

  const clear = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
  };
  const before = (chunk: Buffer): void => {
    readAtMs = performance.now();
    isPartial = true;
    if (!bucket.take(chunk.length, readAtMs)) {
      given.onExcess(overflow('ByteRate', `over ${limits.bytesPerSecond} bytes per second`));
    } else if (!isTrusted && bytesBefore > MAX_HANDSHAKE_BYTES) {
      given.onExcess(violation('EarlyFrame', 'too many bytes before the handshake was over'));
    }
    bytesBefore += chunk.length;
  };
  const after = (): void => {
    if (!isPartial || timer !== null) return;
    timer = setTimeout(() => {
      given.onExcess(violation('SlowFrame', `a frame took longer than ${limits.frameDeadlineMs} ms`));
    }, limits.frameDeadlineMs);
  };
  tcp.prependListener('data', before);
  tcp.on('data', after);
  return {
    readAtMs: () => readAtMs,
    trust: () => {
      isTrusted = true;
    },
    frameDone: () => {
      isPartial = false;
      if (timer !== null) clear();
    },
    stop: () => {
      clear();
      tcp.off('data', before);
      tcp.off('data', after);
    },
  };
};

const endOfError = (error: Error & { readonly code?: unknown }): LinkEnd => {
  const code = typeof error.code === 'string' ? error.code : '';
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
    return overflow('OversizedFrame', 'the peer sent a frame over the size limit');
  }
  if (code.startsWith('WS_ERR_'))
    return violation('BadFrame', `the peer broke the WebSocket protocol: ${code}`);
  return lost(`the connection broke: ${code === '' ? error.name : code}`);
};

const endOfCode = (code: number): LinkEnd => {
  const reason = refusalReasonOf(code);
  if (reason !== null) {
    const message = `the peer refused the link: ${reason}`;
    return { cause: 'Refused', failure: { _tag: 'Refused', message }, closeCode: code };
  }
  // 1006 is what ws reports when the TCP connection ended without a close frame.
  return code === 1006
    ? lost('the connection ended without a close')
    : { ...closedByPeer('ClosedByPeer', `the peer closed the link with code ${code}`), closeCode: code };
};
