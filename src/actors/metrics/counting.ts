import type { AnyActorRef, InspectionEvent } from 'xstate';

import { noOutcomes } from '../../domain/requestAccount.ts';
import type { MetricName, Reading } from './definitions.ts';

/** Label values are ours, but a defect could make endless ones: beyond this they are counted as `other`. */
const maxSeries = 2_000;
/** Twice the sessions that a root holds at once: where more are followed, some are over, and are looked for. */
const maxSessions = 512;

type Cell = { readonly labels: Readonly<Record<string, string>>; count: number };

/** The series of one counter, by the text of their label values. */
type Cells = Map<string, Cell>;

const weightResults: Readonly<Record<string, string>> = {
  'weights.confirmed': 'confirmed',
  'weights.committed': 'committed',
  'weights.revealed': 'revealed',
  'weights.superseded': 'superseded',
  'weights.unrevealed': 'unrevealed',
  'weights.foreign': 'foreign',
  'weights.refused': 'refused',
  'weights.missed': 'missed',
};

/** Facts that need no more than being counted. */
const counted: Readonly<Record<string, MetricName>> = {
  'chain.opened': 'chain_opened_total',
  'chain.lost': 'chain_lost_total',
  'store.troubled': 'store_troubles_total',
  'resources.short': 'resources_short_total',
  'requests.unbalanced': 'rounds_unbalanced_total',
  'epoch.scored': 'epochs_scored_total',
  'axon.refused': 'axon_refused_total',
};

const linkCauses = [
  ...(['Unreachable', 'HandshakeFailed', 'Refused', 'Silent', 'ProtocolViolation', 'Overflow'] as const),
  ...(['ClosedByPeer', 'ClosedHere', 'Lost', 'Defect'] as const),
];

/** Series that exist from the start, so that a rate can be computed from the first scrape. */
const seeds = (role: 'validator' | 'miner'): readonly [MetricName, string, readonly string[]][] => {
  const common: readonly [MetricName, string, readonly string[]][] = [
    ['chain_opened_total', '', ['']],
    ['chain_lost_total', '', ['']],
    ['store_troubles_total', '', ['']],
    ['resources_short_total', '', ['']],
    ['metrics_failures_total', '', ['']],
    ['session_failures_total', 'cause', linkCauses],
  ];
  if (role === 'miner')
    return [
      ...common,
      ['axon_refused_total', '', ['']],
      ['sessions_dismissed_total', 'cause', ['revoked', 'replaced']],
      ['inference_worker_exits_total', 'cause', ['ended', 'overran']],
    ];
  return [
    ...common,
    ['rounds_unbalanced_total', '', ['']],
    ['epochs_scored_total', '', ['']],
    ['requests_dispatched_total', '', ['']],
    ['weights_set_total', 'result', Object.values(weightResults)],
    ['rounds_total', 'result', ['settled', 'failed']],
    ['answers_total', 'outcome', Object.keys(noOutcomes)],
  ];
};

/** XState puts ids and delays into the names of its own events; they would make a series for each peer. */
const ownEvents = /^xstate\.(done\.actor|error\.actor|done\.state|after|snapshot|route)\./;
const shortened = (event: string): string => {
  if (!event.startsWith('xstate.')) return event;
  const own = ownEvents.exec(event);
  return own === null ? event : `xstate.${own[1]}`;
};

type Machine = {
  readonly id: string;
  readonly events: readonly string[];
  readonly isSession: boolean;
  readonly cells: Map<string, Cell>;
  readonly known: Map<string, boolean>;
};

const isMachine = (logic: unknown): logic is { readonly id: string; readonly events: readonly string[] } =>
  typeof logic === 'object' &&
  logic !== null &&
  'id' in logic &&
  typeof logic.id === 'string' &&
  'events' in logic &&
  Array.isArray(logic.events);

const matches = (descriptor: string, event: string): boolean =>
  descriptor === event || (descriptor.endsWith('*') && event.startsWith(descriptor.slice(0, -1)));

