import { findDifference } from '#src/domain/difference.ts';
import { scoreEpoch } from '#src/domain/scoring.ts';
import type { Verdict } from '#src/domain/task.ts';
import { emptyTrust } from '#src/domain/trust.ts';
import { weightsFromScores } from '#src/domain/weights.ts';

import type { ValidatorFacts } from './facts.ts';

/**
 * Scores every epoch as a validator would that was never disturbed: in one go from the first record on, each epoch from
 * the trust that this very computation gave for the one before. The audit starts each epoch from the trust on record.
 *
 * @returns the first difference of each epoch that differs
 */
export const rescore = (log: ValidatorFacts['log']): readonly string[] => {
  const differences: string[] = [];
  let pending: { readonly seq: number; readonly verdict: Verdict }[] = [];
  let trust = emptyTrust;
  for (const { seq, record } of log) {
    if (record.type === 'answer.judged' && record.outcome !== 'lost') {
      const { kind, uid, hotkey, outcome, responseMs, chance, accuracy, brier } = record;
      pending.push({ seq, verdict: { kind, uid, hotkey, outcome, responseMs, chance, accuracy, brier } });
    }
    if (record.type !== 'epoch.scored') continue;
    const { candidates, policy, ownerUid, cutSeq, epoch } = record;
    const verdicts = pending.filter((entry) => entry.seq < cutSeq).map(({ verdict }) => verdict);
    pending = pending.filter((entry) => entry.seq >= cutSeq);
    const scored = scoreEpoch({ verdicts, candidates, trust, policy });
    const vector = weightsFromScores({ scores: scored.scores, ownerUid, burnShare: policy.burnShare });
    trust = scored.trust;
    const difference =
      findDifference(scored.scores, record.scores, 'scores') ??
      findDifference(trust, record.trust, 'trust') ??
      findDifference(vector, record.vector, 'vector');
    if (difference !== null) differences.push(`epoch ${epoch} without faults: ${difference}`);
  }
  return differences;
};
