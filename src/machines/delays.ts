/**
 * Patience of the machines, in milliseconds of I/O scale. Windows with a meaning for the chain are counted in blocks
 * and never stand here. Every value is far below 2^31 ms, above which Node fires a timer at once.
 */
export const delays = {
  /** A chain endpoint that has neither answered nor refused. */
  connectPatienceMs: 30_000,
  /** Finney makes a block every 12 s; five missing ones mean that something between us is broken. */
  headPatienceMs: 60_000,
  /** How long a silent endpoint may still come back before another one is tried. */
  stalePatienceMs: 30_000,
  /** First pause before a chain endpoint is dialled again; doubles up to the maximum. */
  reconnectBaseMs: 500,
  reconnectMaxMs: 30_000,
  /** Time for the old socket to close before a better endpoint is opened. */
  switchPauseMs: 250,
  /** Dialling and handshake with a miner. */
  dialPatienceMs: 15_000,
  /** First pause before a miner is dialled again; doubles up to the maximum. */
  coolingBaseMs: 1_000,
  coolingMaxMs: 60_000,
  /** A link must live so long before its next loss counts as the first one. */
  steadyUptimeMs: 60_000,
  /** An arriving connection has to prove its hotkey within this. */
  greetingPatienceMs: 10_000,
  /** A peer that is sent away is told why, and has this long to hear it. */
  farewellPatienceMs: 2_000,
  /** After the deadline of a round: time to write the last verdicts. */
  settlingPatienceMs: 15_000,
  /** After most links were lost at once: longer than the longest pause before a miner is dialled again. */
  recoveryPatienceMs: 120_000,
  /** Time to take an address off the chain before a miner stops: sent, included and finalized. */
  withdrawPatienceMs: 60_000,
  /** Pause before a failed plan or store operation is tried again. */
  retryPauseMs: 1_000,
  /** Pause before evidence is archived again where the disk refused; epochs last minutes to hours. */
  retentionPauseMs: 60_000,
  /** First pause before a store in trouble is tried with a write; doubles up to the maximum. */
  storeProbeBaseMs: 500,
  storeProbeMaxMs: 10_000,
  /** Pause between two looks at memory, descriptors, disk and clocks. */
  sampleIntervalMs: 2_000,
  /** The least time a store gets to say who writes, however short the lease is. */
  leasePatienceMs: 5_000,
  /** A lease that cannot be given up in time runs out by itself. */
  releasePatienceMs: 2_000,
  /** Time the model files may take to load. */
  warmUpPatienceMs: 300_000,
} as const;

/** Exponential pause with full jitter on its upper half: `jitter` in [0, 1) comes with the event that starts it. */
export const backoffMs = (options: {
  readonly attempt: number;
  readonly baseMs: number;
  readonly maxMs: number;
  readonly jitter: number;
}): number => {
  const whole = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(options.attempt, 16));
  return whole / 2 + (whole / 2) * options.jitter;
};
