import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { deriveEpochs, type SequencedRecord } from '#src/domain/derivation.ts';
import { judgeLabel, soundLog } from './evidenceBuilder.ts';

const log = soundLog({ seed: 'anchor', epochs: 5 });

const scored = log.flatMap(({ seq, record }) => (record.type === 'epoch.scored' ? [{ seq, record }] : []));

const firstSeqOf = (records: readonly SequencedRecord[]): number => records[0]?.seq ?? 1;

const deriveFrom = (records: readonly SequencedRecord[]) =>
  deriveEpochs(records, judgeLabel, firstSeqOf(records));

/** The log from this sequence number on. */
const since = (seq: number): SequencedRecord[] => log.filter((entry) => entry.seq >= seq);

describe('domain / derivation of a log whose beginning is gone', () => {
  it('proves every epoch after the first one that is recorded, from the cut on', () => {
    for (const [index, { record }] of scored.entries()) {
      if (index === 0) continue;
      const derivation = deriveEpochs(since(record.fromSeq), judgeLabel, record.fromSeq);
      expect(derivation).toMatchObject({ sound: true, violations: [], openRounds: [] });
      expect(derivation.anchorEpoch).toBe(scored[index - 1]?.record.epoch);
      expect(derivation.epochs.map(({ epoch }) => epoch)).toEqual(
        scored.slice(index).map((entry) => entry.record.epoch),
      );
    }
  });

  it('finds nothing wrong wherever the log was cut, and never proves an epoch that lacks answers', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: log.length - 1 }), (from) => {
        const kept = log.slice(from);
        const derivation = deriveFrom(kept);
        expect(derivation.violations).toEqual([]);
        expect(derivation.sound).toBe(true);
        for (const { epoch } of derivation.epochs) {
          const { fromSeq } = scored.find(({ record }) => record.epoch === epoch)?.record ?? { fromSeq: -1 };
          expect(fromSeq).toBeGreaterThanOrEqual(firstSeqOf(kept));
        }
      }),
    );
  });

  it('still finds what was altered or taken out after the cut', () => {
    const cut = scored[1]?.record.fromSeq ?? 0;
    const kept = since(cut);
    const at = kept.findIndex(
      ({ seq, record }) =>
        record.type === 'answer.judged' && record.accuracy === 1 && seq > (scored[1]?.seq ?? 0),
    );
    const altered = kept.map((entry, index) =>
      index === at && entry.record.type === 'answer.judged'
        ? { ...entry, record: { ...entry.record, accuracy: 0.5 } }
        : entry,
    );
    expect(deriveEpochs(altered, judgeLabel, cut)).toMatchObject({
      sound: false,
      violations: [{ rule: 'grade' }],
    });
    const missing = deriveFrom(kept.filter((_, index) => index !== at));
    expect(missing.violations.map(({ rule }) => rule)).toContain('undecided');
    const plan = kept.findIndex(
      ({ seq, record }) => record.type === 'round.planned' && seq > (scored[2]?.seq ?? 0),
    );
    expect(plan).toBeGreaterThan(0);
    const unplanned = deriveFrom(kept.filter((_, index) => index !== plan));
    expect(unplanned.violations.map(({ rule }) => rule)).toContain('unplanned');
  });

  it('has no anchor for a whole log, and none where no epoch is left', () => {
    expect(deriveEpochs(log, judgeLabel).anchorEpoch).toBeNull();
    const tail = since((scored.at(-1)?.seq ?? 0) + 1);
    expect(deriveEpochs(tail, judgeLabel, 7)).toMatchObject({ anchorEpoch: null, epochs: [], sound: true });
  });
});
