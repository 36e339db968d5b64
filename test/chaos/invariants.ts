import { isDeepStrictEqual } from 'node:util';

import { judgeRecorded } from '#src/actors/grading.ts';
import { requestId } from '#src/actors/requestIds.ts';
import { deriveEpochs } from '#src/domain/derivation.ts';
import type { AnswerJudged, EvidenceRecord, RoundPlanned } from '#src/domain/evidence.ts';
import { AnswerOutcome } from '#src/domain/task.ts';

import type { RunFacts, Submission, ValidatorFacts } from './facts.ts';
import { rescore } from './rescore.ts';
import { owedEpochs } from './schedule.ts';

/** What must hold after any run, and where it does not: pure functions of what was read back. */
export type Verdict = {
  readonly name: string;
  /** How many things were looked at. Nothing to look at is a violation: a run must prove something. */
  readonly checked: number;
  readonly violations: readonly string[];
};

type Checked = Omit<Verdict, 'name'>;

const recordsOf = <T extends EvidenceRecord['type']>(
  { log }: ValidatorFacts,
  type: T,
): readonly Extract<EvidenceRecord, { readonly type: T }>[] =>
  log.flatMap(({ record }) =>
    // The union's members are told apart by `type`, which the compiler does not follow through a type parameter.
    record.type === type ? [record as Extract<EvidenceRecord, { readonly type: T }>] : [],
  );

const pairOf = (record: Pick<AnswerJudged, 'roundId' | 'taskId' | 'hotkey'>): string =>
  `${record.roundId}/${record.taskId}/${record.hotkey}`;

const combine = (parts: readonly Checked[]): Checked => ({
  checked: parts.reduce((sum, { checked }) => sum + checked, 0),
  violations: parts.flatMap(({ violations }) => violations),
});

/** By request id: which pair of which plan it stands for. */
const requestsOf = (facts: ValidatorFacts, hotkey: string): ReadonlyMap<string, string> =>
  new Map(
    recordsOf(facts, 'round.planned').flatMap(({ requestKey, roundId, tasks }) =>
      requestKey === undefined
        ? []
        : tasks.map(({ taskId }) => [
            requestId(requestKey, taskId, hotkey),
            pairOf({ roundId, taskId, hotkey } as Pick<AnswerJudged, 'roundId' | 'taskId' | 'hotkey'>),
          ]),
    ),
  );

/** An acknowledged answer is on record, as it was sent. What was asked was planned before, and nothing else was asked. */
const acknowledgedAreRecorded = (facts: RunFacts): Checked => {
  const { witnessHotkey, witnessed } = facts;
  const parts = facts.validators.map((validator): Checked => {
    const requests = requestsOf(validator, witnessHotkey);
    const records = new Map(recordsOf(validator, 'answer.judged').map((record) => [pairOf(record), record]));
    const seen = witnessed.filter((task) => task.validator === validator.hotkey);
    const violations = seen.flatMap((task) => {
      const pair = requests.get(task.id);
      if (pair === undefined)
        return [`request ${task.id} of ${task.roundId} was sent, and no plan of it is on record`];
      if (!task.isAcknowledged) return [];
      const record = records.get(pair);
      if (record === undefined) return [`the answer to ${pair} was acknowledged and is lost`];
      if (!['judged', 'invalid', 'late'].includes(record.outcome))
        return [`the answer to ${pair} was acknowledged and is on record as ${record.outcome}`];
      const isSame = record.answer === null || isDeepStrictEqual(record.answer, task.answer);
      return isSame ? [] : [`the answer to ${pair} is on record as another one than was sent`];
    });
    return { checked: seen.filter(({ isAcknowledged }) => isAcknowledged).length, violations };
  });
  const strays = facts.strayAcks.map((id) => `${id} was acknowledged and never asked`);
  return combine([...parts, { checked: 0, violations: strays }]);
};

const judgedOnce = ({ validators }: RunFacts): Checked =>
  combine(
    validators.map((validator) => {
      const counts = Map.groupBy(recordsOf(validator, 'answer.judged'), pairOf);
      const violations = [...counts]
        .filter(([, records]) => records.length > 1)
        .map(([pair, records]) => `${pair} has ${records.length} verdicts`);
      return { checked: counts.size, violations };
    }),
  );

