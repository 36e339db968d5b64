import { assign, enqueueActions, not, sendTo, setup, stopChild } from 'xstate';

import type { Hotkey } from '../domain/ids.ts';
import { chainLinkMachine } from './chainLink.machine.ts';
import { epochMachine, scheduleOf } from './epoch.machine.ts';
import { minerSessionMachine } from './minerSession.machine.ts';
import { isOverdueAt, overdueAfterMs } from './overdue.ts';
import { sessionDefectLimit } from './restart.ts';
import { root } from './root.ts';
import { applyChange, candidatesOf, linkCounts, recordLink, rosterChange, withoutMiner } from './roster.ts';
import { unprovidedTask } from './unprovided.ts';
import type {
  PrepareValidator,
  ValidatorContext,
  ValidatorEvent,
  ValidatorInput,
  ValidatorOutput,
} from './validatorLife.ts';
import { weightSettingMachine } from './weightSetting.machine.ts';

const sessionId = (hotkey: Hotkey) => `session/${hotkey}`;

const machine = setup({
  types: {
    context: {} as ValidatorContext,
    events: {} as ValidatorEvent,
    input: {} as ValidatorInput,
    output: {} as ValidatorOutput,
  },
  actors: {
    prepareValidator: unprovidedTask('prepareValidator') as PrepareValidator,
    chainLink: chainLinkMachine,
    epoch: epochMachine,
    minerSession: minerSessionMachine,
    weightSetting: weightSettingMachine,
  },
  guards: {
    isRegistered: ({ context, event }) =>
      event.type === 'chain.subnet' && event.subnet.neurons.some(({ hotkey }) => hotkey === context.hotkey),
    isTolerableDefect: ({ context, event }) =>
      'actorId' in event &&
      event.actorId.startsWith(sessionId('')) &&
      context.sessionDefects < sessionDefectLimit.restarts,
    isEpochEnd: (_, params: { readonly actorId: string }) => params.actorId === 'epoch',
    isNextEpoch: ({ context, event }) =>
      event.type === 'chain.subnet' && context.epoch !== null && event.subnet.epochIndex > context.epoch,
  },
  delays: {
    drainGrace: ({ context }) => context.drainGraceMs,
    epochOverdue: ({ context }) => overdueAfterMs(context.subnet),
  },
  actions: {
    recordSubnet: assign(({ context, event }) =>
      event.type === 'chain.subnet'
        ? {
            subnet: event.subnet,
            block: event.subnet.block,
            uid: event.subnet.neurons.find(({ hotkey }) => hotkey === context.hotkey)?.uid ?? null,
          }
        : {},
    ),
    recordBlock: assign(({ event }) => (event.type === 'chain.block' ? { block: event.head.block } : {})),
    forwardBlock: enqueueActions(({ enqueue, event, context }) => {
      if (event.type !== 'chain.block') return;
      const block = { type: 'block.finalized', block: event.head.block } as const;
      enqueue.sendTo('weightSetting', block);
      const { subnet, uid } = context;
      if (subnet !== null && uid !== null && isOverdueAt(subnet, event.head.block)) {
        enqueue.sendTo('weightSetting', { type: 'epoch.overdue', epoch: subnet.epochIndex });
      }
      if (context.epoch !== null) enqueue.sendTo('epoch', block);
    }),
    followRoster: enqueueActions(({ enqueue, context }) => {
      if (context.subnet === null) return;
      const change = rosterChange({
        roster: context.roster,
        subnet: context.subnet,
        ownHotkey: context.hotkey,
        maxSessions: context.maxSessions,
      });
      for (const { hotkey, axon } of change.joined) {
        enqueue.spawnChild('minerSession', { id: sessionId(hotkey), input: { hotkey, axon } });
      }
      for (const { hotkey, axon } of change.moved) {
        enqueue.sendTo(sessionId(hotkey), { type: 'axon.moved', axon });
      }
      for (const hotkey of change.left) enqueue.sendTo(sessionId(hotkey), { type: 'session.close' });
      enqueue.assign({ roster: applyChange(context.roster, change) });
    }),
    tellEpoch: enqueueActions(({ enqueue, context }) => {
      if (context.epoch === null || context.subnet === null) return;
      // Candidates first: the counts may begin a round, which takes the candidates as they are then.
      enqueue.sendTo('epoch', {
        type: 'epoch.rescheduled',
        ...scheduleOf(context.subnet),
        candidates: candidatesOf(context.roster, context.subnet),
      });
      enqueue.sendTo('epoch', { type: 'sessions.changed', ...linkCounts(context.roster) });
    }),
    openEpoch: enqueueActions(({ enqueue, context }) => {
      if (context.epoch !== null || context.subnet === null) return;
      const schedule = scheduleOf(context.subnet);
      enqueue.spawnChild('epoch', {
        id: 'epoch',
        input: {
          ...schedule,
          block: context.block,
          candidates: candidatesOf(context.roster, context.subnet),
          dueAfterFraction: context.dueAfterFraction,
          roundDeadlineMs: context.roundDeadlineMs,
          roundIntervalMs: context.roundIntervalMs,
        },
      });
      enqueue.sendTo('epoch', { type: 'system.resumed' });
      enqueue.assign({ epoch: schedule.epoch });
    }),
    closeEpoch: enqueueActions(({ enqueue, context }) => {
      if (context.epoch !== null) enqueue.sendTo('epoch', { type: 'epoch.close' });
    }),
    // Told with each metagraph, so that epochs which went by unseen are accounted for as well.
    accountEpochs: enqueueActions(({ enqueue, context }) => {
      if (context.subnet === null) return;
      const epoch = context.subnet.epochIndex;
      enqueue.sendTo('weightSetting', { type: 'epoch.began', epoch });
      if (epoch > 0) enqueue.sendTo('weightSetting', { type: 'epoch.ended', epoch: epoch - 1 });
    }),
    reportOverdue: enqueueActions(({ enqueue, context }) => {
      if (context.subnet === null) return;
      enqueue.sendTo('weightSetting', { type: 'epoch.overdue', epoch: context.subnet.epochIndex });
    }),
    recordLink: assign(({ context, event }) => {
      if (event.type === 'session.ready')
        return { roster: recordLink(context.roster, event.hotkey, 'ready') };
      if (event.type === 'session.lost') return { roster: recordLink(context.roster, event.hotkey, 'lost') };
      return {};
    }),
    forgetDefective: enqueueActions(({ enqueue, context, event }) => {
      if (!('error' in event)) return;
      const { actorId } = event;
      enqueue.stopChild(actorId);
      enqueue.assign({
        roster: withoutMiner(context.roster, actorId.slice(sessionId('').length)),
        sessionDefects: context.sessionDefects + 1,
      });
      enqueue.sendTo(root, { type: 'session.failed', actorId, error: String(event.error) });
      enqueue.raise({ type: 'defect.forgotten' }, { delay: sessionDefectLimit.withinMs });
    }),
    requestWeights: enqueueActions(({ enqueue, event }) => {
      if (event.type !== 'epoch.scored' || event.vector.uids.length === 0) return;
      enqueue.sendTo('weightSetting', { ...event, type: 'weights.due' });
    }),
    recordWeights: assign(({ event }) => {
      if (event.type === 'weights.confirmed') {
        return { confirmedEpoch: event.epoch, confirmedAtBlock: event.block, behind: 0 };
      }
      return event.type === 'weights.missed' ? { behind: event.behind } : {};
    }),
    dismissSessions: enqueueActions(({ enqueue, context }) => {
      for (const hotkey of Object.keys(context.roster)) {
        enqueue.sendTo(sessionId(hotkey), { type: 'session.close' });
      }
      enqueue.assign({ roster: {} });
    }),
    recordReason: assign(({ event }) => (event.type === 'system.drain' ? { reason: event.reason } : {})),
    recordDefect: assign(({ event }) => ({
      exit: 'failed' as const,
      reason: 'error' in event ? `${event.type}: ${String(event.error)}` : event.type,
    })),
  },
});

