import { expect } from 'vitest';
import {
  type ActorRefFrom,
  type AnyActorRef,
  type AnyEventObject,
  type AnyStateMachine,
  type AnyStateNode,
  type CallbackActorLogic,
  createActor,
  type EventObject,
  fromCallback,
  fromPromise,
  type InputFrom,
  type PromiseActorLogic,
  SimulatedClock,
  type Snapshot,
  type SnapshotFrom,
} from 'xstate';
import { getShortestPaths } from 'xstate/graph';

import { rootId } from '#src/machines/root.ts';
import { litAlong } from '#test/support/machinesFeed.ts';

type TaskOutput<Logic> = Logic extends PromiseActorLogic<infer Output, infer _> ? Output : never;
type TaskInput<Logic> = Logic extends PromiseActorLogic<infer _, infer Input> ? Input : never;
type LinkInput<Logic> = Logic extends CallbackActorLogic<infer _, infer Input> ? Input : never;

/** A one-shot actor that is answered by hand. */
export type FakeTask<Logic> = {
  readonly logic: PromiseActorLogic<TaskOutput<Logic>, TaskInput<Logic>>;
  /** Inputs of all calls, oldest first. */
  readonly calls: TaskInput<Logic>[];
  /** How many calls were given up by the machine before they were answered. */
  readonly aborted: () => number;
  /** Answers the newest call and lets the machine take it. */
  readonly answer: (output: TaskOutput<Logic>) => Promise<void>;
  readonly crash: (message: string) => Promise<void>;
};

/** All promises that are settled by now have been taken by their machines. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export const fakeTask = <Logic>(): FakeTask<Logic> => {
  const calls: TaskInput<Logic>[] = [];
  const open: PromiseWithResolvers<TaskOutput<Logic>>[] = [];
  let aborted = 0;
  const newest = () => {
    const call = open.at(-1);
    if (call === undefined) throw new Error('the machine has not called this actor');
    return call;
  };
  return {
    calls,
    aborted: () => aborted,
    logic: fromPromise<TaskOutput<Logic>, TaskInput<Logic>>(({ input, signal }) => {
      const call = Promise.withResolvers<TaskOutput<Logic>>();
      signal.addEventListener('abort', () => {
        aborted += 1;
      });
      calls.push(input);
      open.push(call);
      return call.promise;
    }),
    answer: (output) => {
      newest().resolve(output);
      return settled();
    },
    crash: (message) => {
      newest().reject(new Error(message));
      return settled();
    },
  };
};

/** One life of a long-lived actor. */
export type FakeLife<Input> = {
  readonly input: Input;
  readonly received: EventObject[];
  readonly emit: (event: AnyEventObject) => void;
  isReleased: boolean;
};

export type FakeLink<Logic> = {
  readonly logic: CallbackActorLogic<EventObject, LinkInput<Logic>>;
  /** All lives, oldest first. */
  readonly lives: FakeLife<LinkInput<Logic>>[];
  readonly newest: () => FakeLife<LinkInput<Logic>>;
};

export const fakeLink = <Logic>(): FakeLink<Logic> => {
  const lives: FakeLife<LinkInput<Logic>>[] = [];
  return {
    lives,
    newest: () => {
      const life = lives.at(-1);
      if (life === undefined) throw new Error('the machine has not opened this actor');
      return life;
    },
    logic: fromCallback<EventObject, LinkInput<Logic>>(({ input, receive, sendBack }) => {
      const life: FakeLife<LinkInput<Logic>> = { input, received: [], emit: sendBack, isReleased: false };
      lives.push(life);
      receive((event) => life.received.push(event));
      return () => {
        life.isReleased = true;
      };
    }),
  };
};

export type Running<Machine extends AnyStateMachine> = {
  readonly actor: ActorRefFrom<Machine>;
  readonly clock: SimulatedClock;
  /** What the machine told the root of its system, oldest first. */
  readonly facts: AnyEventObject[];
  readonly errors: unknown[];
  readonly context: () => SnapshotFrom<Machine>['context'];
  readonly value: () => unknown;
};

type StartOptions<Machine extends AnyStateMachine> = {
  readonly input?: InputFrom<Machine>;
  readonly snapshot?: Snapshot<unknown>;
};

/**
 * Runs a machine as the root of its own system, on a simulated clock. A child that reports to the root then reports to
 * itself: those events are its facts.
 */
