import { describe, expect, it } from 'vitest';

import type { RequestRow } from '#src/domain/view/minerView.ts';
import { fatesOf, passing, wastedShare } from '../../../ui/src/screens/miner/requestCounts.ts';

const counts = { received: 100, answered: 80, acknowledged: 70, refused: 10, failed: 4, lost: 6 };
const row = (fields: Partial<RequestRow>): RequestRow => ({
  at: 0,
  validator: '5F3sa2',
  kind: 'textClassification',
  outcome: 'acknowledged',
  ms: 12,
  reason: null,
  ...fields,
});

describe('ui / screens / requestCounts', () => {
  it('parts all that was received by what became of it', () => {
    const fates = fatesOf(counts);
    expect(fates).toEqual({ acknowledged: 70, waiting: 4, open: 6, refused: 10, failed: 4, lost: 6 });
    expect(Object.values(fates).reduce((sum, count) => sum + count, 0)).toBe(counts.received);
  });

  it('has no negative part while counters are read at different moments', () => {
    expect(fatesOf({ ...counts, answered: 60, received: 70 })).toMatchObject({ waiting: 0, open: 0 });
  });

  it('says which share earned nothing', () => {
    expect(wastedShare(counts)).toBeCloseTo(0.2);
    expect(wastedShare({ ...counts, received: 0 })).toBeNull();
  });

  it('filters by outcome and by words', () => {
    const rows = [row({}), row({ outcome: 'refused', reason: 'busy: the queue is full' })];
    expect(passing(rows, { outcome: 'refused', text: '' })).toEqual([rows[1]]);
    expect(passing(rows, { outcome: 'all', text: 'QUEUE 5f3s' })).toEqual([rows[1]]);
    expect(passing(rows, { outcome: 'all', text: '' })).toEqual(rows);
  });
});
