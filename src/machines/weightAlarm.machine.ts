import { assign, sendTo, setup } from 'xstate';

import type { BlockNumber, EpochIndex } from '../domain/ids.ts';
import { epochsBehind, epochsSince } from '../domain/weightLag.ts';
import type { LagReading } from './lagReading.ts';
import { epochLengthMs, overdueAfterMs, unseenEpochsAt } from './overdue.ts';
import { root } from './root.ts';

export type WeightAlarmEvent =
  /** A metagraph was read. */
  | ({ readonly type: 'lag.read' } & LagReading)
  | { readonly type: 'block.finalized'; readonly block: BlockNumber }
  /** Weights or a commit of ours are in this finalized block; the next metagraph will say so too. */
  | { readonly type: 'weights.stood'; readonly block: BlockNumber };

type LagFields = {
  /** Epochs that went by without weights on chain. */
  readonly behind: number;
  readonly epoch: EpochIndex | null;
  readonly lastUpdate: BlockNumber | null;
  /** Epochs of these that should have ended since the chain was read last. */
  readonly unseen: number;
};

export type WeightAlarmFact =
  | ({ readonly type: 'weights.behind' } & LagFields)
  | ({ readonly type: 'weights.alarmed' } & LagFields)
  | { readonly type: 'weights.caughtUp'; readonly lastUpdate: BlockNumber | null };

type Context = {
  /** The last metagraph of this life; null before the first. */
  readonly reading: LagReading | null;
  /** Where it was seen: the epoch of the last update. A change of tempo moves the chain's own mark past it. */
  readonly seen: { readonly lastUpdate: BlockNumber; readonly epoch: EpochIndex } | null;
  /** Epochs that should have ended since, by blocks or by the clock. */
  readonly unseen: number;
  /** As reported last; 0 when on time. */
  readonly reported: number;
};

/** One epoch may be lost to a restart; three in a row are an operator's business at any hour. */
const pageAtEpochs = 3;

const behindOf = ({ reading, seen, unseen }: Context): number => {
  // Nothing is known yet, and the chain stays away: each epoch of that counts.
  if (reading === null) return unseen;
  const { lastUpdate, epochIndex } = reading;
  if (lastUpdate === null) return 0;
  const since = seen?.lastUpdate === lastUpdate ? epochIndex - seen.epoch : epochsSince(reading, lastUpdate);
  return epochsBehind(since + unseen);
};

/** The epoch of the last update, as far as this life has seen it. */
const seenIn = (
  { lastUpdate, lastEpochBlock, nextEpochBlock, epochIndex }: LagReading,
  seen: Context['seen'],
) => {
  if (lastUpdate === null) return null;
  if (lastUpdate >= lastEpochBlock && lastUpdate < nextEpochBlock) return { lastUpdate, epoch: epochIndex };
  return seen?.lastUpdate === lastUpdate ? seen : null;
};

const lagFields = (context: Context): LagFields => ({
  behind: behindOf(context),
  epoch: context.reading?.epochIndex ?? null,
  lastUpdate: context.reading?.lastUpdate ?? null,
  unseen: context.unseen,
});

