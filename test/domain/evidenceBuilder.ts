import type * as Schema from 'effect/Schema';
import type { Judge, SequencedRecord } from '#src/domain/derivation.ts';
import type { AnswerJudged, EvidenceRecord, PlannedTask, RoundPlanned } from '#src/domain/evidence.ts';
import { createRandom, type Random } from '#src/domain/random.ts';
import { type Candidate, defaultScoringPolicy, type ScoringPolicy, scoreEpoch } from '#src/domain/scoring.ts';
import { AnswerOutcome, type Verdict } from '#src/domain/task.ts';
import { emptyTrust, type TrustLedger } from '#src/domain/trust.ts';
import { weightsFromScores } from '#src/domain/weights.ts';

const LETTERS = 'ABCDEFGHJK';

/** A string in the shape of an SS58 address, different for every index below 10^6. */
export const hotkeyOf = (index: number): string => {
  const digits = [...String(index).padStart(6, '0')].map((digit) => LETTERS.charAt(Number(digit)));
  return `5${'M'.repeat(41)}${digits.join('')}`;
};

export const verdictOf = (given: Partial<Verdict> & { readonly uid: number }): Verdict => ({
  kind: 'text_classification',
  hotkey: hotkeyOf(given.uid),
  outcome: 'judged',
  responseMs: 200,
  chance: 0,
  accuracy: 1,
  brier: 0,
  ...given,
});

/** One that brought no graded answer. */
export const emptyVerdict = (uid: number, outcome: AnswerOutcome): Verdict =>
  verdictOf({ uid, outcome, responseMs: null, accuracy: 0, brier: null });

export const candidateOf = (uid: number, stake = 0): Candidate => ({
  uid,
  hotkey: hotkeyOf(uid),
  stake,
  blockAtRegistration: 10,
});

const gradeLabel: Judge['grade'] = ({ answer, truth }) => {
  if (!isLabelled(answer) || !isLabelled(truth)) return null;
  const { confidence } = answer;
  if (typeof confidence !== 'number' || confidence < 0 || confidence > 1) return null;
  const isRight = answer['label'] === truth['label'];
  const miss = confidence - (isRight ? 1 : 0);
  return { accuracy: isRight ? 1 : 0, brier: miss * miss };
};

/** Grades `{ label, confidence }` against `{ label }`, one of `{ allowed }`, as a classifier's kind does. */
export const judgeLabel: Judge = {
  grade: gradeLabel,
  chanceOf: ({ request }) => {
    const allowed =
      typeof request === 'object' &&
      request !== null &&
      !Array.isArray(request) &&
      (request as Schema.JsonObject)['allowed'];
    if (!Array.isArray(allowed)) throw new Error('a request lists what is allowed');
    return 1 / allowed.length;
  },
};

const isLabelled = (value: Schema.Json): value is Schema.JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && 'label' in value;

type LogWriter = {
  readonly entries: SequencedRecord[];
  readonly append: (record: EvidenceRecord) => number;
};

const startLog = (): LogWriter => {
  const entries: SequencedRecord[] = [];
  return {
    entries,
    append: (record) => {
      // Not contiguous on purpose: a store may leave gaps.
      const seq = entries.length * 2 + 1;
      entries.push({ seq, record });
      return seq;
    },
  };
};

const LABELS = ['refund', 'delivery', 'size', 'other'];

const planTasks = (roundId: string, random: Random): PlannedTask[] =>
  [0, 1, 2].map((index) => ({
    taskId: `${roundId}-${index}`,
    kind: index === 2 ? 'sentiment_analysis' : 'text_classification',
    request: { text: `question ${random.int(1_000)}`, allowed: LABELS },
    truth: { label: random.pick(LABELS) },
  }));

/** What becomes of an answer while its validator lives. */
const outcomes = AnswerOutcome.literals.filter((literal) => literal !== 'lost');

