import { describe, expect, it } from 'vitest';

import { type HeightReading, isClockBehind, judgeHeight, timeOf } from '#src/domain/chainHeight.ts';

const BLOCK_MS = 12_000;
/** Ours stands at block 1000; the other is `lead` blocks further, made in the time that these take. */
const reading = (
  lead: number,
  given: Partial<HeightReading> & { readonly elapsedMs?: number } = {},
): HeightReading => {
  const { elapsedMs = lead * BLOCK_MS, ...changes } = given;
  return {
    ours: { block: 1_000, timestampMs: 5_000_000, blockMs: BLOCK_MS },
    other: { block: 1_000 + lead, timestampMs: 5_000_000 + elapsedMs },
    isSameChain: true,
    nowMs: 5_000_000 + Math.max(0, elapsedMs),
    clockBehindMs: 0,
    ...changes,
  };
};

describe('domain / chainHeight', () => {
  it.each([
    [-6, 'behind'],
    [-5, 'level'],
    [0, 'level'],
    [5, 'level'],
    [6, 'ahead'],
    [5_000, 'ahead'],
  ])('calls an honest endpoint with a lead of %i blocks %s', (lead, verdict) => {
    expect(judgeHeight(reading(lead))).toBe(verdict);
  });

  it('does not believe blocks that had no time to be made', () => {
    expect(judgeHeight(reading(100_000, { elapsedMs: 60_000 }))).toBe('implausible');
    expect(judgeHeight(reading(10, { elapsedMs: 10 * BLOCK_MS * 0.5 - 1 }))).toBe('implausible');
    expect(judgeHeight(reading(10, { elapsedMs: 10 * BLOCK_MS * 0.5 }))).toBe('ahead');
    expect(judgeHeight(reading(10, { elapsedMs: -1 }))).toBe('implausible');
  });

  it('does not believe blocks from the future, so that an endpoint in step is never left', () => {
    const lead = 100_000;
    const honestNow = { nowMs: 5_000_000 + BLOCK_MS };
    expect(judgeHeight(reading(lead, honestNow))).toBe('implausible');
    for (let elapsedMs = 0; elapsedMs <= 60_000 + BLOCK_MS; elapsedMs += 1_000) {
      expect(judgeHeight(reading(lead, { elapsedMs, ...honestNow }))).toBe('implausible');
    }
  });

  it('forgives clocks that differ by a minute', () => {
    expect(judgeHeight(reading(10, { nowMs: 5_000_000 + 60_000 }))).toBe('ahead');
    expect(judgeHeight(reading(10, { nowMs: 5_000_000 + 59_999 }))).toBe('implausible');
  });

  it('never follows an endpoint that has another block at our height, or none', () => {
    expect(judgeHeight(reading(100, { isSameChain: false }))).toBe('forked');
    expect(judgeHeight(reading(-100, { isSameChain: false }))).toBe('forked');
    expect(judgeHeight(reading(100, { isSameChain: null }))).toBe('implausible');
    expect(judgeHeight(reading(-100, { isSameChain: null }))).toBe('behind');
  });

  it('still asks for later time where the pace is unknown', () => {
    const young = { ours: { block: 1, timestampMs: 5_000_000, blockMs: 0 } };
    const other = { block: 10, timestampMs: 5_000_001 };
    expect(judgeHeight(reading(0, { ...young, other }))).toBe('ahead');
    expect(judgeHeight(reading(0, { ...young, other: { ...other, timestampMs: 5_000_000 } }))).toBe(
      'implausible',
    );
  });

  it('goes by the chain where our clock is behind it, and by our clock where that is ahead', () => {
    const anHour = 3_600_000;
    const first = timeOf({ shown: null, headMs: 5_000_000, atMs: 0, wallMs: 5_010_000 });
    expect(first).toMatchObject({ nowMs: 5_010_000, clockBehindMs: 0 });
    const setBack = timeOf({
      shown: first.shown,
      headMs: 5_000_000,
      atMs: 60_000,
      wallMs: 5_060_000 - anHour,
    });
    expect(setBack).toMatchObject({ nowMs: 5_060_000, clockBehindMs: anHour });
    expect(isClockBehind(reading(0, setBack))).toBe(true);
    // Ours has stood still for a minute and more: the other one's blocks are believed although our clock is wrong.
    const { nowMs } = timeOf({ ...setBack, headMs: 5_000_000, atMs: 120_000, wallMs: 5_120_000 - anHour });
    expect(judgeHeight(reading(10, { nowMs }))).toBe('ahead');
    const setForward = timeOf({
      shown: setBack.shown,
      headMs: 5_120_000,
      atMs: 120_000,
      wallMs: 5_120_000 + anHour,
    });
    expect(setForward).toMatchObject({ nowMs: 5_120_000 + anHour, clockBehindMs: 0 });
    expect(judgeHeight(reading(0, setForward))).toBe('level');
  });
});
