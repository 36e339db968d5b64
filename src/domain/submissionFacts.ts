import type { BlockNumber, EpochIndex, Hotkey } from './ids.ts';
import type { SubnetSnapshot } from './metagraph.ts';

/** The randomness beacon whose rounds open timelocked commits (`Drand.BeaconConfig`). */
export type Beacon = {
  /** Compressed G2 point, 96 bytes as lower-case hex with 0x. */
  readonly publicKey: string;
  /** Seconds since 1970 at which round 1 was published, and from one round to the next. */
  readonly genesisTimeS: number;
  readonly periodS: number;
  /** Newest round the chain has stored; a commit for an older one is refused. 0 before the first. */
  readonly lastStoredRound: number;
};

/** A timelocked commit as it waits on chain (`SubtensorModule.TimelockedWeightCommits`, mechanism 0). */
export type WaitingCommit = {
  readonly epoch: EpochIndex;
  readonly committedAtBlock: BlockNumber;
  readonly revealRound: number;
  /** Blake2b-256 of the committed bytes, as the event names it. */
  readonly commitHash: string;
};

/** Everything of one block that decides whether the chain accepts weights of one hotkey. */
export type SubmissionFacts = {
  readonly subnet: SubnetSnapshot;
  readonly hotkey: Hotkey;
  /** Commits of this hotkey that are neither revealed nor expired, oldest first. */
  readonly waitingCommits: readonly WaitingCommit[];
  /** null where the runtime has no beacon; timelocked commits are impossible there. */
  readonly beacon: Beacon | null;
  /** Time of the block, in ms since 1970 (`Timestamp.Now`). */
  readonly blockTimeMs: number;
};

/** When and how the chain will open a timelocked commit. */
export type RevealPlan = {
  /** Epoch the commit belongs to if it is included before that epoch ends. */
  readonly commitEpoch: EpochIndex;
  readonly revealRound: number;
  /** Blake2b-256 of the committed bytes. */
  readonly commitHash: string;
  /** First block of the epoch in which the chain reveals, as far as the schedule of today tells. */
  readonly revealsFromBlock: BlockNumber;
};
