import { assign, enqueueActions, type PromiseActorLogic, sendTo, setup } from 'xstate';

import type { StoreFailure } from '../domain/failures.ts';
import type { Outcome } from '../domain/outcome.ts';
import { delays } from './delays.ts';
import { root } from './root.ts';
import { unprovidedTask } from './unprovided.ts';

/** The right to write, as it is stored. */
export type WriterLease = {
  readonly name: string;
  /** Counts from 1 and grows with each taking. */
  readonly token: number;
  /** null after a release. */
  readonly holder: string | null;
  /** Grows while the holder lives. */
  readonly beat: number;
};

/** `Conflict`: what is stored is not what was to be taken over: somebody else was first, or the holder lives. */
export type LeaseFailure = StoreFailure | { readonly _tag: 'Conflict'; readonly message: string };

/** What is stored; null when nobody ever held it. `isHolderDead` where this machine can prove it. */
export type LeaseReading = {
  readonly lease: WriterLease | null;
  readonly isHolderDead: boolean;
  /** How long its holder may be silent, as it says itself; null where it says nothing. */
  readonly holderLeaseMs: number | null;
};
type ReadOutcome = Outcome<LeaseReading, StoreFailure>;
export type ReadLease = PromiseActorLogic<ReadOutcome, Record<string, never>>;
/** `tookMs`: since before the store was asked. What others saw is at least as young as that. */
export type HeldLease = { readonly lease: WriterLease; readonly tookMs: number };
type TakeOutcome = Outcome<HeldLease, LeaseFailure>;
export type TakeLease = PromiseActorLogic<
  TakeOutcome,
  { readonly holder: string; readonly over: WriterLease | null }
>;
type RenewOutcome = Outcome<HeldLease, StoreFailure>;
/** Only asked while one is held. */
export type RenewLease = PromiseActorLogic<RenewOutcome, { readonly lease: WriterLease }>;
export type ReleaseLease = PromiseActorLogic<Outcome<void, StoreFailure>, { readonly lease: WriterLease }>;

export type WriterLeaseEvent =
  /** Nobody writes here any more: give the lease up, or stop waiting for it. */
  { readonly type: 'lease.release' } | WriterLeaseFact;

/** `turn` is the token of the lease; under that name it would be taken for a secret and kept out of logs. */
export type WriterLeaseFact =
  | { readonly type: 'lease.standingBy'; readonly holder: string }
  | { readonly type: 'lease.unreadable'; readonly failure: StoreFailure }
  | { readonly type: 'lease.taken'; readonly turn: number; readonly over: string | null }
  | { readonly type: 'lease.uncertain'; readonly turn: number }
  | { readonly type: 'lease.sure'; readonly turn: number }
  | { readonly type: 'lease.lost'; readonly turn: number };

export type WriterLeaseInput = {
  /** Who this process is, for people, and unlike any other process there ever was. */
  readonly holder: string;
  readonly leaseMs: number;
};

export type WriterLeaseOutput = {
  readonly end: 'released' | 'withdrawn' | 'lost' | 'failed';
  readonly reason: string;
};

type Context = WriterLeaseInput & {
  /** As read last, while it is another's; as held, once it is ours. */
  readonly lease: WriterLease | null;
  readonly tookMs: number;
  readonly holderLeaseMs: number | null;
  /** The holder that was told of last. */
  readonly toldHolder: string | null;
  /** Since the store was last read. */
  readonly failure: StoreFailure | null;
  readonly isLeaving: boolean;
  readonly end: WriterLeaseOutput['end'];
  readonly reason: string;
};

/** Shares of the lease time. The holder doubts before a standby may take over, and asks several times until then. */
const shares = { poll: 1 / 10, read: 1 / 2, renew: 1 / 5, doubt: 0.6, standby: 0.75 } as const;

/** What a standby makes of what it reads. */
const sightOf = (
  { holder, lease: before }: Context,
  { lease, isHolderDead }: LeaseReading,
): 'ours' | 'free' | 'moved' | 'still' => {
  if (lease?.holder === holder) return 'ours';
  if (lease === null || lease.holder === null || isHolderDead) return 'free';
  return before?.token === lease.token && before.beat === lease.beat ? 'still' : 'moved';
};

/** The held lease. Token 0 is nobody's: the store would refuse it. */
export const heldBy = ({ lease }: Context): WriterLease =>
  lease ?? { name: '', token: 0, holder: null, beat: 0 };

const turnOf = ({ lease }: Context): number => lease?.token ?? 0;

/** Answered in time to be sure of it: after the answer there is something left until doubt. */
export const isFresh = ({ leaseMs }: Context, renewed: RenewOutcome): boolean =>
  renewed.ok && renewed.value.tookMs < leaseMs * shares.doubt;

