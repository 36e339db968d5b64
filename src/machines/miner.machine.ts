import { and, assign, sendTo, stopChild } from 'xstate';

import type { SubmitFailure } from '../domain/failures.ts';
import { minerSetup } from './minerSetup.ts';
import { root } from './root.ts';

/** Stands in where an output is a failure, which the compiler cannot see. */
const unconfirmed: SubmitFailure = { _tag: 'Unconfirmed', message: '', retry: { when: 'nextBlock' } };
export const minerMachine = minerSetup.createMachine({
  id: 'miner',
  context: ({ input }) => ({
    ...input,
    genesisHash: null,
    uid: null,
    subnet: null,
    block: 0,
    boundPort: 0,
    sessions: {},
    sessionDefects: 0,
    announced: null,
    announceAtBlock: 0,
    axonWarned: null,
    remindedAtBlock: null,
    lastFailure: null,
    withdrawal: null,
    shortages: [],
    exit: 'drained',
    reason: '',
  }),
  initial: 'alive',
  output: ({ context }) => ({ exit: context.exit, reason: context.reason }),
  states: {
    alive: {
      description: 'Chain link and inference pool live as long as the miner does, draining included.',
      invoke: [
        {
          id: 'chainLink',
          systemId: 'chainLink',
          src: 'chainLink',
          input: ({ context }) => context.chainLink,
          onError: { target: 'failed', actions: 'recordDefect' },
        },
        {
          id: 'inferencePool',
          systemId: 'inferencePool',
          src: 'inferencePool',
          input: ({ context }) => context.inferencePool,
          onDone: {
            description: 'Stopped after a drain; a failure is reported as `inference.failed` before.',
          },
          onError: { target: 'failed', actions: 'recordDefect' },
        },
        {
          id: 'workGate',
          src: 'workGate',
          input: () => ({}),
          onError: { target: 'failed', actions: 'recordDefect' },
        },
        {
          id: 'resources',
          systemId: 'resources',
          src: 'resources',
          onError: { target: 'failed', actions: 'recordDefect' },
        },
      ],
      initial: 'warming',
      on: {
        'chain.opened': {
          description:
            'What the last endpoint said of blocks counts no more: an announcement is tried again.',
          actions: assign(({ event }) => ({ genesisHash: event.genesisHash, announceAtBlock: 0 })),
        },
        'chain.block': { actions: 'recordBlock' },
        'chain.subnet': { actions: 'recordSubnet' },
        'chain.lost': {
          description: 'The chain link reconnects by itself; validators are served meanwhile.',
        },
        'chain.unreadable': { description: 'Read again at the next head; observers report it.' },
        'chain.lagging': { description: 'The chain link goes to the better endpoint; observers report it.' },
        'chain.preferred': { description: 'The chain link goes back to it; observers report it.' },
        'chain.forked': { description: 'An operator should look; observers report it.' },
        'clock.behind': {
          description: 'A warning, and no reason to leave an endpoint; observers report it.',
        },
        'chain.old': { description: 'A node that catches up, or a wrong clock; observers report it.' },
        'chain.upgraded': { description: 'Codecs follow each block by themselves; observers report it.' },
        'resources.short': { actions: 'closeGate' },
        'resources.ample': { actions: 'openGate' },
        'tasks.held': { description: 'New tasks are refused as busy; observers report it.' },
        'tasks.freed': { description: 'New tasks are taken; observers report it.' },
        'gate.closed': { description: 'The gate ends with the miner.' },
        'clock.stepped': { description: 'Nothing depends on the wall clock; observers report it.' },
        'machine.slept': { description: 'Links that it cost come back; observers report it.' },
        'metagraph.read': { description: 'Observers report it.' },
        'metagraph.changed': { description: 'Observers report it.' },
        'metagraph.detailed': { description: 'Observers report it.' },
        'axon.withdrawn': { description: 'Observers report it.' },
        'axon.leftBehind': { description: 'Observers report it.' },
        'hotkey.registered': { description: 'Observers report it.' },
        'hotkey.unregistered': { description: 'Observers report it; the state is `unregistered`.' },
        'inference.failed': { target: 'failed', actions: 'recordDefect' },
        'validator.arrived': { actions: 'recordArrival' },
        'validator.left': { actions: 'forgetSession' },
        'xstate.done.actor.*': {
          description: 'A session that ended. Finished children stay until they are stopped.',
          actions: stopChild(({ event }) => event.actorId),
        },
        'xstate.error.actor.*': [
          {
            guard: 'isTolerableDefect',
            description: 'A defect in one session ends that session, and not the others.',
            actions: 'forgetDefective',
          },
          {
            description: 'A defect elsewhere, or in too many sessions. The process is the unit of restart.',
            target: 'failed',
            actions: [stopChild(({ event }) => event.actorId), 'recordDefect'],
          },
        ],
        'defect.forgotten': {
          actions: assign(({ context }) => ({ sessionDefects: context.sessionDefects - 1 })),
        },
      },
      states: {
        warming: {
          description: 'Models are being loaded. Nothing is promised to anybody before they are.',
          on: {
            'inference.ready': 'linking',
            'system.drain': { target: '#miner.stopped', actions: 'recordReason' },
          },
        },
        linking: {
          description: 'Waits until the chain shows this hotkey registered on the subnet.',
          always: {
            guard: ({ context }) => context.uid !== null && context.genesisHash !== null,
            target: 'open',
          },
          on: {
            'system.drain': { target: '#miner.stopped', actions: 'recordReason' },
            'chain.subnet': [
              { guard: 'isRegistered', actions: 'recordSubnet' },
              { target: 'unregistered', actions: ['recordSubnet'] },
            ],
          },
        },
        unregistered: {
          description: 'The hotkey has no uid on this subnet. The miner waits and goes on by itself.',
          on: {
            'chain.subnet': [
              { guard: 'isRegistered', target: 'linking', actions: 'recordSubnet' },
              { actions: ['recordSubnet'] },
            ],
            'system.drain': { target: '#miner.stopped', actions: 'recordReason' },
          },
        },
        open: {
          description: 'The port is bound; arrivals become sessions.',
          invoke: {
            id: 'listener',
            src: 'listener',
            input: ({ context }) => ({ genesisHash: context.genesisHash ?? '' }),
            onError: { target: '#miner.failed', actions: 'recordDefect' },
          },
          initial: 'binding',
          on: {
            'listener.closed': {
              target: 'rebinding',
              actions: assign(({ event }) => ({ lastFailure: event.failure })),
            },
            'peer.arrived': [
              { guard: 'hasRoom', actions: 'acceptPeer' },
              { description: 'Full. The listener cuts an arrival that nobody takes.' },
            ],
            'chain.subnet': [
              { guard: 'isRegistered', actions: ['recordSubnet', 'dismissRevoked'] },
              {
                description: 'Deregistered: nobody owes us anything any more, and we owe nobody.',
                target: 'unregistered',
                actions: ['recordSubnet', 'closeSessions'],
              },
            ],
            'system.drain': { target: '.draining', actions: 'recordReason' },
          },
          states: {
            binding: {
              description: 'The address is published only once it answers.',
              on: {
                'listener.bound': {
                  target: 'announcing',
                  actions: assign(({ event }) => ({ boundPort: event.port })),
                },
              },
            },
            announcing: {
              description: 'The axon on chain is compared with ours and replaced if it differs.',
              invoke: {
                id: 'announceAxon',
                src: 'announceAxon',
                input: ({ context }) => ({ boundPort: context.boundPort }),
                onDone: [
                  {
                    guard: ({ event }) => event.output.ok,
                    target: 'serving',
                    actions: assign(({ event }) => ({
                      lastFailure: null,
                      axonWarned: null,
                      announced: event.output.ok ? event.output.value : null,
                    })),
                  },
                  {
                    target: 'announceBackingOff',
                    actions: {
                      type: 'recordRefusal',
                      params: ({ event }) => (event.output.ok ? unconfirmed : event.output.error),
                    },
                  },
                ],
              },
            },
            announceBackingOff: {
              description:
                'Another try is worth it at the block that the chain named, later where an operator must act.',
              on: {
                'chain.subnet': {
                  guard: and(['isRegistered', 'isNews']),
                  description: 'What the chain knows of this miner, or its rules, have changed.',
                  target: 'announcing',
                  actions: ['recordSubnet', 'dismissRevoked'],
                },
                'chain.block': [
                  { guard: 'canAnnounce', target: 'announcing', actions: 'recordBlock' },
                  { actions: 'recordBlock' },
                ],
              },
            },
            serving: {
              description: 'Validators find this miner on chain and are answered.',
              on: {
                'chain.subnet': {
                  guard: and(['isRegistered', 'isAxonReplaced']),
                  description: 'Somebody else served with this hotkey, or the entry was lost.',
                  target: 'announcing',
                  actions: ['recordSubnet', 'dismissRevoked', 'warnAxonReplaced'],
                },
              },
            },
            draining: {
              description: 'No arrival is taken; open answers are given within the grace.',
              entry: ['closeSessions', sendTo('inferencePool', { type: 'system.drain' })],
              always: { guard: 'hasNoSessions', target: '#miner.alive.withdrawing' },
              after: { drainGrace: '#miner.alive.withdrawing' },
              on: {
                'peer.arrived': { description: 'Too late. The listener cuts an arrival that nobody takes.' },
                'chain.subnet': { description: 'The metagraph does not matter any more.' },
                'listener.closed': '#miner.alive.withdrawing',
                'system.drain': {
                  description: 'Already draining; a second signal ends the process from outside.',
                },
              },
            },
          },
        },
        rebinding: {
          description: 'The port was lost; it is bound again after a pause.',
          after: { retryPause: 'open' },
          on: { 'system.drain': { target: 'withdrawing', actions: 'recordReason' } },
        },
        withdrawing: {
          description:
            'Where the operator wants it, the address is taken off the chain, so that nobody dials a miner that is gone.',
          always: { guard: 'keepsAxon', target: '#miner.stopped' },
          after: {
            withdrawPatience: {
              description: 'A fee-less call that the chain does not take now must not hold up a stop.',
              target: '#miner.stopped',
              actions: 'reportLeftBehind',
            },
          },
          on: {
            'chain.subnet': { description: 'The metagraph does not matter any more.' },
            'system.drain': {
              description: 'Already draining; a second signal ends the process from outside.',
            },
          },
          initial: 'asking',
          states: {
            asking: {
              description:
                'The chain is asked for the address; what removes it is sent, once in its lifetime.',
              invoke: {
                id: 'withdrawAxon',
                src: 'withdrawAxon',
                input: ({ context }) => ({ hotkey: context.hotkey }),
                onDone: [
                  {
                    guard: ({ event }) => event.output.ok,
                    target: '#miner.stopped',
                    actions: sendTo(root, ({ event }) => ({
                      type: 'axon.withdrawn',
                      block: event.output.ok ? event.output.value.block : 0,
                    })),
                  },
                  {
                    target: 'awaitingBlock',
                    actions: assign(({ event }) => ({
                      withdrawal: event.output.ok ? null : event.output.error,
                    })),
                  },
                ],
                onError: { target: '#miner.failed', actions: 'recordDefect' },
              },
            },
            awaitingBlock: {
              description: 'Sent and not finalized yet, or refused until a later block.',
              on: { 'chain.block': { target: 'asking', actions: 'recordBlock' } },
            },
          },
        },
      },
    },
    stopped: { type: 'final', description: 'Sessions, pool and chain link have been released.' },
    failed: { type: 'final', description: 'A defect, or no inference. The process ends with an error.' },
  },
  options: { maxIterations: 200 },
});
