import {
  assign,
  type CallbackActorLogic,
  type EventObject,
  type PromiseActorLogic,
  sendTo,
  setup,
} from 'xstate';

import type { Outcome } from '../domain/outcome.ts';
import type { StoreHealth, StoreTrouble } from '../domain/storeHealth.ts';
import { delays } from './delays.ts';
import { root } from './root.ts';
import { unprovidedLink, unprovidedTask } from './unprovided.ts';

/** Tells the health of the store at once, and each change of it. */
export type StoreWatch = CallbackActorLogic<EventObject, Record<string, never>>;

/** `at` in monotonic milliseconds. */
export type HealthReading = { readonly health: StoreHealth; readonly at: number };

/** Writes something of no meaning and says what the store is like then. */
export type ProbeStore = PromiseActorLogic<Outcome<HealthReading, never>, Record<string, never>>;

export type StoreHealthEvent =
  | ({ readonly type: 'store.health' } & HealthReading)
  /** The watch has a defect; nothing is told any more. */
  | { readonly type: 'store.unwatched'; readonly reason: string };

export type StoreHealthFact =
  /** `message` says what to do. */
  | { readonly type: 'store.troubled'; readonly trouble: StoreTrouble; readonly message: string }
  | { readonly type: 'store.recovered'; readonly afterMs: number };

type Context = {
  readonly health: StoreHealth;
  /** As told last; null while the store is well. */
  readonly reported: StoreTrouble | null;
  readonly changedAt: number;
  readonly troubledAt: number;
  /** Probes since the trouble began. */
  readonly probes: number;
};

const troubleOf = ({ health }: Context): StoreTrouble | null => (health.isWell ? null : health.trouble);

/** No jitter: each daemon has a store of its own, or is one of few at a server. */
const probePauseMs = (probes: number): number =>
  Math.min(delays.storeProbeMaxMs, delays.storeProbeBaseMs * 2 ** Math.min(probes, 16));

export const storeHealthMachine = setup({
  types: { context: {} as Context, events: {} as StoreHealthEvent },
  actors: {
    storeWatch: unprovidedLink('storeWatch') as StoreWatch,
    probeStore: unprovidedTask('probeStore') as ProbeStore,
  },
  guards: {
    isWell: ({ context }) => context.health.isWell,
    isTroubled: ({ context }) => !context.health.isWell,
    hasChanged: ({ context }) => troubleOf(context) !== context.reported,
  },
  delays: {
    probePause: ({ context }) => probePauseMs(context.probes),
    retryPause: delays.retryPauseMs,
  },
  actions: {
    recordHealth: assign((_, reading: HealthReading | null) =>
      reading === null ? {} : { health: reading.health, changedAt: reading.at },
    ),
    recordTroubled: assign(({ context }) => ({
      reported: troubleOf(context),
      troubledAt: context.reported === null ? context.changedAt : context.troubledAt,
      probes: context.reported === null ? 0 : context.probes,
    })),
    reportTroubled: sendTo(root, ({ context: { health } }) => ({
      type: 'store.troubled',
      trouble: health.isWell ? 'failed' : health.trouble,
      message: health.isWell ? '' : health.message,
    })),
    reportRecovered: sendTo(root, ({ context }) => ({
      type: 'store.recovered',
      afterMs: Math.max(0, Math.round(context.changedAt - context.troubledAt)),
    })),
  },
}).createMachine({
  id: 'storeHealth',
  context: { health: { isWell: true }, reported: null, changedAt: 0, troubledAt: 0, probes: 0 },
  initial: 'watching',
  states: {
    watching: {
      description: 'The store says by itself when something keeps it from writing.',
      invoke: { id: 'storeWatch', src: 'storeWatch', input: () => ({}) },
      on: {
        'store.health': { actions: { type: 'recordHealth', params: ({ event }) => event } },
        'store.unwatched': 'unwatched',
      },
      initial: 'well',
      states: {
        well: {
          description: 'What is written gets onto the disk.',
          always: { guard: 'isTroubled', target: 'troubled' },
        },
        troubled: {
          description:
            'Writes wait, within the bounds of their queue, and no new work is begun. The kind of trouble is in the context; it is told once for each kind.',
          entry: ['recordTroubled', 'reportTroubled'],
          always: [
            { guard: 'isWell', target: 'recovered' },
            { guard: 'hasChanged', target: 'troubled', reenter: true },
          ],
          initial: 'waiting',
          states: {
            waiting: {
              description: 'A growing pause before the store is tried.',
              after: { probePause: 'probing' },
            },
            probing: {
              description: 'A write of no meaning: a store with nothing to write would never find out.',
              invoke: {
                id: 'probeStore',
                src: 'probeStore',
                input: () => ({}),
                onDone: {
                  target: 'waiting',
                  actions: [
                    {
                      type: 'recordHealth',
                      params: ({ event }) => (event.output.ok ? event.output.value : null),
                    },
                    assign(({ context }) => ({ probes: context.probes + 1 })),
                  ],
                },
              },
            },
          },
        },
        recovered: {
          description: 'Said once: work goes on.',
          entry: ['reportRecovered', assign({ reported: null })],
          always: 'well',
        },
      },
    },
    unwatched: {
      description: 'The watch itself failed; it is begun anew after a pause.',
      after: { retryPause: 'watching' },
    },
  },
  options: { maxIterations: 100 },
});