/** Leaf of a state value: `ready` of `{ linked: 'ready' }`. */
const leafOf = (value: unknown): string => {
  let inner = value;
  while (typeof inner === 'object' && inner !== null) inner = Object.values(inner)[0];
  return typeof inner === 'string' ? inner : 'unknown';
};

const fieldOf = (event: object, name: string): unknown => Reflect.get(event, name);
const numberOf = (value: unknown): number => (typeof value === 'number' && value > 0 ? value : 0);

const createCells = () => {
  const counters = new Map<MetricName, Cells>();
  let size = 0;
  const cellOf = (name: MetricName, label: string, value: string): Cell => {
    const cells = counters.get(name) ?? new Map<string, Cell>();
    counters.set(name, cells);
    const known = cells.get(value);
    if (known !== undefined) return known;
    if (size >= maxSeries && value !== 'other') return cellOf(name, label, 'other');
    size += 1;
    const cell = { labels: label === '' ? {} : { [label]: value }, count: 0 };
    cells.set(value, cell);
    return cell;
  };
  return { counters, cellOf };
};

type CellOf = ReturnType<typeof createCells>['cellOf'];

/** What a round's end adds. */
const countRound = (cellOf: CellOf, event: object): void => {
  const summary = fieldOf(event, 'summary');
  const isSettled = typeof summary === 'object' && summary !== null;
  cellOf('rounds_total', 'result', isSettled ? 'settled' : 'failed').count += 1;
  if (!isSettled) return;
  cellOf('requests_dispatched_total', '', '').count += numberOf(fieldOf(summary, 'dispatched'));
  for (const outcome of Object.keys(noOutcomes)) {
    cellOf('answers_total', 'outcome', outcome).count += numberOf(fieldOf(summary, outcome));
  }
};

const countLinkEnd = (cellOf: CellOf, event: object): void => {
  const failure = fieldOf(event, 'failure');
  const tag = typeof failure === 'object' && failure !== null ? fieldOf(failure, '_tag') : undefined;
  const cause = linkCauses.find((known) => known === tag) ?? 'other';
  cellOf('session_failures_total', 'cause', cause).count += 1;
};

/** Counts one fact: an event that the root hears. */
const countFact = (cellOf: CellOf, event: { readonly type: string }): void => {
  const plain = counted[event.type];
  if (plain !== undefined) {
    cellOf(plain, '', '').count += 1;
    return;
  }
  const result = weightResults[event.type];
  if (result !== undefined) cellOf('weights_set_total', 'result', result).count += 1;
  else if (event.type === 'round.ended') countRound(cellOf, event);
  else if (event.type === 'session.lost' || event.type === 'validator.left') countLinkEnd(cellOf, event);
  else if (event.type === 'session.revoked' || event.type === 'session.replaced')
    cellOf('sessions_dismissed_total', 'cause', event.type.slice('session.'.length)).count += 1;
  else if (event.type === 'inference.workerExited')
    cellOf(
      'inference_worker_exits_total',
      'cause',
      fieldOf(event, 'overran') === true ? 'overran' : 'ended',
    ).count += 1;
};

const sessionMachines: ReadonlySet<string> = new Set(['minerSession', 'validatorSession']);

/** Machines that are watched, by actor and, for what they share, by id. */
const createMachines = () => {
  const byRef = new WeakMap<AnyActorRef, Machine>();
  const byId = new Map<string, Machine>();
  const of = (ref: AnyActorRef): Machine | undefined => {
    const known = byRef.get(ref);
    if (known !== undefined) return known;
    const logic: unknown = fieldOf(ref, 'logic');
    if (!isMachine(logic)) return undefined;
    const { id, events } = logic;
    const fresh = { id, events, isSession: sessionMachines.has(id), cells: new Map(), known: new Map() };
    const machine = byId.get(id) ?? fresh;
    byId.set(id, machine);
    byRef.set(ref, machine);
    return machine;
  };
  return { of, all: () => byId.values() };
};

