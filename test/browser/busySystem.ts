import type { ActorView, InspectionEntry, InspectionHello } from '#src/domain/view/inspection.ts';
import { type Chart, type ChartState, chartOf, statesUnder } from '#src/inspector/chart.ts';
import { chainLinkMachine } from '#src/machines/chainLink.machine.ts';
import { epochMachine } from '#src/machines/epoch.machine.ts';
import { minerSessionMachine } from '#src/machines/minerSession.machine.ts';
import { roundMachine } from '#src/machines/round.machine.ts';
import { validatorMachine } from '#src/machines/validator.machine.ts';
import { seeded } from './fixtureRandom.ts';

/** A system of real charts that moves by chance but validly, and knows where each of its actors is. */
export type BusySystem = {
  readonly charts: ReadonlyMap<string, Chart>;
  readonly hello: () => InspectionHello;
  /** The next `count` entries: events and the moves they cause. */
  readonly next: (count: number) => readonly InspectionEntry[];
  readonly actor: (sessionId: string) => ActorView | undefined;
};

const machines = [validatorMachine, epochMachine, roundMachine, chainLinkMachine, minerSessionMachine];

/** The state and what is entered below it. */
const entered = (state: ChartState): readonly string[] => {
  const next =
    state.type === 'parallel' ? state.states : state.states.filter(({ id }) => id === state.initial);
  return [state.id, ...next.flatMap(entered)];
};

/** All active states, outermost first, after a transition into one of them. */
const configuration = (state: ChartState, target: string): readonly string[] => {
  if (state.id === target) return entered(state);
  const towards = state.states.find(({ id }) => target === id || target.startsWith(`${id}.`));
  if (towards === undefined) return entered(state);
  const others = state.type === 'parallel' ? state.states.filter((child) => child !== towards) : [];
  return [state.id, ...configuration(towards, target), ...others.flatMap(entered)];
};

type Living = { view: ActorView; readonly chart: Chart };

const living = (fields: {
  readonly sessionId: string;
  readonly id: string;
  readonly parent: string | null;
  readonly chart: Chart;
}): Living => {
  const { chart, sessionId, id, parent } = fields;
  const states = entered(chart.root).slice(1);
  const base = { status: 'active', lastTransitions: [], context: { attempt: 0 }, events: 0 } as const;
  const systemId = parent === null || id.includes('/') ? null : id;
  return { chart, view: { sessionId, id, systemId, parent, chart: chart.id, states, ...base } };
};

/** A transition that can be taken now and leads somewhere; null in a state without any. */
const choose = ({ view, chart }: Living, random: () => number) => {
  const active = statesUnder(chart.root).filter(({ id }) => id === chart.root.id || view.states.includes(id));
  const ways = active.flatMap(({ transitions }) => transitions.filter(({ targets }) => targets.length > 0));
  return ways[Math.floor(random() * ways.length)] ?? null;
};

/**
 * A validator with as many sessions as asked for.
 * @param now wall clock in milliseconds, for the entries
 */
export const createBusySystem = (sessions: number, now: () => number): BusySystem => {
  const charts = new Map(machines.map((machine) => [machine.id, chartOf(machine)]));
  const chart = (id: string): Chart => {
    const found = charts.get(id);
    if (found === undefined) throw new Error(`no chart ${id}`);
    return found;
  };
  const random = seeded(7);
  const root = living({ sessionId: 'x:0', id: 'validator', parent: null, chart: chart('validator') });
  const actors = new Map([[root.view.sessionId, root]]);
  const add = (id: string, of: string, parent: string): void => {
    const actor = living({ sessionId: `x:${actors.size}`, id, parent, chart: chart(of) });
    actors.set(actor.view.sessionId, actor);
  };
  add('chainLink', 'chainLink', 'x:0');
  add('epoch', 'epoch', 'x:0');
  add('round', 'round', 'x:2');
  for (let uid = 0; uid < sessions; uid += 1)
    add(`session/5F${String(uid).padStart(46, 'q')}`, 'minerSession', 'x:0');
  const all = [...actors.values()];
  const kept: InspectionEntry[] = [];
  let seq = 0;
  const step = (): readonly InspectionEntry[] => {
    const actor = all[Math.floor(random() * all.length)] ?? root;
    const way = choose(actor, random);
    const to = actor.view.sessionId;
    const event = way?.eventType === '' || way === null ? 'chain.head' : way.eventType;
    const at = now();
    seq += 1;
    const heard: InspectionEntry = {
      seq,
      at,
      kind: 'event',
      from: actor.view.parent,
      to,
      event,
      detail: { block: seq },
    };
    actor.view = { ...actor.view, events: actor.view.events + 1 };
    const target = way?.targets[0];
    if (way === null || target === undefined) return [heard];
    const states = configuration(actor.chart.root, target).slice(1);
    const context = { attempt: actor.view.events };
    actor.view = { ...actor.view, states, context, lastTransitions: [way.id] };
    seq += 1;
    return [heard, { seq, at, kind: 'moved', actor: to, by: event, transitions: [way.id], states, context }];
  };
  return {
    charts,
    hello: () => ({ actors: all.map(({ view }) => view), entries: [...kept], dropped: 0 }),
    next: (count) => {
      const entries: InspectionEntry[] = [];
      while (entries.length < count) entries.push(...step());
      kept.push(...entries);
      if (kept.length > 5_000) kept.splice(0, kept.length - 5_000);
      return entries;
    },
    actor: (sessionId) => actors.get(sessionId)?.view,
  };
};
