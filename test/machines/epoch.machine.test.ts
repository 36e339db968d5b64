import { describe, expect, it } from 'vitest';
import { initialTransition, transition } from 'xstate';

import { fail, succeed } from '#src/domain/outcome.ts';
import { noOutcomes, type RequestTotals } from '#src/domain/requestAccount.ts';
import { delays } from '#src/machines/delays.ts';
import { type EpochInput, epochMachine, type ScoreEpoch } from '#src/machines/epoch.machine.ts';
import { type Cohort, type PlanRound, roundMachine } from '#src/machines/round.machine.ts';
import {
  done,
  fakeLink,
  fakeTask,
  isPlainJson,
  reachedStates,
  start,
  stateIds,
  throughJson,
  timeout,
} from '#test/support/machines.ts';

/** Weights become due at block 90 + 0.5 × 360 = 270; the last chance begins at block 430. */
const input: EpochInput = {
  epoch: 7,
  lastEpochBlock: 90,
  endsAtBlock: 450,
  block: 100,
  candidates: [{ uid: 1, hotkey: '5A', stake: 0 }],
  dueAfterFraction: 0.5,
  roundDeadlineMs: 20_000,
  roundIntervalMs: 5_000,
  holds: [],
};
const summary: RequestTotals = {
  ...noOutcomes,
  dispatched: 1,
  judged: 1,
};
const vector = { uids: [1], values: [65_535] };
const full = { _tag: 'StoreFull', message: 'no space left' } as const;
const sessions = (ready: number, dialing: number) => ({ type: 'sessions.changed', ready, dialing }) as const;
const block = (height: number) => ({ type: 'block.finalized', block: height }) as const;
const hold = (...reasons: string[]) => ({ type: 'work.held', reasons }) as const;
const close = { type: 'epoch.close' } as const;
const scoredFact = { type: 'epoch.scored', epoch: 7, vector, lastEpochBlock: 90, endsAtBlock: 450 };

const run = (options: { input?: EpochInput; snapshot?: ReturnType<typeof throughJson> } = { input }) => {
  const plan = fakeTask<PlanRound>();
  const cohort = fakeLink<Cohort>();
  const score = fakeTask<ScoreEpoch>();
  const round = roundMachine.provide({ actors: { planRound: plan.logic, cohort: cohort.logic } });
  const machine = epochMachine.provide({ actors: { round, scoreEpoch: score.logic } });
  const running = start(machine, options);
  const types = () => running.facts.map(({ type }) => type);
  const holdRound = async () => {
    await plan.answer(succeed({ roundId: `r7-${plan.calls.length}`, cohort: 1, tasks: 1 }));
    cohort.newest().emit({ type: 'cohort.settled', summary });
  };
  return { plan, cohort, score, types, holdRound, ...running };
};

/** One round has been held; the next one waits for its pause. */
const afterOneRound = async () => {
  const epoch = run();
  epoch.actor.send(sessions(1, 0));
  await epoch.holdRound();
  return epoch;
};

const scoring = async () => {
  const epoch = await afterOneRound();
  epoch.actor.send(block(270));
  return epoch;
};