const knows = (machine: Machine, event: string): boolean => {
  if (event.startsWith('xstate.')) return true;
  const known = machine.known.get(event);
  if (known !== undefined) return known;
  const answer = machine.events.some((descriptor) => matches(descriptor, event));
  if (machine.known.size < maxSeries) machine.known.set(event, answer);
  return answer;
};

const countTransition = (machine: Machine, event: string): void => {
  const cell = machine.cells.get(event);
  if (cell !== undefined) {
    cell.count += 1;
    return;
  }
  const name = shortened(event);
  // Full names of XState's own events are not kept: there is one for each actor.
  const short = machine.cells.get(name) ?? { labels: { machine: machine.id, event: name }, count: 0 };
  short.count += 1;
  if (machine.cells.size < maxSeries) machine.cells.set(name, short);
};

/** Counters that follow from what happens in the actor system. */
export type Counting = {
  /** Cheap, and safe to be called by XState: it never throws. */
  readonly onInspection: (event: InspectionEvent) => void;
  readonly countFailure: () => void;
  readonly readings: () => readonly Reading[];
};

/** @param role whose counters exist from the start */
export const createCounting = (role: 'validator' | 'miner'): Counting => {
  const { counters, cellOf } = createCells();
  const machines = createMachines();
  const sessions = new Set<AnyActorRef>();
  for (const [name, label, values] of seeds(role)) for (const value of values) cellOf(name, label, value);

  // One that ended by a defect tells nobody.
  const forgetEnded = (): void => {
    for (const ref of sessions) if (ref.getSnapshot().status !== 'active') sessions.delete(ref);
  };
  const follow = (ref: AnyActorRef): void => {
    if (sessions.size >= maxSessions && !sessions.has(ref)) forgetEnded();
    sessions.add(ref);
  };

  const observe = (inspected: InspectionEvent): void => {
    if (inspected.type === '@xstate.action' || inspected.type === '@xstate.actor') return;
    // XState types the subject of an inspection more widely than what it ever is.
    const ref = inspected.actorRef as AnyActorRef;
    const machine = machines.of(ref);
    if (machine === undefined) return;
    const { type } = inspected.event;
    if (inspected.type === '@xstate.event') {
      // Facts are sent to the root for whoever looks on; it need not know them.
      if (ref.sessionId === inspected.rootId) countFact(cellOf, inspected.event);
      else if (!knows(machine, type))
        cellOf('machine_unknown_events_total', 'machine', machine.id).count += 1;
    } else if (inspected.type === '@xstate.microstep') {
      if (inspected._transitions.length > 0) countTransition(machine, type);
    } else if (machine.isSession) {
      if (inspected.snapshot.status === 'active') follow(ref);
      else sessions.delete(ref);
    }
  };

  const countFailure = (): void => {
    cellOf('metrics_failures_total', '', '').count += 1;
  };

  const sessionReadings = (): readonly Reading[] => {
    forgetEnded();
    const states = new Map<string, number>();
    for (const ref of sessions) {
      const state = leafOf(fieldOf(ref.getSnapshot(), 'value'));
      states.set(state, (states.get(state) ?? 0) + 1);
    }
    return [...states].map(([state, value]) => ({ name: 'session_state', labels: { state }, value }));
  };

  return {
    countFailure,
    onInspection: (inspected) => {
      try {
        observe(inspected);
      } catch {
        countFailure();
      }
    },
    readings: () => [
      ...[...counters].flatMap(([name, cells]) =>
        [...cells.values()].map(({ labels, count }): Reading => ({ name, labels, value: count })),
      ),
      ...[...machines.all()].flatMap(({ cells }) =>
        [...cells.values()].map(
          ({ labels, count }): Reading => ({ name: 'machine_transitions_total', labels, value: count }),
        ),
      ),
      ...sessionReadings(),
    ],
  };
};
