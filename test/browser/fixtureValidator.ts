import type { CommonSlices, LogLine } from '#src/domain/view/commonView.ts';
import type {
  EpochView,
  SessionRow,
  SubmissionRow,
  ValidatorSlices,
  WeightHistory,
  WeightRow,
  WeightsView,
} from '#src/domain/view/validatorView.ts';
import { type HealthReason, verdictOf } from '#src/domain/view/verdict.ts';
import { guessingUid } from '#test/browser/fixtureMiners.ts';
import { hotkeyOf, seeded } from '#test/browser/fixtureRandom.ts';
import { roundsAt } from '#test/browser/fixtureRounds.ts';

/** What the validator is going through. `stale` is `guessing` on a stream that has gone silent. */
export type Scenario = 'well' | 'guessing' | 'weightsLate' | 'chainLost' | 'starting' | 'secret' | 'stale';
export const scenarios: readonly Scenario[] = [
  'well',
  'guessing',
  'weightsLate',
  'chainLost',
  'starting',
  'secret',
  'stale',
];

const epochNumber = 4_211;
const firstBlock = 5_123_242;
const epochBlocks = 361;
const blockMs = 12_000;

const reasonsOf = (scenario: Scenario): readonly HealthReason[] => {
  const guessing: HealthReason = {
    code: 'miner.guessing',
    level: 'attention',
    text: `Miner ${guessingUid} answers by chance: 0.16 right where guessing gives 0.16, over 487 answers`,
    advice: 'Nothing needs to be done: its quality is 0 and it earns nothing.',
  };
  if (scenario === 'well' || scenario === 'secret') return [];
  if (scenario === 'starting') {
    return [
      {
        code: 'chain.opening',
        level: 'starting',
        text: 'The chain is being opened, for 4 s now',
        advice: 'Nothing needs to be done; a minute is usual on a slow line.',
      },
    ];
  }
  if (scenario === 'weightsLate') {
    return [
      {
        code: 'weights.late',
        level: 'failing',
        text: 'Weights of epoch 4,211 are due since 62 blocks and not confirmed: the pool refused them (priority is too low)',
        advice: 'Look whether another process signs with this hotkey; the next try is at block 5,123,560.',
      },
      guessing,
    ];
  }
  if (scenario === 'chainLost') {
    return [
      {
        code: 'chain.lost',
        level: 'failing',
        text: 'No finalized block for 94 s: wss://entrypoint-finney.opentensor.ai does not answer',
        advice: 'The next endpoint is tried by itself; add one with --endpoint if all are down.',
      },
      guessing,
    ];
  }
  return [guessing];
};

const warningsAt = (now: number): readonly LogLine[] =>
  [
    ['warn', 'session.cooling', 'the link to uid 88 failed three times: connection refused'],
    ['warn', 'round.unreachable', '12 of 64 miners of round r-4211-40 had no link'],
    ['error', 'weights.refused', 'the pool refused the weights of epoch 4210: priority is too low'],
    ['warn', 'chain.lagging', 'wss://lite.chain.example:443 is 9 blocks behind and is left'],
    ['warn', 'session.closed', 'uid 201 left the metagraph'],
  ].map(([level, event, msg], index) => ({
    seq: 9_000 - index,
    at: now - 14_000 - index * 171_000,
    level: level === 'error' ? 'error' : 'warn',
    event: event ?? null,
    msg: msg ?? '',
    fields: {},
  }));

