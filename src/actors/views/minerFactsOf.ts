import type { SnapshotFrom } from 'xstate';
import type {
  InferenceFacts,
  MinerDaemonFacts,
  MinerLifeFacts,
  ServingFacts,
} from '../../domain/view/minerVerdict.ts';
import { holdReasons } from '../../domain/workHold.ts';
import type { InferencePool } from '../../inference/pool.ts';
import type { minerMachine } from '../../machines/miner.machine.ts';
import { chainFactsOf, ownNeuron } from './chainSlice.ts';
import { childOf } from './liveTree.ts';
import type { MinerNews } from './minerNews.ts';
import { noteOf } from './minerSlicesOf.ts';
import type { RequestLog } from './requestLog.ts';
import { upkeepFactsOf } from './upkeepFacts.ts';

type Root = SnapshotFrom<typeof minerMachine>;

type Given = {
  readonly root: Root | null;
  readonly pool: InferencePool | null;
  readonly news: MinerNews;
  readonly requests: RequestLog;
  /** As the store itself says; null while there is none, or it is well. */
  readonly storeTrouble: MinerDaemonFacts['upkeep']['storeTrouble'];
  /** Whether this machine has a GPU that could be used. */
  readonly hasGpu: boolean;
  readonly nowMs: number;
};

const lifeOf = (root: Root | null): MinerLifeFacts => {
  if (root === null) return { stage: 'opening', ending: null };
  const ending = root.status === 'error' ? String(root.error) : root.context.reason || null;
  if (root.status !== 'active') return { stage: 'ended', ending };
  if (root.matches({ alive: { open: 'draining' } }) || root.matches({ alive: 'withdrawing' })) {
    return { stage: 'draining', ending };
  }
  return { stage: root.matches({ alive: 'warming' }) ? 'warming' : 'working', ending };
};

/**
 * A machine without a GPU gives nothing up when it runs on its CPU, and a page that warned of it for ever would only
 * teach people to look away.
 */
const gaveUpBecause = (given: Given, slots: number): string | null => {
  const { news, hasGpu, pool } = given;
  return hasGpu || pool?.plan.planned === 'cuda' ? noteOf(slots, news) : null;
};

const inferenceFactsOf = (given: Given): InferenceFacts => {
  const { root, news } = given;
  const pool = childOf(root, 'inferencePool');
  const slots = pool?.context.slots ?? 0;
  const ready = pool?.context.ready ?? [];
  const missing = Array.from({ length: slots }, (_, slot) => slot).filter((slot) => !ready.includes(slot));
  const exits = missing.flatMap((slot) => news.workerOf(slot).lastExit ?? []);
  return {
    slots,
    ready: ready.length,
    hasBeenReady: pool?.context.provider !== null,
    lastExit: exits.at(0) ?? null,
    failure: news.failure(),
    provider: pool?.context.provider ?? null,
    note: gaveUpBecause(given, slots),
    isSaturated: pool?.matches({ open: 'saturated' }) ?? false,
    queued: pool?.context.queued ?? 0,
  };
};

const axonRefusalOf = (root: Root | null): string | null =>
  root?.matches({ alive: { open: 'announceBackingOff' } }) === true && root.context.axonWarned !== null
    ? (root.context.lastFailure?.message ?? null)
    : null;

const servingFactsOf = (given: Given): ServingFacts => {
  const { root, news, requests, nowMs } = given;
  const aloneSince = news.aloneSince();
  return {
    axonRefusal: axonRefusalOf(root),
    listenerFailure:
      root?.matches({ alive: 'rebinding' }) === true ? (root.context.lastFailure?.message ?? null) : null,
    validators: Object.values(root?.context.sessions ?? {}).filter((hotkey) => hotkey !== null).length,
    aloneForMs: aloneSince === null ? null : nowMs - aloneSince,
    holds: holdReasons({ storeTrouble: null, shortages: root?.context.shortages ?? [] }),
    ...requests.lately(nowMs),
  };
};

/** Everything that the verdict on a miner follows from, as it is now. */
export const minerFactsOf = (given: Given): MinerDaemonFacts => {
  const { root, news, nowMs, storeTrouble } = given;
  const place = root?.context ?? { subnet: null, hotkey: '' };
  return {
    life: lifeOf(root),
    chain: chainFactsOf({ link: childOf(root, 'chainLink'), place, news: news.chain, nowMs }),
    isRegistered: place.subnet === null ? null : ownNeuron(place) !== null,
    inference: inferenceFactsOf(given),
    serving: servingFactsOf(given),
    upkeep: { ...upkeepFactsOf(root), storeTrouble },
  };
};
