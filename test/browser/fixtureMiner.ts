import type { MinerSlices, RequestCounts, RequestRow, ServedRow } from '#src/domain/view/minerView.ts';
import { verdictOf } from '#src/domain/view/verdict.ts';
import { hotkeyOf, seeded } from '#test/browser/fixtureRandom.ts';
import { type Scenario, validatorSlices } from '#test/browser/fixtureValidator.ts';

const validators = 14;
const kinds = ['textClassification', 'sentimentAnalysis'] as const;

const countsOf = (uid: number): RequestCounts => {
  const random = seeded(uid + 600);
  const received = 2_000 + Math.floor(random() * 9_000);
  const refused = Math.floor(random() * 40);
  const failed = Math.floor(random() * 6);
  const lost = Math.floor(random() * 20);
  const answered = received - refused - failed;
  return { received, answered, acknowledged: answered - lost - 3, refused, failed, lost };
};

/** Validators that the miner serves, by hotkey. */
export const servedRows = (now: number): Record<string, ServedRow> =>
  Object.fromEntries(
    Array.from({ length: validators }, (_, uid): readonly [string, ServedRow] => {
      const state = uid === 3 ? 'closed' : uid === 9 ? 'greeting' : uid % 3 === 0 ? 'busy' : 'ready';
      return [
        hotkeyOf(uid),
        {
          hotkey: hotkeyOf(uid),
          uid,
          stake: 400_000 / (uid + 1),
          state,
          sessionId: state === 'closed' ? null : `x:${uid + 12}`,
          since: now - uid * 411_000,
          lastFailure: uid === 3 ? 'the link ended: no heartbeat for 30 s' : null,
          counts: countsOf(uid),
        },
      ];
    }),
  );

const totalsOf = (rows: readonly ServedRow[]): RequestCounts => {
  const sum = (key: keyof RequestCounts): number =>
    rows.reduce((total, { counts }) => total + counts[key], 0);
  return {
    received: sum('received'),
    answered: sum('answered'),
    acknowledged: sum('acknowledged'),
    refused: sum('refused'),
    failed: sum('failed'),
    lost: sum('lost'),
  };
};

const reasons: Readonly<Partial<Record<RequestRow['outcome'], string>>> = {
  refused: 'busy: the queue is full (512)',
  failed: 'the worker of slot 1 ended (code 139)',
  lost: 'no acknowledgement before the deadline',
};

const outcomeOf = (share: number): RequestRow['outcome'] => {
  if (share < 0.06) return 'answered';
  if (share < 0.94) return 'acknowledged';
  if (share < 0.97) return 'refused';
  return share < 0.985 ? 'failed' : 'lost';
};

const recentRequests = (now: number): readonly RequestRow[] => {
  const random = seeded(4_242);
  return Array.from({ length: 100 }, (_, index) => {
    const outcome = outcomeOf(random());
    return {
      at: now - index * 730,
      validator: hotkeyOf(Math.floor(random() * validators)),
      kind: kinds[index % 2] ?? kinds[0],
      outcome,
      ms: outcome === 'refused' ? null : 18 + random() * 60,
      reason: reasons[outcome] ?? null,
    };
  });
};

const inferenceAt = (now: number, scenario: Scenario): MinerSlices['inference'] => {
  const random = seeded(Math.floor(now / 1_000));
  const isDown = scenario === 'weightsLate';
  return {
    state: isDown ? 'degraded' : 'serving',
    provider: 'cuda',
    note: null,
    slots: 2,
    workers: [
      { slot: 0, isReady: true, restarts: 0, lastExit: null },
      { slot: 1, isReady: !isDown, restarts: isDown ? 4 : 0, lastExit: isDown ? 'signal SIGSEGV' : null },
    ],
    queued: Math.floor(random() * 24),
    running: 16,
    batchesPerSecond: 11.8,
    itemsPerSecond: 148.2,
    tokensPerSecond: 9_412,
    meanBatch: 12.6,
    latencyMs: { p50: 22.4, p95: 61.9, p99: 118.3 },
    gpu: {
      name: 'NVIDIA H200',
      usedBytes: 41.2 * 2 ** 30,
      totalBytes: 139.8 * 2 ** 30,
      utilization: 0.63,
      celsius: 58,
    },
    history: Array.from({ length: 120 }, (_, index) => {
      const wave = Math.sin((now / 1_000 + index) / 9);
      return {
        at: now - (119 - index) * 1_000,
        queued: Math.max(0, Math.round(10 + wave * 9 + random() * 4)),
        items: Math.round(140 + wave * 30 + random() * 20),
        p95Ms: 60 + wave * 14 + random() * 8,
      };
    }),
  };
};

const models: MinerSlices['models'] = [
  {
    name: 'shop-intents-small',
    kinds: ['textClassification'],
    revision: 'b41f7c0e',
    files: [
      { path: 'model.onnx', bytes: 17_301_504 },
      { path: 'tokenizer.json', bytes: 711_396 },
      { path: 'config.json', bytes: 612 },
    ],
    labels: 24,
  },
  {
    name: 'sentiment-multilingual',
    kinds: ['sentimentAnalysis'],
    revision: '90d2aa51',
    files: [
      { path: 'model.onnx', bytes: 41_943_040 },
      { path: 'tokenizer.json', bytes: 2_104_331 },
      { path: 'config.json', bytes: 588 },
    ],
    labels: 3,
  },
];

/** All slices of a miner at one instant. */
export const minerSlices = (options: {
  readonly scenario: Scenario;
  readonly now: number;
  readonly ticks: number;
}): MinerSlices => {
  const { scenario, now } = options;
  const common = validatorSlices({ ...options, sessions: [] });
  const random = seeded(31);
  const rows = Object.values(servedRows(now));
  const isDown = scenario === 'weightsLate';
  return {
    about: {
      ...common.about,
      role: 'miner',
      hotkey: hotkeyOf(42),
      uid: scenario === 'starting' ? null : 42,
      dataDir: '/var/lib/miaoai/finney/86/miner',
      store: 'embedded',
    },
    health: verdictOf(
      isDown
        ? [
            {
              code: 'worker.dead',
              level: 'failing',
              text: 'The worker of slot 1 ended four times in a minute (signal SIGSEGV)',
              advice: 'Run `miaoai doctor`; a driver older than the runtime is the usual cause.',
            },
          ]
        : common.health.reasons.filter(({ code }) => code !== 'miner.guessing'),
      'Requests of 12 validators are answered; the GPU is in use.',
    ),
    root: { state: 'running.serving', actors: 31 },
    chain: common.chain,
    store: { state: 'none', backlog: 0, lastFailure: null, records: null },
    runtime: common.runtime,
    warnings: common.warnings,
    standing: {
      incentive: 0.00731,
      rank: 9,
      ranked: 214,
      emission: 12.44,
      history: Array.from({ length: 120 }, (_, index) => ({
        block: 5_080_000 + index * 361,
        incentive: 0.004 + index * 0.000028 + (random() - 0.5) * 0.0006,
      })),
      axon: '198.51.100.7:8091',
      announced: '198.51.100.7:8091 in block 5,101,220',
    },
    inference: inferenceAt(now, scenario),
    models,
    port: { connections: 41, established: 9, refused: { NotAuthorised: 27, Malformed: 3, AddressRate: 0 } },
    requests: { totals: totalsOf(rows), recent: recentRequests(now) },
  };
};