export const validatorMachine = machine.createMachine({
  id: 'validator',
  context: ({ input }) => ({
    ...input,
    uid: null,
    subnet: null,
    block: 0,
    roster: {},
    sessionDefects: 0,
    epoch: null,
    confirmedEpoch: null,
    confirmedAtBlock: null,
    behind: 0,
    exit: 'drained',
    reason: '',
  }),
  initial: 'booting',
  output: ({ context }) => ({ exit: context.exit, reason: context.reason }),
  states: {
    booting: {
      description: 'The store is opened and rounds that a crash cut short are marked as abandoned.',
      invoke: {
        id: 'prepareValidator',
        src: 'prepareValidator',
        input: ({ context }) => ({ hotkey: context.hotkey }),
        onDone: [
          { guard: ({ event }) => event.output.ok, target: 'alive' },
          {
            target: 'failed',
            actions: assign(({ event }) =>
              event.output.ok
                ? {}
                : {
                    exit: 'failed' as const,
                    reason: `${event.output.error._tag}: ${event.output.error.message}`,
                  },
            ),
          },
        ],
        onError: { target: 'failed', actions: 'recordDefect' },
      },
      on: { 'system.drain': { target: 'stopped', actions: 'recordReason' } },
    },
    alive: {
      description: 'Chain link and weight-setting live as long as the validator does, draining included.',
      invoke: [
        {
          id: 'chainLink',
          systemId: 'chainLink',
          src: 'chainLink',
          input: ({ context }) => context.chainLink,
          onError: { target: 'failed', actions: 'recordDefect' },
        },
        {
          id: 'weightSetting',
          systemId: 'weightSetting',
          src: 'weightSetting',
          onError: { target: 'failed', actions: 'recordDefect' },
        },
      ],
      initial: 'running',
      on: {
        'chain.block': { actions: ['recordBlock', 'forwardBlock'] },
        'weights.confirmed': { actions: 'recordWeights' },
        'weights.missed': { actions: 'recordWeights' },
        'weights.overdue': { description: 'Counted as missed once the chain says so; observers report it.' },
        'weights.refused': { description: 'Weight-setting tries again by itself; observers report it.' },
        'epoch.scored': { actions: 'requestWeights' },
        'epoch.stalled': { description: 'The epoch tries again by itself; observers report it.' },
        'rounds.recovering': { description: 'Links collapsed; the epoch waits. Observers report it.' },
        'round.ended': { description: 'Recorded evidence; observers report it.' },
        'chain.opened': {
          description:
            'Weight-setting sends again what a pool may have dropped, and asks this endpoint anew.',
          actions: sendTo('weightSetting', { type: 'chain.opened' }),
        },
        'chain.unreadable': { description: 'Read again at the next head; observers report it.' },
        'chain.lost': { description: 'The chain link reconnects by itself; observers report it.' },
        'session.ready': { actions: ['recordLink', 'tellEpoch'] },
        'session.lost': { actions: ['recordLink', 'tellEpoch'] },
        'xstate.done.actor.*': {
          description: 'A session that said goodbye. Finished children stay until they are stopped.',
          actions: stopChild(({ event }) => event.actorId),
        },
        'xstate.error.actor.*': [
          {
            guard: 'isTolerableDefect',
            description: 'A defect in one session ends that session; the next metagraph begins it anew.',
            actions: ['forgetDefective', 'tellEpoch'],
          },
          {
            description: 'A defect elsewhere, or in too many sessions. The process is the unit of restart.',
            target: 'failed',
            actions: [stopChild(({ event }) => event.actorId), 'recordDefect'],
          },
        ],
        'session.failed': { description: 'Observers report it.' },
        'defect.forgotten': {
          actions: assign(({ context }) => ({ sessionDefects: context.sessionDefects - 1 })),
        },
      },
      states: {
        running: {
          description: 'The validator works, or waits for what it needs to work.',
          initial: 'linking',
          on: {
            'system.drain': { target: 'draining', actions: 'recordReason' },
          },
          states: {
            linking: {
              description: 'No metagraph has been read yet.',
              on: {
                'chain.subnet': [
                  {
                    guard: 'isRegistered',
                    target: 'validating',
                    actions: ['recordSubnet', 'accountEpochs', 'followRoster', 'openEpoch', 'tellEpoch'],
                  },
                  { target: 'unregistered', actions: 'recordSubnet' },
                ],
              },
            },
            unregistered: {
              description: 'The hotkey has no uid on this subnet. The validator waits and goes on by itself.',
              on: {
                'chain.subnet': [
                  {
                    guard: 'isRegistered',
                    target: 'validating',
                    actions: ['recordSubnet', 'accountEpochs', 'followRoster', 'openEpoch', 'tellEpoch'],
                  },
                  { actions: 'recordSubnet' },
                ],
                'xstate.done.actor.*': [
                  {
                    guard: { type: 'isEpochEnd', params: ({ event }) => ({ actorId: event.actorId }) },
                    actions: [stopChild('epoch'), assign({ epoch: null })],
                  },
                  { actions: stopChild(({ event }) => event.actorId) },
                ],
              },
            },
            validating: {
              description: 'Sessions follow the metagraph; one epoch actor holds rounds and scoring.',
              after: {
                epochOverdue: {
                  description: 'The epoch must be over, and no metagraph says so: blocks or reads fail.',
                  actions: 'reportOverdue',
                },
              },
              on: {
                'chain.subnet': [
                  {
                    guard: not('isRegistered'),
                    description: 'Deregistered: sessions end, the epoch closes.',
                    target: 'unregistered',
                    actions: ['recordSubnet', 'dismissSessions', 'closeEpoch'],
                  },
                  {
                    guard: 'isNextEpoch',
                    description:
                      'The chain ran its epoch: the old actor finishes its round with its miners, then a new one opens.',
                    target: 'validating',
                    reenter: true,
                    actions: ['recordSubnet', 'accountEpochs', 'closeEpoch'],
                  },
                  {
                    description: 'Each metagraph restarts the watchdog.',
                    target: 'validating',
                    reenter: true,
                    actions: ['recordSubnet', 'accountEpochs', 'followRoster', 'openEpoch', 'tellEpoch'],
                  },
                ],
                'xstate.done.actor.*': {
                  guard: { type: 'isEpochEnd', params: ({ event }) => ({ actorId: event.actorId }) },
                  actions: [
                    stopChild('epoch'),
                    assign({ epoch: null }),
                    'followRoster',
                    'openEpoch',
                    'tellEpoch',
                  ],
                },
              },
            },
          },
        },
        draining: {
          description: 'No new round is begun. The one under way is finished within the grace.',
          entry: 'closeEpoch',
          after: { drainGrace: '#validator.stopped' },
          always: { guard: ({ context }) => context.epoch === null, target: '#validator.stopped' },
          on: {
            'xstate.done.actor.*': {
              guard: { type: 'isEpochEnd', params: ({ event }) => ({ actorId: event.actorId }) },
              actions: [stopChild('epoch'), assign({ epoch: null })],
            },
            'chain.subnet': { description: 'The metagraph does not matter any more.' },
            'system.drain': {
              description: 'Already draining; a second signal ends the process from outside.',
            },
          },
        },
      },
    },
    stopped: {
      type: 'final',
      description: 'Everything of value is in the store. Sessions and chain link have been released.',
    },
    failed: {
      type: 'final',
      description: 'A defect, or a store that cannot be used. The process ends with an error.',
    },
  },
  options: { maxIterations: 200 },
});
