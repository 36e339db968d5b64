import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { decodeEvidence, type RoundPlanned, type RoundSettled } from '#src/domain/evidence.ts';
import {
  addOutcomes,
  countOutcomes,
  hasReply,
  imbalanceOf,
  noOutcomes,
  statedOutcomes,
} from '#src/domain/requestAccount.ts';
import { AnswerOutcome } from '#src/domain/task.ts';
import { soundLog } from './evidenceBuilder.ts';

const plan = soundLog({ seed: 'account', epochs: 1 })[0]?.record as RoundPlanned;
const pairs = plan.tasks.length * plan.cohort.length;
const outcomes = fc.array(fc.constantFrom(...AnswerOutcome.literals), { minLength: pairs, maxLength: pairs });

const settledWith = (counts: ReturnType<typeof countOutcomes>): RoundSettled => ({
  v: 1,
  type: 'round.settled',
  roundId: plan.roundId,
  epoch: plan.epoch,
  dispatched: pairs,
  ...counts,
  at: 1,
});

describe('domain / requestAccount', () => {
  it('accepts the books of a round in which every pair has one outcome, whichever', () => {
    fc.assert(
      fc.property(outcomes, (ended) => {
        const counts = countOutcomes(ended);
        const settled = settledWith(counts);
        expect(imbalanceOf({ plan, decided: pairs, repeated: 0, counts, settled })).toBeNull();
        expect(imbalanceOf({ plan, decided: pairs, repeated: 0, counts, settled: null })).toBeNull();
        expect(decodeEvidence(settled)).toMatchObject({ ok: true });
        expect(statedOutcomes(settled)).toEqual(counts);
      }),
      { numRuns: 50 },
    );
  });

  it('refuses a pair too few, one twice, and a settlement that says something else', () => {
    fc.assert(
      fc.property(outcomes, fc.constantFrom(...AnswerOutcome.literals), (ended, other) => {
        const counts = countOutcomes(ended);
        const tooFew = countOutcomes(ended.slice(1));
        const account = { plan, decided: pairs, repeated: 0, counts, settled: null };
        expect(imbalanceOf({ ...account, decided: pairs - 1, counts: tooFew })).toMatchObject({
          roundId: plan.roundId,
          planned: pairs,
          decided: pairs - 1,
        });
        expect(imbalanceOf({ ...account, repeated: 1 })).not.toBeNull();
        expect(imbalanceOf({ ...account, counts: { ...counts, [other]: counts[other] + 1 } })).not.toBeNull();
        const settled = settledWith({ ...counts, [other]: counts[other] + 1 });
        expect(imbalanceOf({ ...account, settled })).toMatchObject({ stated: { dispatched: pairs } });
      }),
      { numRuns: 50 },
    );
  });

  it('reads a settlement of an earlier release, which lost nothing, and none whose sum is wrong', () => {
    const { lost: _, ...old } = settledWith({ ...noOutcomes, judged: pairs });
    const decoded = decodeEvidence(JSON.parse(JSON.stringify(old)));
    expect(decoded).toMatchObject({ ok: true });
    expect(statedOutcomes(old)).toMatchObject({ judged: pairs, lost: 0 });
    expect(decodeEvidence({ ...old, lost: 1 })).toMatchObject({ ok: false });
  });

  it('adds counts, and knows which outcomes came with a reply', () => {
    const sum = addOutcomes(countOutcomes(['judged', 'lost']), countOutcomes(['judged', 'missed']));
    expect(sum).toEqual({ ...noOutcomes, judged: 2, lost: 1, missed: 1 });
    expect(AnswerOutcome.literals.filter(hasReply)).toEqual(['judged', 'invalid', 'refused', 'late']);
  });
});
