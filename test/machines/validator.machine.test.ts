import { describe, expect, it } from 'vitest';
import { initialTransition, transition } from 'xstate';

import { fail, succeed } from '#src/domain/outcome.ts';
import { minerSessionMachine } from '#src/machines/minerSession.machine.ts';
import { sessionDefectLimit } from '#src/machines/restart.ts';
import { validatorMachine } from '#src/machines/validator.machine.ts';
import { done, isPlainJson, reachedStates, stateIds, timeout } from '#test/support/machines.ts';
import { axonAt, neuron, subnetAt } from '#test/support/machinesSubnet.ts';
import {
  inRound,
  runValidator,
  validating,
  validatorInput,
  withMiners,
} from '#test/support/machinesValidator.ts';
import { due, notSet, sealed, setAt } from '#test/support/machinesWeights.ts';

const twoMiners = withMiners({ '5A': 1, '5B': 1 });
const nobody = subnetAt({});
const vector = { uids: [1, 2], values: [65_535, 65_535] };
const booted = done('prepareValidator', succeed({ resumableRounds: 0, lostRounds: 0, unbalanced: [] }));

describe('machines / validator', () => {
  it('opens its store before anything else', () => {
    const [booting, actions] = initialTransition(validatorMachine, validatorInput);
    expect(booting.value).toBe('booting');
    expect(actions.map(({ type }) => type)).toEqual(['xstate.spawnChild']);
    const [alive, started] = transition(validatorMachine, booting, booted as never);
    expect(alive.value).toEqual({ alive: { running: 'linking' } });
    expect(started.map(({ type }) => type)).toEqual([
      'xstate.stopChild',
      ...Array.from({ length: 7 }, () => 'xstate.spawnChild'),
    ]);
  });

  it('reaches every state', () => {
    const events = [
      booted,
      done('prepareValidator', fail({ _tag: 'StoreCorrupt', message: 'bad header' })),
      { type: 'chain.subnet', subnet: twoMiners },
      { type: 'chain.subnet', subnet: nobody },
      { type: 'system.drain', reason: 'SIGTERM' },
      done('epoch', null),
      timeout('drainGrace', 'validator.alive.draining'),
    ];
    const distinguish = (context: { epoch: number | null; uid: number | null }) => [
      context.epoch,
      context.uid,
    ];
    expect(reachedStates(validatorMachine, { input: validatorInput, events, distinguish })).toEqual(
      stateIds(validatorMachine),
    );
  });

  it('ends with the reason of a store that cannot be opened', async () => {
    const { prepare, actor, children } = runValidator();
    await prepare.answer(fail({ _tag: 'StoreCorrupt', message: 'bad header' }));
    expect(actor.getSnapshot().output).toEqual({ exit: 'failed', reason: 'StoreCorrupt: bad header' });
    expect(children()).toEqual([]);
  });

  it('ends with the defect of its own start', async () => {
    const { prepare, actor } = runValidator();
    await prepare.crash('cannot read');
    expect(actor.getSnapshot().output?.reason).toContain('cannot read');
  });

  it('tells of rounds on record whose requests do not add up, and goes on', () => {
    const counts = { judged: 1, invalid: 0, refused: 0, missed: 0, late: 0, unreachable: 0, lost: 0 };
    const imbalance = { roundId: 'r1', planned: 2, decided: 1, repeated: 0, counts, stated: null };
    const [booting] = initialTransition(validatorMachine, validatorInput);
    const prepared = succeed({ resumableRounds: 0, lostRounds: 0, unbalanced: [imbalance] });
    const [alive, actions] = transition(
      validatorMachine,
      booting,
      done('prepareValidator', prepared) as never,
    );
    expect(alive.matches('alive')).toBe(true);
    const told = actions.filter(({ type }) => type === 'xstate.sendTo').map(({ params }) => params);
    expect(told).toMatchObject([{ event: { type: 'requests.unbalanced', ...imbalance } }]);
  });

  it('waits for registration and goes on by itself', async () => {
    const { prepare, value, seeSubnet, seeBlock, children, context } = runValidator();
    await prepare.answer(succeed({ resumableRounds: 0, lostRounds: 0, unbalanced: [] }));
    seeBlock(98);
    seeSubnet(nobody);
    expect(value()).toEqual({ alive: { running: 'unregistered' } });
    seeBlock(99);
    seeSubnet(nobody);
    expect(context().block).toBe(100);
    expect(children()).toEqual([
      'chainLink',
      'resources',
      'retention',
      'storeHealth',
      'weightAlarm',
      'weightReveal',
      'weightSetting',
    ]);
    seeSubnet(twoMiners);
    expect(value()).toEqual({ alive: { running: 'validating' } });
    expect(context()).toMatchObject({ uid: 0, epoch: 7 });
  });

  it('dials every miner and asks them when the first dials have ended', async () => {
    const { children, links, openLink, plan, linkTo } = await validating();
    expect(children()).toContain('session/5A');
    expect(links.lives.map((life) => life.input.hotkey)).toEqual(['5A', '5B']);
    openLink('5A');
    expect(plan.calls).toEqual([]);
    linkTo('5B').emit({ type: 'link.closed', failure: { _tag: 'Unreachable', message: '' }, jitter: 0 });
    expect(plan.calls[0]?.candidates.map(({ hotkey }) => hotkey)).toEqual(['5A', '5B']);
  });

  it('follows the metagraph: miners join, move and leave', async () => {
    const { seeSubnet, children, links, openLink, linkTo, context } = await validating();
    openLink('5A');
    openLink('5B');
    seeSubnet(withMiners({ '5A': 2, '5C': 1 }, { block: 110 }));
    expect(children().filter((id) => id.startsWith('session/'))).toEqual(['session/5A', 'session/5C']);
    expect(links.lives.map((life) => [life.input.hotkey, life.input.axon.port, life.isReleased])).toEqual([
      ['5A', 1, true],
      ['5B', 1, true],
      ['5C', 1, false],
      ['5A', 2, false],
    ]);
    expect(context().roster['5A']).toEqual({ axon: axonAt(2), link: 'lost' });
    openLink('5A');
    expect(context().roster['5A']?.link).toBe('ready');
    seeSubnet(withMiners({ '5A': 2, '5B': 1, '5C': 1 }, { block: 120 }));
    expect(linkTo('5B').isReleased).toBe(false);
    expect(children().filter((id) => id.startsWith('session/'))).toHaveLength(3);
  });

  it('removes sessions that ended from its children, also hundreds of them', async () => {
    const { seeSubnet, children } = await validating();
    const crowd = Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`5M${index}`, 1]));
    seeSubnet(withMiners(crowd, { block: 110 }));
    expect(children().filter((id) => id.startsWith('session/'))).toHaveLength(120);
    seeSubnet(withMiners({}, { block: 120 }));
    expect(children().filter((id) => id.startsWith('session/'))).toEqual([]);
  });

  it('hands blocks to its children, and a scored vector to weight-setting', async () => {
    const { seeBlock, settleRound, score, weights, archive, context } = await inRound();
    settleRound();
    seeBlock(269);
    expect(score.calls).toEqual([]);
    seeBlock(270);
    await score.answer(succeed({ vector, scored: 2 }));
    expect(weights.check.calls).toEqual([{ epoch: 7, vector, lastEpochBlock: 90, endsAtBlock: 450 }]);
    expect(archive.calls).toEqual([{ epoch: 7 }]);
    await weights.check.answer(setAt(271));
    expect(context()).toMatchObject({ confirmedEpoch: 7, confirmedAtBlock: 271, behind: 0 });
  });

  it('hands a commit that stands to the machine that verifies its reveal', async () => {
    const { seeBlock, settleRound, score, weights, reveals, context } = await inRound();
    settleRound();
    seeBlock(270);
    await reveals.answer(succeed({ block: 270, recalled: null, verdicts: [] }));
    await score.answer(succeed({ vector, scored: 2 }));
    const committed = { epoch: 7, committedAtBlock: 271, ...sealed, vector };
    await weights.check.answer(succeed({ setAtBlock: 271, committed, isForeign: false }));
    expect(context()).toMatchObject({ confirmedEpoch: 7, confirmedAtBlock: 271 });
    for (const block of [272, 449]) seeBlock(block);
    expect(reveals.calls).toHaveLength(1);
    seeBlock(450);
    expect(reveals.calls.at(-1)).toMatchObject({ watched: [{ epoch: 7, committedAtBlock: 271, vector }] });
    const { commitHash } = sealed.plan;
    await reveals.answer(succeed({ block: 450, recalled: null, verdicts: [{ commitHash, is: 'standing' }] }));
  });

  it('goes by the chain for how far behind its weights are', async () => {
    const { seeSubnet, seeBlock, context, weights, settleRound, score } = await inRound();
    const later = { epochIndex: 9, block: 811, lastEpochBlock: 810, nextEpochBlock: 1_170 };
    expect(context().behind).toBe(0);
    seeSubnet(withMiners({ '5A': 1, '5B': 1 }, later));
    expect(context().behind).toBe(2);
    settleRound();
    seeBlock(1_150);
    await score.answer(succeed({ vector, scored: 2 }));
    await weights.check.answer(setAt(1_150));
    expect(context()).toMatchObject({ confirmedEpoch: 9, behind: 0 });
  });

  it('owes no epochs any more once its uid is lost, nor after it has a new one', async () => {
    const { actor, seeSubnet, context } = await inRound();
    const later = { epochIndex: 11, block: 1_531, lastEpochBlock: 1_530, nextEpochBlock: 1_890 };
    const miners = withMiners({ '5A': 1, '5B': 1 }, later);
    seeSubnet(miners);
    expect(context().behind).toBe(4);
    seeSubnet({ ...miners, block: 1_541, neurons: miners.neurons.slice(1) });
    // What the alarm had to say before may be heard after.
    actor.send({ type: 'weights.behind', behind: 5, epoch: 12, lastUpdate: 0, unseen: 1 });
    expect(context()).toMatchObject({ uid: null, behind: 0 });
    const again = { ...neuron(9, '5Own', null), lastUpdate: 1_545, blockAtRegistration: 1_545 };
    seeSubnet({ ...miners, block: 1_551, neurons: [...miners.neurons.slice(1), again] });
    expect(context()).toMatchObject({ uid: 9, behind: 0 });
    seeSubnet({
      ...miners,
      ...{ epochIndex: 13, block: 2_251, lastEpochBlock: 2_250, nextEpochBlock: 2_610 },
      neurons: [...miners.neurons.slice(1), again],
    });
    expect(context()).toMatchObject({ uid: 9, behind: 1 });
  });

  it('owes nothing where the chain stayed away at first and then knows no such hotkey', async () => {
    const { prepare, clock, seeSubnet, context } = runValidator();
    await prepare.answer(succeed({ resumableRounds: 0, lostRounds: 0, unbalanced: [] }));
    for (let waited = 0; context().behind === 0 && waited < 600; waited += 1) clock.increment(1_000);
    expect(context().behind).toBe(1);
    const miners = withMiners({ '5A': 1 });
    seeSubnet({ ...miners, neurons: miners.neurons.slice(1) });
    expect(context()).toMatchObject({ uid: null, behind: 0 });
  });

  it('holds no round while its store is in trouble, and goes on by itself', async () => {
    const { watch, settleRound, planRound, clock, plan, context, seeSubnet } = await inRound();
    const tell = (health: object) => watch.newest().emit({ type: 'store.health', health, at: 0 });
    tell({ isWell: false, trouble: 'full', message: 'free some disk space' });
    expect(context()).toMatchObject({ storeTrouble: 'full', shortages: [] });
    settleRound();
    clock.increment(validatorInput.roundIntervalMs);
    expect(plan.calls).toHaveLength(1);
    tell({ isWell: true });
    expect(plan.calls).toHaveLength(2);
    await planRound();
    tell({ isWell: false, trouble: 'slow', message: 'wait' });
    settleRound();
    seeSubnet(withMiners({ '5A': 1, '5B': 1 }, { epochIndex: 8, lastEpochBlock: 450, nextEpochBlock: 810 }));
    expect(context().epoch).toBe(8);
    expect(plan.calls).toHaveLength(2);
    tell({ isWell: true });
    expect(plan.calls).toHaveLength(3);
  });

  it('asks for no weights when nobody earned any', async () => {
    const { seeBlock, score, weights } = await validating();
    seeBlock(444);
    await score.answer(succeed({ vector: { uids: [], values: [] }, scored: 0 }));
    expect(weights.check.calls).toEqual([]);
  });

  it('fails with a defect of a child, and ends the others', async () => {
    const { plan, openLink, actor, links, chain } = await validating();
    openLink('5A');
    openLink('5B');
    await plan.crash('no such table');
    const { output } = actor.getSnapshot();
    expect(output?.exit).toBe('failed');
    expect(output?.reason).toContain('no such table');
    expect([...links.lives, ...chain.lives].every((life) => life.isReleased)).toBe(true);
  });

  it('goes on when one session has a defect, dials that miner anew, and fails when too many have', async () => {
    const broken = minerSessionMachine.provide({
      actions: {
        reportReady: () => {
          throw new Error('a bug');
        },
      },
    });
    const { prepare, seeSubnet, openLink, context, children, facts, clock, actor } = runValidator(broken);
    await prepare.answer(succeed({ resumableRounds: 0, lostRounds: 0, unbalanced: [] }));
    const break5A = (): void => {
      seeSubnet(twoMiners);
      openLink('5A');
    };
    break5A();
    expect(Object.keys(context().roster)).toEqual(['5B']);
    expect(children()).not.toContain('session/5A');
    expect(facts.at(-1)).toEqual({ type: 'session.failed', actorId: 'session/5A', error: 'Error: a bug' });
    seeSubnet(twoMiners);
    expect(children()).toContain('session/5A');
    openLink('5A');
    expect(context().sessionDefects).toBe(2);
    clock.increment(sessionDefectLimit.withinMs);
    expect(context().sessionDefects).toBe(0);
    for (let defect = 0; defect < sessionDefectLimit.restarts; defect += 1) break5A();
    expect(actor.getSnapshot().status).toBe('active');
    break5A();
    expect(actor.getSnapshot().output).toMatchObject({ exit: 'failed' });
  });

  it('keeps only plain JSON in its context', async () => {
    const { context } = await inRound();
    expect(isPlainJson(context())).toBe(true);
  });
});

