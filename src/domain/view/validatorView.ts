import type { RequestTotals } from '../requestAccount.ts';
import type { CommonSlices } from './commonView.ts';

export type EpochView = {
  readonly epoch: number;
  readonly block: number;
  readonly lastEpochBlock: number;
  /** First block of the next epoch. */
  readonly endsAtBlock: number;
  /** Block from which the weights of this epoch are due. */
  readonly weightsDueAtBlock: number;
  /** State of the `epoch` machine's leaves, such as `collecting.pausing`. */
  readonly state: string;
  readonly rounds: number;
  /** Why no round begins now; empty when one may. */
  readonly holds: readonly string[];
  /** Estimated from the blocks seen. */
  readonly blockMs: number | null;
};

/** One miner; the grid shows one cell each. Fractions in [0, 1]; null where nothing is known yet. */
export type SessionRow = {
  readonly uid: number;
  readonly hotkey: string;
  readonly axon: string | null;
  /** `dialing`, `ready`, `busy`, `cooling`, `closed`, `none` (no session: not its turn, or no axon). */
  readonly state: 'none' | 'dialing' | 'ready' | 'busy' | 'cooling' | 'closed';
  /** Full state of the machine, for the detail. */
  readonly machineState: string;
  /** XState session id, to find it among the machines; null without a session. */
  readonly sessionId: string | null;
  readonly attempt: number;
  readonly kinds: readonly string[];
  readonly lastFailure: string | null;
  readonly rttMs: number | null;
  /** Of the recent answers of this miner, at most 500. */
  readonly recent: {
    readonly judged: number;
    readonly invalid: number;
    readonly refused: number;
    readonly missed: number;
    readonly late: number;
    readonly unreachable: number;
    readonly accuracy: number | null;
    /** Mean chance level of the same answers. */
    readonly chance: number | null;
    readonly medianMs: number | null;
  };
  /** Answers no better than guessing, beyond doubt: see `guessing.ts`. */
  readonly isGuessing: boolean;
  readonly incentive: number | null;
  readonly stake: number | null;
};

export type RoundPhase = { readonly name: string; readonly from: number; readonly to: number | null };

export type RoundRow = {
  readonly roundId: string;
  readonly epoch: number;
  readonly block: number;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly deadlineMs: number;
  readonly tasks: number;
  readonly cohort: number;
  readonly state: string;
  readonly phases: readonly RoundPhase[];
  readonly counts: RequestTotals;
  /** Slowest miners of the round, at most 5. */
  readonly slowest: readonly { readonly uid: number; readonly ms: number }[];
  /** Why answers did not count, most frequent first: text and how often, at most 5. */
  readonly failures: readonly { readonly reason: string; readonly count: number }[];
};

export type SubmissionRow = {
  readonly at: number;
  readonly epoch: number;
  /** Block it is in, or was tried at. */
  readonly block: number | null;
  readonly kind: 'set' | 'commit' | 'reveal';
  readonly result:
    | 'confirmed'
    | 'committed'
    | 'revealed'
    | 'refused'
    | 'missed'
    | 'unrevealed'
    | 'foreign'
    | 'superseded';
  readonly error: string | null;
};

export type WeightRow = {
  readonly uid: number;
  readonly hotkey: string;
  readonly quality: number | null;
  readonly trust: number | null;
  readonly stake: number | null;
  readonly score: number | null;
  /**
   * Share of the vector of the last scored epoch. null while the weights are still secret: with commit-reveal, until
   * the chain has opened them.
   */
  readonly toSet: number | null;
  /** Share of the weights of this validator in force on chain. */
  readonly onChain: number | null;
};

export type WeightsView = {
  /** State of `weightSetting`. */
  readonly state: string;
  readonly lastConfirmedEpoch: number | null;
  readonly lastConfirmedAtBlock: number | null;
  readonly blocksSinceLastSet: number | null;
  /** Epochs behind, by the chain. */
  readonly behind: number;
  readonly isCommitReveal: boolean;
  readonly scoredEpoch: number | null;
  readonly rows: readonly WeightRow[];
  /** Newest first, at most 100. */
  readonly submissions: readonly SubmissionRow[];
  /** Validator trust by the chain, of the epochs seen, oldest first, at most 200. */
  readonly vtrust: readonly { readonly epoch: number; readonly value: number }[];
};

/** The score of every miner over the last scored epochs; `GET /api/history`. */
export type WeightHistory = {
  /** Oldest first, at most 100. */
  readonly epochs: readonly number[];
  readonly uids: readonly number[];
  /** `scores[uid index][epoch index]`, null where it was no candidate. */
  readonly scores: readonly (readonly (number | null)[])[];
};

export type ValidatorSlices = CommonSlices & {
  readonly epoch: EpochView | null;
  readonly weights: WeightsView;
  /** Newest first, at most 50; the first may still run. */
  readonly rounds: readonly RoundRow[];
};

/** Slices that travel row by row, each keyed by uid. */
export type ValidatorRows = { readonly sessions: Readonly<Record<string, SessionRow>> };

/** `GET /api/sessions/<uid>`. */
export type SessionDetail = {
  readonly row: SessionRow;
  /** Newest first, at most 200; never a truth, nor what was asked. */
  readonly answers: readonly {
    readonly at: number;
    readonly roundId: string;
    readonly kind: string;
    readonly outcome: string;
    readonly accuracy: number;
    readonly responseMs: number | null;
  }[];
  /** States it went through, newest first, at most 100. */
  readonly timeline: readonly { readonly at: number; readonly state: string; readonly by: string }[];
  readonly scores: readonly {
    readonly epoch: number;
    readonly score: number;
    readonly quality: number;
    readonly trust: number;
  }[];
};
