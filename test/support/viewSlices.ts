import type { CommonSlices } from '#src/domain/view/commonView.ts';
import type { MinerSlices } from '#src/domain/view/minerView.ts';
import type { ValidatorSlices } from '#src/domain/view/validatorView.ts';

const commonSlices = (role: 'validator' | 'miner'): CommonSlices => ({
  about: {
    role,
    version: '1.2.3',
    network: 'local',
    netuid: 86,
    hotkey: '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY',
    uid: 3,
    startedAt: 1_790_000_000_000,
    pid: 42,
    node: 'v24.21.0',
    dataDir: '/var/lib/miaoai',
    store: 'embedded',
  },
  health: {
    level: 'attention',
    text: 'one node does not answer',
    reasons: [{ code: 'chain.endpoint', level: 'attention', text: 'one node', advice: 'look at it' }],
  },
  root: { state: 'alive.running.validating', actors: 12 },
  chain: {
    state: 'following',
    endpoints: [
      { url: 'ws://127.0.0.1:9944', isCurrent: true, block: 1_002, lag: 1, lastFailure: null },
      { url: 'ws://127.0.0.1:9945', isCurrent: false, block: null, lag: null, lastFailure: 'refused' },
      { url: 'ws://127.0.0.1:9946', isCurrent: false, block: null, lag: null, lastFailure: null },
    ],
    finalizedBlock: 1_002,
    headAt: 1_790_000_100_000,
    specVersion: 316,
    genesisHash: '0x00',
    metagraphBlock: 1_000,
    registration: { uid: 3, registeredAtBlock: 10, immuneForBlocks: 0, hasPermit: true, stake: 12_000 },
    hyperparameters: { tempo: 360 },
    neurons: 256,
    lastFailure: null,
  },
  store: { state: 'well', backlog: 2, lastFailure: null, records: 5_000 },
  runtime: { loopDelayP99Ms: 3, rssBytes: 1e8, heapBytes: 5e7, cpuFraction: 0.1, descriptors: 40 },
  warnings: [],
});

const counts = {
  dispatched: 8,
  judged: 6,
  invalid: 0,
  refused: 1,
  missed: 1,
  late: 0,
  unreachable: 0,
  lost: 0,
} as const;

const round = { epoch: 7, block: 1_000, deadlineMs: 12_000, tasks: 4, cohort: 2 } as const;

/** What a validator in the middle of an epoch shows, with every value known. */
export const validatorSlices = (): ValidatorSlices => ({
  ...commonSlices('validator'),
  epoch: {
    epoch: 7,
    block: 1_002,
    lastEpochBlock: 902,
    endsAtBlock: 1_262,
    weightsDueAtBlock: 1_190,
    state: 'rounds.collecting',
    rounds: 3,
    holds: [],
    blockMs: 12_000,
  },
  weights: {
    state: 'idle',
    lastConfirmedEpoch: 6,
    lastConfirmedAtBlock: 850,
    blocksSinceLastSet: 152,
    behind: 0,
    isCommitReveal: false,
    scoredEpoch: 6,
    rows: [0.1, 0.4, 0.9].map((score, uid) => ({
      uid,
      hotkey: `5miner${uid}`,
      quality: score,
      trust: 0.5,
      stake: 1,
      score,
      toSet: score / 1.4,
      onChain: score / 1.4,
    })),
    submissions: [],
    vtrust: [
      { epoch: 5, value: 0.8 },
      { epoch: 6, value: 0.9 },
    ],
  },
  rounds: [
    {
      ...round,
      roundId: 'r2',
      startedAt: 1_790_000_099_000,
      endedAt: null,
      state: 'collecting',
      phases: [{ name: 'sampling', from: 1_790_000_099_000, to: null }],
      counts,
      slowest: [],
      failures: [],
    },
    {
      ...round,
      roundId: 'r1',
      startedAt: 1_790_000_080_000,
      endedAt: 1_790_000_093_000,
      state: 'settled',
      phases: [
        { name: 'sampling', from: 1_790_000_080_000, to: 1_790_000_080_500 },
        { name: 'collecting', from: 1_790_000_080_500, to: 1_790_000_093_000 },
      ],
      counts,
      slowest: [{ uid: 1, ms: 900 }],
      failures: [],
    },
  ],
});

/** What a miner at work shows, with every value known. */
export const minerSlices = (): MinerSlices => ({
  ...commonSlices('miner'),
  standing: {
    incentive: 0.25,
    rank: 2,
    ranked: 40,
    emission: 1.5,
    history: [],
    axon: '127.0.0.1:8091',
    announced: '127.0.0.1:8091',
  },
  inference: {
    state: 'serving',
    provider: 'cuda',
    note: null,
    slots: 2,
    workers: [
      { slot: 0, isReady: true, restarts: 0, lastExit: null },
      { slot: 1, isReady: false, restarts: 1, lastExit: 'SIGKILL' },
    ],
    queued: 5,
    running: 3,
    batchesPerSecond: 4,
    itemsPerSecond: 20,
    tokensPerSecond: 900,
    meanBatch: 5,
    latencyMs: { p50: 20, p95: 60, p99: 120 },
    gpu: { name: 'H200', usedBytes: 1e10, totalBytes: 1.4e11, utilization: 0.5, celsius: 45 },
    history: [],
  },
  port: { connections: 12, established: 4, refused: { NotAuthorised: 7, Malformed: 0 } },
  models: [],
  requests: {
    totals: { received: 100, answered: 90, acknowledged: 88, refused: 6, failed: 4, lost: 2 },
    recent: [],
  },
});
