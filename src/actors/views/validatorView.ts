import type { SnapshotFrom } from 'xstate';

import type { RootView, StoreView } from '../../domain/view/commonView.ts';
import type { ValidatorStatus } from '../../domain/view/statusView.ts';
import { validatorVerdict } from '../../domain/view/validatorVerdict.ts';
import type { SessionDetail, ValidatorRows, ValidatorSlices } from '../../domain/view/validatorView.ts';
import type { validatorMachine } from '../../machines/validator.machine.ts';
import { MinerLinks, type MinerLinkTable } from '../minerLinks.ts';
import { chainViewOf } from './chainSlice.ts';
import { epochViewOf } from './epochSlice.ts';
import { createEvidenceBooks, type EvidenceBooks } from './evidenceBooks.ts';
import { childOf, countActors } from './liveTree.ts';
import { createPublisher, type Picture } from './publisher.ts';
import { createRuntimeGauge } from './runtimeGauge.ts';
import { sessionRowsOf } from './sessionRows.ts';
import { leavesOf, rootPath } from './stateText.ts';
import { validatorFactsOf } from './validatorFactsOf.ts';
import { createValidatorNews, type ValidatorNews } from './validatorNews.ts';
import { viewAnswers } from './viewAnswers.ts';
import type { ValidatorView, ViewParts } from './viewSource.ts';
import { createWeightsOnChain, type WeightsOnChain } from './weightsOnChain.ts';
import { publicEpochs, weightsViewOf } from './weightsSlice.ts';

type Root = SnapshotFrom<typeof validatorMachine>;
type Live = Parameters<ValidatorView['attach']>[0] & { links: MinerLinkTable | null };
type Drawn = Picture<ValidatorSlices, ValidatorRows>;

/** What pictures are drawn from. */
type Desk = {
  readonly parts: ViewParts;
  readonly books: EvidenceBooks;
  readonly news: ValidatorNews;
  readonly gauge: ReturnType<typeof createRuntimeGauge>;
  readonly onChain: WeightsOnChain;
  readonly nowMs: () => number;
  live: Live | null;
};

const rootViewOf = (root: Root | null, news: ValidatorNews): RootView => {
  if (root !== null) return { state: rootPath(root.value), actors: countActors(root) };
  const { lease } = news.lease();
  return { state: lease === 'standingBy' || lease === 'blind' ? 'standingBy' : 'opening', actors: 0 };
};

const storeViewOf = (root: Root | null, { live, books }: Desk): StoreView => {
  const health = childOf(root, 'storeHealth');
  const trouble = health === null || health.context.health.isWell ? null : health.context.health.message;
  return {
    state: health === null ? 'none' : leavesOf(health.value).join('.'),
    backlog: live?.vitals.pressure().pendingRows ?? 0,
    lastFailure: trouble,
    records: books.lastSeq(),
  };
};

/** What a validator does that is well. */
const wellText = (root: Root | null): string => {
  const confirmed = childOf(root, 'weightSetting')?.context.confirmedEpoch ?? null;
  const links = Object.values(root?.context.roster ?? {});
  const ready = links.filter(({ link }) => link === 'ready').length;
  const weights =
    confirmed === null ? 'no weights were due yet' : `the weights of epoch ${confirmed} are on chain`;
  return `All is well: ${ready} of ${links.length} miners are connected, and ${weights}.`;
};

/**
 * A row on chain can have changed with the last confirmed weights, and with the last commit that left its queue. That
 * one's hash tells it from the one before; how many there are says nothing, because only the last 128 are kept.
 */
const occasionOf = (root: Root): string => {
  const confirmed = childOf(root, 'weightSetting')?.context.confirmedEpoch ?? null;
  const settled = childOf(root, 'weightReveal')?.context.settled.at(-1) ?? null;
  return `${root.context.uid}/${confirmed}/${settled}`;
};

const lookOnChain = (root: Root | null, { live, onChain }: Desk): void => {
  const uid = root?.context.uid ?? null;
  const link = childOf(root, 'chainLink');
  if (live === null || root === null || uid === null || link?.matches({ linked: 'synced' }) !== true) return;
  onChain.look({ runtime: live.runtime, uid, occasion: occasionOf(root) });
};

