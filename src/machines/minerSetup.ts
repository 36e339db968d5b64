import { assign, enqueueActions, sendTo, setup } from 'xstate';

import type { SubmitFailure } from '../domain/failures.ts';
import { holdReasons } from '../domain/workHold.ts';
import {
  type AnnounceAxon,
  isNews,
  isReplaced,
  neuronOf,
  nextAnnouncement,
  type WithdrawAxon,
  warningOf,
} from './axonAnnouncement.ts';
import { chainLinkMachine } from './chainLink.machine.ts';
import { delays } from './delays.ts';
import { inferencePoolMachine } from './inferencePool.machine.ts';
import { seeMetagraph } from './membership.ts';
import type { Listener, MinerContext, MinerEvent, MinerInput, MinerOutput, WorkGate } from './minerLife.ts';
import { resourcesMachine } from './resources.machine.ts';
import { sessionDefectLimit } from './restart.ts';
import { root } from './root.ts';
import { unprovidedLink, unprovidedTask } from './unprovided.ts';
import { validatorSessionMachine } from './validatorSession.machine.ts';
import { replaced, revoked, withoutSession } from './validatorSessions.ts';

/** A metagraph has at most 256 neurons, so no more validators than that can be served at once. */
const maxSessions = 256;

const sessionId = (arrival: string) => `session/${arrival}`;

