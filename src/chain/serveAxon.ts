import * as Effect from 'effect/Effect';
import * as Schema from 'effect/Schema';

import type { SubmitFailure } from '../domain/failures.ts';
import { BlockNumber, type Netuid, Uid } from '../domain/ids.ts';
import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import type { Identity } from '../keys/identity.ts';
import { type NumericAddress, parseAddress } from './addresses.ts';
import { SubmitRefused } from './errors.ts';
import type { Call } from './extrinsics.ts';
import { countOf, decodeWith, readStorage, Unsigned } from './reads.ts';
import type { Rpc } from './rpc.ts';
import type { Runtime } from './runtime.ts';

/** What a neuron tells the network about itself. ip `0.0.0.0` withdraws an earlier endpoint. */
export type AxonEndpoint = {
  /** Dotted IPv4 or plain IPv6. */
  readonly ip: string;
  readonly port: number;
  /** Version integer of the software, u32: major × 1e6 + minor × 1e3 + patch. */
  readonly version: number;
};

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
  const isSame =
    stored.version === wanted.version &&
    BigInt(stored.ip) === wanted.ip &&
    stored.port === wanted.port &&
    stored.ipType === wanted.ipType &&
    stored.protocol === PROTOCOL &&
    stored.placeholder1 === 0 &&
    stored.placeholder2 === 0;
  if (isSame) return succeed('unchanged');
  const clearsAt = stored.block + countOf(rateLimit);
  if (stored.block === 0 || block >= clearsAt) return succeed('needed');
  return fail({
    _tag: 'Refused',
    check: 'ServingRateLimitExceeded',
    message: `the endpoint was set in block ${stored.block}; a change is accepted from block ${clearsAt}`,
    retry: { when: 'atBlock', block: clearsAt },
  });
};

/** Raises a plain refusal as a tagged error. */
const orRefused = <A>(outcome: Outcome<A, SubmitFailure>): Effect.Effect<A, SubmitRefused> => {
  if (outcome.ok) return Effect.succeed(outcome.value);
  const { error } = outcome;
  const check = error._tag === 'Refused' ? error.check : error._tag;
  return Effect.fail(new SubmitRefused({ check, message: error.message, retry: error.retry }));
};

/**
 * The `serve_axon` call that is needed, or null when the chain's own entry already says the same. Fails with
 * `SubmitRefused` for what the chain would refuse, before anything is sent.
 */
export const planServe = Effect.fn('chain.planServe')(function* (options: {
  readonly rpc: Rpc;
  readonly runtime: Runtime;
  readonly netuid: Netuid;
  readonly identity: Identity;
  readonly endpoint: AxonEndpoint;
  readonly head: { readonly block: BlockNumber; readonly blockHash: string };
}) {
  const { rpc, runtime, netuid, identity, head } = options;
  const wanted = yield* orRefused(checkEndpoint(options.endpoint));
  const pallet = 'SubtensorModule';
  const stored = yield* readStorage({
    rpc,
    runtime,
    blockHash: head.blockHash,
    items: [
      { pallet, item: 'Uids', args: [netuid, identity.hotkey] },
      { pallet, item: 'Axons', args: [netuid, identity.hotkey] },
      { pallet, item: 'ServingRateLimit', args: [netuid] },
    ],
  });
  const need = yield* orRefused(preflightServe(wanted, yield* decodeServing(stored), head.block));
  if (need === 'unchanged') return null;
  const { version, ip, port, ipType } = wanted;
  const args = [netuid, version, ip, port, ipType, PROTOCOL, 0, 0];
  return { pallet, name: 'serve_axon', args } satisfies Call;
});