const roundProblems = (
  plan: RoundPlanned,
  answers: readonly AnswerJudged[],
  ends: readonly EvidenceRecord[],
): readonly string[] => {
  const planned = plan.tasks.length * plan.cohort.length;
  const [end] = ends;
  if (end === undefined)
    return [`round ${plan.roundId} has no end; ${answers.length} of ${planned} are decided`];
  if (ends.length > 1) return [`round ${plan.roundId} ends ${ends.length} times`];
  if (end.type !== 'round.settled') return [`round ${plan.roundId} was abandoned`];
  const asked = new Set(
    plan.tasks.flatMap(({ taskId }) =>
      plan.cohort.map(({ hotkey }) => pairOf({ roundId: plan.roundId, taskId, hotkey })),
    ),
  );
  const stray = answers.filter((answer) => !asked.has(pairOf(answer)));
  const unasked = stray.map((answer) => `${pairOf(answer)} was judged and never planned`);
  const stated = AnswerOutcome.literals.map((outcome) => [outcome, end[outcome] ?? 0] as const);
  const wrong = stated.flatMap(([outcome, count]) => {
    const found = answers.filter((answer) => answer.outcome === outcome).length;
    return found === count ? [] : [`round ${plan.roundId} states ${count} ${outcome}, the log has ${found}`];
  });
  const total = stated.reduce((sum, [, count]) => sum + count, 0);
  const sum =
    total === planned && end.dispatched === planned
      ? []
      : [`round ${plan.roundId}: ${planned} planned, ${end.dispatched} dispatched, ${total} ended`];
  return [...unasked, ...wrong, ...sum];
};

/** dispatched = judged + invalid + refused + missed + late + unreachable + lost, for every round that was planned. */
const countsAddUp = ({ validators }: RunFacts): Checked =>
  combine(
    validators.map((validator) => {
      const plans = recordsOf(validator, 'round.planned');
      const answers = Map.groupBy(recordsOf(validator, 'answer.judged'), ({ roundId }) => roundId);
      const ended = [...recordsOf(validator, 'round.settled'), ...recordsOf(validator, 'round.abandoned')];
      const ends = Map.groupBy(ended, ({ roundId }) => roundId);
      const violations = plans.flatMap((plan) =>
        roundProblems(plan, answers.get(plan.roundId) ?? [], ends.get(plan.roundId) ?? []),
      );
      return { checked: plans.length, violations };
    }),
  );

const describe = ({ block, nonce, isSuccess }: Submission): string =>
  `block ${block} (nonce ${nonce}${isSuccess ? '' : ', failed'})`;

/** By the extrinsics in the blocks: a second one is a second one, also where it failed or set the same vector. */
const oneSubmissionPerEpoch = ({ submissions }: RunFacts): Checked => {
  const byEpoch = Map.groupBy(submissions, ({ hotkey, epoch }) => `${hotkey} in epoch ${epoch}`);
  const violations = [...byEpoch]
    .filter(([, all]) => all.length > 1)
    .map(([who, all]) => `${who} submitted ${all.length} times: ${all.map(describe).join(', ')}`);
  return { checked: byEpoch.size, violations };
};

const epochsHaveWeights = (facts: RunFacts): Checked => {
  const parts = facts.validators.map((validator): Checked => {
    const { hotkey } = validator;
    const owed = owedEpochs(facts, validator);
    const set = new Set(
      facts.submissions.filter((one) => one.hotkey === hotkey && one.isSuccess).map(({ epoch }) => epoch),
    );
    const violations = owed
      .filter(({ epoch }) => !set.has(epoch))
      .map(
        ({ epoch, freeBlocks, freeMs }) =>
          `epoch ${epoch} has no weights of ${hotkey}, though nothing kept it from them for ${freeBlocks} blocks (${Math.round(freeMs)} ms) of its weight window`,
      );
    return { checked: owed.length, violations };
  });
  return combine(parts);
};

