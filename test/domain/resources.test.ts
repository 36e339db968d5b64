import { describe, expect, it } from 'vitest';

import {
  clockNewsOf,
  diskBoundBytes,
  isSameShortage,
  type ResourceSample,
  shortagesIn,
} from '#src/domain/resources.ts';
import { holdReasons } from '#src/domain/workHold.ts';

const MIB = 1024 * 1024;
const plenty: ResourceSample = {
  heapUsedBytes: 100 * MIB,
  heapLimitBytes: 1_000 * MIB,
  descriptors: 50,
  descriptorLimit: 1_000,
  diskFreeBytes: 10_000 * MIB,
  diskTotalBytes: 100_000 * MIB,
  loopDelayMs: 1,
  at: 10_000,
  uptimeMs: 1_000_000,
  wallMs: 1_700_000_000_000,
};
const sampled = (given: Partial<ResourceSample>): ResourceSample => ({ ...plenty, ...given });

describe('domain / resources', () => {
  it('finds nothing short where there is plenty, or where the system does not tell', () => {
    expect(shortagesIn(plenty, [], null)).toEqual([]);
    const mute = sampled({
      descriptors: null,
      descriptorLimit: null,
      diskFreeBytes: null,
      diskTotalBytes: null,
    });
    expect(shortagesIn(mute, [], plenty)).toEqual([]);
  });

  it('takes a full heap for a shortage only when it is full twice in a row', () => {
    const full = sampled({ heapUsedBytes: 850 * MIB });
    expect(shortagesIn(full, [], null)).toEqual([]);
    expect(shortagesIn(full, [], plenty)).toEqual([]);
    expect(shortagesIn(full, [], full)).toEqual(['memory']);
  });

  it('keeps a shortage until there is clearly more room', () => {
    expect(shortagesIn(sampled({ heapUsedBytes: 760 * MIB }), ['memory'], plenty)).toEqual(['memory']);
    expect(shortagesIn(sampled({ heapUsedBytes: 740 * MIB }), ['memory'], plenty)).toEqual([]);
    expect(shortagesIn(sampled({ descriptors: 899 }), [], plenty)).toEqual([]);
    expect(shortagesIn(sampled({ descriptors: 900 }), [], plenty)).toEqual(['descriptors']);
    expect(shortagesIn(sampled({ descriptors: 810 }), ['descriptors'], plenty)).toEqual(['descriptors']);
    expect(shortagesIn(sampled({ descriptors: 790 }), ['descriptors'], plenty)).toEqual([]);
  });

  it('measures a disk by 64 MiB or one in a hundred, and small ones by an eighth', () => {
    expect(diskBoundBytes(1_000 * MIB)).toBe(64 * MIB);
    expect(diskBoundBytes(100_000 * MIB)).toBe(1_000 * MIB);
    expect(diskBoundBytes(8 * MIB)).toBe(MIB);
    expect(shortagesIn(sampled({ diskFreeBytes: 999 * MIB }), [], plenty)).toEqual(['disk']);
    expect(shortagesIn(sampled({ diskFreeBytes: 1_999 * MIB }), ['disk'], plenty)).toEqual(['disk']);
    expect(shortagesIn(sampled({ diskFreeBytes: 2_001 * MIB }), ['disk'], plenty)).toEqual([]);
  });

  it('tells one set of shortages from another', () => {
    expect(isSameShortage(['memory'], ['memory'])).toBe(true);
    expect(isSameShortage(['memory'], ['disk'])).toBe(false);
    expect(isSameShortage(['memory'], ['memory', 'disk'])).toBe(false);
  });

  it('says nothing of time that passed as it should', () => {
    const later = sampled({ at: 12_100, uptimeMs: 1_002_100, wallMs: plenty.wallMs + 2_400 });
    expect(clockNewsOf(plenty, later, 2_000)).toEqual({ steppedMs: 0, sleptMs: 0 });
  });

  it('tells a clock that was set from a machine that slept', () => {
    const anHour = 3_600_000;
    const stepped = sampled({ at: 12_000, uptimeMs: 1_002_000, wallMs: plenty.wallMs + 2_000 - anHour });
    expect(clockNewsOf(plenty, stepped, 2_000)).toEqual({ steppedMs: -anHour, sleptMs: 0 });
    // The monotonic clock of Linux stands still while the machine is suspended; uptime and wall clock go on.
    const suspended = sampled({
      at: 12_000,
      uptimeMs: 1_002_000 + anHour,
      wallMs: plenty.wallMs + 2_000 + anHour,
    });
    expect(clockNewsOf(plenty, suspended, 2_000)).toEqual({ steppedMs: 0, sleptMs: anHour });
    const stopped = sampled({ at: 17_000, uptimeMs: 1_007_000, wallMs: plenty.wallMs + 7_000 });
    expect(clockNewsOf(plenty, stopped, 2_000)).toEqual({ steppedMs: 0, sleptMs: 5_000 });
    const withoutUptime = { ...stopped, uptimeMs: null };
    expect(clockNewsOf(plenty, withoutUptime, 2_000)).toEqual({ steppedMs: 0, sleptMs: 5_000 });
  });
});

describe('domain / workHold', () => {
  it('names every reason, the store first', () => {
    expect(holdReasons({ storeTrouble: null, shortages: [] })).toEqual([]);
    expect(holdReasons({ storeTrouble: 'full', shortages: ['memory', 'disk'] })).toEqual([
      'store full',
      'short of memory',
      'short of disk',
    ]);
  });
});
