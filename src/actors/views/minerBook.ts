import type { AnswerJudged } from '../../domain/evidence.ts';
import { noOutcomes } from '../../domain/requestAccount.ts';
import type { AnswerOutcome } from '../../domain/task.ts';
import { isGuessing } from '../../domain/view/guessing.ts';
import type { SessionDetail, SessionRow } from '../../domain/view/validatorView.ts';
import { keepNewest } from './keepNewest.ts';

/** One answer as a page may show it: never what was asked, what was right, or what came. */
export type SeenAnswer = Pick<
  AnswerJudged,
  'at' | 'roundId' | 'kind' | 'outcome' | 'accuracy' | 'chance' | 'responseMs' | 'uid' | 'hotkey'
>;

type Recent = SessionRow['recent'];

/** Answers kept of one miner. */
export const maxAnswers = 500;
/** Miners kept, those that answered last: all uids of a subnet and those that lately were. */
const maxMiners = 512;
/** The median is of this many answers at most: enough to be steady, few enough to be sorted four times a second. */
const medianOf = 101;
const mostDetailed = 200;

type Account = {
  hotkey: string;
  /** Oldest first, at most `maxAnswers`. */
  answers: SeenAnswer[];
  start: number;
  counts: Record<AnswerOutcome, number>;
  accuracySum: number;
  chanceSum: number;
  summary: { readonly recent: Recent; readonly isGuessing: boolean } | null;
  /** As answering by chance, in the summary before. */
  isNamed: boolean;
};

const createAccount = (hotkey: string): Account => ({
  hotkey,
  answers: [],
  start: 0,
  counts: { ...noOutcomes },
  accuracySum: 0,
  chanceSum: 0,
  summary: null,
  isNamed: false,
});

const weigh = (account: Account, answer: SeenAnswer, sign: 1 | -1): void => {
  account.counts[answer.outcome] += sign;
  if (answer.outcome !== 'judged') return;
  account.accuracySum += sign * answer.accuracy;
  account.chanceSum += sign * answer.chance;
};

const add = (account: Account, answer: SeenAnswer): void => {
  account.summary = null;
  account.answers.push(answer);
  weigh(account, answer, 1);
  const oldest = account.answers[account.start];
  if (account.answers.length - account.start > maxAnswers && oldest !== undefined) {
    weigh(account, oldest, -1);
    account.start += 1;
  }
  if (account.start >= maxAnswers) {
    account.answers = account.answers.slice(account.start);
    account.start = 0;
  }
};

const medianMsOf = ({ answers, start }: Account): number | null => {
  const times: number[] = [];
  for (let index = answers.length - 1; index >= start && times.length < medianOf; index -= 1) {
    const answer = answers[index];
    if (answer?.outcome === 'judged' && answer.responseMs !== null) times.push(answer.responseMs);
  }
  const sorted = Float64Array.from(times).sort();
  const middle = sorted[Math.floor(sorted.length / 2)];
  return middle === undefined ? null : Math.round(middle);
};

/** Sums of fractions that come and go may leave [0, 1] by a rounding error. */
const meanOf = (sum: number, count: number): number | null =>
  count === 0 ? null : Math.min(1, Math.max(0, sum / count));

const summarise = (account: Account) => {
  const { judged, invalid, refused, missed, late, unreachable } = account.counts;
  const accuracy = meanOf(account.accuracySum, judged);
  const chance = meanOf(account.chanceSum, judged);
  const recent: Recent = {
    judged,
    invalid,
    refused,
    missed,
    late,
    unreachable,
    accuracy,
    chance,
    medianMs: medianMsOf(account),
  };
  return {
    recent,
    isGuessing:
      accuracy !== null && chance !== null && isGuessing({ judged, accuracy, chance }, account.isNamed),
  };
};

const nothing = summarise(createAccount(''));

export type MinerSummary = ReturnType<typeof summarise>;

/** The last answers of each miner, by hotkey: a uid is given to others. */
export type MinerBook = {
  readonly add: (answer: SeenAnswer) => void;
  /** The same object until there is something new. */
  readonly summaryOf: (hotkey: string) => MinerSummary;
  /** Newest first. */
  readonly answersOf: (hotkey: string) => SessionDetail['answers'];
};

export const createMinerBook = (): MinerBook => {
  const accounts = new Map<string, Account>();
  const accountOf = (hotkey: string): Account => {
    const account = accounts.get(hotkey) ?? createAccount(hotkey);
    keepNewest(accounts, { key: hotkey, value: account, most: maxMiners });
    return account;
  };
  return {
    add: (answer) => add(accountOf(answer.hotkey), answer),
    summaryOf: (hotkey) => {
      const account = accounts.get(hotkey);
      if (account === undefined) return nothing;
      if (account.summary === null) {
        account.summary = summarise(account);
        account.isNamed = account.summary.isGuessing;
      }
      return account.summary;
    },
    answersOf: (hotkey) => {
      const account = accounts.get(hotkey);
      if (account === undefined) return [];
      return account.answers
        .slice(account.start)
        .slice(-mostDetailed)
        .reverse()
        .map(({ at, roundId, kind, outcome, accuracy, responseMs }) => ({
          at,
          roundId,
          kind,
          outcome,
          accuracy,
          responseMs,
        }));
    },
  };
};
