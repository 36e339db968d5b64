import type { RequestCounts, RequestRow } from '../../domain/view/minerView.ts';
import type { OutboxNews } from '../answerOutbox.ts';

/** Requests kept, and validators counted: all uids of a subnet and those that lately were. */
export const maxRequests = 100;
const maxValidators = 512;
/** Tasks whose end is awaited; more than the queue and the outbox hold together. */
const maxOpen = 32_768;
/** Answers of the last minute, for pace and latency. */
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
  /** Answers since a time, oldest first. */
  readonly answeredSince: (at: number) => readonly Timed[];
  /** When the last answer was lost; null where none was. */
  readonly lostSince: (at: number) => number;
};

type Open = { readonly kind: string; readonly at: number };

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
  let losses: number[] = [];

  const count = (hotkey: string, what: keyof RequestCounts): void => {
    totals[what] += 1;
    shownTotals = { ...totals };
    const known = byValidator.get(hotkey) ?? noRequests;
    byValidator.set(hotkey, { ...known, [what]: known[what] + 1 });
    const [oldest] = byValidator.keys();
    if (byValidator.size > maxValidators && oldest !== undefined) byValidator.delete(oldest);
  };

  const keep = (news: OutboxNews, at: number): void => {
    const outcome = outcomeOf(news);
    const key = `${news.hotkey}/${news.id}`;
    if (news.type === 'received') {
      if (open.size < maxOpen) open.set(key, { kind: news.kind, at });
    }
    if (outcome === null) return;
    const begun = open.get(key);
    if (outcome !== 'answered') open.delete(key);
    const ms = news.type === 'answered' ? Math.round(news.elapsedMs) : null;
    const { hotkey: validator } = news;
    const kind = begun?.kind ?? '';
    rows.put(key, { at: begun?.at ?? at, validator, kind, outcome, ms, reason: reasonOf(news) });
    if (ms !== null) answers.push({ at, ms });
    if (answers.length > 2 * keptAnswers) answers = answers.slice(-keptAnswers);
    if (outcome === 'lost') losses = [...losses, at].slice(-keptAnswers);
  };

  return {
    hear: (news, at) => {
      count(news.hotkey, outcomeOf(news) ?? 'received');
      keep(news, at);
    },
    totals: () => shownTotals,
    countsOf: (hotkey) => byValidator.get(hotkey) ?? noRequests,
    validators: () => [...byValidator.keys()],
    recent: rows.list,
    answeredSince: (since) => answers.slice(-keptAnswers).filter(({ at }) => at >= since),
    lostSince: (since) => losses.filter((at) => at >= since).length,
  };
};
