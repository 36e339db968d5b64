import { assign, enqueueActions, setup } from 'xstate';

import type { Hotkey } from '../domain/ids.ts';
import { type HoldReasons, holdReasons } from '../domain/workHold.ts';
import { chainLinkMachine } from './chainLink.machine.ts';
import { epochMachine, scheduleOf } from './epoch.machine.ts';
import { lagReading } from './lagReading.ts';
import { seeMetagraph } from './membership.ts';
import { minerSessionMachine } from './minerSession.machine.ts';
import { isOverdueAt, overdueAfterMs } from './overdue.ts';
import { resourcesMachine } from './resources.machine.ts';
import { sessionDefectLimit } from './restart.ts';
import { retentionMachine } from './retention.machine.ts';
import { root } from './root.ts';
import { applyChange, candidatesOf, linkCounts, recordLink, rosterChange, withoutMiner } from './roster.ts';
import { storeHealthMachine } from './storeHealth.machine.ts';
import { unprovidedTask } from './unprovided.ts';
import type {
  PrepareValidator,
  ValidatorContext,
  ValidatorEvent,
  ValidatorInput,
  ValidatorOutput,
} from './validatorLife.ts';
import { weightAlarmMachine } from './weightAlarm.machine.ts';
import { weightRevealMachine } from './weightReveal.machine.ts';
import { weightSettingMachine } from './weightSetting.machine.ts';
import { conditionsAfter } from './workConditions.ts';

const holdsOf = (context: ValidatorContext): HoldReasons => [
  ...holdReasons(context),
  ...(context.isLeaseUncertain ? ['lease uncertain'] : []),
];

const sessionId = (hotkey: Hotkey) => `session/${hotkey}`;

export const validatorSetup = setup({
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
    weightReveal: weightRevealMachine,
    weightAlarm: weightAlarmMachine,
    storeHealth: storeHealthMachine,
    resources: resourcesMachine,
    retention: retentionMachine,
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
    recordSubnet: enqueueActions(({ enqueue, context, event }) => {
      if (event.type !== 'chain.subnet') return;
      const { facts, membership } = seeMetagraph(context, event.subnet);
      // Nothing is expected of a hotkey without a uid: the alarm of the one it had is over, and ends without a fact.
      const { behind } = membership.uid === null ? { behind: 0 } : context;
      enqueue.assign({ ...membership, block: event.subnet.block, behind });
      for (const fact of facts) enqueue.sendTo(root, fact);
      enqueue.sendTo('weightAlarm', { type: 'lag.read', ...lagReading(event.subnet, context.hotkey) });
    }),
    recordBlock: assign(({ event }) => (event.type === 'chain.block' ? { block: event.head.block } : {})),
    forwardBlock: enqueueActions(({ enqueue, event, context }) => {
      if (event.type !== 'chain.block') return;
      const block = { type: 'block.finalized', block: event.head.block } as const;
      enqueue.sendTo('weightSetting', block);
      enqueue.sendTo('weightReveal', block);
      enqueue.sendTo('weightAlarm', block);
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
          holds: holdsOf(context),
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
      const { epochIndex: epoch, lastEpochBlock, neurons } = context.subnet;
      const own = neurons.find(({ hotkey }) => hotkey === context.hotkey);
      const isFirstOfUid = own !== undefined && own.blockAtRegistration >= lastEpochBlock;
      enqueue.sendTo('weightSetting', { type: 'epoch.began', epoch, isFirstOfUid });
      if (epoch > 0) enqueue.sendTo('weightSetting', { type: 'epoch.ended', epoch: epoch - 1 });
    }),
    reportOverdue: enqueueActions(({ enqueue, context }) => {
      if (context.subnet === null) return;
      enqueue.sendTo('weightSetting', { type: 'epoch.overdue', epoch: context.subnet.epochIndex });
    }),
    recordConditions: assign(({ context, event }) => conditionsAfter(context, event)),
    tellHolds: enqueueActions(({ enqueue, context }) => {
      if (context.epoch === null) return;
      enqueue.sendTo('epoch', { type: 'work.held', reasons: holdsOf(context) });
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
    // Deregistered meanwhile: the chain would refuse them, and nobody is owed them.
    requestWeights: enqueueActions(({ enqueue, context, event }) => {
      if (event.type !== 'epoch.scored' || event.vector.uids.length === 0 || context.uid === null) return;
      enqueue.sendTo('weightSetting', { ...event, type: 'weights.due' });
    }),
    archiveEvidence: enqueueActions(({ enqueue, event }) => {
      if (event.type !== 'epoch.scored') return;
      enqueue.sendTo('retention', { type: 'retention.due', epoch: event.epoch });
    }),
    // A commit stands for its epoch as weights do; how far behind they are, the chain says through the alarm.
    recordWeights: enqueueActions(({ enqueue, event }) => {
      if (event.type !== 'weights.confirmed' && event.type !== 'weights.committed') return;
      enqueue.assign({ confirmedEpoch: event.epoch, confirmedAtBlock: event.block });
      enqueue.sendTo('weightAlarm', { type: 'weights.stood', block: event.block });
    }),
    recordBehind: assign(({ context, event }) => {
      // Said before the metagraph that has this hotkey no more, and heard after it.
      const isOwed = context.subnet === null || context.uid !== null;
      if (event.type === 'weights.caughtUp' || !isOwed) return { behind: 0 };
      return event.type === 'weights.behind' || event.type === 'weights.alarmed'
        ? { behind: event.behind }
        : {};
    }),
    watchReveal: enqueueActions(({ enqueue, event }) => {
      if (event.type === 'commit.stood') enqueue.sendTo('weightReveal', event);
    }),
    dismissSessions: enqueueActions(({ enqueue, context }) => {
      for (const hotkey of Object.keys(context.roster)) {
        enqueue.sendTo(sessionId(hotkey), { type: 'session.close' });
      }
      enqueue.assign({ roster: {} });
    }),
    recordReason: assign(({ event }) => (event.type === 'system.drain' ? { reason: event.reason } : {})),
    recordLease: assign(({ event }) => ({ isLeaseUncertain: event.type === 'lease.uncertain' })),
    recordLost: assign(({ event }) =>
      event.type === 'lease.lost' ? { exit: 'failed' as const, reason: event.reason } : {},
    ),
    recordDefect: assign(({ event }) => ({
      exit: 'failed' as const,
      reason: 'error' in event ? `${event.type}: ${String(event.error)}` : event.type,
    })),
  },
});
