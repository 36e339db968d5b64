import * as Effect from 'effect/Effect';

import type { ChainConnection } from '../chain/client.ts';
import { toChainFailure, toSubmitFailure } from '../chain/errors.ts';
import type { SubmitFailure } from '../domain/failures.ts';
import type { Head, SubnetSnapshot } from '../domain/metagraph.ts';
import type { SubmissionFacts } from '../domain/submissionFacts.ts';
import { firstRefusal, forecastWeights } from '../domain/weightForecast.ts';
import type { Identity } from '../keys/identity.ts';
import type {
  CheckWeights,
  FindInclusion,
  PreparedWeights,
  PrepareWeights,
  ReadyWeights,
  Standing,
  SubmitWeights,
  WeightsDue,
} from '../machines/weightSubmission.ts';
import type { StoreService } from '../store/store.ts';
import { hasBug, isTestBuild } from '../testBuild.ts';
import { type ActorRuntime, fromEffect } from './bridge.ts';
import { type CurrentChain, connection } from './currentChain.ts';
import { loadIntent, retireFutile, retireRefused, saveIntent, type WeightIntent } from './weightIntent.ts';
import { weightLifetime } from './weightLifetime.ts';
import { isExplainedBy, standingCommit, standingSince } from './weightStanding.ts';

export type WeightSettings = {
  readonly identity: Identity;
  readonly versionKey: number;
};

const refused = (check: string, message: string): SubmitFailure => ({
  _tag: 'Refused',
  check,
  message,
  retry: { when: 'never' },
});

/** Weights of an epoch are sent in it alone, whatever its end was thought to be when they became due. */
const withinEpoch = (
  due: WeightsDue,
  { block, epochIndex }: SubnetSnapshot,
): Effect.Effect<void, SubmitFailure> => {
  if (epochIndex === due.epoch) return Effect.void;
  if (epochIndex > due.epoch) {
    const message = `epoch ${due.epoch} is over, the subnet is in epoch ${epochIndex}`;
    return Effect.fail(refused('EpochOver', message));
  }
  const message = `the endpoint is at block ${block}, in epoch ${epochIndex}: behind the one that began epoch ${due.epoch}`;
  return Effect.fail({ _tag: 'UnknownBlock', message, retry: { when: 'nextBlock' } });
};

/** The chain is asked at its newest finalized head, never a cached metagraph. */
const check = (settings: WeightSettings) =>
  Effect.fn('weights.check')(function* (due: WeightsDue) {
    const live = yield* connection;
    const head = yield* Effect.mapError(live.finalizedHead(), toChainFailure);
    const { hotkey } = settings.identity;
    const facts = yield* Effect.mapError(live.readSubmissionFacts({ head, hotkey }), toChainFailure);
    const intent = yield* loadIntent;
    const setAtBlock = standingSince(facts, due, intent);
    if (setAtBlock !== null) {
      const isForeign = !isExplainedBy(intent, facts, { epoch: due.epoch, block: setAtBlock });
      const committed = isForeign ? null : standingCommit(intent, facts);
      return { setAtBlock, committed, isForeign } satisfies Standing as Standing;
    }
    yield* withinEpoch(due, facts.subnet);
    const refusal = firstRefusal(
      forecastWeights({ facts, vector: due.vector, versionKey: settings.versionKey }),
    );
    if (refusal !== null) return yield* Effect.fail(refusal);
    return { setAtBlock: null, committed: null, isForeign: false } satisfies Standing as Standing;
  });

/** Bytes signed on a block further ahead than endpoints lag were signed on a block that never was. */
const maxLagBlocks = 16;

/** Everything is read at the head that this connection itself reports: an earlier endpoint may have been ahead. */
type Signing = {
  readonly live: ChainConnection;
  readonly head: Head;
  readonly specVersion: number;
  readonly facts: SubmissionFacts;
};

/** The intent of earlier bytes, usable or not. */
type SigningBeside = Signing & { readonly known: WeightIntent | null };

/** Whether the subnet still takes what these bytes are: plain weights, or a commit whose round is not out yet. */
const isOfPresentRules = ({ sealed }: WeightIntent, { subnet, beacon }: SubmissionFacts): boolean => {
  if ((sealed !== null) !== subnet.hyperparameters.commitRevealWeightsEnabled) return false;
  return sealed === null || sealed.plan.revealRound >= (beacon?.lastStoredRound ?? 0);
};

