import * as Effect from 'effect/Effect';

import { toChainFailure, toSubmitFailure } from '../chain/errors.ts';
import { preflightWeights } from '../chain/preflight.ts';
import type { SubmitFailure } from '../domain/failures.ts';
import type { Netuid } from '../domain/ids.ts';
import type { Neuron, SubnetSnapshot } from '../domain/metagraph.ts';
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
import { type CurrentChain, connection, finalizedHead } from './currentChain.ts';
import { forgetIntent, loadIntent, saveIntent } from './weightIntent.ts';

export type WeightSettings = {
  readonly identity: Identity;
  readonly netuid: Netuid;
  readonly versionKey: number;
};

/** Eras are powers of two, from 4 blocks; longer than the SDK's 128 gains nothing. */
const maxPeriodBlocks = 128;
const minPeriodBlocks = 4;

/** Block of the weights that stand for this epoch, null when there are none. Registration moves LastUpdate too. */
const standingSince = (neuron: Neuron | undefined, due: WeightsDue): number | null =>
  neuron !== undefined &&
  neuron.lastUpdate >= due.lastEpochBlock &&
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
    );
    if (setAtBlock !== null && subnet.epochIndex === due.epoch) return { setAtBlock };
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

/** The longest lifetime that ends with the epoch: weights must not slip into the next one. */
const lifetimeBlocks = (headBlock: number, endsAtBlock: number): number => {
  const left = Math.min(maxPeriodBlocks, endsAtBlock - headBlock);
  return left < minPeriodBlocks ? 0 : 2 ** Math.floor(Math.log2(left));
};

const prepare = (settings: WeightSettings) =>
  Effect.fn('weights.prepare')(function* (due: WeightsDue) {
    const live = yield* connection;
    const head = yield* finalizedHead;
    const known = yield* loadIntent;
    if (known?.epoch === due.epoch && head.block < known.prepared.expiresAtBlock) return known.prepared;
    const periodBlocks = lifetimeBlocks(head.block, due.endsAtBlock);
    if (periodBlocks === 0) {
      const message = `epoch ${due.epoch} ends at block ${due.endsAtBlock}, too soon for an extrinsic to be included`;
      return yield* Effect.fail(refused('EpochTooShort', message));
    }
    const { identity, netuid, versionKey } = settings;
    const prepared = yield* Effect.mapError(
      live.prepareWeights({ identity, netuid, versionKey, vector: due.vector, head, periodBlocks }),
      toSubmitFailure,
    );
    yield* saveIntent({ epoch: due.epoch, prepared });
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
  const inclusion = yield* Effect.mapError(live.findInclusion(search), toChainFailure);
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