export const weightAlarmMachine = setup({
  types: { context: {} as Context, events: {} as WeightAlarmEvent },
  guards: {
    isOnTime: ({ context }) => behindOf(context) === 0,
    isBehind: ({ context }) => behindOf(context) > 0,
    isAlarming: ({ context }) => behindOf(context) >= pageAtEpochs,
    isLess: ({ context }) => behindOf(context) < pageAtEpochs,
    hasGrown: ({ context }) => behindOf(context) > context.reported,
    isUnregistered: ({ context }) => context.reading !== null && context.reading.lastUpdate === null,
    isReadOnTime: ({ context }) =>
      context.reading !== null && context.reading.lastUpdate !== null && behindOf(context) === 0,
    isPastEnd: ({ context, event }) =>
      event.type === 'block.finalized' &&
      context.reading !== null &&
      unseenEpochsAt(context.reading, event.block) > context.unseen,
  },
  delays: {
    epochOverdue: ({ context }) => overdueAfterMs(context.reading),
    epochLength: ({ context }) => epochLengthMs(context.reading),
  },
  actions: {
    recordReading: assign(({ context, event }) => {
      if (event.type !== 'lag.read') return {};
      const { type: _type, ...reading } = event;
      return { reading, seen: seenIn(reading, context.seen), unseen: 0 };
    }),
    recordStood: assign(({ context, event }) => {
      if (event.type !== 'weights.stood' || context.reading === null) return {};
      const lastUpdate = Math.max(event.block, context.reading.lastUpdate ?? 0);
      const reading = { ...context.reading, lastUpdate };
      return { reading, seen: seenIn(reading, context.seen) };
    }),
    recordPast: assign(({ context, event }) =>
      event.type === 'block.finalized' && context.reading !== null
        ? { unseen: unseenEpochsAt(context.reading, event.block) }
        : {},
    ),
    countUnseen: assign(({ context }) => ({ unseen: context.unseen + 1 })),
    recordReported: assign(({ context }) => ({ reported: behindOf(context) })),
    forgetReported: assign({ reported: 0 }),
    reportBehind: sendTo(root, ({ context }) => ({ type: 'weights.behind', ...lagFields(context) })),
    reportAlarmed: sendTo(root, ({ context }) => ({ type: 'weights.alarmed', ...lagFields(context) })),
    reportCaughtUp: sendTo(root, ({ context }) => ({
      type: 'weights.caughtUp',
      lastUpdate: context.reading?.lastUpdate ?? null,
    })),
  },
}).createMachine({
  id: 'weightAlarm',
  context: { reading: null, seen: null, unseen: 0, reported: 0 },
  type: 'parallel',
  on: { 'weights.stood': { actions: 'recordStood' } },
  states: {
    lag: {
      description: 'How many epochs our weights on chain are behind, whatever this process did or remembers.',
      initial: 'unknown',
      states: {
        unknown: {
          description:
            'No metagraph has been read yet, or this hotkey has no uid: nothing is expected on chain.',
          always: [
            { guard: 'isAlarming', target: 'alarmed' },
            { guard: 'isBehind', target: 'behind' },
            { guard: 'isReadOnTime', target: 'onTime' },
          ],
        },
        onTime: {
          description: 'Our last weights are of this epoch or of the one before.',
          always: [
            { guard: 'isAlarming', target: 'alarmed' },
            { guard: 'isBehind', target: 'behind' },
            { guard: 'isUnregistered', target: 'unknown' },
          ],
        },
        behind: {
          description: 'At least one whole epoch went by without weights of ours: a warning.',
          entry: ['recordReported', 'reportBehind'],
          always: [
            { guard: 'isUnregistered', target: 'unknown', actions: 'forgetReported' },
            { guard: 'isOnTime', target: 'caughtUp' },
            { guard: 'isAlarming', target: 'alarmed' },
            { guard: 'hasGrown', target: 'behind', reenter: true },
          ],
        },
        alarmed: {
          description: 'Three epochs or more without weights of ours: page the operator.',
          entry: ['recordReported', 'reportAlarmed'],
          always: [
            { guard: 'isUnregistered', target: 'unknown', actions: 'forgetReported' },
            { guard: 'isOnTime', target: 'caughtUp' },
            { guard: 'isLess', target: 'behind' },
            { guard: 'hasGrown', target: 'alarmed', reenter: true },
          ],
        },
        caughtUp: {
          description: 'Said once: the alarm is over.',
          entry: ['forgetReported', 'reportCaughtUp'],
          always: 'onTime',
        },
      },
    },
    sight: {
      description:
        'Whether the chain can be read. Epochs that end meanwhile count as if they had no weights.',
      initial: 'seeing',
      on: { 'lag.read': { target: '.seeing', actions: 'recordReading' } },
      states: {
        seeing: {
          description: 'The epoch of the last metagraph is not over yet.',
          after: { epochOverdue: { target: 'blind', actions: 'countUnseen' } },
          on: { 'block.finalized': { guard: 'isPastEnd', target: 'blind', actions: 'recordPast' } },
        },
        blind: {
          description: 'It must be over, and no metagraph says so: blocks or reads fail.',
          after: { epochLength: { target: 'blind', reenter: true, actions: 'countUnseen' } },
          on: {
            'block.finalized': { guard: 'isPastEnd', target: 'blind', reenter: true, actions: 'recordPast' },
          },
        },
      },
    },
  },
  options: { maxIterations: 100 },
});