const commonAt = (scenario: Scenario, now: number, block: number): CommonSlices => ({
  about: {
    role: 'validator',
    version: '0.1.0',
    network: 'finney',
    netuid: 86,
    hotkey: hotkeyOf(7),
    uid: scenario === 'starting' ? null : 7,
    startedAt: now - (scenario === 'starting' ? 4_000 : 7_480_000),
    pid: 41_207,
    node: 'v24.21.0',
    dataDir: '/var/lib/miaoai/finney/86/validator',
    store: 'embedded',
  },
  health: verdictOf(reasonsOf(scenario), 'Rounds are held, the chain is followed, weights stand.'),
  root: { state: 'running.working', actors: 251 },
  chain: {
    state: scenario === 'starting' ? 'connecting' : scenario === 'chainLost' ? 'reconnecting' : 'following',
    endpoints: [
      {
        url: 'wss://entrypoint-finney.opentensor.ai',
        isCurrent: scenario !== 'chainLost',
        block: scenario === 'chainLost' ? null : block,
        lag: scenario === 'chainLost' ? null : 0,
        lastFailure: scenario === 'chainLost' ? 'no answer within 20 s' : null,
      },
      {
        url: 'wss://lite.chain.example:443',
        isCurrent: false,
        block: block - 9,
        lag: 9,
        lastFailure: 'behind the highest known block',
      },
      { url: 'ws://127.0.0.1:9944', isCurrent: false, block: null, lag: null, lastFailure: null },
    ],
    finalizedBlock: scenario === 'starting' ? null : block,
    headAt: scenario === 'starting' ? null : now - (scenario === 'chainLost' ? 94_000 : 7_000),
    specVersion: scenario === 'starting' ? null : 365,
    genesisHash: '0x2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03',
    metagraphBlock: scenario === 'starting' ? null : block - 3,
    registration:
      scenario === 'starting'
        ? null
        : { uid: 7, registeredAtBlock: 4_321_987, immuneForBlocks: 0, hasPermit: true, stake: 84_210.4 },
    hyperparameters: {
      tempo: 360,
      weightsVersionKey: 2_208,
      weightsSetRateLimitBlocks: 100,
      minAllowedWeights: 8,
      commitRevealWeightsEnabled: scenario === 'secret',
      commitRevealVersion: 4,
      revealPeriodEpochs: 1,
      activityCutoffBlocks: 5_000,
      immunityPeriodBlocks: 4_096,
      maxAllowedUids: 256,
      minNonImmuneUids: 10,
      adminFreezeWindowBlocks: 10,
      maxAllowedValidators: 64,
      servingRateLimitBlocks: 50,
      stakeThreshold: 1_000,
    },
    neurons: 256,
    lastFailure: scenario === 'chainLost' ? 'no answer within 20 s' : null,
  },
  store: { state: 'well', backlog: 3, lastFailure: null, records: 1_284_332 },
  runtime: {
    loopDelayP99Ms: 13.4,
    rssBytes: 241_172_480,
    heapBytes: 112_197_632,
    cpuFraction: 0.184,
    descriptors: 287,
  },
  warnings: scenario === 'well' ? [] : warningsAt(now),
});

const epochAt = (block: number): EpochView => ({
  epoch: epochNumber,
  block,
  lastEpochBlock: firstBlock,
  endsAtBlock: firstBlock + epochBlocks,
  weightsDueAtBlock: firstBlock + 256,
  state: 'rounds.collecting.steady + weights.waiting',
  rounds: 41,
  holds: [],
  blockMs,
});

const weightRow = (row: SessionRow, isSecret: boolean, total: number): WeightRow => {
  const random = seeded(row.uid + 9_000);
  const quality = row.isGuessing ? 0 : (row.recent.accuracy ?? 0) * (0.7 + random() * 0.3);
  const trust = row.isGuessing ? 0 : 0.5 + random() * 0.5;
  const stake = random();
  const score = quality === 0 ? 0 : 0.7 * quality + 0.1 * trust + 0.2 * stake;
  const share = score / total;
  return {
    uid: row.uid,
    hotkey: row.hotkey,
    quality,
    trust,
    stake,
    score,
    toSet: isSecret ? null : share,
    onChain: share * (0.9 + random() * 0.2),
  };
};

