import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type ChainWatch, watchChain } from '#src/cli/demo/chainWatch.ts';
import { freePort, hasLoopbackRange } from '#src/cli/demo/ports.ts';
import { keysReady } from '#src/keys/identity.ts';
import { repository } from './systemBuild.ts';
import { openWitness, type Witness } from './systemWitness.ts';
import { freshTestDist } from './testBuild.ts';
import { startTestProcess, type TestProcess } from './testProcess.ts';

/**
 * One chain and two miners that live through all crashes, and validators that die: several hotkeys, so that several
 * points are walked at a time. The first miner is inside the test and knows what was acknowledged; the other one is a
 * process with models, whose answers take a moment, so that a round has a middle.
 */
export const netuid = 86;
export const blockTimeMs = 200;
/** So few that evidence leaves the store while the walk goes on. */
const keepEpochs = 3;
const leaseMs = 1_000;
/** An epoch of 4.8 s: a crash costs a start, the wait for its point, another start and the next weights. */
export const tempo = 24;
export const dueAfter = 0.3;

const startPatienceMs = 60_000;
const endPatienceMs = 15_000;
const modelNames = ['ecommerce-intent', 'sentiment'] as const;

export const laneUri = (lane: number): string => `//CrashValidator${lane}`;
const witnessUri = '//CrashWitness';
const minerUri = '//CrashMiner';
const alpha = (amount: number): string => `${amount}000000000`;

/** Commit-reveal is off. The rate limit is so low that the chain itself would not stop a second vector in one epoch. */
const genesisOf = (lanes: number, allowLoopbackAxon: boolean) => ({
  chain: 'MIAOAI crash points',
  blockTimeMs,
  accounts: [],
  subnets: [
    {
      netuid,
      tempo,
      ownerColdkey: '//CrashOwner',
      ownerHotkey: '//CrashOwnerHotkey',
      hyperparameters: { commitRevealWeightsEnabled: false, minAllowedWeights: 1, weightsSetRateLimit: 2 },
      neurons: [
        ...Array.from({ length: lanes }, (_, lane) => ({
          hotkey: laneUri(lane),
          coldkey: `${laneUri(lane)}Cold`,
          stake: alpha(10_000),
          validatorPermit: true,
        })),
        ...[witnessUri, minerUri].map((uri) => ({ hotkey: uri, coldkey: `${uri}Cold`, stake: alpha(10) })),
      ],
    },
  ],
  flags: { allowLoopbackAxon },
});

export type CrashStage = {
  readonly dir: string;
  readonly watch: ChainWatch;
  readonly witness: Witness;
  /** Starts a validator of the lane in a data folder of this name, which may hold an earlier life's state. */
  readonly startValidator: (options: {
    readonly lane: number;
    readonly folder: string;
    readonly env?: Readonly<Record<string, string>>;
  }) => TestProcess;
  readonly dataDir: (folder: string) => string;
  readonly dispose: () => Promise<void>;
};

export type CrashStageOptions = {
  readonly lanes: number;
  /** Further arguments of every validator, for example those of another store. */
  readonly validatorArgs: (folder: string) => readonly string[];
};

const commonArgs = (chainUrl: string, uri: string, dataDir: string): readonly string[] => [
  ...['--chain-endpoints', chainUrl, '--network', 'local', '--netuid', String(netuid)],
  ...['--hotkey-uri', uri, '--data-dir', dataDir, '--log-format', 'json', '--log-level', 'info'],
];

type Begun = (() => Promise<unknown>)[];

const openInto = async (dir: string, begun: Begun, options: CrashStageOptions): Promise<CrashStage> => {
  const dist = await freshTestDist();
  const logDir = join(dir, 'logs');
  mkdirSync(logDir);
  const start = (name: string, entry: string, args: readonly string[], env = {}): TestProcess => {
    const started = startTestProcess({ name, entry: join(dist, entry), args, env, logDir });
    begun.push(() => started.endBy('SIGTERM', endPatienceMs));
    return started;
  };
  const hasRange = await hasLoopbackRange();
  const genesis = join(dir, 'genesis.json');
  writeFileSync(genesis, JSON.stringify(genesisOf(options.lanes, !hasRange)));
  const chain = start('chain', 'cli.js', ['devnet', '--genesis', genesis, '--port', '0']);
  const chainUrl = String((await chain.saw('devnet.listening', startPatienceMs))['url']);
  const watch = await watchChain(chainUrl);
  begun.push(watch.close);
  const [witnessIp, minerIp] = hasRange ? ['127.0.0.2', '127.0.0.3'] : ['127.0.0.1', '127.0.0.1'];
  const witness = await openWitness({ uri: witnessUri, ip: witnessIp, chainUrl, netuid });
  begun.push(witness.close);
  const port = String(await freePort(minerIp));
  const miner = start('miner', 'miner.js', [
    ...commonArgs(chainUrl, minerUri, join(dir, 'miner')),
    ...['--bind-host', minerIp, '--axon-ip', minerIp, '--axon-port', port],
    ...['--model-dirs', modelNames.map((name) => join(repository, 'models', name)).join(',')],
    ...['--workers', '1', '--provider', 'cpu'],
  ]);
  await miner.saw('listener.bound', startPatienceMs);
  const dataDir = (folder: string): string => join(dir, folder);
  return {
    dir,
    watch,
    witness,
    dataDir,
    startValidator: ({ lane, folder, env }) =>
      start(
        `validator ${lane}`,
        'validator.js',
        [
          ...commonArgs(chainUrl, laneUri(lane), dataDir(folder)),
          ...['--tasks-per-round', '4', '--round-deadline-ms', '1500', '--round-interval-ms', '300'],
          ...['--weights-due-after', String(dueAfter), '--keep-epochs', String(keepEpochs)],
          ...['--lease-ms', String(leaseMs), ...options.validatorArgs(folder)],
        ],
        env,
      ),
    dispose: async () => {},
  };
};

/** Builds where needed, and starts everything but the validators. */
export const openCrashStage = async (options: CrashStageOptions): Promise<CrashStage> => {
  await keysReady();
  const dir = mkdtempSync(join(tmpdir(), 'miaoai-crash-'));
  const begun: Begun = [];
  const dispose = async (): Promise<void> => {
    // Whoever came last leaves first; one that cannot must not keep the others.
    for (const end of begun.splice(0).reverse()) await end().catch(() => {});
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    return { ...(await openInto(dir, begun, options)), dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
};
