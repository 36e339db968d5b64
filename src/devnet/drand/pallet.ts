/** Pallet Drand: pulses of a randomness beacon, verified and kept for a week of rounds. Source: pallets/drand/src/lib.rs. */
import { multiSignature } from '../chainTypes.ts';
import type { GenesisConfig } from '../genesis.ts';
import {
  type Context,
  call,
  DispatchFailure,
  declareErrors,
  definePallet,
  event,
  ModuleError,
  type Origin,
  type Pallet,
  type ReadContext,
} from '../pallet.ts';
import { concatBytes, fieldsCodec, option, u64, vec } from '../scale.ts';
import { type Beacon, createBeacon } from './beacon.ts';
import { sha256, verifyRound } from './quicknet.ts';
import { beaconConfigurationPayload, type Pulse, pulsesPayload, drandStorage as storage } from './storage.ts';

/** A week of three-second rounds. */
export const MAX_KEPT_PULSES = 216_000n;
export const MAX_REMOVED_PULSES = 100;

export const drandEvents = {
  BeaconConfigChanged: event(0),
  NewPulse: event(1, { rounds: vec(u64) }),
  SetOldestStoredRound: event(2, [u64]),
};
export const drandErrors = declareErrors({
  NoneValue: 0,
  StorageOverflow: 1,
  DrandConnectionFailure: 2,
  UnverifiedPulse: 3,
  InvalidRoundNumber: 4,
  PulseVerificationError: 5,
});

/** False for a wrong signature; a signature that is no point fails the call. */
const isVerified = (ctx: ReadContext, { round, randomness, signature }: Pulse): boolean => {
  const { publicKey } = ctx.get(storage.BeaconConfig);
  try {
    return verifyRound(publicKey, round, signature) && Buffer.from(randomness).equals(sha256(signature));
  } catch {
    throw new ModuleError(drandErrors.PulseVerificationError);
  }
};

const prune = (ctx: Context, lastRound: bigint): void => {
  let oldest = ctx.get(storage.OldestStoredRound);
  if (oldest === 0n) return;
  for (let removed = 0; removed < MAX_REMOVED_PULSES; removed += 1) {
    if (lastRound - oldest + 1n <= MAX_KEPT_PULSES) break;
    ctx.remove(storage.Pulses, oldest);
    oldest += 1n;
  }
  ctx.put(storage.OldestStoredRound, oldest);
};

/** Rounds must rise; pulses that do not verify are left out without failing the rest. */
const writePulses = (ctx: Context, pulses: readonly Pulse[]): void => {
  let last = ctx.get(storage.LastStoredRound);
  const isFirst = last === 0n && ctx.get(storage.OldestStoredRound) === 0n;
  const rounds: bigint[] = [];
  for (const pulse of pulses.filter((candidate) => isVerified(ctx, candidate))) {
    if (pulse.round <= last) throw new ModuleError(drandErrors.InvalidRoundNumber);
    ctx.put(storage.Pulses, pulse.round, pulse);
    last = pulse.round;
    rounds.push(pulse.round);
  }
  const [first] = rounds;
  if (first === undefined) return;
  ctx.put(storage.LastStoredRound, last);
  if (isFirst) ctx.put(storage.OldestStoredRound, first);
  prune(ctx, last);
  ctx.put(storage.NextUnsignedAt, ctx.block);
  ctx.emit(drandEvents.NewPulse, { rounds });
};

const ensureOrigin = (origin: Origin, kind: Origin['kind']): void => {
  if (origin.kind !== kind) throw new DispatchFailure({ tag: 'BadOrigin' });
};

const DRAND_INDEX = 26;
const WRITE_PULSE_INDEX = 0;
const writePulseArgs = { pulsesPayload, signature: option(multiSignature) };

/**
 * The call with which the off-chain worker brings one pulse to the chain, as bytes. Its signature is left out: on the
 * real chain it shows which node sent the unsigned extrinsic, and here only the node itself can.
 */
export const writePulseCall = (pulse: Pulse, blockNumber: number): Uint8Array =>
  concatBytes(
    Uint8Array.of(DRAND_INDEX, WRITE_PULSE_INDEX),
    fieldsCodec(writePulseArgs).enc({
      pulsesPayload: {
        blockNumber,
        pulses: [pulse],
        public: { tag: 'Sr25519', value: [new Uint8Array(32)] },
      },
      signature: undefined,
    }),
  );

export const drand = definePallet({
  name: 'Drand',
  index: DRAND_INDEX,
  crate: 'pallet_drand',
  storage,
  events: drandEvents,
  errors: drandErrors,
  calls: {
    write_pulse: call({
      index: WRITE_PULSE_INDEX,
      args: writePulseArgs,
      pays: true,
      dispatch: (ctx, args, origin) => {
        ensureOrigin(origin, 'none');
        writePulses(ctx, args.pulsesPayload.pulses);
      },
    }),
    set_beacon_config: call({
      index: 1,
      args: { configPayload: beaconConfigurationPayload, signature: option(multiSignature) },
      pays: true,
      dispatch: (ctx, { configPayload }, origin) => {
        ensureOrigin(origin, 'root');
        ctx.put(storage.BeaconConfig, configPayload.config);
        ctx.put(storage.NextUnsignedAt, ctx.block + 1);
        ctx.emit(drandEvents.BeaconConfigChanged, []);
      },
    }),
    set_oldest_stored_round: call({
      index: 2,
      args: { oldestRound: u64 },
      pays: true,
      dispatch: (ctx, { oldestRound }, origin) => {
        ensureOrigin(origin, 'root');
        ctx.put(storage.OldestStoredRound, oldestRound);
        ctx.emit(drandEvents.SetOldestStoredRound, [oldestRound]);
      },
    }),
  },
  genesis: (ctx: Context, config: GenesisConfig): void => {
    ctx.put(storage.BeaconConfig, createBeacon(config).configuration);
  },
});

/** The pallet with a worker that brings the pulses of a beacon to the chain. */
export const drandWith = (beacon: Beacon): Pallet => ({
  ...drand,
  offchainWorker: (ctx) =>
    beacon
      .collect(Number(ctx.get(storage.LastStoredRound)), ctx.nowMs)
      .map((pulse) => writePulseCall(pulse, ctx.block)),
});
