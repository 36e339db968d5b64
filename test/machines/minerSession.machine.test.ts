import { describe, expect, it } from 'vitest';
import { fromCallback, initialTransition, transition } from 'xstate';

import { delays } from '#src/machines/delays.ts';
import { type DialMiner, minerSessionMachine } from '#src/machines/minerSession.machine.ts';
import { fakeLink, isPlainJson, reachedStates, start, stateIds, timeout } from '#test/support/machines.ts';
import { axonAt } from '#test/support/machinesSubnet.ts';

const input = { hotkey: '5Miner', axon: axonAt(8091) };
const opened = { type: 'link.opened', kinds: ['sentiment_analysis'] } as const;
const closed = (jitter: number) =>
  ({ type: 'link.closed', failure: { _tag: 'Lost', message: 'reset' }, jitter }) as const;

const run = () => {
  const link = fakeLink<DialMiner>();
  return { link, ...start(minerSessionMachine.provide({ actors: { peerLink: link.logic } }), { input }) };
};

describe('machines / minerSession', () => {
  it('dials at once and blames nobody yet', () => {
    const [snapshot, actions] = initialTransition(minerSessionMachine, input);
    expect(snapshot.value).toEqual({ linked: 'dialing' });
    expect(actions.map(({ type }) => type)).toEqual(['xstate.spawnChild', 'xstate.raise']);
    expect(run().facts).toEqual([]);
  });

  it('is ready with the kinds that the miner offers', () => {
    const [dialing] = initialTransition(minerSessionMachine, input);
    const [ready] = transition(minerSessionMachine, dialing, opened);
    expect(ready.value).toEqual({ linked: 'ready' });
    expect(ready.context).toMatchObject({ kinds: ['sentiment_analysis'], attempt: 0 });
  });

  it('reaches every state', () => {
    const events = [
      opened,
      { type: 'link.busy' },
      { type: 'link.idle' },
      closed(0),
      { type: 'session.close' },
      { type: 'axon.moved', axon: axonAt(9) },
      timeout('dialPatience', 'minerSession.linked.dialing'),
      timeout('coolingDelay', 'minerSession.cooling'),
    ];
    expect(reachedStates(minerSessionMachine, { input, events })).toEqual(stateIds(minerSessionMachine));
  });

  it('follows its link through work and reports ready once', () => {
    const { link, value, facts } = run();
    const emit = link.newest().emit;
    emit(opened);
    emit({ type: 'link.busy' });
    emit({ type: 'link.busy' });
    expect(value()).toEqual({ linked: 'busy' });
    emit({ type: 'link.idle' });
    emit({ type: 'link.idle' });
    expect(value()).toEqual({ linked: 'ready' });
    expect(facts).toEqual([{ type: 'session.ready', hotkey: '5Miner' }]);
    expect(link.lives).toHaveLength(1);
  });

  it('gives up a handshake that takes too long, and none that has ended', () => {
    const slow = run();
    slow.clock.increment(delays.dialPatienceMs - 1);
    expect(slow.value()).toEqual({ linked: 'dialing' });
    slow.clock.increment(1);
    expect(slow.value()).toBe('cooling');
    expect(slow.facts).toMatchObject([{ type: 'session.lost', failure: { _tag: 'Unreachable' } }]);
    const open = run();
    open.link.newest().emit(opened);
    open.clock.increment(delays.dialPatienceMs);
    expect(open.value()).toEqual({ linked: 'ready' });
  });

  it('reports a loss with its reason and dials again after a growing pause', () => {
    const { link, clock, value, facts } = run();
    const pauses = Array.from({ length: 8 }, () => {
      link.newest().emit(closed(0));
      expect(link.newest().isReleased).toBe(true);
      let waited = 0;
      while (value() === 'cooling') {
        clock.increment(500);
        waited += 500;
      }
      return waited;
    });
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(facts).toHaveLength(8);
    expect(facts[0]).toEqual({ type: 'session.lost', hotkey: '5Miner', failure: closed(0).failure });
    link.newest().emit(opened);
    clock.increment(delays.steadyUptimeMs);
    link.newest().emit(closed(0.5));
    clock.increment(749);
    expect(value()).toBe('cooling');
    clock.increment(1);
    expect(value()).toEqual({ linked: 'dialing' });
  });

  it('dials a miner that flaps ever more rarely, until it has stayed for a while', () => {
    const { link, clock, context } = run();
    const flap = (uptimeMs: number): number => {
      link.newest().emit(opened);
      clock.increment(uptimeMs);
      link.newest().emit(closed(0));
      const { attempt } = context();
      clock.increment(delays.coolingMaxMs);
      return attempt;
    };
    expect([flap(0), flap(1), flap(delays.steadyUptimeMs - 1)]).toEqual([1, 2, 3]);
    expect([flap(delays.steadyUptimeMs), flap(0)]).toEqual([1, 2]);
  });

  it('does not count the uptime of an earlier link', () => {
    const { link, clock, context } = run();
    link.newest().emit(opened);
    clock.increment(delays.steadyUptimeMs - 10);
    link.newest().emit(closed(0));
    clock.increment(delays.coolingBaseMs / 2);
    link.newest().emit(opened);
    clock.increment(delays.steadyUptimeMs / 2);
    expect(context().attempt).toBe(1);
  });

  it('survives a defect of its link actor and dials again after a pause', () => {
    let lives = 0;
    const peerLink = fromCallback(() => {
      lives += 1;
      throw new Error('a bug');
    }) as DialMiner;
    const machine = minerSessionMachine.provide({ actors: { peerLink } });
    const { value, clock, facts, errors } = start(machine, { input });
    expect(value()).toBe('cooling');
    const failure = { _tag: 'Defect', message: 'Error: a bug' };
    expect(facts).toEqual([{ type: 'session.lost', hotkey: '5Miner', failure }]);
    clock.increment(delays.coolingBaseMs);
    expect(lives).toBe(2);
    expect(errors).toEqual([]);
  });

  it('dials a new address at once, whatever the old one did', () => {
    const { link, actor, clock, value } = run();
    link.newest().emit(closed(0));
    actor.send({ type: 'axon.moved', axon: axonAt(9000) });
    expect(value()).toEqual({ linked: 'dialing' });
    expect(link.newest().input).toEqual({ hotkey: '5Miner', axon: axonAt(9000) });
    link.newest().emit(opened);
    actor.send({ type: 'axon.moved', axon: axonAt(9001) });
    expect(link.lives.map((life) => life.isReleased)).toEqual([true, true, false]);
    clock.increment(delays.coolingMaxMs);
    expect(link.lives.map((life) => life.input.axon.port).slice(0, 3)).toEqual([8091, 9000, 9001]);
  });

  it('owes a new address no pause of the old one', () => {
    const { link, actor, clock, value } = run();
    for (let loss = 0; loss < 6; loss += 1) {
      link.newest().emit(closed(0));
      actor.send({ type: 'axon.moved', axon: axonAt(9000 + loss) });
    }
    link.newest().emit(closed(0));
    clock.increment(delays.coolingBaseMs / 2);
    expect(value()).toEqual({ linked: 'dialing' });
  });

  it('is over when it is closed, in every state', () => {
    const states = [[], [opened], [opened, { type: 'link.busy' }], [closed(0)]];
    for (const events of states) {
      const { link, actor, clock, facts } = run();
      for (const event of events) link.newest().emit(event);
      const before = facts.length;
      actor.send({ type: 'session.close' });
      clock.increment(delays.coolingMaxMs);
      expect(actor.getSnapshot().status).toBe('done');
      expect(link.lives.every((life) => life.isReleased)).toBe(true);
      expect(link.lives).toHaveLength(1);
      expect(facts).toHaveLength(before);
    }
  });

  it('keeps only plain JSON in its context', () => {
    const { link, context } = run();
    link.newest().emit(closed(0.25));
    expect(isPlainJson(context())).toBe(true);
  });
});
