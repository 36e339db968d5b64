import type { PromiseActorLogic } from 'xstate';

import type { SubmitFailure } from '../domain/failures.ts';
import type { BlockNumber, Hotkey } from '../domain/ids.ts';
import type { Axon, Neuron, SubnetSnapshot } from '../domain/metagraph.ts';
import type { Outcome } from '../domain/outcome.ts';
import { retryBlock } from './weightSubmission.ts';

/** What the chain said at `block`. */
export type AnnouncedAxon = { readonly block: BlockNumber; readonly axon: Axon };

/** Succeeds once the chain shows our axon; sends it where it differs. Asked again at each block until then. */
export type AnnounceAxon = PromiseActorLogic<
  Outcome<AnnouncedAxon, SubmitFailure>,
  { readonly boundPort: number }
>;

/** Succeeds once the chain names no address of this hotkey; sends what takes it off. Asked again at each block. */
export type WithdrawAxon = PromiseActorLogic<
  Outcome<{ readonly block: BlockNumber }, SubmitFailure>,
  { readonly hotkey: Hotkey }
>;

export type AxonFact =
  | { readonly type: 'axon.withdrawn'; readonly block: BlockNumber }
  | { readonly type: 'axon.leftBehind'; readonly failure: SubmitFailure | null }
  | {
      readonly type: 'axon.refused';
      readonly check: string;
      readonly message: string;
      readonly retryAtBlock: BlockNumber;
    }
  | { readonly type: 'axon.replaced'; readonly ours: Axon; readonly onChain: Axon | null };

/** Blocks between two warnings that say the same; 20 minutes on finney. */
export const warnEveryBlocks = 100;

/** An endpoint in use lags by less; what is further back than this was never said by the same chain. */
const mostLagBlocks = 300;

/** Blocks after which a hopeless announcement is tried again: the chain's rules or the operator's may have changed. */
const hopelessRetryBlocks = 100;

/** Block of the next announcement. There always is one, because a miner without an axon earns nothing. */
export const nextAnnouncement = (failure: SubmitFailure, block: BlockNumber): BlockNumber =>
  retryBlock(failure.retry, block) ?? block + hopelessRetryBlocks;

/** The warning that was given last. */
export type Warned = { readonly check: string; readonly block: BlockNumber };

/** What an operator should hear of a failed announcement; null for what passes by itself or was said lately. */
export const warningOf = (
  failure: SubmitFailure,
  block: BlockNumber,
  last: Warned | null,
): { readonly check: string; readonly message: string } | null => {
  if (failure._tag === 'Unreachable' || failure._tag === 'Unconfirmed') return null;
  const check = failure._tag === 'Refused' ? failure.check : failure._tag;
  // An endpoint that lied may have put the last warning anywhere.
  if (last !== null && last.check === check && Math.abs(block - last.block) < warnEveryBlocks) return null;
  return { check, message: failure.message };
};

export const neuronOf = (subnet: SubnetSnapshot | null, hotkey: Hotkey): Neuron | undefined =>
  subnet?.neurons.find((neuron) => neuron.hotkey === hotkey);

const isSameAxon = (one: Axon | null, other: Axon | null): boolean =>
  one?.ip === other?.ip && one?.port === other?.port;

/**
 * Whether the chain has come to say something else since our axon stood there. An endpoint may be some blocks behind
 * the one that showed our axon; where that block lies beyond all lag, the other one lied about it.
 */
export const isReplaced = (
  announced: AnnouncedAxon | null,
  subnet: SubnetSnapshot,
  hotkey: Hotkey,
): boolean =>
  announced !== null &&
  (subnet.block >= announced.block || announced.block - subnet.block > mostLagBlocks) &&
  !isSameAxon(neuronOf(subnet, hotkey)?.axon ?? null, announced.axon);

/** Whether a metagraph gives reason to try again what was hopeless before. */
export const isNews = (before: SubnetSnapshot | null, after: SubnetSnapshot, hotkey: Hotkey): boolean => {
  const [old, now] = [neuronOf(before, hotkey), neuronOf(after, hotkey)];
  return (
    before?.hyperparameters.servingRateLimitBlocks !== after.hyperparameters.servingRateLimitBlocks ||
    old?.uid !== now?.uid ||
    old?.blockAtRegistration !== now?.blockAtRegistration ||
    !isSameAxon(old?.axon ?? null, now?.axon ?? null)
  );
};
