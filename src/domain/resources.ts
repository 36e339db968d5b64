/**
 * What a process runs out of before it fails, and what its clocks say between two looks. Each bound has two sides, so
 * that a value at the edge does not flap: work stops at the first and goes on at the second.
 */

/** What there is too little of. */
export type Shortage = 'memory' | 'descriptors' | 'disk';

/** One look at this process and its machine. null where the system does not tell. */
export type ResourceSample = {
  readonly heapUsedBytes: number;
  readonly heapLimitBytes: number;
  readonly descriptors: number | null;
  readonly descriptorLimit: number | null;
  /** Of the file system of the data folder, as far as this user may write. */
  readonly diskFreeBytes: number | null;
  readonly diskTotalBytes: number | null;
  /** 99th percentile since the last look. */
  readonly loopDelayMs: number;
  /** Monotonic milliseconds; on Linux they stand still while the machine is suspended. */
  readonly at: number;
  /** Milliseconds since the machine was started, its suspensions included. */
  readonly uptimeMs: number | null;
  /** Unix ms. */
  readonly wallMs: number;
};

type Bound = { readonly from: number; readonly until: number };

const HEAP_SHARE: Bound = { from: 0.85, until: 0.75 };
const DESCRIPTOR_SHARE: Bound = { from: 0.9, until: 0.8 };
/** Free bytes: enough for a checkpoint of the embedded store and the log of some minutes. */
const DISK_FREE_BYTES = 64 * 1024 * 1024;
const DISK_FREE_SHARE = 0.01;
/** Disk counts as ample again with this many times the bound. */
const DISK_EASE = 2;

const shareOf = (used: number | null, limit: number | null): number =>
  used === null || limit === null || limit <= 0 ? 0 : used / limit;

/**
 * Free bytes below which a file system counts as full: on a small one (less than 512 MiB), an eighth of it.
 */
export const diskBoundBytes = (totalBytes: number): number =>
  Math.max(Math.min(DISK_FREE_BYTES, totalBytes / 8), totalBytes * DISK_FREE_SHARE);

const isDiskShort = ({ diskFreeBytes, diskTotalBytes }: ResourceSample, wasShort: boolean): boolean => {
  if (diskFreeBytes === null || diskTotalBytes === null || diskTotalBytes <= 0) return false;
  return diskFreeBytes < diskBoundBytes(diskTotalBytes) * (wasShort ? DISK_EASE : 1);
};

const isOver = (share: number, { from, until }: Bound, wasShort: boolean): boolean =>
  share >= (wasShort ? until : from);

/**
 * What is short now, in a fixed order.
 *
 * @param before what was short until now
 * @param earlier the sample before: the heap counts as short only when it is full twice in a row, because garbage that
 *   the next collection takes counts as used
 */
export const shortagesIn = (
  sample: ResourceSample,
  before: readonly Shortage[],
  earlier: ResourceSample | null,
): readonly Shortage[] => {
  const heap = (of: ResourceSample) => shareOf(of.heapUsedBytes, of.heapLimitBytes);
  const wasFull = before.includes('memory') || (earlier !== null && heap(earlier) >= HEAP_SHARE.from);
  const descriptors = shareOf(sample.descriptors, sample.descriptorLimit);
  const short: Shortage[] = [];
  if (wasFull && isOver(heap(sample), HEAP_SHARE, before.includes('memory'))) short.push('memory');
  if (isOver(descriptors, DESCRIPTOR_SHARE, before.includes('descriptors'))) short.push('descriptors');
  if (isDiskShort(sample, before.includes('disk'))) short.push('disk');
  return short;
};

export const isSameShortage = (one: readonly Shortage[], other: readonly Shortage[]): boolean =>
  one.length === other.length && one.every((shortage, index) => other[index] === shortage);

/** Less than this is load, a collection of garbage or the correction of a clock that is set all the time. */
const CLOCK_TOLERANCE_MS = 2_000;

/** What happened to time between two samples; 0 for nothing worth telling. */
export type ClockNews = {
  /** The wall clock went so much further than time did; negative: back. */
  readonly steppedMs: number;
  /** This process did not run for so long: the machine was suspended, the process stopped, or the load too high. */
  readonly sleptMs: number;
};

/** @param pauseMs between the end of the earlier sample and the planned begin of this one */
export const clockNewsOf = (earlier: ResourceSample, sample: ResourceSample, pauseMs: number): ClockNews => {
  const ranMs = sample.at - earlier.at;
  const passedMs =
    sample.uptimeMs === null || earlier.uptimeMs === null ? ranMs : sample.uptimeMs - earlier.uptimeMs;
  const steppedMs = sample.wallMs - earlier.wallMs - passedMs;
  const sleptMs = Math.max(ranMs, passedMs) - pauseMs;
  return {
    steppedMs: Math.abs(steppedMs) > CLOCK_TOLERANCE_MS ? Math.round(steppedMs) : 0,
    sleptMs: sleptMs > CLOCK_TOLERANCE_MS ? Math.round(sleptMs) : 0,
  };
};