/** Whether some node may still hold the bytes of an intent: same chain and key, and their era is not over. */
const isAlive = ({ genesisHash, prepared }: WeightIntent, { live, head, facts }: Signing): boolean =>
  genesisHash === live.genesisHash &&
  prepared.account === facts.hotkey &&
  prepared.bornAtBlock - head.block <= maxLagBlocks &&
  head.block < prepared.expiresAtBlock;

/** Whether the bytes of an intent may still get in, and should: same epoch, runtime and rules. */
const isUsable = (known: WeightIntent, due: WeightsDue, signing: Signing): boolean =>
  !known.isSpent &&
  known.epoch === due.epoch &&
  known.specVersion === signing.specVersion &&
  isAlive(known, signing) &&
  isOfPresentRules(known, signing.facts);

/**
 * The nonce that new bytes have to bear: the one of earlier bytes while those may still get in anywhere, so that the
 * chain takes one of both; undefined where the next free one will do.
 */
const nonceBeside = Effect.fn('weights.nonceBeside')(function* (
  known: WeightIntent | null,
  signing: Signing,
) {
  if (known === null || !isAlive(known, signing)) return undefined;
  const { account, nonce } = known.prepared;
  const { live, head } = signing;
  const next = yield* Effect.mapError(live.nonceAt({ head, account }), toChainFailure);
  return next > nonce ? undefined : nonce;
});

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

/**
 * The epoch is nearly over, and bytes signed before may be in a block that is not final yet: the chain is asked again
 * with each final block, to the last one that can hold them.
 */
const notFinalYet = (due: WeightsDue): SubmitFailure => ({
  _tag: 'Unconfirmed',
  message:
    `epoch ${due.epoch} is too short for another extrinsic; the one that was signed before may be in a block ` +
    'that is not final yet',
  retry: { when: 'nextBlock' },
});

/** New bytes that die with the epoch, and what they lock in. A commit that counted for another epoch is not made. */
const sign = Effect.fn('weights.sign')(function* (
  settings: WeightSettings,
  due: WeightsDue,
  signing: SigningBeside,
) {
  const { live, head, facts, known } = signing;
  const { subnet } = facts;
  // An epoch that was rescheduled since the vector became due ends when the chain says now.
  const endsAtBlock = Math.min(due.endsAtBlock, subnet.nextEpochBlock);
  const nonce = yield* nonceBeside(known, signing);
  // In the state that is final their nonce is free still: whether they are in a later block, nobody knows yet.
  const isOpen = nonce !== undefined && known?.epoch === due.epoch;
  const tooLate = Effect.fail(isOpen ? notFinalYet(due) : tooShort({ ...due, endsAtBlock }));
  const bestBlock = yield* Effect.mapError(live.bestBlock(), toChainFailure);
  const lifetime = weightLifetime({ finalizedBlock: head.block, bestBlock, endsAtBlock });
  if (lifetime === null) return yield* tooLate;
  const { birthBlock, periodBlocks } = lifetime;
  const birth =
    birthBlock === head.block ? head : yield* Effect.mapError(live.headAt(birthBlock), toChainFailure);
  const { identity, versionKey } = settings;
  const { vector } = due;
  const lasting = { head, birth, periodBlocks, ...(nonce === undefined ? {} : { nonce }) };
  const { prepared, reveal } = yield* Effect.mapError(
    live.prepareWeights({ identity, facts, versionKey, vector, ...lasting }),
    toSubmitFailure,
  );
  if (reveal !== null && reveal.commitEpoch !== due.epoch) return yield* tooLate;
  return { prepared, sealed: reveal === null ? null : { plan: reveal, vector } } satisfies ReadyWeights;
});

/** What earlier bytes of this epoch had locked in, as long as those may be on chain instead of the new ones. */
const earlierOf = (known: WeightIntent | null, due: WeightsDue, signing: Signing) =>
  known?.epoch === due.epoch && isAlive(known, signing) ? (known.sealed ?? known.earlier) : null;

/** Between two looks at whether the first extrinsic is final. */
const secondSubmissionLookMs = 250;

/**
 * Part of a deliberate bug: signs and sends other bytes of the same epoch once those of `first` are in a final block; a
 * pool refuses two with one nonce. They die with the epoch, so that the next one has its own. False as long as it is too
 * early.
 */
