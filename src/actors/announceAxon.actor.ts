import * as Effect from 'effect/Effect';

import { formatAddress, parseAddress } from '../chain/addresses.ts';
import { toChainFailure, toSubmitFailure } from '../chain/errors.ts';
import type { PreparedExtrinsic } from '../chain/extrinsics.ts';
import type { SubmitFailure } from '../domain/failures.ts';
import type { Head } from '../domain/metagraph.ts';
import type { Identity } from '../keys/identity.ts';
import type { AnnounceAxon, WithdrawAxon } from '../machines/axonAnnouncement.ts';
import { type ActorRuntime, fromEffect } from './bridge.ts';
import { type CurrentChain, connection } from './currentChain.ts';

export type AxonSettings = {
  readonly identity: Identity;
  /** Address to publish; null when the operator gave none. */
  readonly ip: string | null;
  /** Port to publish where it differs from the bound one (NAT, container). */
  readonly externalPort: number | null;
  /** Version integer, major × 1e6 + minor × 1e3 + patch. */
  readonly version: number;
};

/** Blocks an announcement may take; it is repeated at the next block after that. */
const periodBlocks = 16;
/** Endpoints lag by less. */
const mostLagBlocks = 300;

const noAddress: SubmitFailure = {
  _tag: 'Refused',
  check: 'NoAxonIp',
  message: 'no address to publish: give --axon-ip (AXON_IP), the address validators reach this miner at',
  retry: { when: 'never' },
};

const waiting: SubmitFailure = {
  _tag: 'Unconfirmed',
  message: 'serve_axon was sent and is not in a finalized block yet',
  retry: { when: 'nextBlock' },
};

/**
 * Whether bytes that were sent may still get in. Bytes signed so far ahead of this head were signed on a block of an
 * endpoint that lied, and no chain waits for them.
 */
const isUnderWay = (sent: PreparedExtrinsic | null, { block }: Head): boolean =>
  sent !== null && block < sent.expiresAtBlock && sent.bornAtBlock - block <= mostLagBlocks;

/** An address has several spellings, of which a metagraph shows one. */
const asOnChain = (ip: string): string => {
  const parsed = parseAddress(ip);
  return (parsed === null ? null : formatAddress(parsed.ip, parsed.ipType)) ?? ip;
};

/**
 * Succeeds once the chain shows our endpoint. Where it differs, serve_axon is sent, at most once per lifetime of an
 * extrinsic; the question is then repeated at the next block, which makes every repetition harmless.
 */
const announce = (settings: AxonSettings) => {
  let sent: PreparedExtrinsic | null = null;
  return Effect.fn('axon.announce')(function* ({ boundPort }: { readonly boundPort: number }) {
    if (settings.ip === null) return yield* Effect.fail(noAddress);
    const live = yield* connection;
    const head = yield* Effect.mapError(live.finalizedHead(), toChainFailure);
    const port = settings.externalPort ?? boundPort;
    const endpoint = { ip: settings.ip, port, version: settings.version };
    const prepared = yield* Effect.mapError(
      live.prepareServe({ identity: settings.identity, endpoint, head, periodBlocks }),
      toSubmitFailure,
    );
    if (prepared === null) return { block: head.block, axon: { ip: asOnChain(settings.ip), port } };
    if (isUnderWay(sent, head)) return yield* Effect.fail(waiting);
    yield* Effect.mapError(live.submitPrepared({ prepared }), toSubmitFailure);
    sent = prepared;
    return yield* Effect.fail(waiting);
  });
};

export const announceAxon = (runtime: ActorRuntime<CurrentChain>, settings: AxonSettings): AnnounceAxon =>
  fromEffect(runtime)(announce(settings));

/** The same for the way back: no address of this hotkey on chain. */
const withdraw = (identity: Identity) => {
  let sent: PreparedExtrinsic | null = null;
  return Effect.fn('axon.withdraw')(function* () {
    const live = yield* connection;
    const head = yield* Effect.mapError(live.finalizedHead(), toChainFailure);
    const prepared = yield* Effect.mapError(
      live.prepareWithdraw({ identity, head, periodBlocks }),
      toSubmitFailure,
    );
    if (prepared === null) return { block: head.block };
    if (isUnderWay(sent, head)) return yield* Effect.fail(waiting);
    yield* Effect.mapError(live.submitPrepared({ prepared }), toSubmitFailure);
    sent = prepared;
    return yield* Effect.fail(waiting);
  });
};

export const withdrawAxon = (
  runtime: ActorRuntime<CurrentChain>,
  { identity }: Pick<AxonSettings, 'identity'>,
): WithdrawAxon => fromEffect(runtime)(withdraw(identity));
