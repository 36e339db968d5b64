import { assign } from 'xstate';

import { failureOf, heldBy, isFresh, silence, takeFailureOf, writerLeaseSetup } from './writerLeaseSetup.ts';

export const writerLeaseMachine = writerLeaseSetup.createMachine({
  id: 'writerLease',
  context: ({ input }) => ({
    ...input,
    lease: null,
    tookMs: 0,
    holderLeaseMs: null,
    toldHolder: null,
    failure: null,
    isLeaving: false,
    end: 'withdrawn',
    reason: 'stopped while another process writes',
  }),
  output: ({ context }) => ({ end: context.end, reason: context.reason }),
  initial: 'waiting',
  on: {
    'lease.standingBy': { description: 'Another process writes; observers report it.' },
    'lease.unreadable': { description: 'Asked again by itself; observers report it.' },
    'lease.taken': { description: 'From here on this process writes; observers report it.' },
    'lease.uncertain': { description: 'No new work until the next renewal; observers report it.' },
    'lease.sure': { description: 'Work goes on; observers report it.' },
    'lease.lost': { description: 'This process has to end; observers report it.' },
  },
  states: {
    waiting: {
      description: 'This process may not write: it is ready to, and watches who does.',
      on: { 'lease.release': 'withdrawn' },
      initial: 'looking',
      states: {
        looking: {
          description: 'Who writes for this hotkey? Nothing is known yet, or what was known has changed.',
          invoke: {
            id: 'readLease',
            src: 'readLease',
            input: () => ({}),
            onDone: [
              {
                guard: { type: 'sees', params: ({ event }) => ({ read: event.output, sight: 'ours' }) },
                description: 'Taken by this very process, though the answer never came.',
                target: '#writerLease.holding',
                actions: { type: 'recordFound', params: ({ event }) => ({ read: event.output }) },
              },
              {
                guard: { type: 'sees', params: ({ event }) => ({ read: event.output, sight: 'free' }) },
                target: '#writerLease.taking',
                actions: { type: 'recordSeen', params: ({ event }) => ({ read: event.output }) },
              },
              {
                guard: ({ event }) => event.output.ok,
                target: 'standingBy',
                actions: [
                  { type: 'recordSeen', params: ({ event }) => ({ read: event.output }) },
                  'reportStandingBy',
                ],
              },
              {
                target: 'blind',
                actions: {
                  type: 'reportUnreadable',
                  params: ({ event }) => ({ failure: failureOf(event.output) }),
                },
              },
            ],
            onError: { target: '#writerLease.failed', actions: 'recordDefect' },
          },
          after: {
            readPatience: { target: 'blind', actions: { type: 'reportUnreadable', params: silence } },
          },
        },
        standingBy: {
          description:
            'Another process writes. Its next beat restarts the patience with it, which is measured here and with no wall clock.',
          after: {
            holderPatience: {
              target: '#writerLease.taking',
              description: 'No beat for so long that the holder has stopped by itself.',
            },
          },
          initial: 'pausing',
          states: {
            pausing: { description: 'Between two looks.', after: { pollPause: 'reading' } },
            reading: {
              description: 'Is there a new beat?',
              invoke: {
                id: 'readLease',
                src: 'readLease',
                input: () => ({}),
                onDone: [
                  {
                    guard: { type: 'sees', params: ({ event }) => ({ read: event.output, sight: 'still' }) },
                    target: 'pausing',
                  },
                  {
                    guard: { type: 'sees', params: ({ event }) => ({ read: event.output, sight: 'moved' }) },
                    description: 'The holder lives, or another one has come.',
                    target: '#writerLease.waiting.standingBy',
                    reenter: true,
                    actions: [
                      { type: 'recordSeen', params: ({ event }) => ({ read: event.output }) },
                      'reportStandingBy',
                    ],
                  },
                  {
                    guard: { type: 'sees', params: ({ event }) => ({ read: event.output, sight: 'free' }) },
                    description: 'Released, or its holder is known to be dead: nobody has to be waited for.',
                    target: '#writerLease.taking',
                    actions: { type: 'recordSeen', params: ({ event }) => ({ read: event.output }) },
                  },
                  {
                    guard: { type: 'sees', params: ({ event }) => ({ read: event.output, sight: 'ours' }) },
                    description: 'Taken by this very process, though the answer never came.',
                    target: '#writerLease.holding',
                    actions: { type: 'recordFound', params: ({ event }) => ({ read: event.output }) },
                  },
                  {
                    description: 'Who cannot see the beats must not conclude that there are none.',
                    target: '#writerLease.waiting.blind',
                    actions: {
                      type: 'reportUnreadable',
                      params: ({ event }) => ({ failure: failureOf(event.output) }),
                    },
                  },
                ],
                onError: { target: '#writerLease.failed', actions: 'recordDefect' },
              },
              after: {
                readPatience: {
                  target: '#writerLease.waiting.blind',
                  actions: { type: 'reportUnreadable', params: silence },
                },
              },
            },
          },
        },
        blind: {
          description:
            'The store does not answer. Afterwards the holder gets its whole patience again, for it could not renew either.',
          after: { pollPause: 'looking' },
        },
      },
    },
    taking: {
      description: 'Compare-and-set over what was seen, beat included: one of several succeeds.',
      invoke: {
        id: 'takeLease',
        src: 'takeLease',
        input: ({ context }) => ({ holder: context.holder, over: context.lease }),
        onDone: [
          {
            guard: ({ context, event }) => event.output.ok && context.isLeaving,
            target: 'releasing',
            actions: { type: 'recordHeld', params: ({ event }) => ({ held: event.output }) },
          },
          { guard: ({ context }) => context.isLeaving, target: 'withdrawn' },
          {
            guard: ({ event }) => event.output.ok,
            target: 'holding',
            actions: [
              {
                type: 'reportTaken',
                params: ({ event }) => ({ turn: event.output.ok ? event.output.value.lease.token : 0 }),
              },
              { type: 'recordHeld', params: ({ event }) => ({ held: event.output }) },
            ],
          },
          {
            guard: ({ event }) => !event.output.ok && event.output.error._tag === 'Conflict',
            description: 'Somebody else was first, or the holder lives after all.',
            target: 'waiting',
          },
          {
            target: 'waiting.blind',
            actions: {
              type: 'reportUnreadable',
              params: ({ event }) => ({ failure: takeFailureOf(event.output) }),
            },
          },
        ],
        onError: { target: 'failed', actions: 'recordDefect' },
      },
      after: {
        takePatience: [
          {
            guard: 'isLeaving',
            description: 'If it was taken all the same it runs out by itself.',
            target: 'withdrawn',
          },
          { target: 'waiting', description: 'Whether it was taken, the next look will tell.' },
        ],
      },
      on: { 'lease.release': { description: 'Given up as soon as it is ours.', actions: 'recordLeaving' } },
    },
    holding: {
      description:
        'This process writes. Its writes carry the token; once another one is stored they are refused.',
      on: { 'lease.release': 'releasing' },
      initial: 'sure',
      states: {
        sure: {
          description:
            'Renewed so lately that nobody can have taken over. Each renewal begins the state anew.',
          after: { doubt: { target: 'uncertain', actions: 'reportUncertain' } },
          initial: 'resting',
          states: {
            resting: { description: 'Between two beats.', after: { renewPause: 'renewing' } },
            renewing: {
              description: 'The next beat.',
              invoke: {
                id: 'renewLease',
                src: 'renewLease',
                input: ({ context }) => ({ lease: heldBy(context) }),
                onDone: [
                  {
                    guard: ({ event }) => event.output.ok,
                    target: '#writerLease.holding.sure',
                    reenter: true,
                    actions: { type: 'recordHeld', params: ({ event }) => ({ held: event.output }) },
                  },
                  {
                    guard: { type: 'isFenced', params: ({ event }) => ({ renewed: event.output }) },
                    target: '#writerLease.lost',
                  },
                  { description: 'Tried again, until it is doubted.', target: 'resting' },
                ],
                onError: { target: '#writerLease.failed', actions: 'recordDefect' },
              },
            },
          },
        },
        uncertain: {
          description:
            'No renewal for so long that a standby may take over soon: no new work. While nobody reaches the store nobody takes over, and this process goes on where it was.',
          initial: 'renewing',
          states: {
            resting: { description: 'Between two attempts.', after: { pollPause: 'renewing' } },
            renewing: {
              description: 'Is the lease still ours?',
              invoke: {
                id: 'renewLease',
                src: 'renewLease',
                input: ({ context }) => ({ lease: heldBy(context) }),
                onDone: [
                  {
                    guard: ({ event, context }) => isFresh(context, event.output),
                    target: '#writerLease.holding.sure',
                    actions: [
                      { type: 'recordHeld', params: ({ event }) => ({ held: event.output }) },
                      'reportSure',
                    ],
                  },
                  {
                    guard: { type: 'isFenced', params: ({ event }) => ({ renewed: event.output }) },
                    target: '#writerLease.lost',
                  },
                  { description: 'Refused, or answered so late that it says nothing.', target: 'resting' },
                ],
                onError: { target: '#writerLease.failed', actions: 'recordDefect' },
              },
            },
          },
        },
      },
    },
    releasing: {
      description: 'Nothing is written any more: whoever stands by goes on at once.',
      invoke: {
        id: 'releaseLease',
        src: 'releaseLease',
        input: ({ context }) => ({ lease: heldBy(context) }),
        onDone: 'released',
        onError: 'released',
      },
      after: { releasePatience: 'released' },
    },
    released: {
      type: 'final',
      description: 'Given up, or as good as: without beats it is free in a lease time.',
      entry: assign({ end: 'released', reason: 'given up' }),
    },
    withdrawn: { type: 'final', description: 'Ended without ever having written.' },
    lost: {
      type: 'final',
      description: 'Another process has taken over; everything this one still tries to write is refused.',
      entry: ['recordLost', 'reportLost'],
    },
    failed: { type: 'final', description: 'A defect. The process ends with an error.' },
  },
  options: { maxIterations: 100 },
});
