import { describe, expect, it } from 'vitest';
import { createActor, setup } from 'xstate';

import { createObserver } from '#src/actors/observer.ts';
import { recordingLog } from '#test/support/actors.ts';

type Event = { readonly type: string };

const child = setup({ types: { events: {} as Event } }).createMachine({
  initial: 'idle',
  states: { idle: { on: { go: 'busy' } }, busy: {} },
});

/** A root with one child, observed. */
const observed = () => {
  const { log, lines } = recordingLog();
  const machine = setup({ types: { events: {} as Event }, actors: { child } }).createMachine({
    initial: 'closed',
    invoke: { id: 'worker', systemId: 'worker', src: 'child' },
    states: { closed: { on: { open: 'open' } }, open: {} },
  });
  const actor = createActor(machine, { inspect: createObserver({ log, onTransition: () => {} }) });
  actor.start();
  return { actor, lines, linesOf: (event: string) => lines.filter((line) => line['event'] === event) };
};

describe('actors / observer of the facts of a miner', () => {
  it('tells of the transitions of the root at info level, of others at debug', () => {
    const { actor, linesOf } = observed();
    actor.send({ type: 'open' });
    actor.system.get('worker').send({ type: 'go' });
    const moves = linesOf('machine.moved').map(({ level, to, by }) => ({ level, to, by }));
    expect(moves).toContainEqual({ level: 'info', to: 'open', by: 'open' });
    expect(moves).toContainEqual({ level: 'debug', to: 'busy', by: 'go' });
  });

  it('names the other side of a link as peer, so that the own hotkey of the line stays what it is', () => {
    const { actor, linesOf } = observed();
    actor.send({ type: 'validator.arrived', arrival: 'a-1', hotkey: '5Validator' } as Event);
    const [line] = linesOf('validator.arrived');
    expect(line).toMatchObject({ peer: '5Validator', arrival: 'a-1' });
    expect(line?.['hotkey']).not.toBe('5Validator');
  });

  it('warns of what costs a miner its income', () => {
    const { actor, lines } = observed();
    const facts = ['hotkey.unregistered', 'axon.refused', 'axon.replaced', 'inference.degraded'];
    for (const type of [...facts, 'inference.workerExited', 'session.revoked']) actor.send({ type });
    const warned = lines.filter(({ level }) => level === 'warn').map(({ event }) => event);
    expect(warned).toEqual([...facts, 'inference.workerExited', 'session.revoked']);
  });

  it('carries why a worker is not on the preferred provider into the log', () => {
    const { actor, linesOf } = observed();
    const note = 'CUDA is not available here';
    actor.send({ type: 'inference.ready', provider: 'cpu', note } as Event);
    expect(linesOf('inference.ready')).toMatchObject([{ level: 'info', provider: 'cpu', note }]);
  });

  it('reports a link that ended by a defect of this side as an error', () => {
    const { actor, linesOf } = observed();
    for (const _tag of ['Lost', 'Defect']) {
      actor.send({ type: 'session.lost', hotkey: '5Miner', failure: { _tag, message: 'm' } } as Event);
    }
    expect(linesOf('session.lost').map(({ level }) => level)).toEqual(['debug', 'error']);
  });
});
