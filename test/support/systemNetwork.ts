import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type ChainWatch, watchChain } from '#src/cli/demo/chainWatch.ts';
import { type DelayLine, openDelayLine } from '#src/cli/demo/delayLine.ts';
import { writeNonsenseModel } from '#src/cli/demo/nonsenseModel.ts';
import { freePort, hasLoopbackRange } from '#src/cli/demo/ports.ts';
import { identityFromUri, keysReady } from '#src/keys/identity.ts';
import { freshDist, repository } from './systemBuild.ts';
import { type SystemProcess, startSystemProcess } from './systemProcess.ts';
import { openWitness, type Witness } from './systemWitness.ts';

export const netuid = 86;
/** Fast blocks: an epoch of 18 s. */
export const blockTimeMs = 250;
export const tempo = 72;
/** Share of an epoch after which weights are due. */
export const dueAfter = 0.3;
export const roundDeadlineMs = 3_000;

const startPatienceMs = 60_000;
/** One way; a round takes more than twice as long, so that there is a middle of it. */
const slowLineMs = 500;

export const behaviours = [
  'honest',
  'honest',
  'honest',
  'doomed',
  'slow',
  'nonsense',
  'nonsense',
  'witness',
] as const;
export type Behaviour = (typeof behaviours)[number];

export type Player = {
  readonly uid: number;
  readonly name: string;
  readonly behaviour: Behaviour;
  readonly uri: string;
  readonly hotkey: string;
  readonly ip: string;
};

export type ValidatorName = 'validator A' | 'validator B';

export type Network = {
  readonly miners: readonly Player[];
  readonly minerProcesses: ReadonlyMap<number, SystemProcess>;
  readonly chain: SystemProcess;
  readonly chainPort: number;
  readonly watch: ChainWatch;
  readonly witness: Witness;
  /** Starts a validator, or starts it again with the same data folder. */
  readonly startValidator: (name: ValidatorName, chainPort: number) => Promise<SystemProcess>;
  readonly validatorDir: (name: ValidatorName) => string;
  /** Closes what of the network lives in this process. */
  readonly leave: () => Promise<void>;
  /** Ends and removes everything, in whatever state it is. */
  readonly dispose: () => Promise<void>;
};

const validatorUris = { 'validator A': '//SystemValidatorA', 'validator B': '//SystemValidatorB' } as const;
const alpha = (amount: number): string => `${amount}000000000`;

/** The hotkey of a development account. */
export const hotkeyOf = (uri: string): string => {
  const identity = identityFromUri(uri);
  if (!identity.ok) throw new Error(identity.error.message);
  return identity.value.hotkey;
};

export const validatorHotkey = (name: ValidatorName): string => hotkeyOf(validatorUris[name]);

const castOf = (hasRange: boolean): readonly Player[] =>
  behaviours.map((behaviour, index) => {
    const uri = `//SystemMiner${index}`;
    const uid = index + Object.keys(validatorUris).length;
    const ip = hasRange ? `127.0.0.${index + 2}` : '127.0.0.1';
    return { uid, name: `miner ${uid} ${behaviour}`, behaviour, uri, hotkey: hotkeyOf(uri), ip };
  });

/** Commit-reveal is off. The rate limit is so low that the chain itself would not stop a second vector in one epoch. */
const genesisOf = (miners: readonly Player[], allowLoopbackAxon: boolean) => ({
  chain: 'MIAOAI system test',
  blockTimeMs,
  accounts: [],
  subnets: [
    {
      netuid,
      tempo,
      ownerColdkey: '//SystemOwner',
      ownerHotkey: '//SystemOwnerHotkey',
      hyperparameters: { commitRevealWeightsEnabled: false, minAllowedWeights: 1, weightsSetRateLimit: 2 },
      neurons: [
        ...Object.values(validatorUris).map((uri) => ({
          hotkey: uri,
          coldkey: `${uri}Cold`,
          stake: alpha(10_000),
          validatorPermit: true,
        })),
        ...miners.map(({ uri }) => ({ hotkey: uri, coldkey: `${uri}Cold`, stake: alpha(10) })),
      ],
    },
  ],
  flags: { allowLoopbackAxon },
});

type Stage = {
  readonly dir: string;
  readonly dist: string;
  /** Everything that has to be ended or closed, in the order in which it was begun. */
  readonly begun: (() => Promise<void>)[];
};

const start = (stage: Stage, name: string, entry: string, args: readonly string[]): SystemProcess => {
  const process = startSystemProcess({
    name,
    entry: join(stage.dist, entry),
    args,
    logDir: join(stage.dir, 'logs'),
  });
  stage.begun.push(process.dispose);
  return process;
};

