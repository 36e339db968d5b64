import type { InferenceView, MinerSlices, RequestCounts, StandingView } from './minerView.ts';
import type { RoundRow, SubmissionRow, ValidatorSlices, WeightsView } from './validatorView.ts';

/** `GET /api/status` of a validator: its slices without what is long. */
export type ValidatorStatus = Omit<ValidatorSlices, 'weights' | 'rounds'> & {
  readonly weights: Omit<WeightsView, 'rows' | 'submissions' | 'vtrust'> & {
    readonly lastSubmission: SubmissionRow | null;
    /** Of the newest epoch known, in [0, 1]. */
    readonly vtrust: number | null;
  };
  readonly round: RoundRow | null;
  /** Miners by the state of their session. */
  readonly sessions: Readonly<Record<string, number>>;
};

/** The same of a miner. */
export type MinerStatus = Omit<MinerSlices, 'standing' | 'inference' | 'requests'> & {
  readonly standing: Omit<StandingView, 'history'>;
  readonly inference: Omit<InferenceView, 'history'>;
  readonly requests: RequestCounts;
  /** Validators with a link. */
  readonly validators: number;
};
