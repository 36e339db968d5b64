import type * as Effect from 'effect/Effect';
import * as ManagedRuntime from 'effect/ManagedRuntime';
import { createActor, type InspectionEvent, type Subscription } from 'xstate';

import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import type { Logger } from '../logging.ts';
import { rootId } from '../machines/root.ts';
import { writerLeaseMachine } from '../machines/writerLease.machine.ts';
import type { WriterLeaseOutput } from '../machines/writerLeaseSetup.ts';
import type { Lease, Leases } from '../store/lease.ts';
import { ActorFibers } from './bridge.ts';
import { createObserver } from './observer.ts';
import { readLease, releaseLease, renewLease, takeLease } from './writerLease.actor.ts';
import { signHolder } from './writerLeaseHolder.ts';

/** What whoever acts under the lease has to be told. */
export type LeaseNews =
  | { readonly type: 'lease.uncertain' }
  | { readonly type: 'lease.sure' }
  | { readonly type: 'lease.lost'; readonly reason: string };

export type WriterLeaseSystem = {
  /** The lease once it is held; why it never will be, if this ended before. */
  readonly held: Promise<Outcome<Lease, WriterLeaseOutput>>;
  /** Hears of what becomes of a held lease; also at once, if something has become of it already. */
  readonly watch: (listener: (news: LeaseNews) => void) => void;
  /** Gives the lease up or stops waiting for it; resolves when that is done, and everything is released. */
  readonly end: () => Promise<void>;
};

export type WriterLeaseSystemOptions = {
  readonly leases: Leases;
  readonly leaseMs: number;
  readonly takeHolderLock: Effect.Effect<boolean> | null;
  readonly log: Logger;
  /** Sees all that the system tells of itself; see `ObserverOptions`. */
  readonly onInspection?: ((inspected: InspectionEvent) => void) | undefined;
};

/** The machine with its actors, as the root of a system of its own: it lives before and after the validator. */
const createRoot = (options: WriterLeaseSystemOptions) => {
  const { leases, leaseMs, takeHolderLock, log, onInspection } = options;
  const runtime = ManagedRuntime.make(ActorFibers.layer);
  const parts = { runtime, leases, takeHolderLock };
  const machine = writerLeaseMachine.provide({
    actors: {
      readLease: readLease(parts),
      takeLease: takeLease(parts),
      renewLease: renewLease(parts),
      releaseLease: releaseLease(parts),
    },
  });
  const root = createActor(machine, {
    id: 'writerLease',
    systemId: rootId,
    inspect: createObserver({ log, onTransition: () => {}, rootLevel: 'debug', onInspection }),
    input: { holder: signHolder(leaseMs, new Date()), leaseMs },
  });
  return { root, dispose: () => runtime.dispose() };
};

type Root = ReturnType<typeof createRoot>['root'];

/** What a snapshot says to whoever acts under the lease; null while it is not held. */
const newsOf = (snapshot: ReturnType<Root['getSnapshot']>): LeaseNews | null => {
  if (snapshot.status === 'error') return { type: 'lease.lost', reason: String(snapshot.error) };
  if (snapshot.matches({ holding: 'sure' })) return { type: 'lease.sure' };
  if (snapshot.matches({ holding: 'uncertain' })) return { type: 'lease.uncertain' };
  const { output } = snapshot;
  return output?.end === 'lost' || output?.end === 'failed'
    ? { type: 'lease.lost', reason: output.reason }
    : null;
};

/** Each change of the news, beginning with the present one. */
const watchNews = (root: Root, listener: (news: LeaseNews) => void): void => {
  let told: LeaseNews['type'] = 'lease.sure';
  const look = (): void => {
    const news = newsOf(root.getSnapshot());
    if (news === null || news.type === told) return;
    told = news.type;
    listener(news);
  };
  root.subscribe({ next: look, complete: look, error: look });
  look();
};

const untilHeld = (root: Root): Promise<Outcome<Lease, WriterLeaseOutput>> =>
  new Promise((resolve) => {
    const look = (): void => {
      const snapshot = root.getSnapshot();
      const { status, output, error, context } = snapshot;
      if (status === 'error') resolve(fail({ end: 'failed', reason: String(error) }));
      else if (output !== undefined) resolve(fail(output));
      else if (context.lease !== null && snapshot.matches('holding')) resolve(succeed(context.lease));
      else return;
      subscription.unsubscribe();
    };
    const subscription: Subscription = root.subscribe({ next: look, complete: look, error: look });
  });

const untilEnded = (root: Root): Promise<void> =>
  new Promise((resolve) => {
    if (root.getSnapshot().status !== 'active') resolve();
    else root.subscribe({ complete: resolve, error: () => resolve() });
  });

/** Begins to ask for the right to write, and keeps it until the end. */
export const startWriterLease = (options: WriterLeaseSystemOptions): WriterLeaseSystem => {
  const { root, dispose } = createRoot(options);
  const held = untilHeld(root);
  const ended = untilEnded(root);
  root.start();
  return {
    held,
    watch: (listener) => watchNews(root, listener),
    end: async () => {
      if (root.getSnapshot().status === 'active') root.send({ type: 'lease.release' });
      await ended;
      await dispose();
    },
  };
};
