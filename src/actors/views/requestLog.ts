import type { RequestCounts, RequestRow } from '../../domain/view/minerView.ts';
import type { OutboxNews } from '../answerOutbox.ts';
import { keepNewest } from './keepNewest.ts';
import { createLossWindow, type LossWindow } from './lossWindow.ts';

/** Requests kept, and validators counted, those heard of last: all uids of a subnet and those that lately were. */
export const maxRequests = 100;
const maxValidators = 512;
/** Tasks whose end is awaited; more than the queue and the outbox hold together. */
const maxOpen = 32_768;
/** The last answers, for latency: enough for its percentiles, too few to be counted. */
const keptAnswers = 4_096;

type Counts = { -readonly [Key in keyof RequestCounts]: RequestCounts[Key] };

const noCounts = (): Counts => ({
  received: 0,
  answered: 0,
  acknowledged: 0,
  refused: 0,
  failed: 0,
  lost: 0,
});

export const noRequests: RequestCounts = noCounts();

const lossReasons: Readonly<Record<Extract<OutboxNews, { type: 'lost' }>['reason'], string>> = {
  expired: 'not acknowledged before the deadline',
  unwanted: 'the validator did not want it any more',
  overflow: 'too many answers waited for acknowledgement',
};

/** An answer and how long it took, at a time in Unix milliseconds. */
export type Timed = { readonly at: number; readonly ms: number };

/** What became of the tasks of validators. */
export type RequestLog = {
  readonly hear: (news: OutboxNews, at: number) => void;
  readonly totals: () => RequestCounts;
  /** By validator; the same object until it changes. */
  readonly countsOf: (hotkey: string) => RequestCounts;
  readonly validators: () => readonly string[];
  /** Newest first; the same list until it changes. */
  readonly recent: () => readonly RequestRow[];
  /** The last answers since a time, oldest first, of more than `keptAnswers` the newest. */
  readonly answeredSince: (at: number) => readonly Timed[];
  /** All answers of the last ten minutes, and those that nobody took. */
  readonly lately: LossWindow['counts'];
};

type Open = { readonly kind: string; readonly at: number; readonly ms: number | null };

const outcomeOf = (news: OutboxNews): RequestRow['outcome'] | null => {
  if (news.type === 'received') return null;
  return news.type === 'refused' && news.reason === 'failed' ? 'failed' : news.type;
};

const reasonOf = (news: OutboxNews): string | null => {
  if (news.type === 'lost') return lossReasons[news.reason];
  return news.type === 'refused' ? news.reason : null;
};

/** Rows of requests by id: an answer that is acknowledged later is the same request. */
const createRows = () => {
  const rows = new Map<string, RequestRow>();
  let list: readonly RequestRow[] | null = null;
  return {
    put: (key: string, row: RequestRow): void => {
      const known = rows.get(key);
      rows.set(key, known === undefined ? row : { ...known, outcome: row.outcome, reason: row.reason });
      list = null;
      const [oldest] = rows.keys();
      if (rows.size > maxRequests && oldest !== undefined) rows.delete(oldest);
    },
    list: (): readonly RequestRow[] => {
      list ??= [...rows.values()].reverse();
      return list;
    },
  };
};

export const createRequestLog = (): RequestLog => {
  const totals = noCounts();
  let shownTotals: RequestCounts = { ...totals };
  const byValidator = new Map<string, RequestCounts>();
  const open = new Map<string, Open>();
  const rows = createRows();
  let answers: Timed[] = [];
  const losses = createLossWindow();

  const count = (hotkey: string, what: keyof RequestCounts): void => {
    totals[what] += 1;
    shownTotals = { ...totals };
    const known = byValidator.get(hotkey) ?? noRequests;
    const value = { ...known, [what]: known[what] + 1 };
    keepNewest(byValidator, { key: hotkey, value, most: maxValidators });
  };

  const keep = (news: OutboxNews, at: number): void => {
    const outcome = outcomeOf(news);
    const key = `${news.hotkey}/${news.id}`;
    if (news.type === 'received') {
      if (open.size < maxOpen) open.set(key, { kind: news.kind, at, ms: null });
    }
    if (outcome === null) return;
    const begun = open.get(key) ?? { kind: '', at, ms: null };
    const ms = news.type === 'answered' ? Math.round(news.elapsedMs) : begun.ms;
    // Its row may be gone by the time its end is heard, and is written anew then.
    if (outcome !== 'answered') open.delete(key);
    else if (open.has(key)) open.set(key, { ...begun, ms });
    const { hotkey: validator } = news;
    rows.put(key, { validator, kind: begun.kind, at: begun.at, outcome, ms, reason: reasonOf(news) });
  };

  const time = (news: OutboxNews, at: number): void => {
    if (news.type === 'lost') losses.count('lost', at);
    if (news.type !== 'answered') return;
    losses.count('answered', at);
    answers.push({ at, ms: Math.round(news.elapsedMs) });
    if (answers.length > 2 * keptAnswers) answers = answers.slice(-keptAnswers);
  };

  return {
    hear: (news, at) => {
      count(news.hotkey, outcomeOf(news) ?? 'received');
      keep(news, at);
      time(news, at);
    },
    totals: () => shownTotals,
    countsOf: (hotkey) => byValidator.get(hotkey) ?? noRequests,
    validators: () => [...byValidator.keys()],
    recent: rows.list,
    answeredSince: (since) => answers.slice(-keptAnswers).filter(({ at }) => at >= since),
    lately: losses.counts,
  };
};
