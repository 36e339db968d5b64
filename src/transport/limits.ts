/** What a link does when a message does not fit into its outbound bounds. */
export type OverflowPolicy = 'refuse' | 'close';

/** Bounds of one link. Every size, rate and time a peer can influence has one. */
export type LinkLimits = {
  /** Largest sealed frame, either way. */
  readonly maxFrameBytes: number;
  /** Bytes that may wait in the socket for a peer that reads slowly. */
  readonly maxBufferedBytes: number;
  /** Frames that may wait in the socket. */
  readonly maxQueuedFrames: number;
  /** `refuse`: `send` fails and the link lives; `close`: the link ends. */
  readonly overflowPolicy: OverflowPolicy;
  /** Messages kept for a user of the link who does not listen yet; one more ends the link. */
  readonly maxUnheardMessages: number;
  /** Time from the TCP connection to the proven identity of both sides. */
  readonly handshakeDeadlineMs: number;
  /** Time from the TCP connection to its first byte: a dialer speaks at once. */
  readonly firstByteDeadlineMs: number;
  /** Handshakes a listener answers per second, twice as many at once: each costs it a signature before proof. */
  readonly handshakesPerSecond: number;
  /** Time within which a frame must be complete once its first byte is here. */
  readonly frameDeadlineMs: number;
  readonly heartbeatMs: number;
  /** Silence, or a ping without its pong, for longer than this ends the link. */
  readonly patienceMs: number;
  /** Accepted difference between both wall clocks, in both directions. */
  readonly clockWindowMs: number;
  /** Sustained rates from a peer; twice as much may come at once. */
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
  /** Time for a polite close before the socket is destroyed. */
  readonly closeGraceMs: number;
};

export const defaultLinkLimits: LinkLimits = {
  maxFrameBytes: 262_144,
  maxBufferedBytes: 4_194_304,
  maxQueuedFrames: 1_024,
  overflowPolicy: 'refuse',
  maxUnheardMessages: 256,
  handshakeDeadlineMs: 5_000,
  firstByteDeadlineMs: 2_000,
  handshakesPerSecond: 64,
  frameDeadlineMs: 5_000,
  heartbeatMs: 5_000,
  patienceMs: 15_000,
  clockWindowMs: 30_000,
  messagesPerSecond: 500,
  bytesPerSecond: 8_388_608,
  closeGraceMs: 500,
};

/** Largest handshake frame: 32 + 48 + 16 bytes of Noise and a payload of about 400. */
export const MAX_HANDSHAKE_FRAME_BYTES = 1_024;
/** Raw bytes a socket may have delivered before its handshake is over (frames, their headers and masks). */
export const MAX_HANDSHAKE_BYTES = 4_096;
