import type { AnyActorRef, InspectionEvent, SnapshotFrom } from 'xstate';
import type { SubnetSnapshot } from '../../domain/metagraph.ts';
import type { StandingView } from '../../domain/view/minerView.ts';
import type { InferencePoolEvent } from '../../machines/inferencePool.machine.ts';
import type { minerMachine } from '../../machines/miner.machine.ts';
import { type ChainNews, createChainNews } from './chainNews.ts';
import { keepNewest } from './keepNewest.ts';

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
/** Arrivals and hotkeys kept, those heard of last; a miner has 256 sessions at most. */
const most = 512;

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

/** When a session began, and the hotkey it has proved; null before. */
type Arrival = { readonly at: number; readonly hotkey: string | null };

/** Validators with a link, and how the link of each that left has ended. */
const createArrivals = () => {
  const arrivals = new Map<string, Arrival>();
  const left = new Map<string, { readonly at: number; readonly reason: string }>();
  let aloneSince: number | null = null;
  const keep = (arrival: string, value: Arrival): void => keepNewest(arrivals, { key: arrival, value, most });
  return {
    arrivedAt: (arrival: string) => arrivals.get(arrival)?.at ?? null,
    leftOf: (hotkey: string) => left.get(hotkey) ?? null,
    aloneSince: () => aloneSince,
    lives: (arrival: string, at: number): void =>
      keep(arrival, arrivals.get(arrival) ?? { at, hotkey: null }),
    proved: (arrival: string, { hotkey, at }: { readonly hotkey: string; readonly at: number }): void =>
      keep(arrival, { at: arrivals.get(arrival)?.at ?? at, hotkey }),
    gone: (arrival: string, reason: string, at: number): void => {
      const hotkey = arrivals.get(arrival)?.hotkey ?? null;
      arrivals.delete(arrival);
      if (hotkey !== null) keepNewest(left, { key: hotkey, value: { at, reason }, most });
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
    if (fact.type === 'validator.arrived') {
      arrivals.proved(textOf(fact['arrival']), { hotkey: textOf(fact['hotkey']), at });
    }
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
      // The last snapshot of a session comes after the news that it left.
      else if (ref.id.startsWith(sessionPrefix) && inspected.snapshot.status === 'active') {
        arrivals.lives(ref.id.slice(sessionPrefix.length), at);
      }
    },
  };
};
