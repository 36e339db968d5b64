import * as Context from 'effect/Context';
import * as Layer from 'effect/Layer';

import type { RoundPlanned } from '../domain/evidence.ts';
import type { Hotkey } from '../domain/ids.ts';
import { emptyTrust, type TrustLedger } from '../domain/trust.ts';

/** What of the recorded evidence the running validator keeps at hand. */
export type RoundBookState = {
  /** Plans of rounds under way, truths included: they never enter a machine's context. */
  readonly plans: Map<string, RoundPlanned>;
  /** The ledger after the last scored epoch. */
  trust: TrustLedger;
  /** First sequence number that no scored epoch has counted. */
  nextFromSeq: number;
  /** Last scored epoch; null before the first. */
  scoredEpoch: number | null;
  /** Tasks asked of each miner since the last cut, for a fair choice of cohorts. */
  readonly asked: Map<Hotkey, number>;
};

export class RoundBook extends Context.Service<RoundBook, RoundBookState>()('actors/RoundBook') {
  static readonly layer = Layer.sync(RoundBook, () => ({
    plans: new Map<string, RoundPlanned>(),
    trust: emptyTrust,
    nextFromSeq: 0,
    scoredEpoch: null,
    asked: new Map<Hotkey, number>(),
  }));
}