describe('machines / epoch', () => {
  it('begins in two regions that wait', () => {
    const [snapshot, actions] = initialTransition(epochMachine, input);
    expect(snapshot.value).toEqual({ rounds: 'open', weights: 'waiting' });
    expect(actions).toEqual([]);
  });

  it('takes a newer metagraph of its own epoch only', () => {
    const [open] = initialTransition(epochMachine, input);
    const moved = {
      type: 'epoch.rescheduled',
      candidates: [],
      lastEpochBlock: 90,
      endsAtBlock: 500,
    } as const;
    const [same] = transition(epochMachine, open, { ...moved, epoch: 7 });
    const [other] = transition(epochMachine, open, { ...moved, epoch: 8 });
    expect(same.context).toMatchObject({ candidates: [], endsAtBlock: 500 });
    expect(other.context).toEqual(open.context);
  });

  it('reaches every state', () => {
    const events = [
      sessions(1, 0),
      sessions(0, 0),
      block(270),
      close,
      hold('store full'),
      hold(),
      done('round', { roundId: 'r', summary, failure: null }),
      done('scoreEpoch', succeed({ vector, scored: 1 })),
      done('scoreEpoch', fail(full)),
      timeout('roundInterval', 'epoch.rounds.pausing'),
      timeout('recoveryPatience', 'epoch.rounds.recovering'),
      timeout('retryPause', 'epoch.weights.retrying'),
    ];
    const distinguish = (context: {
      rounds: number;
      ready: number;
      readyBefore: number;
      block: number;
      holds: readonly string[];
    }) => [context.holds.length, context.rounds > 0, context.ready, context.readyBefore, context.block];
    expect(reachedStates(epochMachine, { input, events, distinguish })).toEqual(stateIds(epochMachine));
  });

  it('holds no new round while work is held, finishes the one under way, and goes on by itself', async () => {
    const { actor, plan, holdRound, clock, value, facts } = run();
    actor.send(sessions(1, 0));
    actor.send(hold('store full', 'short of memory'));
    expect(value()).toMatchObject({ rounds: { collecting: 'steady' } });
    await holdRound();
    clock.increment(input.roundIntervalMs);
    expect(value()).toMatchObject({ rounds: 'held' });
    expect(facts.at(-1)).toEqual({
      type: 'rounds.held',
      epoch: 7,
      reasons: ['store full', 'short of memory'],
    });
    actor.send(hold('store full'));
    clock.increment(10 * input.roundIntervalMs);
    expect(plan.calls).toHaveLength(1);
    actor.send(hold());
    expect(plan.calls).toHaveLength(2);
    expect(facts.map(({ type }) => type)).toEqual(['round.ended', 'rounds.held', 'rounds.freed']);
  });

  it('scores and closes an epoch although its rounds are held', async () => {
    const { actor, score, value } = run({ input: { ...input, holds: ['store slow'] } });
    actor.send(sessions(1, 0));
    expect(value()).toEqual({ rounds: 'held', weights: 'waiting' });
    actor.send(block(444));
    await score.answer(succeed({ vector, scored: 1 }));
    actor.send(close);
    expect(actor.getSnapshot().status).toBe('done');
  });

  it('asks nobody while first dials are under way', async () => {
    const { actor, plan, value } = run();
    actor.send(sessions(0, 2));
    actor.send(sessions(1, 1));
    actor.send(sessions(0, 0));
    expect(value()).toMatchObject({ rounds: 'open' });
    actor.send(sessions(1, 0));
    expect(plan.calls).toEqual([{ epoch: 7, block: 100, candidates: input.candidates, deadlineMs: 20_000 }]);
  });

  it('asks nobody where nobody is', () => {
    const { actor, plan } = run({ input: { ...input, candidates: [] } });
    actor.send(sessions(1, 0));
    expect(plan.calls).toEqual([]);
  });

  it('holds one round after the other, with a pause between', async () => {
    const { actor, plan, clock, value, context, facts, holdRound } = await afterOneRound();
    expect(value()).toMatchObject({ rounds: 'pausing' });
    clock.increment(input.roundIntervalMs - 1);
    expect(plan.calls).toHaveLength(1);
    actor.send(sessions(1, 1));
    actor.send(block(103));
    clock.increment(1);
    expect(plan.calls.map((call) => call.block)).toEqual([100, 103]);
    await holdRound();
    expect(context().rounds).toBe(2);
    expect(facts).toEqual([
      { type: 'round.ended', roundId: 'r7-1', summary, failure: null },
      { type: 'round.ended', roundId: 'r7-2', summary, failure: null },
    ]);
  });

  it('goes on after a round that failed, and does not count it', async () => {
    const { actor, plan, clock, context, facts } = run();
    actor.send(sessions(1, 0));
    await plan.answer(fail(full));
    expect(context().rounds).toBe(0);
    expect(facts).toEqual([{ type: 'round.ended', roundId: null, summary: null, failure: full }]);
    clock.increment(input.roundIntervalMs);
    expect(plan.calls).toHaveLength(2);
  });

  it('scores when the weights are due, and hands the vector over once', async () => {
    const { actor, score, types, facts, value } = await afterOneRound();
    actor.send(block(269));
    expect(score.calls).toEqual([]);
    actor.send(block(270));
    expect(score.calls).toEqual([{ epoch: 7 }]);
    await score.answer(succeed({ vector, scored: 1 }));
    for (const height of [271, 400, 449]) actor.send(block(height));
    expect(score.calls).toHaveLength(1);
    expect(types().filter((type) => type === 'epoch.scored')).toHaveLength(1);
    expect(facts.at(-1)).toEqual(scoredFact);
    expect(value()).toMatchObject({ weights: 'scored' });
  });

  it('scores in the last blocks even if no round could be held', () => {
    const { actor, score } = run();
    actor.send(block(429));
    expect(score.calls).toEqual([]);
    actor.send(block(430));
    expect(score.calls).toHaveLength(1);
  });

  it('leaves room for finality that lags, also in a short epoch and where weights are due at its end', () => {
    const short = run({ input: { ...input, lastEpochBlock: 90, endsAtBlock: 140, block: 91 } });
    short.actor.send(block(132));
    expect(short.score.calls).toEqual([]);
    short.actor.send(block(133));
    expect(short.score.calls).toHaveLength(1);
    const late = run({ input: { ...input, dueAfterFraction: 1 } });
    late.actor.send(block(430));
    expect(late.score.calls).toHaveLength(1);
  });

  it('follows a tempo that the owner changed', async () => {
    const { actor, score } = await afterOneRound();
    const schedule = { epoch: 7, candidates: [], lastEpochBlock: 90, endsAtBlock: 130 };
    actor.send({ type: 'epoch.rescheduled', ...schedule });
    actor.send(block(110));
    expect(score.calls).toHaveLength(1);
  });

  it('tries scoring again when the store refused', async () => {
    const { score, clock, types, context, value, facts } = await scoring();
    await score.answer(fail(full));
    expect(facts.at(-1)).toEqual({ type: 'epoch.stalled', epoch: 7, failure: full });
    expect(value()).toMatchObject({ weights: 'retrying' });
    expect(context().lastFailure).toEqual(full);
    clock.increment(delays.retryPauseMs - 1);
    expect(score.calls).toHaveLength(1);
    clock.increment(1);
    await score.answer(succeed({ vector, scored: 1 }));
    expect(types().filter((type) => type === 'epoch.scored')).toHaveLength(1);
  });

  it('breaks with a defect in a round or in scoring', async () => {
    const inRound = run();
    inRound.actor.send(sessions(1, 0));
    await inRound.plan.crash('bad plan');
    expect(inRound.actor.getSnapshot().status).toBe('error');
    const inScoring = await scoring();
    await inScoring.score.crash('bad score');
    expect(String(inScoring.errors[0])).toContain('bad score');
  });
});