const noAnswer: StoreFailure = { _tag: 'StoreUnavailable', message: 'the store did not answer in time' };
export const silence = { failure: noAnswer };
export const failureOf = (read: ReadOutcome): StoreFailure => (read.ok ? noAnswer : read.error);
export const takeFailureOf = (taken: TakeOutcome): StoreFailure =>
  taken.ok || taken.error._tag === 'Conflict' ? noAnswer : taken.error;

export const writerLeaseSetup = setup({
  types: {
    context: {} as Context,
    events: {} as WriterLeaseEvent,
    input: {} as WriterLeaseInput,
    output: {} as WriterLeaseOutput,
  },
  actors: {
    readLease: unprovidedTask('readLease') as ReadLease,
    takeLease: unprovidedTask('takeLease') as TakeLease,
    renewLease: unprovidedTask('renewLease') as RenewLease,
    releaseLease: unprovidedTask('releaseLease') as ReleaseLease,
  },
  guards: {
    isLeaving: ({ context }) => context.isLeaving,
    sees: ({ context }, params: { readonly read: ReadOutcome; readonly sight: ReturnType<typeof sightOf> }) =>
      params.read.ok && sightOf(context, params.read.value) === params.sight,
    isFenced: (_, { renewed }: { readonly renewed: RenewOutcome }) =>
      !renewed.ok && renewed.error._tag === 'StoreFenced',
  },
  delays: {
    pollPause: ({ context }) => context.leaseMs * shares.poll,
    // On a machine that starves, timers come before answers that lie ready: short ones would end every attempt.
    readPatience: ({ context }) => Math.max(delays.leasePatienceMs, context.leaseMs * shares.read),
    renewPause: ({ context }) => context.leaseMs * shares.renew,
    // The holder may have been given another lease time; the longer one is safe.
    holderPatience: ({ context }) => Math.max(context.leaseMs, context.holderLeaseMs ?? 0) * shares.standby,
    takePatience: ({ context }) => Math.max(delays.leasePatienceMs, context.leaseMs),
    // Others count from when they saw the beat, which may have been long before its answer came here.
    doubt: ({ context }) => Math.max(0, context.leaseMs * shares.doubt - context.tookMs),
    releasePatience: delays.releasePatienceMs,
  },
  actions: {
    recordSeen: assign((_, { read }: { readonly read: ReadOutcome }) =>
      read.ok ? { lease: read.value.lease, holderLeaseMs: read.value.holderLeaseMs, failure: null } : {},
    ),
    // Of unknown age: in doubt until it is renewed.
    recordFound: assign(({ context }, { read }: { readonly read: ReadOutcome }) =>
      read.ok ? { lease: read.value.lease, tookMs: context.leaseMs } : {},
    ),
    recordHeld: assign((_, { held }: { readonly held: Outcome<HeldLease, unknown> }) =>
      held.ok ? { ...held.value, failure: null } : {},
    ),
    recordDefect: assign(({ event }) => ({
      end: 'failed' as const,
      reason: 'error' in event ? `${event.type}: ${String(event.error)}` : event.type,
    })),
    recordLost: assign({
      end: 'lost',
      reason: 'another process writes for this hotkey now; started again, this one stands by',
    }),
    recordLeaving: assign({ isLeaving: true }),
    // Once per holder, not with each of its beats.
    reportStandingBy: enqueueActions(({ enqueue, context }) => {
      const holder = context.lease?.holder ?? null;
      if (holder === null || holder === context.toldHolder) return;
      enqueue.assign({ toldHolder: holder });
      enqueue.sendTo(root, { type: 'lease.standingBy', holder });
    }),
    // Once per outage, not with each attempt.
    reportUnreadable: enqueueActions(
      ({ enqueue, context }, { failure }: { readonly failure: StoreFailure }) => {
        if (context.failure === null) enqueue.sendTo(root, { type: 'lease.unreadable', failure });
        enqueue.assign({ failure });
      },
    ),
    reportTaken: sendTo(root, ({ context }, { turn }: { readonly turn: number }) => ({
      type: 'lease.taken',
      turn,
      over: context.lease?.holder ?? null,
    })),
    reportUncertain: sendTo(root, ({ context }) => ({ type: 'lease.uncertain', turn: turnOf(context) })),
    reportSure: sendTo(root, ({ context }) => ({ type: 'lease.sure', turn: turnOf(context) })),
    reportLost: sendTo(root, ({ context }) => ({ type: 'lease.lost', turn: turnOf(context) })),
  },
});
