import type { BlockNumber, EpochIndex } from './ids.ts';
import type { Beacon } from './submissionFacts.ts';

/**
 * Which round of the beacon a timelocked commit is locked to. The chain reveals in the epoch that begins
 * `revealPeriodEpochs` after the one of the commit, in the first block that has the round's signature, and drops what
 * it could not open when that epoch ends (subtensor coinbase/reveal_commits.rs).
 *
 * Time is the chain's own (`Timestamp.Now`), so that a wrong clock of this machine does no harm.
 */

/** Everything is of the same block. */
export type RevealSchedule = {
  readonly block: BlockNumber;
  /** Time of that block, ms since 1970. */
  readonly nowMs: number;
  readonly blockIntervalMs: number;
  readonly epochIndex: EpochIndex;
  /** First block of the next epoch. */
  readonly nextEpochBlock: BlockNumber;
  /** From one epoch to the next: the tempo, and one more in runtimes before spec 420. */
  readonly epochBlocks: number;
  readonly revealPeriodEpochs: number;
  readonly beacon: Beacon;
};

export type RevealTarget = {
  readonly commitEpoch: EpochIndex;
  readonly revealsFromBlock: BlockNumber;
  readonly revealRound: number;
};

/** Blocks after the start of the reveal epoch: slow blocks must not make the weights public before it (as the SDK). */
const SECURITY_OFFSET_BLOCKS = 3;
/**
 * Blocks come no faster than planned, but a slot stays empty now and then: one in 200 is allowed for. Over more than an
 * epoch of 360 blocks that comes to more than the three blocks of the SDK.
 */
const SLOWNESS = 0.005;
/** Blocks from a round's publication until the chain has stored it (off-chain worker, then an extrinsic). */
const STORING_BLOCKS = 3;
/** Blocks until the commit is included: a round that is stored by then is refused, or open already. */
const INCLUSION_BLOCKS = 4;

/** Newest round published at `atMs`; 0 before the first. Round r is published at genesis + (r - 1) periods. */
const publishedAt = ({ genesisTimeS, periodS }: Beacon, atMs: number): number =>
  Math.max(0, Math.floor((atMs / 1_000 - genesisTimeS) / periodS) + 1);

/** First round published at `fromMs` or later. */
const firstFrom = ({ genesisTimeS, periodS }: Beacon, fromMs: number): number =>
  Math.max(1, Math.ceil((fromMs / 1_000 - genesisTimeS) / periodS) + 1);

/**
 * Reveal epoch and round of a commit made now. On ordinary chains (12 s blocks, 3 s rounds) the round is the SDK's:
 * the one before the newest at three blocks into the reveal epoch. Where that one would be out before the epoch begins,
 * because blocks are faster than rounds or the epoch is far away, a later one is taken, as long as the chain can still
 * store it within the epoch.
 * Weights that come out early are better than weights that expire. The round is never one that is stored by the time
 * the commit is included, which the chain refuses.
 *
 * A commit included in the block of an epoch belongs to that epoch already: one block before it, the next one is meant.
 */
export const planReveal = (schedule: RevealSchedule): RevealTarget => {
  const { block, epochBlocks, beacon } = schedule;
  const isTooLate = schedule.nextEpochBlock <= block + 1;
  const epochsAhead = (isTooLate ? 1 : 0) + Math.max(1, schedule.revealPeriodEpochs) - 1;
  const revealsFromBlock = schedule.nextEpochBlock + epochsAhead * epochBlocks;
  const timeOf = (at: BlockNumber): number =>
    schedule.nowMs + Math.max(0, at - block) * schedule.blockIntervalMs;

  const usual = publishedAt(beacon, timeOf(revealsFromBlock + SECURITY_OFFSET_BLOCKS)) - 1;
  const delayBlocks = (revealsFromBlock - block) * SLOWNESS;
  const secret = firstFrom(beacon, timeOf(revealsFromBlock + delayBlocks));
  const lastBlock = revealsFromBlock + epochBlocks - 1;
  const latest = publishedAt(beacon, timeOf(Math.max(revealsFromBlock, lastBlock - STORING_BLOCKS)));
  const open = Math.max(beacon.lastStoredRound, publishedAt(beacon, timeOf(block + INCLUSION_BLOCKS)));
  return {
    commitEpoch: schedule.epochIndex + (isTooLate ? 1 : 0),
    revealsFromBlock,
    revealRound: Math.max(open + 1, Math.min(Math.max(usual, secret), latest)),
  };
};
