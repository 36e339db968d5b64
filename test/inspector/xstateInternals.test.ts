import { describe, expect, it } from 'vitest';
import {
  type AnyActorRef,
  type AnyStateMachine,
  createActor,
  type InspectionEvent,
  setup,
  spawnChild,
} from 'xstate';
import { restoring } from '#src/actors/snapshots.ts';
import { chartOf, statesUnder, transitionIds } from '#src/inspector/chart.ts';
import { machineSnapshot } from '#src/inspector/charting.ts';

const leaf = setup({}).createMachine({
  id: 'leaf',
  initial: 'one',
  states: { one: { on: { step: 'two' }, always: [] }, two: {} },
});

const trunk = setup({ actors: { leaf } }).createMachine({
  id: 'trunk',
  entry: spawnChild('leaf', { id: 'leaf' }),
  initial: 'here',
  states: { here: { on: { go: 'there' } }, there: {} },
});

const watched = () => {
  const seen: InspectionEvent[] = [];
  const actor = createActor(trunk, { systemId: 'root', inspect: (event) => void seen.push(event) });
  return { actor, seen };
};

/** What the inspector relies on beyond the documented interface of XState 5; an upgrade that changes it fails here. */
describe('inspector / insides of XState', () => {
  it('has the chart at `machine.root`, with keys, orders and parents', () => {
    expect(trunk.root.id).toBe('trunk');
    expect(trunk.root.parent).toBeUndefined();
    const orders = statesUnder(chartOf(trunk).root).map(({ key, id }) => [key, id]);
    expect(orders).toEqual([
      ['trunk', 'trunk'],
      ['here', 'trunk.here'],
      ['there', 'trunk.there'],
    ]);
    expect(Object.values(trunk.root.states).map(({ order }) => order)).toEqual([1, 2]);
  });

  it('has the machine of an actor at `actorRef.logic`, a provided or a restored one as well', () => {
    const { actor } = watched();
    actor.start();
    const child = (actor.getSnapshot().children as Record<string, AnyActorRef>)['leaf'];
    expect((child as unknown as { readonly logic: AnyStateMachine }).logic.root.id).toBe('leaf');
    const restored = restoring(leaf, undefined, {
      fits: () => true,
      renew: () => ({}),
      onUnusable: () => {},
    });
    expect(restored.root).toBe(leaf.root);
  });

  it('has the active nodes at `snapshot._nodes`, a new list for each new configuration', () => {
    const { actor } = watched();
    actor.start();
    const before = machineSnapshot(actor.getSnapshot());
    expect(before?._nodes.map(({ id }) => id).toSorted()).toEqual(['trunk', 'trunk.here']);
    actor.send({ type: 'go' });
    const after = machineSnapshot(actor.getSnapshot());
    expect(after?._nodes).not.toBe(before?._nodes);
    expect(after?._nodes.map(({ id }) => id).toSorted()).toEqual(['trunk', 'trunk.there']);
  });

  it('has the taken transitions at `_transitions`, by the identity of the chart', () => {
    const { actor, seen } = watched();
    actor.start();
    actor.send({ type: 'go' });
    const steps = seen.flatMap((event) =>
      event.type === '@xstate.microstep' && event.event.type === 'go' ? [...event._transitions] : [],
    );
    expect(steps.map((transition) => transitionIds(trunk).get(transition))).toEqual(['trunk.here~0']);
  });

  it('tells a start by `xstate.init`, when system id and parent are known', () => {
    const { actor, seen } = watched();
    actor.start();
    const starts = seen.flatMap((event) =>
      event.type === '@xstate.event' && event.event.type === 'xstate.init'
        ? [event.actorRef as AnyActorRef]
        : [],
    );
    expect(starts).toHaveLength(2);
    expect(starts[0]).toMatchObject({ systemId: 'root' });
    expect(starts[1]?._parent).toBe(actor);
  });

  it('tells a stop by a snapshot, and a failure by an event from the failed', () => {
    const { actor, seen } = watched();
    actor.start();
    actor.stop();
    const ends = seen.flatMap((event) =>
      event.type === '@xstate.snapshot' && event.snapshot.status === 'stopped'
        ? [event.actorRef.sessionId]
        : [],
    );
    expect(ends).toHaveLength(2);
  });
});
