import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Derivation,
  deriveEpochs,
  MAX_LISTED_VIOLATIONS,
  type SequencedRecord,
  startDerivation,
} from '#src/domain/derivation.ts';
import { decodeEvidence, type EvidenceRecord } from '#src/domain/evidence.ts';
import { judgeLabel, soundLog } from './evidenceBuilder.ts';

const derive = (log: Iterable<SequencedRecord>): Derivation => deriveEpochs(log, judgeLabel);

const log = soundLog({ seed: 'derivation', epochs: 3 });

type Of<T extends EvidenceRecord['type']> = Extract<EvidenceRecord, { type: T }>;

/** The log with the first matching record of a type altered. */
const alter = <T extends EvidenceRecord['type']>(given: {
  readonly type: T;
  readonly when?: (record: Of<T>) => boolean;
  readonly change: (record: Of<T>) => EvidenceRecord;
}): SequencedRecord[] => {
  const matches = (record: EvidenceRecord): record is Of<T> => record.type === given.type;
  const at = log.findIndex(({ record }) => matches(record) && (given.when?.(record) ?? true));
  if (at === -1) throw new Error(`the log has no such ${given.type}`);
  return log.map((entry, index) =>
    index === at && matches(entry.record) ? { ...entry, record: given.change(entry.record) } : entry,
  );
};

const without = (type: EvidenceRecord['type']): SequencedRecord[] => {
  const at = log.findIndex(({ record }) => record.type === type);
  return log.filter((_, index) => index !== at);
};

const isJudged = (record: Of<'answer.judged'>): boolean => record.outcome === 'judged';
const rulesOf = (derivation: Derivation): string[] => derivation.violations.map(({ rule }) => rule);

