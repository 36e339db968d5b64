import { expect } from 'vitest';
import {
  type AnyEventObject,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
  fromCallback,
  SimulatedClock,
} from 'xstate';

import type { InspectionEntry } from '#src/domain/view/inspection.ts';
import { createInspection } from '#src/inspector/inspection.ts';
import { rootId } from '#src/machines/root.ts';
import { shown } from '#src/machines/shown.ts';

/** Children that say nothing: what they would say is sent by hand. */
const withSilentChildren = (machine: AnyStateMachine): AnyStateMachine => {
  const names = Object.keys(machine.implementations.actors);
  return machine.provide({
    actors: Object.fromEntries(names.map((name) => [name, fromCallback(() => {})])),
  });
};

/** The states of a value, as a chart names them. */
export type StatesOf = (machine: AnyStateMachine, value: unknown) => readonly string[];

const lastStates = (entries: readonly InspectionEntry[], actor: string): readonly string[] =>
  entries.reduce<readonly string[]>((states, entry) => {
    if (entry.kind === 'born' && entry.actor.sessionId === actor) return entry.actor.states;
    return entry.kind === 'moved' && entry.actor === actor ? entry.states : states;
  }, []);

const litOnPath = (given: {
  readonly machine: AnyStateMachine;
  readonly input: unknown;
  readonly events: readonly AnyEventObject[];
  readonly statesOf: StatesOf;
}): ReadonlySet<string> => {
  const { machine, input, events, statesOf } = given;
  const inspection = createInspection({ role: 'test', shown });
  inspection.subscribe(() => {});
  const late = createInspection({ role: 'test', shown });
  const observe = inspection.observe;
  const actor = createActor(machine, {
    systemId: rootId,
    clock: new SimulatedClock(),
    inspect: observe,
    input,
  });
  actor.subscribe({ error: () => {} });
  const lit = new Set<string>();
  const compare = (): void => {
    const snapshot: AnyMachineSnapshot = actor.getSnapshot();
    const wanted = statesOf(machine, snapshot.value).toSorted();
    const hello = inspection.hello();
    // As the feed tells it step by step, and as it tells someone who comes now.
    const [view] = hello.actors.filter(({ sessionId }) => sessionId === actor.sessionId);
    expect(view?.chart).toBe(machine.id);
    expect(view?.states.toSorted()).toEqual(wanted);
    if (snapshot.status === 'active') {
      expect(lastStates(hello.entries, actor.sessionId).toSorted()).toEqual(wanted);
    }
    for (const id of wanted) lit.add(id);
  };
  actor.start();
  compare();
  for (const event of events) {
    actor.send(event);
    compare();
  }
  late.attach(actor);
  if (actor.getSnapshot().status === 'active') {
    const [view] = late.hello().actors;
    expect(view?.states.toSorted()).toEqual(statesOf(machine, actor.getSnapshot().value).toSorted());
  }
  expect(inspection.sizes().failures + late.sizes().failures).toBe(0);
  actor.stop();
  return lit;
};

/**
 * Drives a machine along paths as a living actor under the inspector's feed, and compares at each step the states that
 * the feed lights with `snapshot.value`.
 *
 * @returns all states that were lit
 */
export const litAlong = (given: {
  readonly machine: AnyStateMachine;
  readonly input: unknown;
  readonly paths: readonly (readonly AnyEventObject[])[];
  readonly statesOf: StatesOf;
}): ReadonlySet<string> => {
  const machine = withSilentChildren(given.machine);
  const { input, statesOf } = given;
  return new Set(given.paths.flatMap((events) => [...litOnPath({ machine, input, events, statesOf })]));
};
