import type { PromiseActorLogic } from 'xstate';

import type { StoreFailure } from '../domain/failures.ts';
import type { BlockNumber, EpochIndex, Hotkey } from '../domain/ids.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { RequestImbalance } from '../domain/requestAccount.ts';
import type { WorkConditions } from '../domain/workHold.ts';
import type { ChainFact, ChainLinkInput } from './chainLife.ts';
import type { EpochFact } from './epoch.machine.ts';
import type { Membership, MembershipFact } from './membership.ts';
import type { MinerSessionFact } from './minerSession.machine.ts';
import type { ResourcesFact } from './resources.machine.ts';
import type { RetentionFact } from './retention.machine.ts';
import type { ChildEnded } from './root.ts';
import type { Roster } from './roster.ts';
import type { RoundFact } from './round.machine.ts';
import type { StoreHealthFact } from './storeHealth.machine.ts';
import type { WeightAlarmFact } from './weightAlarm.machine.ts';
import type { WeightRevealFact } from './weightReveals.ts';
import type { WeightSettingFact } from './weightSubmission.ts';

/** Opens what must be there before anything else: the store, and what an earlier life left in it. */
export type PrepareValidator = PromiseActorLogic<
  Outcome<
    {
      /** Rounds without an end that are held again. */
      readonly resumableRounds: number;
      /** Rounds that were settled with what they had. */
      readonly lostRounds: number;
      /** Rounds of the evidence whose counts do not add up. */
      readonly unbalanced: readonly RequestImbalance[];
    },
    StoreFailure
  >,
  { readonly hotkey: Hotkey }
>;

export type ValidatorInput = {
  readonly hotkey: Hotkey;
  readonly chainLink: ChainLinkInput;
  /** Most miners to keep a link to. */
  readonly maxSessions: number;
  readonly dueAfterFraction: number;
  readonly roundDeadlineMs: number;
  readonly roundIntervalMs: number;
  readonly drainGraceMs: number;
};

export type ValidatorEvent =
  | ChainFact
  | MembershipFact
  | EpochFact
  | RoundFact
  | MinerSessionFact
  | WeightSettingFact
  | WeightRevealFact
  | WeightAlarmFact
  | StoreHealthFact
  | ResourcesFact
  | RetentionFact
  | ChildEnded
  /** Of the right to write, from whoever holds it for this process. */
  | { readonly type: 'lease.uncertain' }
  | { readonly type: 'lease.sure' }
  | { readonly type: 'lease.lost'; readonly reason: string }
  | { readonly type: 'session.failed'; readonly actorId: string; readonly error: string }
  | { readonly type: 'defect.forgotten' }
  | { readonly type: 'system.drain'; readonly reason: string };

export type ValidatorOutput = { readonly exit: 'drained' | 'failed'; readonly reason: string };

export type ValidatorContext = ValidatorInput &
  Membership &
  WorkConditions & {
    /** Another validator may take over soon: no new work. */
    readonly isLeaseUncertain: boolean;
    readonly block: BlockNumber;
    readonly roster: Roster;
    /** Sessions that ended with a defect within the window of their limit. */
    readonly sessionDefects: number;
    /** Epoch whose actor is alive under the id `epoch`. */
    readonly epoch: EpochIndex | null;
    readonly confirmedEpoch: EpochIndex | null;
    readonly confirmedAtBlock: BlockNumber | null;
    /** Epochs that went by without weights on chain, as the alarm reported last. */
    readonly behind: number;
    readonly exit: ValidatorOutput['exit'];
    readonly reason: string;
  };
