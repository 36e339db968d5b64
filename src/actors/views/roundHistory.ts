import type { RoundPlanned, RoundSettled } from '../../domain/evidence.ts';
import { noOutcomes } from '../../domain/requestAccount.ts';
import { AnswerOutcome } from '../../domain/task.ts';
import type { RoundPhase, RoundRow } from '../../domain/view/validatorView.ts';
import type { SeenAnswer } from './minerBook.ts';

/** Rounds kept. */
export const maxRounds = 50;
const mostSlow = 5;
const mostFailures = 5;
const mostPhases = 8;

type Open = {
  plan: Pick<RoundRow, 'roundId' | 'epoch' | 'block' | 'startedAt' | 'deadlineMs' | 'tasks' | 'cohort'>;
  counts: Record<AnswerOutcome, number>;
  slowest: RoundRow['slowest'];
  phases: readonly RoundPhase[];
  state: string;
  endedAt: number | null;
  /** Drawn anew when something has changed. */
  row: RoundRow | null;
};

/** Why answers of an outcome do not count. */
const reasons: Readonly<Partial<Record<AnswerOutcome, string>>> = {
  invalid: 'the answer was not in the shape of its kind',
  refused: 'the miner refused: busy, or not for this kind',
  missed: 'no answer before the deadline',
  late: 'the answer came after the deadline',
  unreachable: 'no link to the miner',
  lost: 'lost by this validator; counts against nobody',
};

const rowOf = ({ plan, counts, slowest, phases, state, endedAt }: Open): RoundRow => {
  const dispatched = plan.tasks * plan.cohort;
  const failures = AnswerOutcome.literals
    .flatMap((outcome) => {
      const reason = reasons[outcome];
      return reason === undefined || counts[outcome] === 0 ? [] : [{ reason, count: counts[outcome] }];
    })
    .toSorted((a, b) => b.count - a.count)
    .slice(0, mostFailures);
  return { ...plan, endedAt, state, phases, counts: { dispatched, ...counts }, slowest, failures };
};

const withSlow = (slowest: RoundRow['slowest'], uid: number, ms: number): RoundRow['slowest'] => {
  const last = slowest.at(-1);
  const own = slowest.find((other) => other.uid === uid);
  if (own !== undefined && own.ms >= ms) return slowest;
  if (own === undefined && slowest.length >= mostSlow && last !== undefined && last.ms >= ms) return slowest;
  return [...slowest.filter((other) => other !== own), { uid, ms }]
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, mostSlow);
};

/** The last rounds, from their evidence and from the states of the round that runs. */
export type RoundHistory = {
  readonly planned: (
    plan: Pick<RoundPlanned, 'roundId' | 'epoch' | 'block' | 'at' | 'deadlineMs'> & {
      readonly tasks: number;
      readonly cohort: number;
    },
  ) => void;
  readonly judged: (answer: SeenAnswer) => void;
  readonly settled: (settled: Pick<RoundSettled, 'roundId' | 'at'>) => void;
  readonly abandoned: (round: { readonly roundId: string; readonly at: number }) => void;
  /** The machine of the round that runs has moved. */
  readonly moved: (round: { readonly roundId: string; readonly state: string; readonly at: number }) => void;
  /** Newest first; the same rows until they change. */
  readonly rows: () => readonly RoundRow[];
  /** When the last round ended; null where none did. */
  readonly lastEndAt: () => number | null;
};

const closePhases = (phases: readonly RoundPhase[], at: number): readonly RoundPhase[] =>
  phases.map((phase) => (phase.to === null ? { ...phase, to: at } : phase));

export const createRoundHistory = (): RoundHistory => {
  const rounds = new Map<string, Open>();
  let lastEndAt: number | null = null;

  const change = (roundId: string, with_: (round: Open) => void): void => {
    const round = rounds.get(roundId);
    if (round === undefined) return;
    with_(round);
    round.row = null;
  };

  const end = (roundId: string, at: number, state: string): void => {
    lastEndAt = Math.max(at, lastEndAt ?? 0);
    change(roundId, (round) => {
      round.endedAt = at;
      round.state = state;
      // Of a round that ran in an earlier life only its beginning and its end are known.
      round.phases =
        round.phases.length === 0
          ? [{ name: 'asking', from: round.plan.startedAt, to: at }]
          : closePhases(round.phases, at);
    });
  };

  return {
    planned: ({ at, ...plan }) => {
      if (rounds.has(plan.roundId)) return;
      rounds.set(plan.roundId, {
        plan: { ...plan, startedAt: at },
        counts: { ...noOutcomes },
        slowest: [],
        phases: [],
        state: 'open',
        endedAt: null,
        row: null,
      });
      const [oldest] = rounds.keys();
      if (rounds.size > maxRounds && oldest !== undefined) rounds.delete(oldest);
    },
    judged: ({ roundId, outcome, uid, responseMs }) =>
      change(roundId, (round) => {
        round.counts[outcome] += 1;
        if (responseMs !== null) round.slowest = withSlow(round.slowest, uid, Math.round(responseMs));
      }),
    settled: ({ roundId, at }) => end(roundId, at, 'settled'),
    abandoned: ({ roundId, at }) => end(roundId, at, 'abandoned'),
    moved: ({ roundId, state, at }) =>
      change(roundId, (round) => {
        if (round.endedAt !== null || round.state === state) return;
        round.state = state;
        round.phases = [...closePhases(round.phases, at), { name: state, from: at, to: null }].slice(
          -mostPhases,
        );
      }),
    rows: () =>
      [...rounds.values()].reverse().map((round) => {
        round.row ??= rowOf(round);
        return round.row;
      }),
    lastEndAt: () => lastEndAt,
  };
};
