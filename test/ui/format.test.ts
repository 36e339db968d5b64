import { describe, expect, it } from 'vitest';
import {
  absent,
  amountText,
  blocksTimeText,
  blockText,
  bytesText,
  clockText,
  durationText,
  fractionText,
  hotkeyText,
  percentText,
  pluralText,
  signedText,
  timeText,
  wordsText,
} from '../../ui/src/format.ts';

const plain = (text: string): string => text.replaceAll('\u202f', ' ');

describe('ui / format', () => {
  it('says of what is unknown that it is unknown', () => {
    for (const format of [
      blockText,
      fractionText,
      percentText,
      signedText,
      amountText,
      durationText,
      bytesText,
    ]) {
      expect(format(null)).toBe(absent);
      expect(format(undefined)).toBe(absent);
      expect(format(Number.NaN)).toBe(absent);
    }
    expect(timeText(null, 'UTC')).toBe(absent);
    expect(blocksTimeText(4, null)).toBe(absent);
  });

  it('groups heights by thousands', () => {
    expect(blockText(5_123_456)).toBe('5,123,456');
  });

  it.each([
    [0, '0 ms'],
    [849.6, '850 ms'],
    [999.4, '999 ms'],
    [999.6, '1.0 s'],
    [12_400, '12.4 s'],
    [59_949, '59.9 s'],
    [59_960, '1 min'],
    [552_000, '9 min 12 s'],
    [3_599_600, '1 h'],
    [11_100_000, '3 h 5 min'],
    [187_200_000, '2 d 4 h'],
    [-5, '0 ms'],
  ])('writes %d ms as %s', (ms, text) => {
    expect(plain(durationText(ms))).toBe(text);
  });

  it('counts down in whole seconds', () => {
    expect(plain(clockText(7_400))).toBe('7 s');
    expect(plain(clockText(61_400))).toBe('1 min 1 s');
    expect(plain(clockText(-3))).toBe('0 s');
  });

  it('estimates the time of blocks', () => {
    expect(plain(blocksTimeText(46, 12_000))).toBe('≈ 9 min 12 s');
  });

  it('keeps the digits of fractions, so that columns line up', () => {
    expect(fractionText(0.9)).toBe('0.900');
    expect(plain(percentText(0.912))).toBe('91.2 %');
  });

  it('signs differences, but not those that round to nothing', () => {
    expect(signedText(0.00123)).toBe('+0.0012');
    expect(signedText(-0.00123)).toBe('−0.0012');
    expect(signedText(-0.000_001)).toBe('0.0000');
  });

  it('shortens large amounts', () => {
    expect(plain(amountText(84_210.4))).toBe('84,210');
    expect(plain(amountText(2_345_678))).toBe('2.35 M');
    expect(amountText(12.345)).toBe('12.3');
    expect(amountText(0)).toBe('0');
  });

  it.each([
    [0, '0 B'],
    [1_023, '1,023 B'],
    [1_024, '1.0 KiB'],
    [1_048_575, '1.0 MiB'],
    [241_172_480, '230 MiB'],
    [150_108_233_728, '140 GiB'],
  ])('writes %d bytes as %s', (bytes, text) => {
    expect(plain(bytesText(bytes))).toBe(text.replace(',', ''));
  });

  it('shortens keys so that both ends can be compared', () => {
    expect(hotkeyText('5F3sa2TJAWMqDhXG6jhV4N8ko9SxwGy8TpaNS1repo5EYjQX')).toBe('5F3sa2…YjQX');
    expect(hotkeyText('short')).toBe('short');
  });

  it('tells times of day in the zone that is asked for', () => {
    const at = Date.UTC(2026, 10, 23, 0, 3, 9);
    expect(timeText(at, 'UTC')).toBe('00:03:09');
  });

  it('turns names into words', () => {
    expect(wordsText('commitRevealWeightsEnabled')).toBe('commit reveal weights enabled');
    expect(pluralText(1, 'block')).toBe('1 block');
    expect(pluralText(0, 'block')).toBe('0 blocks');
  });
});
