import type { Socket } from 'node:net';
import type { RawData, WebSocket } from 'ws';

import { ByteGuard } from './byteGuard.ts';
import type { LinkLimits } from './limits.ts';
import { closedByPeer, type LinkEnd, lost, overflow, violation } from './linkEnd.ts';
import { clockInRefusal, refusalReasonOf } from './refusals.ts';

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

/**
 * Bounds for `WebSocket` and `WebSocketServer`: no deflate, no automatic pong, few pieces per message, and no long wait
 * for a peer that sends a close frame but keeps its TCP connection (`closeTimeout`, which the published types lack).
 */
export const socketOptions = (limits: LinkLimits) => ({
  perMessageDeflate: false,
  autoPong: false,
  maxPayload: limits.maxFrameBytes,
  maxFragments: 64,
  maxBufferedChunks: 4_096,
  closeTimeout: limits.closeGraceMs,
});

/** Takes over an open WebSocket and the TCP socket below it. Must be called before the socket's next read. */
export const takeSocket = (given: {
  readonly ws: WebSocket;
  readonly tcp: Socket;
  readonly address: string;
  readonly limits: LinkLimits;
}): FrameSocket => new BoundedSocket(given);

class BoundedSocket implements FrameSocket {
  readonly address: string;
  readonly gone: Promise<void>;
  readonly #ws: WebSocket;
  readonly #tcp: Socket;
  readonly #closeGraceMs: number;
  readonly #guard: ByteGuard;
  #onFrame: OnFrame | null = null;
  #end: LinkEnd | null = null;
  #endListeners: ((end: LinkEnd) => void)[] = [];

  constructor({ ws, tcp, address, limits }: Parameters<typeof takeSocket>[0]) {
    this.address = address;
    this.#ws = ws;
    this.#tcp = tcp;
    this.#closeGraceMs = limits.closeGraceMs;
    this.#guard = new ByteGuard(tcp, limits, (end) => this.end(end));
    ws.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    const onControl = () => this.end(violation('ControlFrame', 'the peer sent a WebSocket ping or pong'));
    ws.on('ping', onControl);
    ws.on('pong', onControl);
    ws.on('error', (error) => this.end(endOfError(error)));
    ws.on('close', (code, text) => this.#finish(endOfCode(code, text)));
    this.gone = new Promise((resolve) => {
      tcp.once('close', () => resolve());
      if (tcp.destroyed) resolve();
    });
  }

  receive(onFrame: OnFrame): void {
    this.#onFrame = onFrame;
  }

  trust(): void {
    this.#guard.trust();
  }

  send(frame: Buffer, onFlushed: () => void): void {
    this.#ws.send(frame, { binary: true, compress: false }, onFlushed);
  }

  bufferedBytes(): number {
    return this.#ws.bufferedAmount;
  }

  end(end: LinkEnd): void {
    if (!this.#finish(end)) return;
    // The peer may ignore the close frame, so the time for it is limited.
    const timer = setTimeout(() => this.#tcp.destroy(), this.#closeGraceMs);
    this.#tcp.once('close', () => clearTimeout(timer));
    this.#ws.close(end.closeCode, end.clockMs === undefined ? undefined : String(end.clockMs));
  }

  ended(): LinkEnd | null {
    return this.#end;
  }

  onEnd(listener: (end: LinkEnd) => void): void {
    if (this.#end === null) this.#endListeners.push(listener);
    else listener(this.#end);
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    this.#guard.frameDone();
    if (this.#end !== null) return;
    if (!isBinary || !Buffer.isBuffer(data)) {
      this.end(violation('TextFrame', 'the peer sent a text frame'));
    } else this.#onFrame?.(data, this.#guard.readAtMs());
  }

  /** Whether this is the first end. */
  #finish(end: LinkEnd): boolean {
    if (this.#end !== null) return false;
    this.#end = end;
    this.#guard.stop();
    const listeners = this.#endListeners;
    this.#endListeners = [];
    for (const listener of listeners) listener(end);
    return true;
  }
}

const endOfError = (error: Error & { readonly code?: unknown }): LinkEnd => {
  const code = typeof error.code === 'string' ? error.code : '';
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
    return overflow('OversizedFrame', 'the peer sent a frame over the size limit');
  }
  if (code.startsWith('WS_ERR_'))
    return violation('BadFrame', `the peer broke the WebSocket protocol: ${code}`);
  return lost(`the connection broke: ${code === '' ? error.name : code}`);
};

const endOfCode = (code: number, text: Buffer): LinkEnd => {
  const reason = refusalReasonOf(code);
  if (reason !== null) {
    const message = `the peer refused the link: ${reason}`;
    const clockMs = clockInRefusal(code, text);
    const end = { cause: 'Refused', failure: { _tag: 'Refused', message }, closeCode: code } as const;
    return clockMs === null ? end : { ...end, clockMs };
  }
  // 1006 is what ws reports when the TCP connection ended without a close frame.
  return code === 1006
    ? lost('the connection ended without a close')
    : { ...closedByPeer('ClosedByPeer', `the peer closed the link with code ${code}`), closeCode: code };
};