const submitBeside = Effect.fn('weights.submitBeside')(function* (
  settings: WeightSettings,
  due: WeightsDue,
  first: PreparedWeights,
) {
  const live = yield* connection;
  const head = yield* live.finalizedHead();
  const { identity, versionKey } = settings;
  const { vector } = due;
  if (head.block >= due.endsAtBlock) return yield* Effect.fail(tooShort(due));
  // The one cheap question first: what is asked often takes the time of what the weights themselves need.
  if ((yield* live.nonceAt({ head, account: first.account })) <= first.nonce) return false;
  const facts = yield* live.readSubmissionFacts({ head, hotkey: identity.hotkey });
  yield* withinEpoch(due, facts.subnet);
  const endsAtBlock = Math.min(due.endsAtBlock, facts.subnet.nextEpochBlock);
  const lifetime = weightLifetime({
    finalizedBlock: head.block,
    bestBlock: yield* live.bestBlock(),
    endsAtBlock,
  });
  if (lifetime === null) return yield* Effect.fail(tooShort({ ...due, endsAtBlock }));
  const birth = yield* live.headAt(lifetime.birthBlock);
  const { periodBlocks } = lifetime;
  const again = { identity, facts, versionKey, vector, head, birth, periodBlocks };
  yield* Effect.flatMap(live.prepareWeights(again), live.submitPrepared);
  return true;
});

/** A deliberate bug: weights of an epoch are submitted once more. It ends with the epoch, or with a refusal. */
const submitAgain = (settings: WeightSettings, due: WeightsDue, first: PreparedWeights) =>
  Effect.sleep(secondSubmissionLookMs).pipe(
    Effect.andThen(submitBeside(settings, due, first)),
    Effect.repeat({ until: (isDone) => isDone }),
  );

const prepare = (settings: WeightSettings) =>
  Effect.fn('weights.prepare')(function* (due: WeightsDue) {
    const live = yield* connection;
    const head = yield* Effect.mapError(live.finalizedHead(), toChainFailure);
    const { hotkey } = settings.identity;
    const [specVersion, facts] = yield* Effect.mapError(
      Effect.all([live.specVersionAt(head), live.readSubmissionFacts({ head, hotkey })], { concurrency: 2 }),
      toChainFailure,
    );
    yield* withinEpoch(due, facts.subnet);
    const signing = { live, head, specVersion, facts };
    const known = yield* loadIntent;
    if (known !== null && isUsable(known, due, signing)) {
      if (head.block < known.prepared.bornAtBlock) return yield* Effect.fail(lagging(head, known));
      return { prepared: known.prepared, sealed: known.sealed } satisfies ReadyWeights;
    }
    const ready = yield* sign(settings, due, { ...signing, known });
    yield* saveIntent({
      ...ready,
      epoch: due.epoch,
      genesisHash: live.genesisHash,
      specVersion,
      signedAtBlock: head.block,
      isSpent: false,
      earlier: earlierOf(known, due, signing),
    });
    if (isTestBuild && hasBug('secondSubmission'))
      yield* Effect.forkDetach(Effect.ignore(submitAgain(settings, due, ready.prepared)));
    return ready;
  });

const submit = Effect.fn('weights.submit')(function* ({ prepared }: { readonly prepared: PreparedWeights }) {
  const live = yield* connection;
  return yield* Effect.mapError(live.submitPrepared({ prepared }), toSubmitFailure).pipe(
    Effect.tapError((failure) => (failure._tag === 'Refused' ? retireRefused(prepared.hash) : Effect.void)),
  );
});

const find = Effect.fn('weights.find')(function* (search: {
  readonly prepared: PreparedWeights;
  readonly fromBlock: number;
  readonly toBlock: number;
}) {
  const live = yield* connection;
  const inclusion = yield* Effect.mapError(live.findInclusion(search), toChainFailure);
  if (!inclusion.found) {
    if (inclusion.isNonceUsed) yield* retireFutile(search.prepared.hash);
    return inclusion;
  }
  const { outcome } = inclusion;
  if (!outcome.ok) yield* retireFutile(search.prepared.hash);
  return { ...inclusion, outcome: outcome.ok ? { ok: true as const, value: null } : outcome };
});

type Runtime = ActorRuntime<CurrentChain | StoreService>;

export const checkWeights = (runtime: Runtime, settings: WeightSettings): CheckWeights =>
  fromEffect(runtime)(check(settings));

export const prepareWeights = (runtime: Runtime, settings: WeightSettings): PrepareWeights =>
  fromEffect(runtime)(prepare(settings));

export const submitWeights = (runtime: Runtime): SubmitWeights => fromEffect(runtime)(submit);

export const findInclusion = (runtime: Runtime): FindInclusion => fromEffect(runtime)(find);