/** One round has been held with six live links, and its pause is over. */
const afterSixLinks = async (ready: number) => {
  const epoch = run();
  epoch.actor.send(sessions(6, 0));
  await epoch.holdRound();
  epoch.actor.send(sessions(ready, 0));
  epoch.clock.increment(input.roundIntervalMs);
  return epoch;
};

describe('machines / epoch in an outage', () => {
  it('holds no round while its links have collapsed, says so, and goes on when they are back', async () => {
    const { actor, plan, clock, value, facts, types } = await afterSixLinks(1);
    expect(value()).toMatchObject({ rounds: 'recovering' });
    expect(facts.at(-1)).toEqual({ type: 'rounds.recovering', epoch: 7, ready: 1, readyBefore: 6 });
    actor.send(sessions(0, 6));
    clock.increment(delays.recoveryPatienceMs - 1);
    expect(plan.calls).toHaveLength(1);
    actor.send(sessions(2, 4));
    expect(plan.calls).toHaveLength(2);
    expect(types().filter((type) => type === 'rounds.recovering')).toHaveLength(1);
  });

  it('does not wait for the loss of up to two thirds of its links', async () => {
    const { plan } = await afterSixLinks(2);
    expect(plan.calls).toHaveLength(2);
  });

  it('goes on with the links that are left when its patience is over', async () => {
    const { plan, clock, value } = await afterSixLinks(1);
    clock.increment(delays.recoveryPatienceMs);
    expect(value()).toMatchObject({ rounds: { collecting: 'steady' } });
    expect(plan.calls).toHaveLength(2);
  });

  it('never holds a round without a live link, however long it takes', async () => {
    const { actor, plan, clock, value } = await afterSixLinks(0);
    clock.increment(10 * delays.recoveryPatienceMs);
    expect(value()).toMatchObject({ rounds: 'open' });
    expect(plan.calls).toHaveLength(1);
    actor.send(sessions(1, 5));
    expect(plan.calls).toHaveLength(2);
  });

  it('closes while it recovers, and arms its timer again when it is resumed', async () => {
    const { actor } = await afterSixLinks(0);
    const again = run({ snapshot: throughJson(actor) });
    again.actor.send({ type: 'system.resumed' });
    again.clock.increment(delays.recoveryPatienceMs);
    expect(again.value()).toMatchObject({ rounds: 'open' });
    actor.send(close);
    expect(actor.getSnapshot().output).toEqual({ epoch: 7, rounds: 1 });
  });
});