export const minerSetup = setup({
  types: {
    context: {} as MinerContext,
    events: {} as MinerEvent,
    input: {} as MinerInput,
    output: {} as MinerOutput,
  },
  actors: {
    chainLink: chainLinkMachine,
    inferencePool: inferencePoolMachine,
    validatorSession: validatorSessionMachine,
    resources: resourcesMachine,
    workGate: unprovidedLink('workGate') as WorkGate,
    listener: unprovidedLink('listener') as Listener,
    announceAxon: unprovidedTask('announceAxon') as AnnounceAxon,
    withdrawAxon: unprovidedTask('withdrawAxon') as WithdrawAxon,
  },
  guards: {
    isRegistered: ({ context, event }) =>
      event.type === 'chain.subnet' && neuronOf(event.subnet, context.hotkey) !== undefined,
    isAxonReplaced: ({ context, event }) =>
      event.type === 'chain.subnet' && isReplaced(context.announced, event.subnet, context.hotkey),
    isNews: ({ context, event }) =>
      event.type === 'chain.subnet' && isNews(context.subnet, event.subnet, context.hotkey),
    isTolerableDefect: ({ context, event }) =>
      'actorId' in event &&
      event.actorId.startsWith(sessionId('')) &&
      context.sessionDefects < sessionDefectLimit.restarts,
    hasRoom: ({ context }) => Object.keys(context.sessions).length < maxSessions,
    canAnnounce: ({ context, event }) =>
      event.type === 'chain.block' && event.head.block >= context.announceAtBlock,
    keepsAxon: ({ context }) => !context.withdrawAxonOnStop,
    hasNoSessions: ({ context }) => Object.keys(context.sessions).length === 0,
  },
  delays: {
    drainGrace: ({ context }) => context.drainGraceMs,
    retryPause: delays.retryPauseMs,
    withdrawPatience: delays.withdrawPatienceMs,
  },
  actions: {
    recordSubnet: enqueueActions(({ enqueue, context, event }) => {
      if (event.type !== 'chain.subnet') return;
      const { facts, membership } = seeMetagraph(context, event.subnet);
      enqueue.assign({ ...membership, block: Math.max(context.block, event.subnet.block) });
      for (const fact of facts) enqueue.sendTo(root, fact);
    }),
    warnAxonReplaced: enqueueActions(({ enqueue, context, event }) => {
      if (event.type !== 'chain.subnet' || context.announced === null) return;
      const onChain = neuronOf(event.subnet, context.hotkey)?.axon ?? null;
      enqueue.sendTo(root, { type: 'axon.replaced', ours: context.announced.axon, onChain });
    }),
    recordRefusal: enqueueActions(({ enqueue, context }, failure: SubmitFailure) => {
      const { block } = context;
      const retryAtBlock = nextAnnouncement(failure, block);
      const warning = warningOf(failure, block, context.axonWarned);
      enqueue.assign({ lastFailure: failure, announceAtBlock: retryAtBlock });
      if (warning === null) return;
      enqueue.assign({ axonWarned: { check: warning.check, block } });
      enqueue.sendTo(root, { type: 'axon.refused', ...warning, retryAtBlock });
    }),
    recordBlock: assign(({ event }) => (event.type === 'chain.block' ? { block: event.head.block } : {})),
    closeGate: enqueueActions(({ enqueue, event }) => {
      if (event.type !== 'resources.short') return;
      const reasons = holdReasons({ storeTrouble: null, shortages: event.of });
      enqueue.assign({ shortages: event.of });
      enqueue.sendTo('workGate', { type: 'work.held', reasons });
      enqueue.sendTo(root, { type: 'tasks.held', reasons });
    }),
    openGate: enqueueActions(({ enqueue }) => {
      enqueue.assign({ shortages: [] });
      enqueue.sendTo('workGate', { type: 'work.held', reasons: [] });
      enqueue.sendTo(root, { type: 'tasks.freed' });
    }),
    acceptPeer: enqueueActions(({ enqueue, event, context }) => {
      if (event.type !== 'peer.arrived') return;
      enqueue.spawnChild('validatorSession', {
        id: sessionId(event.arrival),
        input: { arrival: event.arrival, drainGraceMs: context.drainGraceMs },
      });
      enqueue.assign({ sessions: { ...context.sessions, [event.arrival]: null } });
    }),
    recordArrival: enqueueActions(({ enqueue, context, event }) => {
      if (event.type !== 'validator.arrived' || !Object.hasOwn(context.sessions, event.arrival)) return;
      for (const { arrival, reason } of replaced(context.sessions, event)) {
        enqueue.sendTo(sessionId(arrival), { type: 'session.dismiss', cause: 'replaced', reason });
      }
      enqueue.assign({ sessions: { ...context.sessions, [event.arrival]: event.hotkey } });
    }),
    dismissRevoked: enqueueActions(({ enqueue, context, event }) => {
      if (event.type !== 'chain.subnet') return;
      for (const { arrival, reason } of revoked(context.sessions, event.subnet, context.rules)) {
        enqueue.sendTo(sessionId(arrival), { type: 'session.dismiss', cause: 'revoked', reason });
      }
    }),
    forgetSession: assign(({ context, event }) =>
      event.type === 'validator.left' ? { sessions: withoutSession(context.sessions, event.arrival) } : {},
    ),
    forgetDefective: enqueueActions(({ enqueue, context, event }) => {
      if (!('error' in event)) return;
      const { actorId } = event;
      enqueue.stopChild(actorId);
      enqueue.assign({
        sessions: withoutSession(context.sessions, actorId.slice(sessionId('').length)),
        sessionDefects: context.sessionDefects + 1,
      });
      enqueue.sendTo(root, { type: 'session.failed', actorId, error: String(event.error) });
      enqueue.raise({ type: 'defect.forgotten' }, { delay: sessionDefectLimit.withinMs });
    }),
    closeSessions: enqueueActions(({ enqueue, context, event }) => {
      const reason = event.type === 'system.drain' ? event.reason : 'not registered';
      for (const arrival of Object.keys(context.sessions)) {
        enqueue.sendTo(sessionId(arrival), { type: 'session.close', reason });
      }
    }),
    reportLeftBehind: sendTo(root, ({ context }) => ({
      type: 'axon.leftBehind',
      failure: context.withdrawal,
    })),
    recordReason: assign(({ event }) => (event.type === 'system.drain' ? { reason: event.reason } : {})),
    recordDefect: assign(({ event }) => {
      if (event.type === 'inference.failed') return { exit: 'failed' as const, reason: event.reason };
      return {
        exit: 'failed' as const,
        reason: 'error' in event ? `${event.type}: ${String(event.error)}` : event.type,
      };
    }),
  },
});