describe('machines / validator at the end of an epoch', () => {
  const next = withMiners(
    { '5A': 1, '5B': 1 },
    { epochIndex: 8, block: 451, lastEpochBlock: 450, nextEpochBlock: 810 },
  );

  it('replaces the epoch when its last round is over', async () => {
    const { seeSubnet, settleRound, context, plan, children } = await inRound();
    seeSubnet(next);
    expect(context().epoch).toBe(7);
    settleRound();
    expect(context().epoch).toBe(8);
    expect(plan.calls.at(-1)).toMatchObject({ epoch: 8, block: 451 });
    expect(children().filter((id) => id === 'epoch')).toHaveLength(1);
  });

  it('lets nobody go whose last round is under way, though it is not their turn any more', async () => {
    const { seeSubnet, settleRound, linkTo, plan } = await inRound();
    seeSubnet({ ...next, neurons: next.neurons.filter(({ hotkey }) => hotkey !== '5B') });
    expect(linkTo('5B').isReleased).toBe(false);
    settleRound();
    expect(linkTo('5B').isReleased).toBe(true);
    expect(plan.calls.at(-1)?.candidates.map(({ hotkey }) => hotkey)).toEqual(['5A']);
  });

  it('replaces it at once when no round is held', async () => {
    const { seeSubnet, settleRound, context, plan } = await inRound();
    settleRound();
    seeSubnet(next);
    expect(context().epoch).toBe(8);
    expect(plan.calls.at(-1)?.epoch).toBe(8);
  });

  it('counts an epoch without weights as missed, once, however often the metagraph is read', async () => {
    const { seeSubnet, settleRound, context } = await inRound();
    seeSubnet(next);
    seeSubnet({ ...next, block: 461 });
    seeSubnet({ ...next, block: 471 });
    settleRound();
    expect(context()).toMatchObject({ behind: 1, epoch: 8 });
  });

  it('drops a vector that comes too late for its epoch', async () => {
    const { seeSubnet, seeBlock, settleRound, score, weights, context } = await inRound();
    settleRound();
    seeBlock(440);
    seeSubnet(next);
    expect(context()).toMatchObject({ epoch: 7, behind: 1 });
    await score.answer(succeed({ vector, scored: 2 }));
    expect(weights.check.calls).toEqual([]);
    expect(context().epoch).toBe(8);
  });

  it('gives up weights of an ended epoch that were not sent, and takes up the next ones', async () => {
    const { seeSubnet, seeBlock, settleRound, score, weights, context } = await inRound();
    settleRound();
    seeBlock(270);
    await score.answer(succeed({ vector, scored: 2 }));
    await weights.check.answer(notSet);
    seeSubnet(next);
    expect(context()).toMatchObject({ behind: 1, epoch: 8 });
    expect(weights.prepare.aborted()).toBe(1);
  });

  it('hears blocks after an epoch has ended and before the next one is open', async () => {
    const { seeSubnet, seeBlock, settleRound, errors, context } = await inRound();
    seeSubnet(next);
    seeBlock(452);
    settleRound();
    seeBlock(453);
    expect(errors).toEqual([]);
    expect(context().block).toBe(453);
  });
});

