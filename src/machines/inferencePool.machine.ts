import { assign, type CallbackActorLogic, type EventObject, enqueueActions, sendTo, setup } from 'xstate';

import { delays } from './delays.ts';
import { mayRestart, poolRestartLimit, type RestartHistory, recordRestart } from './restart.ts';
import { root } from './root.ts';
import { unprovidedLink } from './unprovided.ts';

/** Opens the pool, reports its events, and obeys `worker.start` and `pool.drain`. */
export type InferenceWorkers = CallbackActorLogic<EventObject, { readonly slots: number }>;

export type InferencePoolInput = {
  /** Child processes, one per CPU core or GPU. */
  readonly slots: number;
  readonly drainGraceMs: number;
};

export type InferencePoolEvent =
  | {
      readonly type: 'worker.ready';
      readonly slot: number;
      /** Observed, not requested. */
      readonly provider: string;
      /** Why it is not the provider that was preferred; null when it is. */
      readonly note: string | null;
      readonly loadMs: number;
    }
  | {
      readonly type: 'worker.exited';
      readonly slot: number;
      readonly reason: string;
      /** Killed because a run passed its deadline, which says more of the deadline than of the worker. */
      readonly overran: boolean;
      readonly at: number;
    }
  | { readonly type: 'pool.saturated'; readonly queued: number }
  | { readonly type: 'pool.relieved'; readonly queued: number }
  | { readonly type: 'pool.drained' }
  | { readonly type: 'pool.closed'; readonly reason: string }
  | { readonly type: 'system.drain' };

export type InferencePoolFact =
  | { readonly type: 'inference.ready'; readonly provider: string; readonly note: string | null }
  | {
      readonly type: 'inference.degraded';
      readonly slot: number;
      /** Of this worker, and of the first one. */
      readonly provider: string;
      readonly before: string;
      readonly note: string | null;
    }
  | {
      readonly type: 'inference.workerExited';
      readonly slot: number;
      readonly reason: string;
      readonly overran: boolean;
    }
  | { readonly type: 'inference.failed'; readonly reason: string };

type Context = InferencePoolInput & {
  /** Slots whose child has its models loaded. */
  readonly ready: readonly number[];
  /** Of the worker that was ready first. */
  readonly provider: string | null;
  readonly restarts: RestartHistory;
  readonly queued: number;
  readonly lastReason: string | null;
};

