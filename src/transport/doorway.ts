import { createServer, type IncomingMessage, type Server } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';

import { type Admission, type AdmissionBounds, createAdmission, type Place } from './admission.ts';
import type { Counters } from './counters.ts';
import { type FrameSocket, socketOptions, takeSocket } from './frameSocket.ts';
import { type LinkLimits, MAX_HANDSHAKE_BYTES } from './limits.ts';
import { LINK_PATH } from './protocol.ts';

const MAX_HEADERS = 32;

/** The TCP and HTTP part of a listener: everything before a WebSocket is open. */
export interface Doorway {
  readonly http: Server;
  /** Lets nobody in any more. */
  stop(): void;
  /** After `stop`: destroys what is still open and resolves when the port is free. */
  shut(): Promise<void>;
}

type Settings = AdmissionBounds & {
  readonly limits: LinkLimits;
  readonly counters: Counters;
  readonly onSocket: (socket: FrameSocket, place: Place) => void;
};

/** Builds the server; it does not listen yet. */
export const createDoorway = (settings: Settings): Doorway => {
  const { limits, counters } = settings;
  const http = createHttp(limits.handshakeDeadlineMs);
  const admission = createAdmission({ ...settings, onEvicted: () => counters.count('evicted') });
  const open = new Set<Socket>();
  const notALink = (socket: Duplex): void => {
    // Several watchers may find fault with one socket; it is counted once.
    if (socket.destroyed) return;
    counters.count('notALink');
    socket.destroy();
  };
  http.on('connection', (tcp) => {
    const place = admission.admit(tcp);
    if (typeof place === 'string') {
      counters.count(`turnedAway.${place}`);
      tcp.destroy();
      return;
    }
    counters.count('connections');
    open.add(tcp);
    limitSilence({ tcp, place, limits, notALink });
    tcp.once('close', () => open.delete(tcp));
  });
  http.on('clientError', (_error, socket) => notALink(socket));
  http.on('request', (request) => notALink(request.socket));
  const upgrade = createUpgrade({ limits, admission, notALink });
  http.on('upgrade', (request, duplex, head) => upgrade(request, duplex, head, settings.onSocket));
  const closed = Promise.withResolvers<void>();
  return {
    http,
    stop: () => {
      http.close(() => closed.resolve());
    },
    shut: () => {
      for (const socket of open) socket.destroy();
      return closed.promise;
    },
  };
};

/** Covers what no HTTP timeout does: a peer that connects and says nothing, or drips its headers. */
const limitSilence = (given: {
  readonly tcp: Socket;
  readonly place: Place;
  readonly limits: LinkLimits;
  readonly notALink: (socket: Duplex) => void;
}): void => {
  const { tcp, place, limits, notALink } = given;
  const firstByteMs = Math.min(limits.firstByteDeadlineMs, limits.handshakeDeadlineMs);
  place.limitTime(firstByteMs, () => {
    const leftMs = limits.handshakeDeadlineMs - firstByteMs;
    if (tcp.bytesRead === 0 || leftMs <= 0) notALink(tcp);
    else place.limitTime(leftMs, () => notALink(tcp));
  });
};

const createHttp = (deadlineMs: number): Server => {
  const http = createServer({
    maxHeaderSize: MAX_HANDSHAKE_BYTES,
    headersTimeout: deadlineMs,
    requestTimeout: deadlineMs,
    connectionsCheckingInterval: Math.max(100, Math.round(deadlineMs / 2)),
    keepAlive: false,
  });
  http.maxHeadersCount = MAX_HEADERS;
  return http;
};

/** Turns an HTTP upgrade on our path into a WebSocket. */
const createUpgrade = (given: {
  readonly limits: LinkLimits;
  readonly admission: Admission;
  readonly notALink: (socket: Duplex) => void;
}) => {
  const { limits, admission, notALink } = given;
  const wss = new WebSocketServer({ noServer: true, clientTracking: false, ...socketOptions(limits) });
  wss.on('wsClientError', (_error: Error, socket: Duplex) => notALink(socket));
  return (
    request: IncomingMessage,
    duplex: Duplex,
    head: Buffer,
    onSocket: (socket: FrameSocket, place: Place) => void,
  ): void => {
    const tcp = duplex instanceof Socket ? duplex : null;
    const place = tcp === null ? undefined : admission.placeOf(tcp);
    const isOurs = request.url === LINK_PATH && head.length <= MAX_HANDSHAKE_BYTES;
    if (tcp === null || place === undefined || !isOurs) {
      notALink(duplex);
      return;
    }
    wss.handleUpgrade(request, tcp, head, (ws: WebSocket) => {
      place.limitTime(null);
      onSocket(takeSocket({ ws, tcp, address: place.address, limits }), place);
    });
  };
};
