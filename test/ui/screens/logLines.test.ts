import { describe, expect, it } from 'vitest';

import type { LogLine } from '#src/domain/view/commonView.ts';
import { fieldHref, maxLines, passing, withLines } from '../../../ui/src/screens/logs/logLines.ts';

const line = (seq: number, fields: Partial<LogLine> = {}): LogLine => ({
  seq,
  at: seq,
  level: 'info',
  event: 'round.finished',
  msg: 'settled',
  fields: {},
  ...fields,
});
const seqs = (lines: readonly LogLine[]): readonly number[] => lines.map(({ seq }) => seq);

describe('ui / screens / logLines', () => {
  it('appends what is new and leaves out what is there', () => {
    const lines = withLines([], [line(1), line(2)]);
    expect(seqs(withLines(lines, [line(2), line(3)]))).toEqual([1, 2, 3]);
    expect(withLines(lines, [line(2)])).toBe(lines);
  });

  it('stays bounded', () => {
    let lines: readonly LogLine[] = [];
    for (let seq = 0; seq < 3 * maxLines; seq += 100) {
      lines = withLines(
        lines,
        Array.from({ length: 100 }, (_, index) => line(seq + index)),
      );
    }
    expect(lines.length).toBeLessThanOrEqual(maxLines + 500);
    expect(lines.at(-1)?.seq).toBe(3 * maxLines - 1);
  });

  it('leaves out what is below the level', () => {
    const lines = [
      line(1, { level: 'debug' }),
      line(2),
      line(3, { level: 'warn' }),
      line(4, { level: 'fatal' }),
    ];
    expect(seqs(passing(lines, { level: 'warn', text: '' }))).toEqual([3, 4]);
    expect(passing(lines, { level: 'trace', text: ' ' })).toBe(lines);
  });

  it('finds words anywhere, and fields as a whole', () => {
    const lines = [
      line(1, { fields: { uid: 1 } }),
      line(2, { fields: { uid: 12 } }),
      line(3, { msg: 'the link to uid 12 is ready', event: null }),
    ];
    expect(seqs(passing(lines, { level: 'trace', text: 'uid=1' }))).toEqual([1]);
    expect(seqs(passing(lines, { level: 'trace', text: 'ROUND. settled' }))).toEqual([1, 2]);
    expect(seqs(passing(lines, { level: 'trace', text: 'link 12' }))).toEqual([3]);
  });

  it('leads from a field to its screen', () => {
    expect(fieldHref('uid', 7)).toBe('/sessions/7');
    expect(fieldHref('round', 'r-1-2')).toBe('/rounds?round=r-1-2');
    expect(fieldHref('uid', '7')).toBeNull();
    expect(fieldHref('block', 7)).toBeNull();
  });
});