export const inferencePoolMachine = setup({
  types: { context: {} as Context, events: {} as InferencePoolEvent, input: {} as InferencePoolInput },
  actors: { inferenceWorkers: unprovidedLink('inferenceWorkers') as InferenceWorkers },
  guards: {
    mayRestart: ({ context, event }) =>
      event.type === 'worker.exited' &&
      (event.overran || mayRestart(context.restarts, event.at, poolRestartLimit(context.slots))),
  },
  delays: {
    warmUpPatience: delays.warmUpPatienceMs,
    drainGrace: ({ context }) => context.drainGraceMs,
  },
  actions: {
    recordReady: assign(({ context, event }) =>
      event.type === 'worker.ready'
        ? {
            ready: [...context.ready.filter((slot) => slot !== event.slot), event.slot],
            provider: context.provider ?? event.provider,
          }
        : {},
    ),
    reportProvider: enqueueActions(({ enqueue, context, event }) => {
      if (event.type !== 'worker.ready') return;
      const { slot, provider, note } = event;
      const before = context.provider;
      if (before === null) enqueue.sendTo(root, { type: 'inference.ready', provider, note });
      else if (before !== provider) {
        enqueue.sendTo(root, { type: 'inference.degraded', slot, provider, before, note });
      }
    }),
    reportExit: enqueueActions(({ enqueue, event }) => {
      if (event.type !== 'worker.exited') return;
      const { slot, reason, overran } = event;
      enqueue.sendTo(root, { type: 'inference.workerExited', slot, reason, overran });
    }),
    recordExit: assign(({ context, event }) =>
      event.type === 'worker.exited'
        ? {
            ready: context.ready.filter((slot) => slot !== event.slot),
            restarts: event.overran
              ? context.restarts
              : recordRestart(context.restarts, event.at, poolRestartLimit(context.slots)),
            lastReason: event.reason,
          }
        : {},
    ),
    restartWorker: enqueueActions(({ enqueue, event }) => {
      if (event.type === 'worker.exited') {
        enqueue.sendTo('workers', { type: 'worker.start', slot: event.slot });
      }
    }),
    recordQueue: assign(({ event }) =>
      event.type === 'pool.saturated' || event.type === 'pool.relieved' ? { queued: event.queued } : {},
    ),
    recordReason: assign(({ event }) =>
      event.type === 'worker.exited' || event.type === 'pool.closed' ? { lastReason: event.reason } : {},
    ),
  },
}).createMachine({
  id: 'inferencePool',
  context: ({ input }) => ({
    ...input,
    ready: [],
    provider: null,
    restarts: [],
    queued: 0,
    lastReason: null,
  }),
  initial: 'open',
  states: {
    open: {
      description: 'The child processes exist or are being started.',
      invoke: { id: 'workers', src: 'inferenceWorkers', input: ({ context }) => ({ slots: context.slots }) },
      initial: 'warming',
      on: {
        'worker.exited': [
          {
            guard: 'mayRestart',
            description: 'Its open items have failed; the rest of the pool goes on.',
            actions: ['recordExit', 'reportExit', 'restartWorker'],
          },
          {
            description: 'Workers die faster than bad luck explains: the miner must not pretend to serve.',
            target: 'failed',
            actions: ['recordReason', 'reportExit'],
          },
        ],
        'pool.closed': { target: 'failed', actions: 'recordReason' },
      },
      states: {
        warming: {
          description: 'Models are being loaded; nothing is admitted.',
          after: {
            warmUpPatience: {
              target: '#inferencePool.failed',
              actions: assign({ lastReason: 'no worker has loaded its models in time' }),
            },
          },
          on: {
            'worker.ready': {
              target: 'ready',
              actions: ['reportProvider', 'recordReady'],
            },
            'system.drain': '#inferencePool.stopped',
          },
        },
        ready: {
          description: 'Work is admitted into the bounded queue.',
          on: {
            'worker.ready': { actions: ['reportProvider', 'recordReady'] },
            'pool.saturated': { target: 'saturated', actions: 'recordQueue' },
            'pool.relieved': { actions: 'recordQueue', description: 'The queue was short enough already.' },
            'system.drain': 'draining',
          },
        },
        saturated: {
          description: 'The queue is at its bound: new work is refused with an honest busy.',
          on: {
            'worker.ready': { actions: ['reportProvider', 'recordReady'] },
            'pool.relieved': { target: 'ready', actions: 'recordQueue' },
            'pool.saturated': { actions: 'recordQueue' },
            'system.drain': 'draining',
          },
        },
        draining: {
          description: 'What was admitted is finished; nothing new is.',
          entry: sendTo('workers', { type: 'pool.drain' }),
          after: { drainGrace: '#inferencePool.stopped' },
          on: {
            'pool.drained': '#inferencePool.stopped',
            'pool.saturated': { description: 'Nothing more is admitted anyway.' },
            'pool.relieved': { description: 'Nothing more is admitted anyway.' },
            'worker.ready': { description: 'A restarted worker helps to finish.', actions: 'recordReady' },
            'system.drain': { description: 'Already draining.' },
          },
        },
      },
    },
    failed: {
      type: 'final',
      description: 'Inference cannot go on in this process.',
      entry: sendTo(root, ({ context }) => ({
        type: 'inference.failed',
        reason: context.lastReason ?? 'unknown',
      })),
    },
    stopped: { type: 'final', description: 'Leaving `open` has ended every child process.' },
  },
  options: { maxIterations: 100 },
});
