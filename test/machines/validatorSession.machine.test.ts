import { describe, expect, it } from 'vitest';
import { initialTransition, transition } from 'xstate';

import { delays } from '#src/machines/delays.ts';
import { type AcceptValidator, validatorSessionMachine } from '#src/machines/validatorSession.machine.ts';
import { fakeLink, isPlainJson, reachedStates, start, stateIds, timeout } from '#test/support/machines.ts';

const input = { arrival: 'a1', drainGraceMs: 5_000 };
const opened = { type: 'link.opened', hotkey: '5Validator' } as const;
const busy = { type: 'link.busy' } as const;
const idle = { type: 'link.idle' } as const;
const lost = { _tag: 'Lost', message: 'reset' } as const;
const close = { type: 'session.close', reason: 'SIGTERM' } as const;

const dismiss = { type: 'session.dismiss', cause: 'revoked', reason: 'no validator permit' } as const;

const run = () => {
  const link = fakeLink<AcceptValidator>();
  const machine = validatorSessionMachine.provide({ actors: { peerLink: link.logic } });
  return { link, ...start(machine, { input }) };
};

describe('machines / validatorSession', () => {
  it('holds its socket from the first moment and trusts nobody', () => {
    const [snapshot, actions] = initialTransition(validatorSessionMachine, input);
    expect(snapshot.value).toEqual({ linked: 'greeting' });
    expect(snapshot.context.hotkey).toBeNull();
    expect(actions.map(({ type }) => type)).toEqual(['xstate.spawnChild', 'xstate.raise']);
    expect(run().link.newest().input).toEqual({ arrival: 'a1' });
  });

  it('knows the proven hotkey as data', () => {
    const [greeting] = initialTransition(validatorSessionMachine, input);
    const [authorised, actions] = transition(validatorSessionMachine, greeting, opened);
    expect(authorised.value).toEqual({ linked: 'authorised' });
    expect(authorised.context.hotkey).toBe('5Validator');
    expect(actions.map(({ type }) => type)).toEqual(['xstate.cancel', 'xstate.sendTo']);
  });

  it('reaches every state', () => {
    const events = [
      opened,
      busy,
      idle,
      { type: 'link.closed', failure: lost },
      close,
      timeout('greetingPatience', 'validatorSession.linked.greeting'),
      timeout('drainGrace', 'validatorSession.linked.closing'),
      dismiss,
      timeout('farewellPatience', 'validatorSession.linked.dismissed'),
    ];
    expect(reachedStates(validatorSessionMachine, { input, events })).toEqual(
      stateIds(validatorSessionMachine),
    );
  });

  it('tells the miner who came and who left, once each', () => {
    const { link, facts, actor } = run();
    for (const event of [opened, busy, busy, idle, idle]) link.newest().emit(event);
    link.newest().emit({ type: 'link.closed', failure: lost });
    expect(facts).toEqual([
      { type: 'validator.arrived', arrival: 'a1', hotkey: '5Validator' },
      { type: 'validator.left', arrival: 'a1', failure: lost },
    ]);
    expect(actor.getSnapshot().status).toBe('done');
    expect(link.newest().isReleased).toBe(true);
  });

  it('cuts a greeting that takes too long, and none that has ended', () => {
    const slow = run();
    slow.clock.increment(delays.greetingPatienceMs - 1);
    expect(slow.actor.getSnapshot().status).toBe('active');
    slow.clock.increment(1);
    expect(slow.facts).toMatchObject([{ type: 'validator.left', failure: { _tag: 'HandshakeFailed' } }]);
    expect(slow.link.newest().isReleased).toBe(true);
    const quick = run();
    quick.link.newest().emit(opened);
    quick.clock.increment(delays.greetingPatienceMs);
    expect(quick.value()).toEqual({ linked: 'authorised' });
  });

  it('closes at once while nothing is owed', () => {
    for (const events of [[], [opened]]) {
      const { link, actor, facts } = run();
      for (const event of events) link.newest().emit(event);
      actor.send(close);
      expect(actor.getSnapshot().status).toBe('done');
      expect(link.newest().received).toEqual([]);
      expect(facts.at(-1)).toMatchObject({ type: 'validator.left', failure: { _tag: 'ClosedHere' } });
    }
  });

  it('finishes what it owes before it closes', () => {
    const { link, actor, value } = run();
    link.newest().emit(opened);
    link.newest().emit(busy);
    actor.send(close);
    actor.send(close);
    link.newest().emit(busy);
    expect(value()).toEqual({ linked: 'closing' });
    expect(link.newest().received).toEqual([{ type: 'link.refuseTasks' }]);
    link.newest().emit(idle);
    expect(actor.getSnapshot().status).toBe('done');
  });

  it('closes after the grace whatever is still owed', () => {
    const { link, actor, clock } = run();
    link.newest().emit(opened);
    link.newest().emit(busy);
    actor.send(close);
    clock.increment(input.drainGraceMs - 1);
    expect(actor.getSnapshot().status).toBe('active');
    clock.increment(1);
    expect(actor.getSnapshot().status).toBe('done');
    expect(link.newest().isReleased).toBe(true);
  });

  it('tells a peer that is sent away why, at once and whatever is owed', () => {
    for (const events of [[opened], [opened, busy], [opened, busy, close]]) {
      const { link, actor, facts, value } = run();
      for (const event of events) {
        if (event.type === 'session.close') actor.send(event);
        else link.newest().emit(event);
      }
      actor.send(dismiss);
      actor.send(dismiss);
      expect(value()).toEqual({ linked: 'dismissed' });
      const { reason } = dismiss;
      expect(link.newest().received.at(-1)).toEqual({ type: 'link.dismiss', reason });
      expect(facts.slice(1)).toEqual([
        { type: 'session.revoked', arrival: 'a1', hotkey: '5Validator', reason },
      ]);
      const farewell = { _tag: 'ClosedHere', message: `closed here: ${reason}` } as const;
      link.newest().emit({ type: 'link.closed', failure: farewell });
      expect(facts.at(-1)).toEqual({ type: 'validator.left', arrival: 'a1', failure: farewell });
      expect(actor.getSnapshot().status).toBe('done');
    }
  });

  it('does not wait long for a peer that is sent away', () => {
    const { link, actor, clock } = run();
    link.newest().emit(opened);
    actor.send(dismiss);
    clock.increment(delays.farewellPatienceMs - 1);
    expect(actor.getSnapshot().status).toBe('active');
    clock.increment(1);
    expect(actor.getSnapshot().status).toBe('done');
    expect(link.newest().isReleased).toBe(true);
  });

  it('keeps only plain JSON in its context', () => {
    const { link, context } = run();
    link.newest().emit(opened);
    expect(isPlainJson(context())).toBe(true);
  });
});