const submissionsAt = (scenario: Scenario, now: number): readonly SubmissionRow[] => {
  const isSecret = scenario === 'secret';
  const before: SubmissionRow[] = Array.from({ length: 18 }, (_, index) => ({
    at: now - (index + 1) * 4_332_000,
    epoch: epochNumber - 1 - index,
    block: firstBlock - index * epochBlocks - 92,
    kind: isSecret ? 'commit' : 'set',
    result: index === 6 ? 'missed' : isSecret ? 'committed' : 'confirmed',
    error: index === 6 ? 'the chain was unreachable from block 5,120,950 to the end of the epoch' : null,
  }));
  const late: SubmissionRow[] = ['weightsLate'].includes(scenario)
    ? [
        {
          at: now - 240_000,
          epoch: epochNumber,
          block: firstBlock + 300,
          kind: 'set',
          result: 'refused',
          error: 'the pool refused the extrinsic: priority is too low (1014)',
        },
      ]
    : [];
  return [...late, ...before];
};

const weightsAt = (
  scenario: Scenario,
  now: number,
  block: number,
  sessions: readonly SessionRow[],
): WeightsView => {
  const random = seeded(77);
  const isSecret = scenario === 'secret';
  return {
    state: scenario === 'weightsLate' ? 'setting.backingOff' : 'waiting',
    lastConfirmedEpoch: epochNumber - 1,
    lastConfirmedAtBlock: firstBlock - 92,
    blocksSinceLastSet: block - firstBlock + 92,
    behind: scenario === 'weightsLate' ? 1 : 0,
    isCommitReveal: isSecret,
    scoredEpoch: epochNumber - 1,
    rows: sessions.map((row) => weightRow(row, isSecret, 170)),
    submissions: submissionsAt(scenario, now),
    vtrust: Array.from({ length: 80 }, (_, index) => ({
      epoch: epochNumber - 80 + index,
      value: Math.min(0.999, 0.9 + index * 0.0007 + (random() - 0.5) * 0.02),
    })),
  };
};

/** Height of the fixture's chain: it grows while the fixture runs, faster than a real one. */
export const heightOf = (scenario: Scenario, ticks: number): number => {
  if (scenario === 'weightsLate') return firstBlock + 318 + Math.min(30, Math.floor(ticks / 12));
  if (scenario === 'chainLost') return firstBlock + 214;
  return firstBlock + 214 + Math.min(140, Math.floor(ticks / 12));
};

/** All slices of a validator at one instant. */
export const validatorSlices = (options: {
  readonly scenario: Scenario;
  readonly now: number;
  readonly ticks: number;
  readonly sessions: readonly SessionRow[];
}): ValidatorSlices => {
  const { scenario, now, ticks, sessions } = options;
  const block = heightOf(scenario, ticks);
  const isStarting = scenario === 'starting';
  const weights = weightsAt(scenario, now, block, isStarting ? [] : sessions);
  return {
    ...commonAt(scenario, now, block),
    epoch: isStarting ? null : epochAt(block),
    weights: isStarting
      ? {
          ...weights,
          lastConfirmedEpoch: null,
          lastConfirmedAtBlock: null,
          scoredEpoch: null,
          vtrust: [],
          submissions: [],
        }
      : weights,
    rounds: isStarting ? [] : roundsAt(now, scenario !== 'chainLost'),
  };
};

/** Scores of the last 100 epochs. */
export const weightHistory = (sessions: readonly SessionRow[]): WeightHistory => ({
  epochs: Array.from({ length: 100 }, (_, index) => epochNumber - 100 + index),
  uids: sessions.map(({ uid }) => uid),
  scores: sessions.map((row) => {
    const random = seeded(row.uid + 333);
    const bornAt = random() < 0.2 ? Math.floor(random() * 80) : 0;
    return Array.from({ length: 100 }, (_, index) => {
      if (index < bornAt) return null;
      if (row.isGuessing) return index < 60 ? 0.5 + random() * 0.1 : 0;
      const level = row.recent.accuracy ?? 0;
      return level === 0 ? null : Math.min(1, Math.max(0, level * 0.8 + (random() - 0.5) * 0.12));
    });
  }),
});
