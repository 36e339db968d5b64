import * as Effect from 'effect/Effect';

import { toChainFailure, toSubmitFailure } from '../chain/errors.ts';
import { preflightWeights } from '../chain/preflight.ts';
import type { SubmitFailure } from '../domain/failures.ts';
import type { Hotkey, Netuid } from '../domain/ids.ts';
import type { Head, Neuron, SubnetSnapshot } from '../domain/metagraph.ts';
import type { Identity } from '../keys/identity.ts';
import type {
  CheckWeights,
  FindInclusion,
  PreparedWeights,
  PrepareWeights,
  SubmitWeights,
  WeightsDue,
} from '../machines/weightSubmission.ts';
import type { StoreService } from '../store/store.ts';
import { type ActorRuntime, fromEffect } from './bridge.ts';
import { type CurrentChain, connection } from './currentChain.ts';
import { forgetIntent, loadIntent, saveIntent, type WeightIntent } from './weightIntent.ts';
import { weightLifetime } from './weightLifetime.ts';

export type WeightSettings = {
  readonly identity: Identity;
  readonly netuid: Netuid;
  readonly versionKey: number;
};

/** First block in which weights no longer count for the epoch; exact for the present epoch and the one before it. */
const countsUntil = (due: WeightsDue, subnet: SubnetSnapshot): number => {
  if (subnet.epochIndex <= due.epoch) return Number.POSITIVE_INFINITY;
  return subnet.epochIndex === due.epoch + 1 ? subnet.lastEpochBlock : due.endsAtBlock;
};

/**
 * Block of the weights that stand for this epoch, null when there are none. Registration moves LastUpdate too. Also
 * asked when the epoch is over, after a downtime: LastUpdate outlasts the state of old blocks.
 */
const standingSince = (neuron: Neuron | undefined, due: WeightsDue, subnet: SubnetSnapshot): number | null =>
  neuron !== undefined &&
  neuron.lastUpdate >= due.lastEpochBlock &&
  neuron.lastUpdate < countsUntil(due, subnet) &&
  neuron.lastUpdate > neuron.blockAtRegistration
    ? neuron.lastUpdate
    : null;

const refused = (check: string, message: string): SubmitFailure => ({
  _tag: 'Refused',
  check,
  message,
  retry: { when: 'never' },
});

const epochOver = (due: WeightsDue, subnet: SubnetSnapshot): SubmitFailure =>
  refused('EpochOver', `epoch ${due.epoch} is over, the subnet is in epoch ${subnet.epochIndex}`);

/** The chain is asked at its newest finalized head, never a cached metagraph. */
const check = (settings: WeightSettings) =>
  Effect.fn('weights.check')(function* (due: WeightsDue) {
    const live = yield* connection;
    const head = yield* Effect.mapError(live.finalizedHead(), toChainFailure);
    const subnet = yield* Effect.mapError(live.readSubnet(head), toChainFailure);
    const { hotkey } = settings.identity;
    const setAtBlock = standingSince(
      subnet.neurons.find((neuron) => neuron.hotkey === hotkey),
      due,
      subnet,
    );
    if (setAtBlock !== null) return { setAtBlock };
    if (subnet.epochIndex > due.epoch) return yield* Effect.fail(epochOver(due, subnet));
    const allowed = preflightWeights({
      subnet,
      hotkey,
      vector: due.vector,
      versionKey: settings.versionKey,
    });
    if (!allowed.ok) return yield* Effect.fail(allowed.error);
    return { setAtBlock: null };
  });

/** Bytes signed on a block further ahead than endpoints lag were signed on a block that never was. */
const maxLagBlocks = 16;

type Signing = { readonly genesisHash: string; readonly specVersion: number; readonly hotkey: Hotkey };

/** Whether the bytes of an intent may still get in: same epoch, chain, runtime and key, and still alive. */
const isUsable = (known: WeightIntent, due: WeightsDue, head: Head, signing: Signing): boolean =>
  known.epoch === due.epoch &&
  known.genesisHash === signing.genesisHash &&
  known.specVersion === signing.specVersion &&
  known.prepared.account === signing.hotkey &&
  known.prepared.bornAtBlock - head.block <= maxLagBlocks &&
  head.block < known.prepared.expiresAtBlock;