/** What stands on chain is the vector that the evidence gives. The chain scales a row so that its largest value is 65,535. */
const chainHasScoredVectors = ({ validators, submissions }: RunFacts): Checked =>
  combine(
    validators.map((validator) => {
      const scored = new Map(
        recordsOf(validator, 'epoch.scored').map((record) => [record.epoch as number, record]),
      );
      const own = submissions.filter(
        ({ hotkey, weights }) => hotkey === validator.hotkey && weights !== null,
      );
      const violations = own.flatMap(({ epoch, block, weights }) => {
        const vector = scored.get(epoch)?.vector;
        if (vector === undefined)
          return [`block ${block} has weights of epoch ${epoch}, which was never scored`];
        const expected = vector.uids.map((uid, at) => [uid, vector.values[at] ?? 0]);
        return isDeepStrictEqual(expected, weights)
          ? []
          : [
              `block ${block} has ${JSON.stringify(weights)}, epoch ${epoch} was scored ${JSON.stringify(expected)}`,
            ];
      });
      return { checked: own.length, violations };
    }),
  );

/** The same evidence without any fault gives the same scores, trust and weights, epoch after epoch from the first on. */
const scoresFollow = ({ validators }: RunFacts): Checked =>
  combine(
    validators.map(({ log }) => {
      const derivation = deriveEpochs(log, judgeRecorded);
      const violations = [
        ...derivation.violations.map(({ seq, rule, detail }) => `record ${seq}: ${rule}: ${detail}`),
        ...derivation.epochs.flatMap(({ epoch, firstDifference }) =>
          firstDifference === null ? [] : [`epoch ${epoch}: ${firstDifference}`],
        ),
        ...rescore(log),
      ];
      return { checked: derivation.epochs.length, violations };
    }),
  );

const storeIsSound = ({ validators }: RunFacts): Checked =>
  combine(
    validators.map(({ unreadable, setAside, commands }) => ({
      checked: commands.length,
      violations: [
        ...unreadable,
        ...setAside,
        ...commands
          .filter(({ code }) => code !== 0)
          .map(({ name, code, text }) => `${name} ended with ${code}: ${text.slice(-600)}`),
      ],
    })),
  );

const maxRssMiB = 700;
const maxDescriptors = 256;

const processesBehaved = ({ processes }: RunFacts): Checked => ({
  checked: processes.peaks.length,
  violations: [
    ...processes.stillRunning.map((pid) => `process ${pid} still runs`),
    ...processes.ends
      .filter(({ code }) => code !== 0)
      .map(({ name, code, signal }) => `${name} was drained and ended with ${signal ?? code}`),
    ...processes.peaks
      .filter(({ rssMiB, descriptors }) => rssMiB > maxRssMiB || descriptors > maxDescriptors)
      .map(
        ({ name, rssMiB, descriptors }) =>
          `${name} had ${Math.round(rssMiB)} MiB and ${descriptors} descriptors`,
      ),
  ],
});

const recovered = ({ outages, notRecovered }: RunFacts): Checked => ({
  checked: outages.length,
  violations: notRecovered,
});

const rules: readonly (readonly [name: string, check: (facts: RunFacts) => Checked])[] = [
  ['no acknowledged answer is lost', acknowledgedAreRecorded],
  ['no answer is judged twice', judgedOnce],
  ['request counts add up', countsAddUp],
  ['at most one weight submission per epoch and validator', oneSubmissionPerEpoch],
  ['no epoch without weights that could have had them', epochsHaveWeights],
  ['weights on chain are those of the evidence', chainHasScoredVectors],
  ['scores follow from the evidence, as without faults', scoresFollow],
  ['audit and store check are sound', storeIsSound],
  ['processes end, and stay within memory and descriptors', processesBehaved],
  ['the network recovers from each fault', recovered],
];

export const checkInvariants = (facts: RunFacts): readonly Verdict[] =>
  rules.map(([name, check]) => {
    const { checked, violations } = check(facts);
    return { name, checked, violations: checked === 0 ? [...violations, 'nothing to check'] : violations };
  });
