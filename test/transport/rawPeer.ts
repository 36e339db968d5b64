import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';

import { createInitiator } from '#src/transport/handshake.ts';
import { LINK_PATH } from '#src/transport/protocol.ts';
import { createOpener, createSealer, type Opener, type Sealer } from '#src/transport/sealedFrames.ts';
import { GENESIS_HASH, minerIdentity, NETUID, validatorIdentity } from '#test/support/peers.ts';

/** Peers that keep to no rule: they speak TCP or WebSocket directly. */

export type RawPeer = {
  readonly ws: WebSocket;
  /** The next binary frame. */
  next(): Promise<Buffer>;
  /** Code of the close, 1006 where there was no close frame. */
  readonly closeCode: Promise<number>;
};

/** Opens a WebSocket to a listener and does nothing else. */
export const rawDial = async (port: number): Promise<RawPeer> => {
  const ws = new WebSocket(`ws://127.0.0.1:${port}${LINK_PATH}`, { perMessageDeflate: false });
  const frames: Buffer[] = [];
  const waiting: ((frame: Buffer) => void)[] = [];
  ws.on('message', (data) => {
    const frame = Buffer.isBuffer(data) ? data : Buffer.alloc(0);
    const next = waiting.shift();
    if (next === undefined) frames.push(frame);
    else next(frame);
  });
  ws.on('error', () => undefined);
  const closeCode = new Promise<number>((resolve) => ws.once('close', resolve));
  await new Promise((resolve, reject) => ws.once('open', resolve).once('close', reject));
  return {
    ws,
    closeCode,
    next: () => {
      const frame = frames.shift();
      return frame === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(frame);
    },
  };
};

/** The dialing side of a handshake, as a validator would build it. */
export const honestInitiator = (clock: { readonly now: () => number } = Date) =>
  createInitiator({
    network: { genesis: Buffer.from(GENESIS_HASH.slice(2), 'hex'), netuid: NETUID },
    identity: validatorIdentity,
    role: 'validator',
    clockWindowMs: 30_000,
    now: clock.now,
    expectedHotkey: minerIdentity.hotkey,
  });

export type ProvenPeer = RawPeer & {
  readonly sealer: Sealer;
  readonly opener: Opener;
  /** Everything this side sent in the handshake. */
  readonly recorded: readonly Buffer[];
  /** Seals and sends one JSON text, whatever it says. */
  say(value: unknown): void;
  sendSealed(bytes: Uint8Array): void;
};

/** Proves a validator's hotkey properly, then leaves the session to the test. */
export const provenDial = async (port: number): Promise<ProvenPeer> => {
  const raw = await rawDial(port);
  const initiator = honestInitiator();
  const message1 = Buffer.from(initiator.begin());
  raw.ws.send(message1);
  const dialed = initiator.conclude(await raw.next());
  if (!dialed.ok) throw new Error(dialed.error.message);
  const message3 = Buffer.from(dialed.value.message3);
  raw.ws.send(message3);
  const sealer = createSealer(dialed.value.keys.send);
  const sendSealed = (bytes: Uint8Array): void => {
    const frame = sealer.seal(bytes);
    if (frame !== null) raw.ws.send(frame);
  };
  return {
    ...raw,
    sealer,
    opener: createOpener(dialed.value.keys.receive),
    recorded: [message1, message3],
    sendSealed,
    say: (value) => sendSealed(Buffer.from(JSON.stringify(value))),
  };
};

/** A bare TCP connection. */
export const tcpDial = async (
  port: number,
  localAddress = '127.0.0.1',
): Promise<{ socket: Socket; closed: Promise<string> }> => {
  const socket = connect({ host: '127.0.0.1', port, localAddress });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => undefined);
  const closed = new Promise<string>((resolve) => {
    socket.once('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
  });
  await new Promise((resolve) => socket.once('connect', resolve));
  return { socket, closed };
};