export const start = <Machine extends AnyStateMachine>(
  machine: Machine,
  options: StartOptions<Machine> = {},
): Running<Machine> => {
  const clock = new SimulatedClock();
  const facts: AnyEventObject[] = [];
  const errors: unknown[] = [];
  const given = options.snapshot === undefined ? { input: options.input } : { snapshot: options.snapshot };
  const actor: AnyActorRef & { start(): void } = createActor(machine as AnyStateMachine, {
    systemId: rootId,
    clock,
    inspect: (inspected) => {
      if (inspected.type !== '@xstate.event' || inspected.actorRef !== actor) return;
      if (inspected.sourceRef === actor && !inspected.event.type.startsWith('xstate.')) {
        facts.push(inspected.event);
      }
    },
    ...given,
  });
  actor.subscribe({ error: (error) => errors.push(error) });
  actor.start();
  return {
    actor: actor as ActorRefFrom<Machine>,
    clock,
    facts,
    errors,
    context: () => actor.getSnapshot().context,
    value: () => actor.getSnapshot().value,
  };
};

/** What a restart makes of a machine: its snapshot written as JSON and read again. */
export const throughJson = (actor: AnyActorRef): Snapshot<unknown> =>
  JSON.parse(JSON.stringify(actor.getPersistedSnapshot()));

/** Whether a value comes back from JSON as it was: no bigint, Map, Date, undefined or class instance in it. */
export const isPlainJson = (value: unknown): boolean =>
  JSON.stringify(JSON.parse(JSON.stringify(value))) === JSON.stringify(value) && isPlain(value);

const isPlain = (value: unknown): boolean => {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (Array.isArray(value)) return value.every(isPlain);
  return (
    typeof value === 'object' &&
    Object.getPrototypeOf(value) === Object.prototype &&
    Object.values(value).every(isPlain)
  );
};

const nodesUnder = (node: AnyStateNode): readonly AnyStateNode[] => [
  node,
  ...Object.values(node.states).flatMap(nodesUnder),
];

/** Ids of all states of a machine but its root. */
export const stateIds = (machine: AnyStateMachine): readonly string[] =>
  nodesUnder(machine.root)
    .slice(1)
    .map(({ id }) => id)
    .toSorted();

const activeIds = (machine: AnyStateMachine, value: unknown): readonly string[] => {
  const walk = (node: AnyStateNode, part: unknown): readonly string[] => {
    if (typeof part === 'string') return [`${node.id}.${part}`];
    if (typeof part !== 'object' || part === null) return [];
    return Object.entries(part).flatMap(([key, inner]) => {
      const child = node.states[key];
      return child === undefined ? [] : [child.id, ...walk(child, inner)];
    });
  };
  return walk(machine.root, value);
};

/** The event of a finished one-shot actor. */
export const done = (id: string, output: unknown): AnyEventObject => ({
  type: `xstate.done.actor.${id}`,
  actorId: id,
  output,
});

/** The event of a timer; `owner` is the id of the state that has it. */
export const timeout = (delay: string, owner: string): AnyEventObject => ({
  type: `xstate.after.${delay}.${owner}`,
});

/** One path to each state that no earlier one has shown. */
const pathsToEach = (
  machine: AnyStateMachine,
  paths: ReturnType<typeof getShortestPaths>,
): readonly (readonly AnyEventObject[])[] => {
  const seen = new Set<string>();
  return paths.flatMap(({ state, steps }) => {
    const fresh = activeIds(machine, state.value).filter((id) => !seen.has(id));
    for (const id of fresh) seen.add(id);
    // The first step of a path is the start itself.
    return fresh.length === 0 ? [] : [steps.slice(1).map(({ event }) => event)];
  });
};

/**
 * Ids of all states that some sequence of the events reaches, found by breadth-first search. On the way a living actor
 * goes along a path to each of them, and what the inspector lights is compared with where it is.
 *
 * @param options.distinguish what of the context decides how things go on; everything else is folded together
 */
export const reachedStates = (
  machine: AnyStateMachine,
  options: {
    readonly input?: unknown;
    readonly events: readonly AnyEventObject[];
    readonly distinguish?: (context: never) => unknown;
  },
): readonly string[] => {
  const paths = getShortestPaths(machine, {
    input: options.input,
    events: options.events,
    serializeState: (snapshot) =>
      JSON.stringify([snapshot.value, options.distinguish?.(snapshot.context as never) ?? null]),
    limit: 20_000,
  });
  const lit = litAlong({
    machine,
    input: options.input,
    paths: pathsToEach(machine, paths),
    statesOf: activeIds,
  });
  const reached = [...new Set(paths.flatMap(({ state }) => activeIds(machine, state.value)))].toSorted();
  expect([...lit].toSorted()).toEqual(reached);
  return reached;
};
