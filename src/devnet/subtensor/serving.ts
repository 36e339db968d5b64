/** Endpoints of neurons. Source: pallets/subtensor/src/subnets/serving.rs. */
import { type Context, call, ensureSigned, ModuleError, type Origin, type ReadContext } from '../pallet.ts';
import { bytes, u8, u16, u32, u128 } from '../scale.ts';
import { errors } from './errors.ts';
import { events } from './events.ts';
import { refuseInPool } from './poolChecks.ts';
import { storage } from './storage.ts';
import { uidOf } from './subnets.ts';

const IPV4_LIMIT = 0xffff_ffffn;
const IPV4_LOOPBACK = 0x7f00_0001n;
const IPV6_ALL_ONES = (1n << 128n) - 1n;
const IPV6_LOOPBACK = 1n;
/** One byte of algorithm and at most 64 of key. */
const MAX_CERTIFICATE_BYTES = 65;

type Endpoint = {
  readonly netuid: number;
  readonly ip: bigint;
  readonly port: number;
  readonly ipType: number;
};

/** 0 (not serving) and private ranges are valid; 127.0.0.1 only where genesis allows it, 127.0.0.2 everywhere. */
const isValidAddress = (ctx: ReadContext, { ip, ipType }: Endpoint): boolean => {
  if (ip === 0n) {
    return true;
  }
  const isLoopbackAllowed = ctx.get(storage.DevnetAllowLoopbackAxon);
  return ipType === 4
    ? ip < IPV4_LIMIT && (ip !== IPV4_LOOPBACK || isLoopbackAllowed)
    : ip !== IPV6_ALL_ONES && (ip !== IPV6_LOOPBACK || isLoopbackAllowed);
};

/** The checks of `serve_axon` and `serve_prometheus` in the chain's order; all of them run in the pool already. */
const ensureServable = (ctx: ReadContext, hotkey: Uint8Array, endpoint: Endpoint, servedAt: bigint): void => {
  if (uidOf(ctx, endpoint.netuid, hotkey) === undefined) {
    throw new ModuleError(errors.HotKeyNotRegisteredInNetwork);
  }
  if (endpoint.ipType !== 4 && endpoint.ipType !== 6) {
    throw new ModuleError(errors.InvalidIpType);
  }
  if (!isValidAddress(ctx, endpoint)) {
    throw new ModuleError(errors.InvalidIpAddress);
  }
  const limit = ctx.get(storage.ServingRateLimit, endpoint.netuid);
  if (limit !== 0n && servedAt !== 0n && BigInt(ctx.block) - servedAt < limit) {
    throw new ModuleError(errors.ServingRateLimitExceeded);
  }
  if (endpoint.port === 0) {
    throw new ModuleError(errors.InvalidPort);
  }
};

const ensureAxon = (ctx: ReadContext, hotkey: Uint8Array, endpoint: Endpoint): void =>
  ensureServable(ctx, hotkey, endpoint, ctx.get(storage.Axons, endpoint.netuid, hotkey)?.block ?? 0n);

const ensurePrometheus = (ctx: ReadContext, hotkey: Uint8Array, endpoint: Endpoint): void =>
  ensureServable(ctx, hotkey, endpoint, ctx.get(storage.Prometheus, endpoint.netuid, hotkey)?.block ?? 0n);

const axonArgs = {
  netuid: u16,
  version: u32,
  ip: u128,
  port: u16,
  ipType: u8,
  protocol: u8,
  placeholder1: u8,
  placeholder2: u8,
};
type AxonArgs = Endpoint & {
  readonly version: number;
  readonly protocol: number;
  readonly placeholder1: number;
  readonly placeholder2: number;
};

const serveAxon = (ctx: Context, args: AxonArgs, origin: Origin): Uint8Array => {
  const hotkey = ensureSigned(origin);
  ensureAxon(ctx, hotkey, args);
  const { version, ip, port, ipType, protocol, placeholder1, placeholder2 } = args;
  const block = BigInt(ctx.block);
  const axon = { block, version, ip, port, ipType, protocol, placeholder1, placeholder2 };
  ctx.put(storage.Axons, args.netuid, hotkey, axon);
  ctx.emit(events.AxonServed, [args.netuid, hotkey]);
  return hotkey;
};

/** Empty and too long certificates are ignored without an error, as on the chain. */
const storeCertificate = (
  ctx: Context,
  netuid: number,
  hotkey: Uint8Array,
  certificate: Uint8Array,
): void => {
  const [algorithm] = certificate;
  if (algorithm !== undefined && certificate.length <= MAX_CERTIFICATE_BYTES) {
    ctx.put(storage.NeuronCertificates, netuid, hotkey, { publicKey: certificate.slice(1), algorithm });
  }
};

export const servingCalls = {
  serve_axon: call({
    index: 4,
    args: axonArgs,
    pays: false,
    checkInPool: (ctx, args, signer) => refuseInPool(() => ensureAxon(ctx, signer, args)),
    dispatch: (ctx, args, origin) => {
      serveAxon(ctx, args, origin);
    },
  }),
  serve_axon_tls: call({
    index: 40,
    args: { ...axonArgs, certificate: bytes },
    pays: false,
    checkInPool: (ctx, args, signer) => refuseInPool(() => ensureAxon(ctx, signer, args)),
    dispatch: (ctx, args, origin) => {
      const hotkey = serveAxon(ctx, args, origin);
      storeCertificate(ctx, args.netuid, hotkey, args.certificate);
    },
  }),
  serve_prometheus: call({
    index: 5,
    args: { netuid: u16, version: u32, ip: u128, port: u16, ipType: u8 },
    pays: false,
    checkInPool: (ctx, args, signer) => refuseInPool(() => ensurePrometheus(ctx, signer, args)),
    dispatch: (ctx, { netuid, version, ip, port, ipType }, origin) => {
      const hotkey = ensureSigned(origin);
      ensurePrometheus(ctx, hotkey, { netuid, ip, port, ipType });
      ctx.put(storage.Prometheus, netuid, hotkey, { block: BigInt(ctx.block), version, ip, port, ipType });
      ctx.emit(events.PrometheusServed, [netuid, hotkey]);
    },
  }),
};
