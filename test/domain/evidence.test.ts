import { describe, expect, it } from 'vitest';
import {
  answerForRecord,
  decodeEvidence,
  type EvidenceRecord,
  evidenceKey,
  MAX_ANSWER_CHARS,
} from '#src/domain/evidence.ts';
import { MAX_JSON_DEPTH } from '#src/domain/task.ts';
import { hotkeyOf, soundLog } from './evidenceBuilder.ts';

const log = soundLog({ seed: 'evidence', epochs: 1 }).map(({ record }) => record);

const firstOf = <T extends EvidenceRecord['type']>(type: T): Extract<EvidenceRecord, { type: T }> => {
  const found = log.find((record): record is Extract<EvidenceRecord, { type: T }> => record.type === type);
  if (found === undefined) throw new Error(`the log has no ${type}`);
  return found;
};

const planned = firstOf('round.planned');
const settled = firstOf('round.settled');
const scored = firstOf('epoch.scored');
const judged = (() => {
  const found = log.find((record) => record.type === 'answer.judged' && record.outcome === 'judged');
  if (found?.type !== 'answer.judged') throw new Error('the log has no judged answer');
  return found;
})();
const abandoned: EvidenceRecord = {
  v: 1,
  type: 'round.abandoned',
  roundId: planned.roundId,
  epoch: planned.epoch,
  reason: 'found unfinished at start',
  at: 5,
};

const nested = (depth: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
};

describe('domain / evidence', () => {
  it('survives JSON bit for bit', () => {
    for (const record of [...log, abandoned]) {
      expect(decodeEvidence(JSON.parse(JSON.stringify(record)))).toEqual({ ok: true, value: record });
    }
  });

  it('keys each fact once, and lets a round end only once', () => {
    const keys = log.map(evidenceKey);
    expect(new Set(keys).size).toBe(keys.length);
    expect(evidenceKey(planned)).toBe(`p/${planned.roundId}`);
    expect(evidenceKey(judged)).toBe(`a/${judged.roundId}/${judged.taskId}/${judged.hotkey}`);
    expect(evidenceKey(scored)).toBe('e/100');
    expect(evidenceKey(abandoned)).toBe(evidenceKey(settled));
  });

  it.each<[string, object]>([
    ['NaN accuracy', { ...judged, accuracy: Number.NaN }],
    ['accuracy above 1', { ...judged, accuracy: 1.000001 }],
    ['a huge Brier score', { ...judged, brier: 1e300 }],
    ['a boolean for a number', { ...judged, accuracy: true }],
    ['an infinite response time', { ...judged, responseMs: Number.POSITIVE_INFINITY }],
    ['a negative response time', { ...judged, responseMs: -1 }],
    ['a judged answer without a time', { ...judged, responseMs: null }],
    ['a judged answer without an answer', { ...judged, answer: null }],
    ['accuracy for a missed answer', { ...judged, outcome: 'missed', accuracy: 1, brier: null }],
    ['an unknown outcome', { ...judged, outcome: 'excellent' }],
    ['an unknown key', { ...judged, bonus: 1 }],
    ['another version', { ...judged, v: 2 }],
    ['an unknown type', { ...judged, type: 'answer.praised' }],
    ['a task id with a slash', { ...judged, taskId: 'a/b' }],
    ['a kind in capitals', { ...judged, kind: 'Text' }],
    ['an oversized answer', { ...judged, answer: { label: 'x'.repeat(MAX_ANSWER_CHARS) } }],
    ['an answer nested too deep', { ...judged, answer: nested(MAX_JSON_DEPTH + 1) }],
    ['a lone surrogate in an answer', { ...judged, answer: { label: '\ud800' } }],
    ['a task planned twice', { ...planned, tasks: [...planned.tasks, ...planned.tasks] }],
    [
      'a miner twice in a cohort',
      { ...planned, cohort: [...planned.cohort, { uid: 99, hotkey: hotkeyOf(3) }] },
    ],
    [
      'a uid twice in a cohort',
      { ...planned, cohort: [...planned.cohort, { uid: 3, hotkey: hotkeyOf(99) }] },
    ],
    ['a round without tasks', { ...planned, tasks: [] }],
    ['counts that do not add up', { ...settled, dispatched: settled.dispatched + 1 }],
    ['a cut before the start', { ...scored, fromSeq: scored.cutSeq + 1 }],
    ['a candidate twice', { ...scored, candidates: [...scored.candidates, ...scored.candidates] }],
    ['uids out of order', { ...scored, vector: { uids: [4, 3], values: [65_535, 1] } }],
    ['lists of unequal length', { ...scored, vector: { uids: [3], values: [] } }],
    ['a weight above u16', { ...scored, vector: { uids: [3], values: [65_536] } }],
    [
      'a policy that pays more than everything',
      { ...scored, policy: { ...scored.policy, stakeWeight: 0.21 } },
    ],
    ['a policy without quality', { ...scored, policy: { ...scored.policy, qualityWeight: 0 } }],
    ['full speed after the deadline', { ...scored, policy: { ...scored.policy, fullSpeedMs: 10_000 } }],
    [
      'a ledger under a name that is no hotkey',
      { ...scored, trust: { somebody: { absentEpochs: 0, kinds: {} } } },
    ],
    ['negative stake', { ...scored, candidates: [{ ...scored.candidates[0], stake: -1 }] }],
  ])('refuses %s', (_, record) => {
    const result = decodeEvidence(record);
    expect(result.ok).toBe(false);
    if (!result.ok) expect(result.error.reason.length).toBeGreaterThan(0);
  });

  it('keeps an answer that fits and drops one that does not', () => {
    expect(answerForRecord({ label: 'a', confidence: 0.5 })).toEqual({ label: 'a', confidence: 0.5 });
    expect(answerForRecord('x'.repeat(MAX_ANSWER_CHARS - 2))).toHaveLength(MAX_ANSWER_CHARS - 2);
    expect(answerForRecord('x'.repeat(MAX_ANSWER_CHARS - 1))).toBeNull();
    expect(answerForRecord(nested(MAX_JSON_DEPTH))).toEqual(nested(MAX_JSON_DEPTH));
    expect(answerForRecord(nested(50_000))).toBeNull();
    expect(answerForRecord(new Array(MAX_ANSWER_CHARS).fill(0))).toBeNull();
    expect(answerForRecord({ ['\udfff']: 1 })).toBeNull();
    expect(answerForRecord(Number.NaN)).toBeNull();
    expect(answerForRecord(undefined)).toBeNull();
    expect(answerForRecord(() => 1)).toBeNull();
  });
});
