import type { SnapshotFrom } from 'xstate';

import type { StoreView } from '../../domain/view/commonView.ts';
import { minerVerdict } from '../../domain/view/minerVerdict.ts';
import type { MinerRows, MinerSlices } from '../../domain/view/minerView.ts';
import type { MinerStatus } from '../../domain/view/statusView.ts';
import type { InferencePool } from '../../inference/pool.ts';
import { inspectMachine } from '../../inference/providers.ts';
import type { minerMachine } from '../../machines/miner.machine.ts';
import { type AnswerOutbox, AnswerOutboxes } from '../answerOutbox.ts';
import { CurrentListener, type ListenerCounts } from '../currentListener.ts';
import { CurrentPool, type PoolHolder } from '../taskDesk.ts';
import { chainViewOf } from './chainSlice.ts';
import { createGpuGauge, type GpuGauge } from './gpuGauge.ts';
import { createInferenceGauge, type InferenceGauge } from './inferenceGauge.ts';
import { childOf, countActors } from './liveTree.ts';
import { minerFactsOf } from './minerFactsOf.ts';
import { createMinerNews, type MinerNews } from './minerNews.ts';
import { createModelRows, inferenceViewOf, standingOf } from './minerSlicesOf.ts';
import { portViewOf } from './portSlice.ts';
import { createPublisher, type Picture } from './publisher.ts';
import { createRequestLog, type RequestLog } from './requestLog.ts';
import { createRuntimeGauge } from './runtimeGauge.ts';
import { servedRowsOf } from './servedRows.ts';
import { rootPath } from './stateText.ts';
import { viewAnswers } from './viewAnswers.ts';
import type { MinerView, ViewParts } from './viewSource.ts';

type Root = SnapshotFrom<typeof minerMachine>;
type Live = Parameters<MinerView['attach']>[0];
type Drawn = Picture<MinerSlices, MinerRows>;

/** Of the miner's own running order, which is there a moment after its runtime. */
type Edges = { outbox: AnswerOutbox | null; holder: PoolHolder | null; listener: ListenerCounts | null };

/** What pictures are drawn from. */
type Desk = {
  readonly parts: ViewParts;
  readonly news: MinerNews;
  readonly requests: RequestLog;
  readonly gauge: ReturnType<typeof createRuntimeGauge>;
  readonly inference: InferenceGauge;
  readonly gpu: GpuGauge;
  readonly models: ReturnType<typeof createModelRows>;
  readonly nowMs: () => number;
  readonly edges: Edges;
  readonly hasGpu: boolean;
  live: Live | null;
};

const poolOf = ({ edges }: Desk): InferencePool | null => edges.holder?.pool ?? null;

const troubleOf = ({ live }: Desk): { readonly kind: string; readonly message: string } | null => {
  const health = live?.store?.health();
  return health === undefined || health.isWell ? null : { kind: health.trouble, message: health.message };
};

const storeViewOf = (desk: Desk): StoreView => {
  const { live } = desk;
  const trouble = troubleOf(desk);
  if (live === null || live.store === null)
    return { state: 'none', backlog: 0, lastFailure: null, records: null };
  return {
    state: trouble === null ? 'well' : 'troubled',
    backlog: live.store.pressure().pendingRows,
    lastFailure: trouble?.message ?? null,
    records: null,
  };
};

/** What a miner does that is well. */
const wellText = (root: Root | null): string => {
  const links = Object.values(root?.context.sessions ?? {}).filter((hotkey) => hotkey !== null).length;
  if (root?.matches({ alive: { open: 'serving' } }) !== true)
    return 'All is well: the miner is on its way to serve.';
  return `All is well: serving, with ${links} validator${links === 1 ? '' : 's'} connected.`;
};

const draw = (desk: Desk): Drawn => {
  const { parts, news, requests, nowMs } = desk;
  const root: Root | null = desk.live?.root.getSnapshot() ?? null;
  const pool = poolOf(desk);
  desk.edges.outbox?.sweep();
  const { hasGpu } = desk;
  const storeTrouble = troubleOf(desk);
  const facts = minerFactsOf({ root, pool, news, requests, storeTrouble, hasGpu, nowMs: nowMs() });
  const counts = desk.edges.listener?.read?.() ?? null;
  const place = root?.context ?? { subnet: null, hotkey: parts.about.hotkey };
  const slices: MinerSlices = {
    about: { ...parts.about, uid: root?.context.uid ?? null },
    health: minerVerdict(facts, wellText(root)),
    root: { state: root === null ? 'opening' : rootPath(root.value), actors: countActors(root) },
    chain: chainViewOf(childOf(root, 'chainLink'), place, news.chain),
    store: storeViewOf(desk),
    runtime: desk.gauge.view(),
    warnings: parts.warnings(),
    standing: standingOf(root, news),
    inference: inferenceViewOf({ root, pool, news, gauge: desk.inference, gpu: desk.gpu }),
    port: counts === null ? null : portViewOf(counts),
    models: desk.models(pool),
    requests: { totals: requests.totals(), recent: requests.recent() },
  };
  return { slices, rows: { served: servedRowsOf({ root, news, requests, nowMs: nowMs() }) } };
};

/** The slices without what is long. */
const statusOf = ({ slices, rows }: Drawn): MinerStatus => {
  const { standing, inference, requests, ...rest } = slices;
  const { history: _incentives, ...place } = standing;
  const { history: _samples, ...work } = inference;
  return {
    ...rest,
    standing: place,
    inference: work,
    requests: requests.totals,
    validators: Object.values(rows.served).filter(({ state }) => state !== 'closed').length,
  };
};

const attachEdges = ({ requests, edges, nowMs }: Desk, runtime: Live['runtime']): void => {
  const ignore = (): void => {};
  runtime.runPromise(AnswerOutboxes).then((outbox) => {
    edges.outbox = outbox;
    outbox.onNews((news) => requests.hear(news, nowMs()));
  }, ignore);
  runtime.runPromise(CurrentPool).then((holder) => {
    edges.holder = holder;
  }, ignore);
  runtime.runPromise(CurrentListener).then((listener) => {
    edges.listener = listener;
  }, ignore);
};

/**
 * What the page of a miner shows, from the first moment of the daemon on. Projections of the live system and of what
 * becomes of its answers; it steers nothing, and draws only when asked.
 */
export const createMinerView = (parts: ViewParts): MinerView => {
  const nowMs = parts.now ?? (() => Date.now());
  const requests = createRequestLog();
  const edges: Edges = { outbox: null, holder: null, listener: null };
  const { answeredSince } = requests;
  const desk: Desk = {
    parts,
    news: createMinerNews(parts.about.hotkey),
    requests,
    gauge: createRuntimeGauge(),
    inference: createInferenceGauge({
      stats: () => edges.holder?.pool?.stats() ?? null,
      answeredSince,
      now: nowMs,
    }),
    gpu: createGpuGauge(),
    models: createModelRows(),
    nowMs,
    edges,
    hasGpu: inspectMachine().hasNvidiaDriver,
    live: null,
  };
  const publisher = createPublisher(() => draw(desk));
  return {
    onInspection: (inspected) => desk.news.saw(inspected, nowMs()),
    ...viewAnswers(publisher, desk.gauge, statusOf),
    attach: (live) => {
      desk.live = live;
      attachEdges(desk, live.runtime);
    },
    close: () => {
      publisher.close();
      desk.gauge.close();
      desk.inference.close();
      desk.gpu.close();
    },
  };
};
