/**
 * The stateful epoch schedule (runtime spec 420 and later): an epoch fires when its subnet's last one lies `tempo`
 * blocks back, when a trigger or a deferral is due, or after far too long. Before, the rule was a modulo of the block
 * number: `moduloEpoch`.
 *
 * Source: pallets/subtensor/src/coinbase/run_coinbase.rs, tempo_control.rs.
 */

/** Fires regardless of the schedule once this many blocks passed without a successful epoch (`MAX_TEMPO`). */
export const OVERDUE_AFTER_BLOCKS = 50_400;

export type EpochSchedule = {
  /** LastEpochBlock: block whose slot last fired. */
  readonly lastEpochBlock: number;
  /** Tempo: period in blocks; 0 never runs. */
  readonly tempo: number;
  /** PendingEpochAt: block of a manual trigger or a deferral; 0 for none. */
  readonly pendingEpochAt: number;
};

/**
 * Block in which the next epoch is expected to run (`get_next_epoch_start_block`); null when the subnet never runs.
 * A full block (`MaxEpochsPerBlock`) may push it one block later.
 */
export const nextEpochBlock = (schedule: EpochSchedule): number | null => {
  if (schedule.tempo === 0) {
    return null;
  }
  const automatic = schedule.lastEpochBlock + schedule.tempo;
  return schedule.pendingEpochAt > 0 ? Math.min(automatic, schedule.pendingEpochAt) : automatic;
};

export type EpochPosition = {
  /** Epochs run up to and with `block`. */
  readonly epochIndex: number;
  /** Block in which the last one ran; 0 before the first. */
  readonly lastEpochBlock: number;
  /** First block after `block` in which one runs; null when the subnet never runs. */
  readonly nextEpochBlock: number | null;
};

/**
 * Where a block stands by the rule of runtimes before stateful epochs: one runs in each block for which
 * `(block + netuid + 1) mod (tempo + 1) = tempo`, so the period is `tempo + 1`.
 *
 * The index counts epochs that ran, as `SubnetEpochIndex` does since. It is the runtime's own
 * `floor((b + netuid + 1) / (tempo + 1))` of the block after this one, the first that can include what is signed now:
 * in the block of an epoch itself the runtime still says the old number.
 */
export const moduloEpoch = (options: {
  readonly block: number;
  readonly netuid: number;
  readonly tempo: number;
}): EpochPosition => {
  const { block, netuid, tempo } = options;
  if (tempo === 0) return { epochIndex: 0, lastEpochBlock: 0, nextEpochBlock: null };
  const period = tempo + 1;
  const epochIndex = Math.floor((block + netuid + 2) / period);
  const lastEpochBlock = epochIndex * period - netuid - 2;
  return { epochIndex, lastEpochBlock: Math.max(0, lastEpochBlock), nextEpochBlock: lastEpochBlock + period };
};

/** Whole blocks from `block` until the next automatic epoch, 0 when it is due; null when the subnet never runs. */
export const blocksUntilAutomaticEpoch = (schedule: EpochSchedule, block: number): number | null =>
  schedule.tempo === 0 ? null : Math.max(0, schedule.lastEpochBlock + schedule.tempo - block);

/**
 * Whether the epoch of a subnet is due in `block`.
 *
 * @param blocksSinceLastStep BlocksSinceLastStep, this block already counted
 */
export const shouldRunEpoch = (
  schedule: EpochSchedule,
  block: number,
  blocksSinceLastStep: number,
): boolean =>
  schedule.tempo !== 0 &&
  ((schedule.pendingEpochAt > 0 && block >= schedule.pendingEpochAt) ||
    blocksSinceLastStep > OVERDUE_AFTER_BLOCKS ||
    block - schedule.lastEpochBlock >= schedule.tempo);

/** LastEpochBlock of a subnet created at `block`: spreads the first epochs of subnets over a tempo. */
export const firstEpochAnchor = (block: number, netuid: number, tempo: number): number =>
  tempo === 0 ? block : block - (netuid % tempo);

/**
 * Blocks without weights after which a neuron is inactive: ActivityCutoffFactorMilli × tempo / 1000, at least 1.
 * Inactive means `lastUpdate + cutoff < block`.
 */
export const activityCutoffBlocks = (factorMilli: number, tempo: number): number =>
  Math.max(1, Math.floor((factorMilli * tempo) / 1000));

/** Whether a uid may not be pruned yet for being new. */
export const isImmune = (options: {
  readonly block: number;
  readonly blockAtRegistration: number;
  readonly immunityPeriodBlocks: number;
}): boolean => options.block - options.blockAtRegistration < options.immunityPeriodBlocks;