const decide = (
  plan: RoundPlanned,
  pair: { readonly task: PlannedTask; readonly uid: number },
  random: Random,
): AnswerJudged => {
  const { task, uid } = pair;
  const base = {
    v: 1 as const,
    type: 'answer.judged' as const,
    roundId: plan.roundId,
    taskId: task.taskId,
    kind: task.kind,
    epoch: plan.epoch,
    uid,
    hotkey: hotkeyOf(uid),
    rttMs: 12.5,
    chance: judgeLabel.chanceOf(task),
    at: plan.at + 100,
  };
  const outcome = random.next() < 0.7 ? 'judged' : random.pick(outcomes);
  if (outcome === 'judged') {
    const answer = { label: random.pick(LABELS), confidence: random.next() };
    const grade = judgeLabel.grade({ kind: task.kind, request: task.request, answer, truth: task.truth });
    if (grade === null) throw new Error('the builder answers in shape');
    return { ...base, outcome, answer, responseMs: 100 + random.next() * 9_000, ...grade };
  }
  const answer = outcome === 'invalid' ? { label: 'refund', confidence: 'very' } : null;
  return { ...base, outcome, answer, responseMs: null, accuracy: 0, brier: null };
};

export const ROUND_UIDS = [3, 4, 5, 7];

const appendRound = (
  log: LogWriter,
  given: { readonly epoch: number; readonly random: Random },
): Verdict[] => {
  const { epoch, random } = given;
  const roundId = `r${epoch}-${epoch * 360}-${String(log.entries.length).padStart(8, '0')}`;
  const tasks = planTasks(roundId, random);
  const cohort = ROUND_UIDS.map((uid) => ({ uid, hotkey: hotkeyOf(uid) }));
  const plan: RoundPlanned = {
    v: 1,
    type: 'round.planned',
    roundId,
    epoch,
    block: epoch * 360,
    at: 1_700_000_000_000 + epoch,
    deadlineMs: 10_000,
    tasks,
    cohort,
  };
  log.append(plan);
  const answers = tasks.flatMap((task) => ROUND_UIDS.map((uid) => decide(plan, { task, uid }, random)));
  for (const answer of answers) log.append(answer);
  const count = (outcome: AnswerOutcome): number =>
    answers.filter((answer) => answer.outcome === outcome).length;
  log.append({
    v: 1,
    type: 'round.settled',
    roundId,
    epoch,
    dispatched: answers.length,
    judged: count('judged'),
    invalid: count('invalid'),
    refused: count('refused'),
    missed: count('missed'),
    late: count('late'),
    unreachable: count('unreachable'),
    lost: count('lost'),
    at: plan.at + 10_000,
  });
  return answers.map(({ kind, uid, hotkey, outcome, responseMs, chance, accuracy, brier }) => ({
    kind,
    uid,
    hotkey,
    outcome,
    responseMs,
    chance,
    accuracy,
    brier,
  }));
};

/** A sound log of `epochs` epochs with two rounds each, written the way a validator writes it. */
export const soundLog = (given: {
  readonly seed: string;
  readonly epochs: number;
  readonly policy?: Partial<ScoringPolicy>;
}): SequencedRecord[] => {
  const log = startLog();
  const random = createRandom(given.seed);
  const policy = { ...defaultScoringPolicy, ...given.policy };
  let before: TrustLedger = emptyTrust;
  let fromSeq = 0;
  for (let epoch = 100; epoch < 100 + given.epochs; epoch += 1) {
    const verdicts = [appendRound(log, { epoch, random }), appendRound(log, { epoch, random })].flat();
    const candidates = [...ROUND_UIDS, 9].map((uid) => candidateOf(uid, 1_000 * uid + random.next()));
    const { scores, trust } = scoreEpoch({ verdicts, candidates, trust: before, policy });
    const cutSeq = (log.entries.at(-1)?.seq ?? 0) + 1;
    log.append({
      v: 1,
      type: 'epoch.scored',
      epoch,
      block: epoch * 360 + 350,
      blockHash: `0x${'ab'.repeat(32)}`,
      fromSeq,
      cutSeq,
      candidates,
      ownerUid: 0,
      policy,
      scores,
      trust,
      vector: weightsFromScores({ scores, ownerUid: 0, burnShare: policy.burnShare }),
      at: 1_700_000_100_000 + epoch,
    });
    before = trust;
    fromSeq = cutSeq;
  }
  return log.entries;
};
