import * as Schema from 'effect/Schema';

import { defaultScoringPolicy } from '../domain/scoring.ts';
import { isTaskKind, taskKindNames } from '../domain/tasks/kinds.ts';
import { decimal, integer, list, type ValuesOf } from './setting.ts';

const TaskKindName = Schema.String.check(Schema.makeFilter(isTaskKind)).pipe(
  Schema.decodeTo(Schema.Literals(taskKindNames)),
);

const rounds = {
  taskKinds: list({
    flag: '--task-kinds',
    env: 'MIAOAI_TASK_KINDS',
    group: 'Rounds',
    description: 'Kinds of tasks to send.',
    placeholder: '<kind,…>',
    allowed: `some of ${taskKindNames.join(', ')}, with commas between them`,
    schema: TaskKindName,
    text: taskKindNames.join(','),
  }),
  tasksPerRound: integer({
    flag: '--tasks-per-round',
    env: 'MIAOAI_TASKS_PER_ROUND',
    group: 'Rounds',
    description: 'Tasks of one round; every miner of the round gets all of them.',
    minimum: 1,
    maximum: 32,
    text: '4',
  }),
  cohortSize: integer({
    flag: '--cohort-size',
    env: 'MIAOAI_COHORT_SIZE',
    group: 'Rounds',
    description: 'Miners asked in one round. 256 is all of a full subnet.',
    minimum: 1,
    maximum: 256,
    text: '256',
  }),
  roundDeadlineMs: integer({
    flag: '--round-deadline-ms',
    env: 'MIAOAI_ROUND_DEADLINE_MS',
    group: 'Rounds',
    description: 'Time every miner has to answer.',
    unit: 'of milliseconds',
    minimum: 500,
    maximum: 300_000,
    text: String(defaultScoringPolicy.deadlineMs),
  }),
  roundIntervalMs: integer({
    flag: '--round-interval-ms',
    env: 'MIAOAI_ROUND_INTERVAL_MS',
    group: 'Rounds',
    description: 'Pause between two rounds.',
    unit: 'of milliseconds',
    minimum: 0,
    maximum: 3_600_000,
    text: '12000',
  }),
  maxLinks: integer({
    flag: '--max-links',
    env: 'MIAOAI_MAX_LINKS',
    group: 'Rounds',
    description: 'Most connections to miners at a time.',
    minimum: 1,
    maximum: 256,
    text: '256',
  }),
} as const;

const weights = {
  versionKey: integer({
    flag: '--version-key',
    env: 'MIAOAI_VERSION_KEY',
    group: 'Weights',
    description: 'Version sent with weights. The chain refuses versions below the key of the subnet.',
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    text: '2208',
  }),
  weightsDueAfterFraction: decimal({
    flag: '--weights-due-after',
    env: 'MIAOAI_WEIGHTS_DUE_AFTER',
    group: 'Weights',
    description: 'Share of the epoch after which weights are set; what is left is for retries.',
    minimum: 0.05,
    maximum: 0.95,
    text: '0.75',
  }),
  qualityWeight: decimal({
    flag: '--quality-weight',
    env: 'MIAOAI_QUALITY_WEIGHT',
    group: 'Weights',
    description: 'Share of the score for accuracy and response time in this epoch.',
    minimum: 0,
    maximum: 1,
    text: String(defaultScoringPolicy.qualityWeight),
  }),
  trustWeight: decimal({
    flag: '--trust-weight',
    env: 'MIAOAI_TRUST_WEIGHT',
    group: 'Weights',
    description: 'Share of the score for steady quality in the past.',
    minimum: 0,
    maximum: 1,
    text: String(defaultScoringPolicy.trustWeight),
  }),
  stakeWeight: decimal({
    flag: '--stake-weight',
    env: 'MIAOAI_STAKE_WEIGHT',
    group: 'Weights',
    description: 'Share of the score for stake.',
    minimum: 0,
    maximum: 1,
    text: String(defaultScoringPolicy.stakeWeight),
  }),
  burnShare: decimal({
    flag: '--burn-share',
    env: 'MIAOAI_BURN_SHARE',
    group: 'Weights',
    description: 'Share of all weight that goes to the owner of the subnet, whose incentive the chain burns.',
    minimum: 0,
    maximum: 1,
    text: String(defaultScoringPolicy.burnShare),
  }),
} as const;

const evidence = {
  keepEpochs: integer({
    flag: '--keep-epochs',
    env: 'MIAOAI_KEEP_EPOCHS',
    group: 'Evidence',
    description:
      'Scored epochs whose evidence stays in the store. What is older is written to the folder archive in the data folder, then leaves the store.',
    minimum: 3,
    maximum: 1_000_000,
    text: '30',
  }),
} as const;

const standby = {
  leaseMs: integer({
    flag: '--lease-ms',
    env: 'MIAOAI_LEASE_MS',
    group: 'Standby',
    description:
      'How long the validator that writes may be silent before another one with the same store takes over.',
    unit: 'of milliseconds',
    minimum: 1_000,
    maximum: 300_000,
    text: '10000',
  }),
} as const;

/** What only a validator is told. */
export const validatorSettings = { ...rounds, ...weights, ...evidence, ...standby } as const;

/** Rules between settings, the same as those of `ScoringPolicy`; each entry says what to change. */
export const validatorProblems = (
  values: Pick<ValuesOf<typeof validatorSettings>, 'qualityWeight' | 'trustWeight' | 'stakeWeight'>,
): readonly string[] => {
  const total = values.qualityWeight + values.trustWeight + values.stakeWeight;
  const names = '--quality-weight, --trust-weight and --stake-weight';
  // 0.7 + 0.1 + 0.2 is not exactly 1 in binary.
  if (total > 1 + 1e-9) return [`${names} add up to ${total}: lower them to at most 1 together`];
  if (values.qualityWeight === 0) return ['--quality-weight is 0: stake and trust alone never pay, raise it'];
  return [];
};