describe('machines / validator deregistered', () => {
  it('ends its sessions and its epoch, and comes back', async () => {
    const { actor, facts, weights, seeSubnet, seeBlock, settleRound, children, value, context, errors } =
      await inRound();
    seeSubnet(nobody);
    expect(value()).toEqual({ alive: { running: 'unregistered' } });
    expect(children().filter((id) => id.startsWith('session/'))).toEqual([]);
    expect(facts.at(-1)).toMatchObject({ type: 'hotkey.unregistered', hotkey: '5Own', netuid: 86 });
    seeBlock(101);
    settleRound();
    actor.send({ type: 'epoch.scored', ...due });
    expect(weights.check.calls).toEqual([]);
    expect(context()).toMatchObject({ epoch: null, uid: null, roster: {} });
    expect(children()).not.toContain('epoch');
    seeSubnet(twoMiners);
    expect(context().epoch).toBe(7);
    expect(facts.some(({ type, uid }) => type === 'hotkey.registered' && uid === 0)).toBe(true);
    actor.send({ type: 'epoch.scored', ...due });
    expect(weights.check.calls).toHaveLength(1);
    expect(errors).toEqual([]);
  });

  it('opens its next epoch only when the old one has ended, if it is back sooner', async () => {
    const { seeSubnet, settleRound, plan, openLink, value, context } = await inRound();
    seeSubnet(nobody);
    seeSubnet(twoMiners);
    expect(value()).toEqual({ alive: { running: 'validating' } });
    openLink('5A');
    openLink('5B');
    expect(plan.calls).toHaveLength(1);
    settleRound();
    expect(plan.calls).toHaveLength(2);
    expect(context().epoch).toBe(7);
  });

  it('notices it also in the first metagraph of a new epoch', async () => {
    const { seeSubnet, value } = await inRound();
    seeSubnet(subnetAt({ epochIndex: 8, block: 451 }));
    expect(value()).toEqual({ alive: { running: 'unregistered' } });
  });
});