const draw = (desk: Desk): Drawn => {
  const { parts, books, news, nowMs } = desk;
  const root: Root | null = desk.live?.root.getSnapshot() ?? null;
  lookOnChain(root, desk);
  const sessions = sessionRowsOf({ root, book: books.miners, links: desk.live?.links ?? null });
  const facts = validatorFactsOf({ root, news, rounds: books.rounds, sessions, nowMs: nowMs() });
  const place = root?.context ?? { subnet: null, hotkey: parts.about.hotkey };
  const slices: ValidatorSlices = {
    about: { ...parts.about, uid: root?.context.uid ?? null },
    health: validatorVerdict(facts, wellText(root)),
    root: rootViewOf(root, news),
    chain: chainViewOf(childOf(root, 'chainLink'), place, news.chain),
    store: storeViewOf(root, desk),
    runtime: desk.gauge.view(),
    warnings: parts.warnings(),
    epoch: epochViewOf(childOf(root, 'epoch'), news.due(), news.chain.blockMs()),
    weights: weightsViewOf({ root, epochs: books.epochs, news, onChain: desk.onChain.row() }),
    rounds: books.rounds.rows(),
  };
  return { slices, rows: { sessions } };
};

const detailOf = (desk: Desk, row: ValidatorRows['sessions'][string] | undefined): SessionDetail | null => {
  if (row === undefined) return null;
  const { books, news, live } = desk;
  const isPublic = publicEpochs(live?.root.getSnapshot() ?? null);
  return {
    row,
    answers: books.miners.answersOf(row.hotkey),
    timeline: news.timelineOf(row.hotkey),
    scores: books.epochs.scoresOf(row.hotkey, isPublic),
  };
};

/** The slices without what is long. */
const statusOf = ({ slices, rows }: Drawn): ValidatorStatus => {
  const { weights, rounds, ...rest } = slices;
  const { rows: _rows, submissions, vtrust, ...short } = weights;
  const sessions: Record<string, number> = {};
  for (const { state } of Object.values(rows.sessions)) sessions[state] = (sessions[state] ?? 0) + 1;
  return {
    ...rest,
    weights: { ...short, lastSubmission: submissions[0] ?? null, vtrust: vtrust.at(-1)?.value ?? null },
    round: rounds[0] ?? null,
    sessions,
  };
};

/**
 * What the page of a validator shows, from the first moment of the daemon on: while it opens its store, stands by, works
 * and drains. Projections of the live system and of what it appends; it steers nothing, and draws only when asked.
 */
export const createValidatorView = (parts: ViewParts): ValidatorView => {
  const books = createEvidenceBooks();
  const nowMs = parts.now ?? (() => Date.now());
  const desk: Desk = {
    parts,
    books,
    news: createValidatorNews(books.rounds, parts.about.hotkey),
    gauge: createRuntimeGauge(),
    onChain: createWeightsOnChain(),
    nowMs,
    live: null,
  };
  const publisher = createPublisher(() => draw(desk));
  return {
    onInspection: (inspected) => {
      // Microsteps and actions are for the inspector.
      const { type } = inspected;
      if (type === '@xstate.event' || type === '@xstate.snapshot') desk.news.saw(inspected, nowMs());
    },
    ...viewAnswers(publisher, desk.gauge, statusOf),
    tap: books.tap,
    recall: books.recall,
    attach: (live) => {
      const attached: Live = { ...live, links: null };
      desk.live = attached;
      // Until the table is there, which takes no longer than building the runtime, no link has a round trip.
      live.runtime.runPromise(MinerLinks).then(
        (links) => {
          attached.links = links;
        },
        () => {},
      );
    },
    sessionDetail: async (uid) => detailOf(desk, publisher.picture().rows.sessions[String(uid)]),
    history: async () => books.epochs.history(publicEpochs(desk.live?.root.getSnapshot() ?? null)),
    close: () => {
      publisher.close();
      desk.gauge.close();
    },
  };
};
