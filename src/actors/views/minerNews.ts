import type { AnyActorRef, InspectionEvent, SnapshotFrom } from 'xstate';
import type { SubnetSnapshot } from '../../domain/metagraph.ts';
import type { StandingView } from '../../domain/view/minerView.ts';
import type { InferencePoolEvent } from '../../machines/inferencePool.machine.ts';
import type { minerMachine } from '../../machines/miner.machine.ts';
import { type ChainNews, createChainNews } from './chainNews.ts';

type Root = SnapshotFrom<typeof minerMachine>;

/** Readings of the incentive kept. */
const maxPoints = 200;
/** More workers than a pool may have. */
const maxSlots = 1_024;

/** What is known of one worker that no context keeps. */
export type WorkerNews = {
  /** Ends since the start that were followed by another beginning. */
  readonly restarts: number;
  readonly lastExit: string | null;
  readonly provider: string | null;
  readonly note: string | null;
};

const noWorker: WorkerNews = { restarts: 0, lastExit: null, provider: null, note: null };

/** What a miner's actors tell in passing and keep nowhere, for the page. */
export type MinerNews = {
  readonly chain: ChainNews;
  readonly workerOf: (slot: number) => WorkerNews;
  /** Why inference cannot go on; null while it can. */
  readonly failure: () => string | null;
  readonly incentives: () => StandingView['history'];
  /** Since when no validator has a link although they could; null while one has. */
  readonly aloneSince: () => number | null;
  /** Since when the session of an arrival is there. */
  readonly arrivedAt: (arrival: string) => number | null;
  /** The last reason for which a validator's link ended, and when. */
  readonly leftOf: (hotkey: string) => { readonly at: number; readonly reason: string } | null;
  readonly saw: (inspected: InspectionEvent, at: number) => void;
};

const sessionPrefix = 'session/';
const maxKept = 512;

/** A table of the newest entries. */
const keep = <A>(table: Map<string, A>, key: string, value: A): void => {
  table.delete(key);
  table.set(key, value);
  const [oldest] = table.keys();
  if (table.size > maxKept && oldest !== undefined) table.delete(oldest);
};

const createWorkerNews = () => {
  const workers = new Map<number, WorkerNews>();
  return {
    of: (slot: number): WorkerNews => workers.get(slot) ?? noWorker,
    saw: (event: InferencePoolEvent): void => {
      if ((event.type !== 'worker.ready' && event.type !== 'worker.exited') || event.slot >= maxSlots) return;
      const known = workers.get(event.slot) ?? noWorker;
      workers.set(
        event.slot,
        event.type === 'worker.ready'
          ? { ...known, provider: event.provider, note: event.note }
          : { ...known, restarts: known.restarts + 1, lastExit: event.reason },
      );
    },
  };
};

const createIncentives = (hotkey: string) => {
  let points: StandingView['history'] = [];
  return {
    points: () => points,
    saw: ({ block, neurons }: SubnetSnapshot): void => {
      const incentive = neurons.find((neuron) => neuron.hotkey === hotkey)?.incentive;
      const last = points.at(-1);
      if (incentive === undefined) return;
      // A level line needs its two ends only.
      const before = points.at(-2);
      const isLevel = last?.incentive === incentive && before?.incentive === incentive;
      points = [...(isLevel ? points.slice(0, -1) : points), { block, incentive }].slice(-maxPoints);
    },
  };
};

/** Validators with a link, and how the link of each that left has ended. */
const createArrivals = () => {
  const arrivedAt = new Map<string, number>();
  const left = new Map<string, { readonly at: number; readonly reason: string }>();
  const hotkeys = new Map<string, string>();
  let aloneSince: number | null = null;
  return {
    arrivedAt: (arrival: string) => arrivedAt.get(arrival) ?? null,
    leftOf: (hotkey: string) => left.get(hotkey) ?? null,
    aloneSince: () => aloneSince,
    born: (arrival: string, at: number): void => {
      if (!arrivedAt.has(arrival)) keep(arrivedAt, arrival, at);
    },
    proved: (arrival: string, hotkey: string): void => keep(hotkeys, arrival, hotkey),
    gone: (arrival: string, reason: string, at: number): void => {
      const hotkey = hotkeys.get(arrival);
      hotkeys.delete(arrival);
      arrivedAt.delete(arrival);
      if (hotkey !== undefined) keep(left, hotkey, { at, reason });
    },
    looked: (root: Root, at: number): void => {
      const isServing = root.matches({ alive: { open: 'serving' } });
      const hasLink = Object.values(root.context.sessions).some((hotkey) => hotkey !== null);
      aloneSince = isServing && !hasLink ? (aloneSince ?? at) : null;
    },
  };
};

type Fact = { readonly type: string } & Readonly<Record<string, unknown>>;

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const messageOf = (failure: unknown): string =>
  typeof failure === 'object' && failure !== null && 'message' in failure
    ? String(failure.message)
    : 'no reason was given';

/** @param hotkey of this miner */
export const createMinerNews = (hotkey: string): MinerNews => {
  const chain = createChainNews();
  const workers = createWorkerNews();
  const incentives = createIncentives(hotkey);
  const arrivals = createArrivals();
  let failure: string | null = null;

  const sawFact = (fact: Fact, at: number): void => {
    if (fact.type === 'chain.subnet') incentives.saw(fact['subnet'] as SubnetSnapshot);
    if (fact.type === 'inference.failed') failure = textOf(fact['reason']);
    if (fact.type === 'validator.arrived') arrivals.proved(textOf(fact['arrival']), textOf(fact['hotkey']));
    if (fact.type === 'validator.left') {
      arrivals.gone(textOf(fact['arrival']), messageOf(fact['failure']), at);
    }
  };

  return {
    chain,
    workerOf: workers.of,
    failure: () => failure,
    incentives: incentives.points,
    aloneSince: arrivals.aloneSince,
    arrivedAt: arrivals.arrivedAt,
    leftOf: arrivals.leftOf,
    saw: (inspected, at) => {
      const ref = inspected.actorRef as AnyActorRef;
      chain.saw(inspected, at);
      const isRoot = ref.sessionId === inspected.rootId;
      if (inspected.type === '@xstate.event') {
        if (isRoot) sawFact(inspected.event, at);
        // The machine's own events: nobody else sends it any.
        if (ref.id === 'inferencePool') workers.saw(inspected.event as InferencePoolEvent);
      }
      if (inspected.type !== '@xstate.snapshot') return;
      if (isRoot) arrivals.looked(inspected.snapshot as Root, at);
      else if (ref.id.startsWith(sessionPrefix)) arrivals.born(ref.id.slice(sessionPrefix.length), at);
    },
  };
};