const commonArgs = (options: {
  readonly chainPort: number;
  readonly uri: string;
  readonly dataDir: string;
}): readonly string[] => [
  ...['--chain-endpoints', `ws://127.0.0.1:${options.chainPort}`, '--network', 'local'],
  ...['--netuid', String(netuid), '--hotkey-uri', options.uri, '--data-dir', options.dataDir],
  ...['--log-format', 'json', '--log-level', 'info'],
];

const startChain = async (stage: Stage, miners: readonly Player[], hasRange: boolean) => {
  const file = join(stage.dir, 'genesis.json');
  writeFileSync(file, JSON.stringify(genesisOf(miners, !hasRange)));
  const chain = start(stage, 'chain', 'cli.js', ['devnet', '--genesis', file, '--port', '0']);
  const line = await chain.saw('devnet.listening', startPatienceMs);
  return { chain, chainPort: Number(line['port']) };
};

const modelNames = ['ecommerce-intent', 'sentiment'] as const;

const modelDirsOf = (stage: Stage, player: Player): string =>
  modelNames
    .map((name) => {
      const like = join(repository, 'models', name);
      if (player.behaviour !== 'nonsense') return like;
      const dir = join(stage.dir, `nonsense-${player.uid}`, name);
      writeNonsenseModel({ like, dir, seed: `${player.name} ${name}` });
      return dir;
    })
    .join(',');

const openSlowLine = async (stage: Stage, host: string, targetPort: number): Promise<number> => {
  const port = await freePort(host);
  const line: DelayLine = await openDelayLine({
    host,
    port,
    targetHost: host,
    targetPort,
    delayMs: slowLineMs,
  });
  stage.begun.push(line.close);
  return port;
};

const startMiner = async (stage: Stage, player: Player, chainPort: number): Promise<SystemProcess> => {
  const { ip, uri } = player;
  const port = await freePort(ip);
  const outside = player.behaviour === 'slow' ? await openSlowLine(stage, ip, port) : port;
  const miner = start(stage, player.name, 'miner.js', [
    ...commonArgs({ chainPort, uri, dataDir: join(stage.dir, `miner-${player.uid}`) }),
    ...['--bind-host', ip, '--axon-ip', ip, '--axon-port', String(port), '--external-port', String(outside)],
    ...['--model-dirs', modelDirsOf(stage, player), '--workers', '1', '--provider', 'cpu'],
  ]);
  await miner.saw('listener.bound', startPatienceMs);
  return miner;
};

const validatorArgs: readonly string[] = [
  ...['--tasks-per-round', '8', '--round-deadline-ms', String(roundDeadlineMs)],
  ...['--round-interval-ms', '400', '--weights-due-after', String(dueAfter)],
];

/** The part of the network that plays by itself; validators are started by the test. */
const openStage = async (stage: Stage): Promise<Omit<Network, 'dispose'>> => {
  const hasRange = await hasLoopbackRange();
  const miners = castOf(hasRange);
  const { chain, chainPort } = await startChain(stage, miners, hasRange);
  const chainUrl = `ws://127.0.0.1:${chainPort}`;
  const watch = await watchChain(chainUrl);
  stage.begun.push(watch.close);
  const processes = miners.filter(({ behaviour }) => behaviour !== 'witness');
  const inside = miners.find(({ behaviour }) => behaviour === 'witness');
  if (inside === undefined) throw new Error('nobody in the cast is the witness');
  const [witness, started] = await Promise.all([
    openWitness({ uri: inside.uri, ip: inside.ip, chainUrl, netuid }),
    Promise.all(
      processes.map(async (player) => [player.uid, await startMiner(stage, player, chainPort)] as const),
    ),
  ]);
  stage.begun.push(witness.close);
  const validatorDir: Network['validatorDir'] = (name) => join(stage.dir, name.replace(' ', '-'));
  return {
    miners,
    minerProcesses: new Map(started),
    chain,
    chainPort,
    watch,
    witness,
    validatorDir,
    startValidator: async (name, port) => {
      const common = commonArgs({ chainPort: port, uri: validatorUris[name], dataDir: validatorDir(name) });
      const validator = start(stage, name, 'validator.js', [...common, ...validatorArgs]);
      await validator.saw('chain.opened', startPatienceMs);
      return validator;
    },
    leave: async () => {
      await watch.close();
      await witness.close();
    },
  };
};

/** Builds where needed, and starts a chain, eight miners and a client of the chain. */
export const openNetwork = async (): Promise<Network> => {
  await keysReady();
  const dist = await freshDist();
  const stage: Stage = { dir: mkdtempSync(join(tmpdir(), 'miaoai-system-')), dist, begun: [] };
  const dispose = async (): Promise<void> => {
    // Whoever came last leaves first; one that cannot must not keep the others.
    for (const end of stage.begun.splice(0).reverse()) await end().catch(() => {});
    rmSync(stage.dir, { recursive: true, force: true });
  };
  try {
    mkdirSync(join(stage.dir, 'logs'));
    return { ...(await openStage(stage)), dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
};
