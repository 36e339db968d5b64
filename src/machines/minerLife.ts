import type { CallbackActorLogic, EventObject } from 'xstate';

import type { LinkFailure, SubmitFailure } from '../domain/failures.ts';
import type { BlockNumber, Hotkey } from '../domain/ids.ts';
import type { Shortage } from '../domain/resources.ts';
import type { HoldReasons } from '../domain/workHold.ts';
import type { AnnouncedAxon, AxonFact, Warned } from './axonAnnouncement.ts';
import type { ChainFact, ChainLinkInput } from './chainLife.ts';
import type { InferencePoolFact, InferencePoolInput } from './inferencePool.machine.ts';
import type { Membership, MembershipFact } from './membership.ts';
import type { ResourcesFact } from './resources.machine.ts';
import type { ChildEnded } from './root.ts';
import type { ValidatorSessionFact } from './validatorSession.machine.ts';
import type { AdmissionRules, SessionTable } from './validatorSessions.ts';

/** Accepts TCP connections and holds each until its session takes it. */
export type Listener = CallbackActorLogic<EventObject, { readonly genesisHash: string }>;

export type WorkGateEvent = { readonly type: 'work.held'; readonly reasons: HoldReasons };
/** Tells the desk whether new tasks are taken; empty reasons open it. */
export type WorkGate = CallbackActorLogic<EventObject, Record<string, never>>;

export type MinerInput = {
  readonly hotkey: Hotkey;
  readonly chainLink: ChainLinkInput;
  readonly inferencePool: InferencePoolInput;
  readonly rules: AdmissionRules;
  readonly drainGraceMs: number;
  /** Whether the address is taken off the chain on a clean stop. */
  readonly withdrawAxonOnStop: boolean;
};

/** What the miner itself has to say; it sends these to itself, where observers see them like those of its children. */
export type MinerFact =
  | AxonFact
  | MembershipFact
  /** New tasks are refused as busy; links and open tasks stay. */
  | { readonly type: 'tasks.held'; readonly reasons: HoldReasons }
  | { readonly type: 'tasks.freed' }
  | { readonly type: 'session.failed'; readonly actorId: string; readonly error: string };

export type MinerEvent =
  | ChainFact
  | InferencePoolFact
  | ValidatorSessionFact
  | MinerFact
  | ResourcesFact
  | ChildEnded
  | { readonly type: 'gate.closed' }
  | { readonly type: 'defect.forgotten' }
  | { readonly type: 'listener.bound'; readonly port: number }
  | { readonly type: 'listener.closed'; readonly failure: LinkFailure }
  | { readonly type: 'peer.arrived'; readonly arrival: string }
  | { readonly type: 'system.drain'; readonly reason: string };

export type MinerOutput = { readonly exit: 'drained' | 'failed'; readonly reason: string };

export type MinerContext = MinerInput &
  Membership & {
    readonly genesisHash: string | null;
    readonly block: BlockNumber;
    readonly boundPort: number;
    readonly sessions: SessionTable;
    /** Sessions that ended with a defect within the window of their limit. */
    readonly sessionDefects: number;
    readonly announced: AnnouncedAxon | null;
    readonly announceAtBlock: BlockNumber;
    /** Last warning, so that the same is not said at every block. */
    readonly axonWarned: Warned | null;
    readonly lastFailure: SubmitFailure | LinkFailure | null;
    /** Why the address is still on chain, as of the last try to withdraw it. */
    readonly withdrawal: SubmitFailure | null;
    /** New tasks are refused while something is short. What the store keeps, no task needs. */
    readonly shortages: readonly Shortage[];
    readonly exit: MinerOutput['exit'];
    readonly reason: string;
  };
