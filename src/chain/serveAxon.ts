import * as Effect from 'effect/Effect';
import * as Schema from 'effect/Schema';

import type { SubmitFailure } from '../domain/failures.ts';
import { BlockNumber, type Hotkey, type Netuid, Uid } from '../domain/ids.ts';
import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import { type NumericAddress, parseAddress } from './addresses.ts';
import { orRefused } from './errors.ts';
import type { Call } from './extrinsics.ts';
import type { SubnetSource } from './metagraph.ts';
import { countOf, decodeWith, readStorage, Unsigned } from './reads.ts';

/** What a neuron tells the network about itself. ip `0.0.0.0` withdraws an earlier endpoint. */
export type AxonEndpoint = {
  /** Dotted IPv4 or plain IPv6. */
  readonly ip: string;
  readonly port: number;
  /** Version integer of the software, u32: major × 1e6 + minor × 1e3 + patch. */
  readonly version: number;
};

const PALLET = 'SubtensorModule';
/** The SDK's value for "HTTP axon"; the chain only stores it. */
const PROTOCOL = 4;
const BROADCAST_V4 = 0xffff_ffffn;
const ALL_ONES_V6 = (1n << 128n) - 1n;
const U32_MAX = 4_294_967_295;

const U8 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }));
const Stored = Schema.Struct({
  block: BlockNumber,
  version: Schema.Int,
  ip: Unsigned,
  port: Schema.Int,
  ipType: U8,
  protocol: U8,
  placeholder1: U8,
  placeholder2: U8,
});
type Stored = typeof Stored.Type;
/** What the chain knows of a hotkey's endpoint on a subnet, at one block. */
const Serving = Schema.Tuple([Schema.NullOr(Uid), Schema.NullOr(Stored), Unsigned]);
type Serving = typeof Serving.Type;
const decodeServing = decodeWith(Serving, 'read Axons');

type Wanted = NumericAddress & { readonly port: number; readonly version: number };

const refuse = (check: string, message: string): Outcome<never, SubmitFailure> =>
  fail({ _tag: 'Refused', check, message, retry: { when: 'never' } });

/** What no host can have. Loopback is left to the chain: public ones refuse it, one on a single machine need not. */
const isForbidden = ({ ip, ipType }: NumericAddress): boolean =>
  ip === (ipType === 4 ? BROADCAST_V4 : ALL_ONES_V6);

/**
 * Checks what every chain refuses (subtensor subnets/serving.rs); private ranges are accepted, as there. The chain
 * itself decides about 127.0.0.1 and ::1, in its pool: see `InvalidIpAddress` in `submit.ts`.
 */
export const checkEndpoint = ({ ip, port, version }: AxonEndpoint): Outcome<Wanted, SubmitFailure> => {
  const address = parseAddress(ip);
  if (address === null)
    return refuse('InvalidIpType', `${JSON.stringify(ip)} is neither an IPv4 nor an IPv6 address`);
  if (isForbidden(address)) {
    return refuse('InvalidIpAddress', `${ip} is no address of a host: set AXON_IP to a public address`);
  }
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    return refuse('InvalidPort', `port ${port} is not between 1 and 65535: set AXON_PORT`);
  }
  if (!Number.isInteger(version) || version < 0 || version > U32_MAX) {
    return refuse('InvalidVersion', `version ${version} is no 32-bit integer`);
  }
  return succeed({ ...address, port, version });
};

const isSameEndpoint = (wanted: Wanted, stored: Stored): boolean =>
  stored.version === wanted.version &&
  BigInt(stored.ip) === wanted.ip &&
  stored.port === wanted.port &&
  stored.ipType === wanted.ipType &&
  stored.protocol === PROTOCOL &&
  stored.placeholder1 === 0 &&
  stored.placeholder2 === 0;

/** The chain takes a change every `rateLimit` blocks. */
const changeAllowed = (
  stored: Stored,
  rateLimit: Unsigned,
  block: BlockNumber,
): Outcome<'needed', SubmitFailure> => {
  const clearsAt = stored.block + countOf(rateLimit);
  if (stored.block === 0 || block >= clearsAt) return succeed('needed');
  return fail({
    _tag: 'Refused',
    check: 'ServingRateLimitExceeded',
    message: `the endpoint was set in block ${stored.block}; a change is accepted from block ${clearsAt}`,
    retry: { when: 'atBlock', block: clearsAt },
  });
};

/** What has to happen so that the chain's entry equals `wanted`, judged at `block`. */
export const preflightServe = (
  wanted: Wanted,
  serving: Serving,
  block: BlockNumber,
): Outcome<'unchanged' | 'needed', SubmitFailure> => {
  const [uid, stored, rateLimit] = serving;
  if (uid === null)
    return refuse('HotKeyNotRegisteredInNetwork', 'the hotkey is not registered on this subnet');
  if (stored === null) return succeed('needed');
  if (isSameEndpoint(wanted, stored)) return succeed('unchanged');
  return changeAllowed(stored, rateLimit, block);
};

/** What has to happen so that the chain names no endpoint of this hotkey, judged at `block`. */
export const preflightWithdraw = (
  serving: Serving,
  block: BlockNumber,
): Outcome<'unchanged' | 'needed', SubmitFailure> => {
  const [uid, stored, rateLimit] = serving;
  // Nothing of a hotkey that lost its uid is left on chain.
  if (uid === null || stored === null || BigInt(stored.ip) === 0n) return succeed('unchanged');
  return changeAllowed(stored, rateLimit, block);
};
type ServeSource = SubnetSource & { readonly hotkey: Hotkey };

const readServing = Effect.fnUntraced(function* (source: ServeSource) {
  const { netuid, hotkey, head } = source;
  const stored = yield* readStorage({
    ...source,
    blockHash: head.blockHash,
    items: [
      { pallet: PALLET, item: 'Uids', args: [netuid, hotkey] },
      { pallet: PALLET, item: 'Axons', args: [netuid, hotkey] },
      { pallet: PALLET, item: 'ServingRateLimit', args: [netuid] },
    ],
  });
  return yield* decodeServing(stored);
});

const serveCall = (netuid: Netuid, { version, ip, port, ipType }: Wanted): Call => ({
  pallet: PALLET,
  name: 'serve_axon',
  args: [netuid, version, ip, port, ipType, PROTOCOL, 0, 0],
});

/**
 * The `serve_axon` call that is needed, or null when the chain's own entry already says the same. Fails with
 * `SubmitRefused` for what the chain would refuse, before anything is sent.
 */
export const planServe = Effect.fn('chain.planServe')(function* (
  source: ServeSource & { readonly endpoint: AxonEndpoint },
) {
  const wanted = yield* orRefused(checkEndpoint(source.endpoint));
  const need = yield* orRefused(preflightServe(wanted, yield* readServing(source), source.head.block));
  return need === 'unchanged' ? null : serveCall(source.netuid, wanted);
});

/**
 * The `serve_axon` call that takes the hotkey's endpoint off the chain (address 0, which means not serving), or null
 * when there is none. Fails with `SubmitRefused` while the rate limit holds.
 */
export const planWithdraw = Effect.fn('chain.planWithdraw')(function* (source: ServeSource) {
  const serving = yield* readServing(source);
  const need = yield* orRefused(preflightWithdraw(serving, source.head.block));
  const [, stored] = serving;
  if (need === 'unchanged' || stored === null) return null;
  // Port 0 is refused even with address 0, so the old one stays.
  const { version, port } = stored;
  return serveCall(source.netuid, { ip: 0n, ipType: 4, port: Math.max(1, port), version });
});