const lagging = (head: Head, known: WeightIntent): SubmitFailure => ({
  _tag: 'UnknownBlock',
  message: `the endpoint is at block ${head.block}, the weights were signed on block ${known.prepared.bornAtBlock}`,
  retry: { when: 'nextBlock' },
});

const tooShort = (due: WeightsDue): SubmitFailure =>
  refused(
    'EpochTooShort',
    `epoch ${due.epoch} ends at block ${due.endsAtBlock}, too soon for an extrinsic to be included`,
  );

/** Everything is read at the head that this connection itself reports: an earlier endpoint may have been ahead. */
const prepare = (settings: WeightSettings) =>
  Effect.fn('weights.prepare')(function* (due: WeightsDue) {
    const live = yield* connection;
    const head = yield* Effect.mapError(live.finalizedHead(), toChainFailure);
    const specVersion = yield* Effect.mapError(live.specVersionAt(head), toChainFailure);
    const { identity, versionKey } = settings;
    const { genesisHash } = live;
    const known = yield* loadIntent;
    if (known !== null && isUsable(known, due, head, { genesisHash, specVersion, hotkey: identity.hotkey })) {
      return head.block < known.prepared.bornAtBlock
        ? yield* Effect.fail(lagging(head, known))
        : known.prepared;
    }
    const bestBlock = yield* Effect.mapError(live.bestBlock(), toChainFailure);
    const lifetime = weightLifetime({ finalizedBlock: head.block, bestBlock, endsAtBlock: due.endsAtBlock });
    if (lifetime === null) return yield* Effect.fail(tooShort(due));
    const { birthBlock, periodBlocks } = lifetime;
    const birth =
      birthBlock === head.block ? head : yield* Effect.mapError(live.headAt(birthBlock), toChainFailure);
    const facts = yield* Effect.mapError(
      live.readSubmissionFacts({ head, hotkey: identity.hotkey }),
      toSubmitFailure,
    );
    const { prepared } = yield* Effect.mapError(
      live.prepareWeights({ identity, facts, versionKey, vector: due.vector, head, birth, periodBlocks }),
      toSubmitFailure,
    );
    yield* saveIntent({ epoch: due.epoch, genesisHash, specVersion, prepared });
    return prepared;
  });

const submit = Effect.fn('weights.submit')(function* ({ prepared }: { readonly prepared: PreparedWeights }) {
  const live = yield* connection;
  return yield* Effect.mapError(live.submitPrepared({ prepared }), toSubmitFailure).pipe(
    Effect.tapError((failure) => (failure._tag === 'Refused' ? forgetIntent(prepared.hash) : Effect.void)),
  );
});

const find = Effect.fn('weights.find')(function* (search: {
  readonly prepared: PreparedWeights;
  readonly fromBlock: number;
  readonly toBlock: number;
}) {
  const live = yield* connection;
  const inclusion = yield* Effect.mapError(live.findInclusion(search), toChainFailure).pipe(
    // The node cannot say any more what became of the bytes; LastUpdate is asked instead, and they are not reused.
    Effect.tapError((failure) =>
      failure._tag === 'UnknownBlock' ? forgetIntent(search.prepared.hash) : Effect.void,
    ),
  );
  if (!inclusion.found) return inclusion;
  const { outcome } = inclusion;
  if (!outcome.ok) yield* forgetIntent(search.prepared.hash);
  return { ...inclusion, outcome: outcome.ok ? { ok: true as const, value: null } : outcome };
});

type Runtime = ActorRuntime<CurrentChain | StoreService>;

export const checkWeights = (runtime: Runtime, settings: WeightSettings): CheckWeights =>
  fromEffect(runtime)(check(settings));

export const prepareWeights = (runtime: Runtime, settings: WeightSettings): PrepareWeights =>
  fromEffect(runtime)(prepare(settings));

export const submitWeights = (runtime: Runtime): SubmitWeights => fromEffect(runtime)(submit);

export const findInclusion = (runtime: Runtime): FindInclusion => fromEffect(runtime)(find);