describe('machines / epoch closing', () => {
  it('finishes the round under way, and begins no other', async () => {
    const { actor, plan, clock, holdRound, types } = run();
    actor.send(sessions(1, 0));
    actor.send(close);
    actor.send(close);
    expect(actor.getSnapshot().status).toBe('active');
    await holdRound();
    expect(actor.getSnapshot().status).toBe('done');
    expect(actor.getSnapshot().output).toEqual({ epoch: 7, rounds: 1 });
    expect(types()).toEqual(['round.ended']);
    clock.increment(input.roundIntervalMs);
    expect(plan.calls).toHaveLength(1);
  });

  it('is over at once while it waits or pauses', async () => {
    const waiting = run();
    waiting.actor.send(close);
    expect(waiting.actor.getSnapshot().output).toEqual({ epoch: 7, rounds: 0 });
    const pausing = await afterOneRound();
    pausing.actor.send(close);
    expect(pausing.actor.getSnapshot().status).toBe('done');
    expect(pausing.score.calls).toEqual([]);
  });

  it('waits for scoring and hands the vector over', async () => {
    const { actor, score, types } = await scoring();
    actor.send(close);
    expect(actor.getSnapshot().status).toBe('active');
    await score.answer(succeed({ vector, scored: 1 }));
    expect(actor.getSnapshot().status).toBe('done');
    expect(types()).toEqual(['round.ended', 'epoch.scored']);
  });

  it('does not wait for a store that refuses', async () => {
    const { actor, score, types } = await scoring();
    actor.send(close);
    await score.answer(fail(full));
    expect(actor.getSnapshot().status).toBe('done');
    expect(types()).not.toContain('epoch.scored');
    const retrying = await scoring();
    await retrying.score.answer(fail(full));
    retrying.actor.send(close);
    retrying.clock.increment(delays.retryPauseMs);
    expect(retrying.actor.getSnapshot().status).toBe('done');
    expect(retrying.score.calls).toHaveLength(1);
  });

  it('ends with its last round when the vector was handed over before', async () => {
    const { actor, score, clock, holdRound, types } = await scoring();
    await score.answer(succeed({ vector, scored: 1 }));
    clock.increment(input.roundIntervalMs);
    actor.send(close);
    expect(actor.getSnapshot().value).toEqual({ rounds: { collecting: 'last' }, weights: 'handedOver' });
    await holdRound();
    expect(actor.getSnapshot().output).toEqual({ epoch: 7, rounds: 2 });
    expect(types().filter((type) => type === 'epoch.scored')).toHaveLength(1);
  });

  it('closes in a pause between two rounds that fail', async () => {
    const { actor, plan } = run();
    actor.send(sessions(1, 0));
    actor.send(close);
    await plan.answer(fail(full));
    expect(actor.getSnapshot().output).toEqual({ epoch: 7, rounds: 0 });
  });
});

describe('machines / epoch restored', () => {
  it('hands its vector over again when it is resumed', async () => {
    const { actor, score } = await scoring();
    await score.answer(succeed({ vector, scored: 1 }));
    const again = run({ snapshot: throughJson(actor) });
    again.actor.send({ type: 'system.resumed' });
    expect(again.facts).toEqual([scoredFact]);
  });

  it('arms the timer of a refused scoring again when it is resumed', async () => {
    const { actor, score } = await scoring();
    await score.answer(fail(full));
    const again = run({ snapshot: throughJson(actor) });
    again.actor.send({ type: 'system.resumed' });
    again.clock.increment(delays.retryPauseMs);
    expect(again.score.calls).toHaveLength(1);
  });

  it('goes on with its rounds when it is resumed in a pause', async () => {
    const { actor } = await afterOneRound();
    const again = run({ snapshot: throughJson(actor) });
    again.clock.increment(input.roundIntervalMs);
    again.actor.send({ type: 'system.resumed' });
    again.clock.increment(input.roundIntervalMs - 1);
    expect(again.plan.calls).toEqual([]);
    again.clock.increment(1);
    expect(again.plan.calls).toHaveLength(1);
  });

  it('ignores being resumed where there is nothing to resume', () => {
    const { actor, facts, value } = run();
    actor.send({ type: 'system.resumed' });
    expect(facts).toEqual([]);
    expect(value()).toEqual({ rounds: 'open', weights: 'waiting' });
  });

  it('keeps only plain JSON in its context', async () => {
    const { context } = await scoring();
    expect(isPlainJson(context())).toBe(true);
  });
});
