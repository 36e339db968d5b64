import { assign, enqueueActions, not, sendTo, stopChild } from 'xstate';

import { root } from './root.ts';
import { validatorSetup } from './validatorSetup.ts';

export const validatorMachine = validatorSetup.createMachine({
  id: 'validator',
  context: ({ input }) => ({
    ...input,
    uid: null,
    subnet: null,
    remindedAtBlock: null,
    block: 0,
    roster: {},
    sessionDefects: 0,
    epoch: null,
    confirmedEpoch: null,
    confirmedAtBlock: null,
    behind: 0,
    storeTrouble: null,
    shortages: [],
    isLeaseUncertain: false,
    exit: 'drained',
    reason: '',
  }),
  initial: 'booting',
  on: {
    'lease.uncertain': { actions: ['recordLease', 'tellHolds'] },
    'lease.sure': { actions: ['recordLease', 'tellHolds'] },
    'lease.lost': {
      description: 'Another validator of this hotkey writes: started again, this one stands by.',
      target: '.failed',
      actions: 'recordLost',
    },
  },
  output: ({ context }) => ({ exit: context.exit, reason: context.reason }),
  states: {
    booting: {
      description:
        'The store is opened; rounds that a crash cut short are found, to be held again or settled.',
      invoke: {
        id: 'prepareValidator',
        src: 'prepareValidator',
        input: ({ context }) => ({ hotkey: context.hotkey }),
        onDone: [
          {
            guard: ({ event }) => event.output.ok,
            target: 'alive',
            actions: enqueueActions(({ enqueue, event }) => {
              if (!event.output.ok) return;
              for (const imbalance of event.output.value.unbalanced) {
                enqueue.sendTo(root, { type: 'requests.unbalanced', ...imbalance });
              }
            }),
          },
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
        {
          id: 'weightReveal',
          systemId: 'weightReveal',
          src: 'weightReveal',
          onError: { target: 'failed', actions: 'recordDefect' },
        },
        {
          id: 'weightAlarm',
          systemId: 'weightAlarm',
          src: 'weightAlarm',
          onError: { target: 'failed', actions: 'recordDefect' },
        },
        {
          id: 'storeHealth',
          systemId: 'storeHealth',
          src: 'storeHealth',
          onError: { target: 'failed', actions: 'recordDefect' },
        },
        {
          id: 'resources',
          systemId: 'resources',
          src: 'resources',
          onError: { target: 'failed', actions: 'recordDefect' },
        },
        {
          id: 'retention',
          systemId: 'retention',
          src: 'retention',
          onError: { target: 'failed', actions: 'recordDefect' },
        },
      ],
      initial: 'running',
      on: {
        'chain.block': { actions: ['recordBlock', 'forwardBlock'] },
        'weights.confirmed': { actions: 'recordWeights' },
        'weights.committed': { actions: 'recordWeights' },
        'commit.stood': { description: 'Its reveal is watched.', actions: 'watchReveal' },
        'weights.revealed': { description: 'In force; observers report it.' },
        'weights.superseded': { description: 'Newer weights of ours are in force; observers report it.' },
        'weights.unrevealed': { description: 'Lost, with the plaintext kept; observers report it.' },
        'weights.behind': { actions: 'recordBehind' },
        'weights.alarmed': { actions: 'recordBehind' },
        'weights.caughtUp': { actions: 'recordBehind' },
        'weights.missed': { description: 'The epoch is lost; observers report it.' },
        'weights.overdue': { description: 'Counted as missed once the chain says so; observers report it.' },
        'weights.foreign': { description: 'Another program has the hotkey; observers report it.' },
        'weights.refused': { description: 'Weight-setting tries again by itself; observers report it.' },
        'epoch.scored': { actions: ['requestWeights', 'archiveEvidence'] },
        'evidence.archived': { description: 'Out of the store, into a file; observers report it.' },
        'evidence.kept': { description: 'Retention tries again by itself; observers report it.' },
        'epoch.stalled': { description: 'The epoch tries again by itself; observers report it.' },
        'rounds.recovering': { description: 'Links collapsed; the epoch waits. Observers report it.' },
        'rounds.held': { description: 'The epoch waits, and goes on by itself. Observers report it.' },
        'rounds.freed': { description: 'Rounds go on. Observers report it.' },
        'store.troubled': { actions: ['recordConditions', 'tellHolds'] },
        'store.recovered': { actions: ['recordConditions', 'tellHolds'] },
        'resources.short': { actions: ['recordConditions', 'tellHolds'] },
        'resources.ample': { actions: ['recordConditions', 'tellHolds'] },
        'clock.stepped': { description: 'Nothing depends on the wall clock; observers report it.' },
        'machine.slept': {
          description: 'The round under way leaves that time out by itself; observers report it.',
        },
        'round.ended': { description: 'Recorded evidence; observers report it.' },
        'requests.unbalanced': {
          description: 'A defect of the books; the round is read from its records. Observers report it.',
        },
        'chain.opened': {
          description:
            'Weight-setting sends again what a pool may have dropped, and asks this endpoint anew.',
          actions: sendTo('weightSetting', { type: 'chain.opened' }),
        },
        'chain.unreadable': { description: 'Read again at the next head; observers report it.' },
        'chain.lost': { description: 'The chain link reconnects by itself; observers report it.' },
        'metagraph.read': { description: 'Observers report it.' },
        'metagraph.changed': { description: 'Observers report it.' },
        'metagraph.detailed': { description: 'Observers report it.' },
        'hotkey.registered': { description: 'Observers report it.' },
        'hotkey.unregistered': { description: 'Observers report it; the state is `unregistered`.' },
        'chain.lagging': { description: 'The chain link goes to the better endpoint; observers report it.' },
        'chain.preferred': { description: 'The chain link goes back to it; observers report it.' },
        'chain.forked': { description: 'An operator should look; observers report it.' },
        'clock.behind': {
          description: 'A warning, and no reason to leave an endpoint; observers report it.',
        },
        'chain.old': { description: 'A node that catches up, or a wrong clock; observers report it.' },
        'chain.upgraded': { description: 'Codecs follow each block by themselves; observers report it.' },
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