describe('machines / validator draining', () => {
  it('stops at once in every state without a round', async () => {
    const booting = runValidator();
    booting.drain();
    const linking = runValidator();
    await linking.prepare.answer(succeed({ resumableRounds: 0, lostRounds: 0, unbalanced: [] }));
    linking.drain();
    const unregistered = runValidator();
    await unregistered.prepare.answer(succeed({ resumableRounds: 0, lostRounds: 0, unbalanced: [] }));
    unregistered.seeSubnet(nobody);
    unregistered.drain();
    const idle = await validating();
    idle.drain();
    for (const { actor, links, chain } of [booting, linking, unregistered, idle]) {
      expect(actor.getSnapshot().output).toEqual({ exit: 'drained', reason: 'SIGTERM' });
      expect([...links.lives, ...chain.lives].every((life) => life.isReleased)).toBe(true);
    }
  });

  it('finishes the round under way with its links open', async () => {
    const { drain, settleRound, actor, value, links, seeBlock, seeSubnet, plan } = await inRound();
    drain();
    drain('SIGINT');
    seeBlock(101);
    seeSubnet(nobody);
    expect(value()).toEqual({ alive: 'draining' });
    expect(links.lives.every((life) => !life.isReleased)).toBe(true);
    settleRound();
    expect(actor.getSnapshot().output).toEqual({ exit: 'drained', reason: 'SIGTERM' });
    expect(links.lives.every((life) => life.isReleased)).toBe(true);
    expect(plan.calls).toHaveLength(1);
  });

  it('stops after the grace whatever the round does', async () => {
    const { drain, actor, clock, cohort } = await inRound();
    cohort.newest().emit({ type: 'cohort.complete' });
    clock.increment(10_000);
    drain();
    clock.increment(1_000);
    expect(actor.getSnapshot().status).toBe('active');
    clock.increment(validatorInput.drainGraceMs);
    expect(actor.getSnapshot().output?.exit).toBe('drained');
  });

  it('hands a vector over that is scored meanwhile', async () => {
    const { drain, settleRound, seeBlock, score, weights, actor } = await inRound();
    settleRound();
    seeBlock(270);
    drain();
    expect(actor.getSnapshot().status).toBe('active');
    await score.answer(succeed({ vector, scored: 2 }));
    expect(actor.getSnapshot().status).toBe('done');
    expect(weights.check.calls).toHaveLength(1);
  });
});