describe('domain / derivation', () => {
  it('derives every epoch of a sound log bit for bit, also after JSON', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom(0, 0.3),
        (seed, epochs, burnShare) => {
          const written = soundLog({ seed, epochs, policy: { burnShare } });
          const read = written.map(({ seq, record }) => {
            const decoded = decodeEvidence(JSON.parse(JSON.stringify(record)));
            if (!decoded.ok) throw new Error(decoded.error.reason);
            return { seq, record: decoded.value };
          });
          const derivation = derive(read);
          expect(derivation.violations).toEqual([]);
          expect(derivation.epochs.map(({ firstDifference }) => firstDifference)).toEqual(
            new Array(epochs).fill(null),
          );
          expect(derivation.epochs.every(({ verdicts }) => verdicts === 24)).toBe(true);
          expect(derivation).toMatchObject({ sound: true, openRounds: [], records: written.length });
        },
      ),
      { numRuns: 30 },
    );
  });

  it.each<[string, SequencedRecord[], string]>([
    [
      'a raised accuracy',
      alter({
        type: 'answer.judged',
        when: (a) => isJudged(a) && a.accuracy === 0,
        change: (a) => ({ ...a, accuracy: 1 }),
      }),
      'grade',
    ],
    [
      'a lowered Brier score by one bit',
      alter({
        type: 'answer.judged',
        when: (a) => (a.brier ?? 0) > 0.1,
        change: (a) => ({ ...a, brier: (a.brier ?? 0) * (1 - 2 ** -53) }),
      }),
      'grade',
    ],
    [
      'another answer',
      alter({
        type: 'answer.judged',
        when: isJudged,
        change: (a) => ({ ...a, answer: { label: 'none', confidence: 0.123 } }),
      }),
      'grade',
    ],
    [
      'a valid answer called invalid',
      alter({
        type: 'answer.judged',
        when: isJudged,
        change: (a) => ({ ...a, outcome: 'invalid', accuracy: 0, brier: null }),
      }),
      'grade',
    ],
    [
      'an invalid answer that was graded',
      alter({
        type: 'answer.judged',
        when: (a) => a.outcome === 'invalid',
        change: (a) => ({ ...a, outcome: 'judged', responseMs: 1, accuracy: 1, brier: 0 }),
      }),
      'grade',
    ],
    [
      'a lowered chance level of an answer',
      alter({ type: 'answer.judged', when: isJudged, change: (a) => ({ ...a, chance: 0 }) }),
      'grade',
    ],
    [
      'a raised chance level where nothing was answered',
      alter({
        type: 'answer.judged',
        when: (a) => a.answer === null,
        change: (a) => ({ ...a, chance: 0.5 }),
      }),
      'grade',
    ],
    [
      'another truth',
      alter({
        type: 'round.planned',
        change: (r) => ({ ...r, tasks: r.tasks.map((task) => ({ ...task, truth: { label: 'none' } })) }),
      }),
      'grade',
    ],
    [
      'an answer credited to another uid',
      alter({ type: 'answer.judged', change: (a) => ({ ...a, uid: 99 }) }),
      'unplanned',
    ],
    [
      'an answer to a task nobody planned',
      alter({ type: 'answer.judged', change: (a) => ({ ...a, taskId: 'x' }) }),
      'unplanned',
    ],
    [
      'an answer of another kind',
      alter({ type: 'answer.judged', change: (a) => ({ ...a, kind: 'other' }) }),
      'unplanned',
    ],
    [
      'an answer moved to another epoch',
      alter({ type: 'answer.judged', change: (a) => ({ ...a, epoch: 7 }) }),
      'unplanned',
    ],
    ['a removed answer', without('answer.judged'), 'undecided'],
    ['a removed plan', without('round.planned'), 'unplanned'],
    [
      'counts shifted from one outcome to another',
      alter({
        type: 'round.settled',
        when: (r) => r.judged > 0,
        change: (r) => ({ ...r, judged: r.judged - 1, late: r.late + 1 }),
      }),
      'counts',
    ],
    [
      'a gap between two epochs',
      alter({
        type: 'epoch.scored',
        when: (e) => e.epoch === 101,
        change: (e) => ({ ...e, fromSeq: e.fromSeq + 1 }),
      }),
      'interval',
    ],
    [
      'a cut after the epoch’s own record',
      alter({
        type: 'epoch.scored',
        when: (e) => e.epoch === 102,
        change: (e) => ({ ...e, cutSeq: e.cutSeq + 50 }),
      }),
      'interval',
    ],
    [
      'an epoch out of order',
      alter({ type: 'epoch.scored', when: (e) => e.epoch === 102, change: (e) => ({ ...e, epoch: 101 }) }),
      'interval',
    ],
  ])('finds %s', (_, altered, rule) => {
    const derivation = derive(altered);
    expect(rulesOf(derivation)).toContain(rule);
    expect(derivation.sound).toBe(false);
  });

  it.each<[string, SequencedRecord[], RegExp]>([
    [
      'a response time',
      alter({ type: 'answer.judged', when: isJudged, change: (a) => ({ ...a, responseMs: 9_999 }) }),
      /^scores\[\d\]\.\w+: expected/,
    ],
    [
      'a miner that brought nothing called honest',
      alter({
        type: 'answer.judged',
        when: (a) => a.outcome !== 'refused' && a.answer === null,
        change: (a) => ({ ...a, outcome: 'refused' }),
      }),
      /^scores\[\d\]\.refused/,
    ],
    [
      'the stake',
      alter({
        type: 'epoch.scored',
        change: (e) => ({ ...e, candidates: e.candidates.map((c) => ({ ...c, stake: 5 })) }),
      }),
      /^scores\[0\]\.stake/,
    ],
    [
      'the policy',
      alter({ type: 'epoch.scored', change: (e) => ({ ...e, policy: { ...e.policy, speedShare: 0.3 } }) }),
      /^scores\[\d\]\.quality/,
    ],
    [
      'one score',
      alter({
        type: 'epoch.scored',
        change: (e) => ({ ...e, scores: e.scores.map((s, at) => (at === 2 ? { ...s, score: 1 } : s)) }),
      }),
      /^scores\[2\]\.score: expected 0\.\d+, recorded 1$/,
    ],
    [
      'a score left out',
      alter({ type: 'epoch.scored', change: (e) => ({ ...e, scores: e.scores.slice(0, 4) }) }),
      /^scores\[4\]: expected .*, recorded nothing$/,
    ],
    ['the ledger', alter({ type: 'epoch.scored', change: (e) => ({ ...e, trust: {} }) }), /^trust\./],
    [
      'one weight',
      alter({
        type: 'epoch.scored',
        change: (e) => ({
          ...e,
          vector: { ...e.vector, values: e.vector.values.map((w, at) => (at === 1 ? w - 1 : w)) },
        }),
      }),
      /^vector\.values\[1\]/,
    ],
    [
      'the burn share',
      alter({ type: 'epoch.scored', change: (e) => ({ ...e, policy: { ...e.policy, burnShare: 0.5 } }) }),
      /^vector\.uids\[\d\]/,
    ],
  ])('shows where %s was altered', (_, altered, path) => {
    const { epochs, sound } = derive(altered);
    expect(sound).toBe(false);
    expect(epochs[0]).toMatchObject({ epoch: 100, equal: false });
    expect(epochs[0]?.firstDifference).toMatch(path);
  });

  it('blames only the altered epoch', () => {
    const altered = alter({
      type: 'epoch.scored',
      when: (e) => e.epoch === 100,
      change: (e) => ({ ...e, vector: { uids: [3], values: [65_535] } }),
    });
    const { epochs } = derive(altered);
    expect(epochs.map(({ equal }) => equal)).toEqual([false, true, true]);
    expect(epochs[0]?.recorded).toEqual({ uids: [3], values: [65_535] });
    expect(epochs[0]?.expected).toEqual(derive(log).epochs[0]?.expected);
  });

  it('counts exactly the answers of the stated interval', () => {
    const shortened = alter({
      type: 'epoch.scored',
      when: (e) => e.epoch === 101,
      change: (e) => ({ ...e, fromSeq: e.fromSeq + 6 }),
    });
    // Sequence numbers are two apart: the epoch before, the plan and one answer fall out.
    expect(derive(shortened).epochs.map(({ verdicts }) => verdicts)).toEqual([24, 23, 24]);
  });

  it('finds a record that occurs twice', () => {
    for (const type of ['round.planned', 'answer.judged', 'round.settled'] as const) {
      const at = log.findIndex(({ record }) => record.type === type);
      const [original] = log.slice(at, at + 1);
      if (original === undefined) throw new Error('the log is too short');
      const again = { seq: original.seq + 1, record: original.record };
      const derivation = derive([...log.slice(0, at + 1), again, ...log.slice(at + 1)]);
      expect(rulesOf(derivation)).toEqual(['duplicate']);
      expect(derivation.epochs.every(({ equal }) => equal)).toBe(true);
    }
  });

  it('finds records out of order', () => {
    const [first, second, ...rest] = log;
    if (first === undefined || second === undefined) throw new Error('the log is too short');
    expect(rulesOf(derive([first, { ...second, seq: first.seq }, ...rest]))).toContain('sequence');
  });

  it('holds the undecided pairs of an abandoned round against nobody', () => {
    const start = log.findIndex(({ record }) => record.type === 'round.planned');
    const plan = log[start]?.record;
    if (plan?.type !== 'round.planned') throw new Error('the log has no plan');
    const cut = log.slice(start, start + 3);
    expect(derive(cut)).toMatchObject({ openRounds: [plan.roundId], violationCount: 0, sound: true });
    const abandoned: EvidenceRecord = {
      v: 1,
      type: 'round.abandoned',
      roundId: plan.roundId,
      epoch: plan.epoch,
      reason: 'found unfinished at start',
      at: 9,
    };
    expect(derive([...cut, { seq: 50, record: abandoned }])).toMatchObject({
      openRounds: [],
      violationCount: 0,
    });
    const late = log[start + 4];
    if (late === undefined) throw new Error('the log is too short');
    const after = derive([...cut, { seq: 50, record: abandoned }, { seq: 51, record: late.record }]);
    expect(rulesOf(after)).toEqual(['unplanned']);
  });

  it('counts what was lost for and against nobody, and in the settlement of its round', () => {
    const first = log.findIndex(({ record }) => record.type === 'answer.judged');
    const lose = (record: EvidenceRecord, of: EvidenceRecord): EvidenceRecord => {
      if (of.type !== 'answer.judged') return record;
      if (record === of) {
        const empty = { answer: null, responseMs: null, accuracy: 0, brier: null };
        return { ...of, ...empty, outcome: 'lost' };
      }
      if (record.type !== 'round.settled' || record.roundId !== of.roundId) return record;
      return { ...record, [of.outcome]: (record[of.outcome] ?? 0) - 1, lost: (record.lost ?? 0) + 1 };
    };
    const answer = log[first]?.record;
    if (answer?.type !== 'answer.judged') throw new Error('the log has no answer');
    const withLoss = log.map((entry) => ({ ...entry, record: lose(entry.record, answer) }));
    const derivation = derive(withLoss);
    expect(derivation.violations).toEqual([]);
    expect(derivation.epochs[0]?.verdicts).toBe(23);
    const missing = derive(log.filter((_, index) => index !== first));
    expect(derivation.epochs[0]?.expected).toEqual(missing.epochs[0]?.expected);
    const unsaid = withLoss.map((entry) =>
      entry.record.type === 'round.settled' ? { ...entry, record: { ...entry.record, lost: 0 } } : entry,
    );
    expect(rulesOf(derive(unsaid))).toEqual(['counts']);
  });

  it('reports a judge that throws and keeps the recorded grade', () => {
    const fail = () => {
      throw new Error('unknown kind');
    };
    const derivation = deriveEpochs(log, { grade: fail, chanceOf: fail });
    const details = derivation.violations.map(({ detail }) => detail);
    expect(details.some((detail) => detail.endsWith('cannot be graded again: unknown kind'))).toBe(true);
    expect(details.some((detail) => detail.endsWith('no chance level can be told: unknown kind'))).toBe(true);
    expect(derivation.epochs.every(({ equal }) => equal)).toBe(true);
    expect(derivation.sound).toBe(false);
  });

  it('lists a bounded number of violations and counts all', () => {
    const replay = startDerivation(judgeLabel);
    const [entry] = log.filter(({ record }) => record.type === 'answer.judged');
    if (entry === undefined) throw new Error('the log has no answer');
    for (let seq = 0; seq < MAX_LISTED_VIOLATIONS + 5; seq += 1) replay.accept({ seq, record: entry.record });
    const check = replay.finish();
    expect(check.violations).toHaveLength(MAX_LISTED_VIOLATIONS);
    expect(check.violationCount).toBe(MAX_LISTED_VIOLATIONS + 5);
  });
});
