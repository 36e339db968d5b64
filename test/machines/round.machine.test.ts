import { describe, expect, it } from 'vitest';
import { initialTransition, transition } from 'xstate';

import { fail, succeed } from '#src/domain/outcome.ts';
import { noOutcomes, type RequestImbalance, type RequestTotals } from '#src/domain/requestAccount.ts';
import { delays } from '#src/machines/delays.ts';
import { type Cohort, type PlanRound, roundMachine } from '#src/machines/round.machine.ts';
import { done, fakeLink, fakeTask, reachedStates, start, stateIds, timeout } from '#test/support/machines.ts';

const input = { epoch: 3, block: 40, candidates: [{ uid: 1, hotkey: '5A', stake: 2 }], deadlineMs: 20_000 };
const planned = succeed({ roundId: 'r3-40-00000000', cohort: 1, tasks: 4 });
const full = { _tag: 'StoreFull', message: 'no space left' } as const;
const summary: RequestTotals = {
  ...noOutcomes,
  dispatched: 1,
  judged: 4,
};

const imbalance: RequestImbalance = {
  roundId: 'r3-40-00000000',
  planned: 4,
  decided: 3,
  repeated: 1,
  counts: { ...noOutcomes, judged: 4 },
  stated: null,
};

const run = () => {
  const planRound = fakeTask<PlanRound>();
  const cohort = fakeLink<Cohort>();
  const machine = roundMachine.provide({ actors: { planRound: planRound.logic, cohort: cohort.logic } });
  return { planRound, cohort, ...start(machine, { input }) };
};

const asking = async () => {
  const round = run();
  await round.planRound.answer(planned);
  return round;
};

describe('machines / round', () => {
  it('begins by asking for a plan with exactly its input', () => {
    const [snapshot, actions] = initialTransition(roundMachine, input);
    expect(snapshot.value).toBe('sampling');
    expect(actions.map(({ type }) => type)).toContain('xstate.spawnChild');
    expect(run().planRound.calls).toEqual([input]);
  });

  it('takes the id of the plan into its context as data', () => {
    const [sampling] = initialTransition(roundMachine, input);
    const [snapshot] = transition(roundMachine, sampling, done('planRound', planned) as never);
    expect(snapshot.value).toEqual({ asking: { gathering: 'dispatching' } });
    expect(snapshot.context).toMatchObject({ roundId: 'r3-40-00000000', cohort: 1 });
  });

  it('reaches every state', () => {
    const events = [
      done('planRound', planned),
      done('planRound', fail(full)),
      { type: 'cohort.dispatched', sent: 1, unreachable: 0 },
      { type: 'cohort.progress', judged: 1, open: 3 },
      { type: 'cohort.complete' },
      { type: 'cohort.settled', summary },
      { type: 'cohort.failed', failure: full },
      { type: 'cohort.unbalanced', imbalance },
      timeout('roundDeadline', 'round.asking.gathering'),
      timeout('settlingPatience', 'round.asking.judging'),
    ];
    expect(reachedStates(roundMachine, { input, events })).toEqual(stateIds(roundMachine));
  });

  it('is judged at once when all have answered, and done when the last verdict is written', async () => {
    const { actor, cohort, planRound, clock } = await asking();
    cohort.newest().emit({ type: 'cohort.dispatched', sent: 1, unreachable: 0 });
    cohort.newest().emit({ type: 'cohort.progress', judged: 3, open: 1 });
    expect(actor.getSnapshot().context).toMatchObject({ sent: 1, judged: 3, open: 1 });
    cohort.newest().emit({ type: 'cohort.complete' });
    expect(cohort.newest().received).toEqual([{ type: 'round.expire' }]);
    cohort.newest().emit({ type: 'cohort.settled', summary });
    expect(actor.getSnapshot().status).toBe('done');
    expect(actor.getSnapshot().output).toEqual({ roundId: 'r3-40-00000000', summary, failure: null });
    expect(cohort.newest().isReleased).toBe(true);
    expect(planRound.calls).toHaveLength(1);
    clock.increment(delays.settlingPatienceMs);
    expect(actor.getSnapshot().output?.summary).toEqual(summary);
  });

  it('has one deadline, counted from the first frame and not from the last', async () => {
    const { actor, cohort, clock } = await asking();
    clock.increment(15_000);
    cohort.newest().emit({ type: 'cohort.dispatched', sent: 1, unreachable: 0 });
    clock.increment(4_999);
    expect(actor.getSnapshot().matches({ asking: { gathering: 'collecting' } })).toBe(true);
    clock.increment(1);
    expect(actor.getSnapshot().matches({ asking: 'judging' })).toBe(true);
    expect(cohort.newest().received).toEqual([{ type: 'round.expire' }]);
  });

  it('expires while it is still sending', async () => {
    const { actor, cohort, clock } = await asking();
    clock.increment(20_000);
    cohort.newest().emit({ type: 'cohort.dispatched', sent: 1, unreachable: 0 });
    expect(actor.getSnapshot().matches({ asking: 'judging' })).toBe(true);
  });

  it('tells the cohort once that it is over, also when the deadline passes after the last answer', async () => {
    const { cohort, clock } = await asking();
    cohort.newest().emit({ type: 'cohort.complete' });
    clock.increment(14_000);
    clock.increment(999);
    cohort.newest().emit({ type: 'cohort.complete' });
    expect(cohort.newest().received).toEqual([{ type: 'round.expire' }]);
  });

  it('tells the root at once when the books of the cohort do not add up, and goes on until it breaks off', async () => {
    const { actor, cohort, facts } = await asking();
    cohort.newest().emit({ type: 'cohort.unbalanced', imbalance });
    expect(facts).toEqual([{ type: 'requests.unbalanced', ...imbalance }]);
    expect(actor.getSnapshot().matches('asking')).toBe(true);
  });

  it('fails when the verdicts are not written in time', async () => {
    const { actor, cohort, clock } = await asking();
    cohort.newest().emit({ type: 'cohort.complete' });
    clock.increment(delays.settlingPatienceMs);
    expect(actor.getSnapshot().value).toBe('failed');
    expect(actor.getSnapshot().output).toEqual({ roundId: 'r3-40-00000000', summary: null, failure: null });
    expect(cohort.newest().isReleased).toBe(true);
  });

  it('fails with the reason of the store, in planning and in asking', async () => {
    const planning = run();
    await planning.planRound.answer(fail(full));
    expect(planning.actor.getSnapshot().output).toEqual({ roundId: null, summary: null, failure: full });
    expect(planning.cohort.lives).toHaveLength(0);
    const { actor, cohort } = await asking();
    cohort.newest().emit({ type: 'cohort.failed', failure: full });
    expect(actor.getSnapshot().output).toMatchObject({ summary: null, failure: full });
  });

  it('breaks with a defect of its plan instead of hiding it', async () => {
    const { planRound, actor, errors } = run();
    await planRound.crash('no such table');
    expect(actor.getSnapshot().status).toBe('error');
    expect(String(errors[0])).toContain('no such table');
  });

  it('fails by name when nobody provided its actors', async () => {
    const { errors, actor } = start(roundMachine, { input });
    await new Promise((resolve) => setImmediate(resolve));
    expect(actor.getSnapshot().status).toBe('error');
    expect(String(errors[0])).toContain('`planRound` was not provided');
  });
});
