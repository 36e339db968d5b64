/**
 * Why a connection ends before both sides are proven, and the WebSocket close code that says so: two bytes, whatever
 * the peer sent, and for a clock its digits. Codes 4000..4999 are for private use (RFC 6455, 7.4.2). Numbers are part of the protocol.
 */
export const refusalCodes = {
  /** Not a handshake message: wrong size, not our JSON, or out of turn. */
  Malformed: 4000,
  OtherVersion: 4001,
  /** Another chain: the genesis hashes differ. */
  OtherNetwork: 4002,
  OtherSubnet: 4003,
  /** Validator to validator or miner to miner. */
  SameRole: 4004,
  /** Addressed to another hotkey than the one that answers here. */
  NotForMe: 4005,
  /** The clocks differ by more than the window, in either direction. The close frame says what time it is here. */
  ClockSkew: 4006,
  /** This first message was seen before. */
  Replayed: 4007,
  /** The hotkey may not connect: not registered, no permit, or denied. */
  NotAuthorised: 4008,
  /** Noise could not authenticate the message: tampered with, or bound to another network. */
  Undecryptable: 4009,
  /** The proof names another hotkey or role than was announced or expected. */
  OtherIdentity: 4010,
  /** The sr25519 signature does not verify. */
  BadSignature: 4011,
  /** The handshake took longer than its deadline. */
  TooLate: 4012,
  /** Nobody here took the connection in time, or it was turned away. */
  Unaccepted: 4013,
  /** Too many handshakes at this moment. */
  Busy: 4014,
  /** A defect of the side that refuses; nothing is known against the peer. */
  Internal: 4015,
} as const;

export type RefusalReason = keyof typeof refusalCodes;

const names = Object.keys(refusalCodes) as readonly RefusalReason[];
const reasonOfCode = new Map<number, RefusalReason>(names.map((name) => [refusalCodes[name], name]));

/** The reason behind a close code of a peer; null for codes that are no refusal. */
export const refusalReasonOf = (closeCode: number): RefusalReason | 'Unknown' | null => {
  if (closeCode < 4000 || closeCode > 4999) return null;
  return reasonOfCode.get(closeCode) ?? 'Unknown';
};

export const refusalReasons: readonly RefusalReason[] = names;

/**
 * A refusal that happened here, with a sentence for the log; the peer learns only the code, and with `ClockSkew` what
 * time it is here.
 */
export type Rejection = {
  readonly reason: RefusalReason;
  readonly message: string;
  /** Wall clock of this side, Unix ms; goes into the close frame as decimal digits. */
  readonly clockMs?: number;
};

/** Longest number of milliseconds that is read: the year 33658. */
const CLOCK_DIGITS = /^\d{1,15}$/;

/** The time in the close frame of a refusal for the clock; null where there is none. */
export const clockInRefusal = (closeCode: number, closeText: Buffer): number | null => {
  if (closeCode !== refusalCodes.ClockSkew || closeText.length > 15) return null;
  const digits = closeText.toString('latin1');
  return CLOCK_DIGITS.test(digits) ? Number(digits) : null;
};
