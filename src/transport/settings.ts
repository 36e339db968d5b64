import type { Hotkey } from '../domain/ids.ts';
import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import type { Identity } from '../keys/identity.ts';
import { decodeHotkey } from '../keys/ss58.ts';
import { InvalidLinkSettings } from './errors.ts';
import type { HandshakeSettings } from './handshake.ts';
import { type LinkLimits, MAX_HANDSHAKE_BYTES } from './limits.ts';
import type { Role } from './protocol.ts';

/** What a daemon needs for any link, whoever dials. */
export type LinkSettings = {
  /** Hash of the chain's block 0, `0x` and 64 hex digits. */
  readonly genesisHash: string;
  readonly netuid: number;
  readonly identity: Identity;
  readonly role: Role;
  readonly limits: LinkLimits;
  /** Wall clock, milliseconds since the Unix epoch; the system's by default. */
  readonly clock?: { now(): number };
};

const GENESIS_HASH = /^0x[0-9a-fA-F]{64}$/;
const MAX_NETUID = 65_535;

const invalid = (setting: string, message: string): Outcome<never, InvalidLinkSettings> =>
  fail(new InvalidLinkSettings({ setting, message }));

/** Checks settings once, before a socket is opened, and brings them into the form of the handshake. */
export const checkSettings = (settings: LinkSettings): Outcome<HandshakeSettings, InvalidLinkSettings> => {
  if (!GENESIS_HASH.test(settings.genesisHash)) {
    return invalid('genesisHash', 'the genesis hash must be 0x and 64 hex digits: ask the chain for block 0');
  }
  if (!Number.isInteger(settings.netuid) || settings.netuid < 0 || settings.netuid > MAX_NETUID) {
    return invalid('netuid', `the netuid must be a whole number in 0..${MAX_NETUID}`);
  }
  const limits = checkLimits(settings.limits);
  if (!limits.ok) return limits;
  const clock = settings.clock ?? Date;
  return succeed({
    network: { genesis: Buffer.from(settings.genesisHash.slice(2), 'hex'), netuid: settings.netuid },
    identity: settings.identity,
    role: settings.role,
    clockWindowMs: settings.limits.clockWindowMs,
    now: () => clock.now(),
  });
};

/** Checks the hotkey a dialer expects, so that a typing error is not taken for a hostile peer. */
export const checkExpectedHotkey = (hotkey: Hotkey): Outcome<void, InvalidLinkSettings> => {
  const decoded = decodeHotkey(hotkey);
  return decoded.ok ? succeed(undefined) : invalid('expectedHotkey', decoded.error.message);
};

const checkLimits = (limits: LinkLimits): Outcome<void, InvalidLinkSettings> => {
  for (const [name, value] of Object.entries(limits)) {
    if (typeof value === 'number' && !(Number.isFinite(value) && value > 0)) {
      return invalid(`limits.${name}`, `the limit ${name} must be a positive number, it is ${value}`);
    }
  }
  if (limits.maxFrameBytes < MAX_HANDSHAKE_BYTES) {
    return invalid('limits.maxFrameBytes', `maxFrameBytes must be at least ${MAX_HANDSHAKE_BYTES}`);
  }
  if (limits.maxBufferedBytes < limits.maxFrameBytes || limits.bytesPerSecond < limits.maxFrameBytes) {
    return invalid('limits', 'maxBufferedBytes and bytesPerSecond must each hold at least one maxFrameBytes');
  }
  if (limits.patienceMs <= limits.heartbeatMs) {
    return invalid('limits.patienceMs', 'patienceMs must exceed heartbeatMs, or healthy peers are cut');
  }
  return succeed(undefined);
};
