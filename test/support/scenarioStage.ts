import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type ChainWatch, watchChain } from '#src/cli/demo/chainWatch.ts';
import { freePort, hasLoopbackRange } from '#src/cli/demo/ports.ts';
import { decodeGenesis } from '#src/devnet/genesis.ts';
import { type Devnet, startDevnet } from '#src/devnet/node.ts';
import { keysReady } from '#src/keys/identity.ts';
import { type Gate, openGate } from './scenarioGate.ts';
import { freshDist, repository } from './systemBuild.ts';
import { netuid } from './systemNetwork.ts';
import { type SystemProcess, startSystemProcess, until } from './systemProcess.ts';
import { openWitness, type Witness } from './systemWitness.ts';

/** Fast blocks: a beacon's round, which is never shorter than a second, spans four of them. */
export const blockTimeMs = 250;
/** One process on a busy machine: a second or two, usually. */
export const startPatienceMs = 60_000;

/** Who a daemon is: a development account, or a wallet in a folder. */
export type Keys = { readonly uri: string } | { readonly wallet: string; readonly walletPath: string };

export type DaemonOptions = {
  readonly name: string;
  readonly keys: Keys;
  /** In order of preference. */
  readonly endpoints: readonly string[];
  readonly args?: readonly string[];
};

/** A chain in this process, where a test can do with it what it likes, and real daemons around it. */
export type Stage = {
  readonly dir: string;
  readonly devnet: Devnet;
  /** An unmodified client, which sees what everybody can see. */
  readonly watch: ChainWatch;
  /**
   * The chain waits before a block until it is released: a busy machine must not turn seconds of its own into lost
   * epochs. On the real chain such seconds are less than a block.
   */
  readonly holdBefore: (block: number) => () => void;
  readonly openGate: () => Promise<Gate>;
  /** Starts a validator, or starts it again with the same data folder. */
  readonly startValidator: (options: DaemonOptions) => SystemProcess;
  readonly startMiner: (options: DaemonOptions & { readonly place: number }) => Promise<Miner>;
  readonly openWitness: (options: { readonly uri: string; readonly place: number }) => Promise<Witness>;
  readonly dataDir: (name: string) => string;
  /** Waits until the independent client has seen an epoch begin. */
  readonly untilEpoch: (epoch: number) => Promise<void>;
  /** Ends and removes everything, in whatever state it is. */
  readonly dispose: () => Promise<void>;
};

export type Miner = { readonly process: SystemProcess; readonly ip: string; readonly port: number };

export type Subnet = {
  readonly tempo: number;
  readonly hyperparameters?: Record<string, number | boolean>;
  /** Development accounts; they get stake and a permit, in the order of their uids. */
  readonly validators: readonly string[];
  readonly miners: readonly string[];
  /** How many blocks finality stays behind the head; 0 when not given. */
  readonly finalityLagBlocks?: number;
  /** Accounts with 1,000 TAO. The sudo key //Alice is always one of them. */
  readonly rich?: readonly string[];
};

const genesisOf = (subnet: Subnet, allowLoopbackAxon: boolean) =>
  decodeGenesis({
    chain: 'MIAOAI scenario',
    blockTimeMs,
    accounts: ['//Alice', ...(subnet.rich ?? [])].map((address) => ({ address, free: '1000000000000' })),
    subnets: [
      {
        netuid,
        tempo: subnet.tempo,
        ownerColdkey: '//ScenarioOwner',
        ownerHotkey: '//ScenarioOwnerHotkey',
        hyperparameters: { minAllowedWeights: 1, weightsSetRateLimit: 2, ...subnet.hyperparameters },
        neurons: [
          ...subnet.validators.map((uri) => ({
            hotkey: uri,
            coldkey: `${uri}Cold`,
            stake: '10000000000000',
            validatorPermit: true,
          })),
          ...subnet.miners.map((uri) => ({ hotkey: uri, coldkey: `${uri}Cold`, stake: '10000000000' })),
        ],
      },
    ],
    flags: { allowLoopbackAxon },
  });

const keyArgs = (keys: Keys): readonly string[] =>
  'uri' in keys
    ? ['--hotkey-uri', keys.uri]
    : ['--wallet-name', keys.wallet, '--wallet-path', keys.walletPath];

/** Short rounds, and weights early in the epoch, so that the rest of it is left for what goes wrong. */
const validatorArgs: readonly string[] = [
  ...['--tasks-per-round', '4', '--round-deadline-ms', '1500', '--round-interval-ms', '300'],
  ...['--weights-due-after', '0.1', '--connect-timeout-ms', '5000', '--chain-call-timeout-ms', '5000'],
];

const modelDirs = ['ecommerce-intent', 'sentiment'].map((name) => join(repository, 'models', name)).join(',');

/** Makes a block every block time, but none from the one on before which the chain is held. */
const startPacemaker = (devnet: Devnet) => {
  let heldBefore = Number.POSITIVE_INFINITY;
  const timer = setInterval(() => {
    const { number, timestampMs } = devnet.head();
    if (number + 1 < heldBefore) devnet.seal({ nowMs: Math.max(Date.now(), timestampMs + 1) });
  }, blockTimeMs);
  return {
    stop: () => clearInterval(timer),
    holdBefore: (block: number) => {
      heldBefore = block;
      return () => {
        heldBefore = Number.POSITIVE_INFINITY;
      };
    },
  };
};

/** Starts the chain; daemons are started by the test. */
export const openStage = async (subnet: Subnet): Promise<Stage> => {
  await keysReady();
  const dist = await freshDist();
  const hasRange = await hasLoopbackRange();
  const dir = mkdtempSync(join(tmpdir(), 'miaoai-scenario-'));
  mkdirSync(join(dir, 'logs'));
  const begun: (() => unknown)[] = [() => rmSync(dir, { recursive: true, force: true })];
  const devnet = await startDevnet({
    genesis: genesisOf(subnet, !hasRange),
    sealing: 'manual',
    finalityLagBlocks: subnet.finalityLagBlocks ?? 0,
  });
  begun.push(devnet.stop);
  const pacemaker = startPacemaker(devnet);
  begun.push(pacemaker.stop);
  const watch = await watchChain(devnet.url);
  begun.push(watch.close);
  const dataDir = (name: string): string => join(dir, name.replaceAll(' ', '-'));
  const start = (entry: string, { name, keys, endpoints, args = [] }: DaemonOptions): SystemProcess => {
    const started = startSystemProcess({
      name,
      entry: join(dist, entry),
      args: [
        ...['--chain-endpoints', endpoints.join(','), '--network', 'local', '--netuid', String(netuid)],
        ...[...keyArgs(keys), '--data-dir', dataDir(name), '--log-format', 'json', ...args],
      ],
      logDir: join(dir, 'logs'),
    });
    begun.push(started.dispose);
    return started;
  };
  const ipOf = (place: number): string => (hasRange ? `127.0.0.${place + 2}` : '127.0.0.1');
  return {
    dir,
    devnet,
    watch,
    dataDir,
    holdBefore: pacemaker.holdBefore,
    openGate: async () => {
      const gate = await openGate(devnet.url);
      begun.push(gate.shut);
      return gate;
    },
    startValidator: (options) =>
      start('validator.js', { ...options, args: [...validatorArgs, ...(options.args ?? [])] }),
    startMiner: async ({ place, ...options }) => {
      const ip = ipOf(place);
      const port = await freePort(ip);
      const args = [
        ...['--bind-host', ip, '--axon-ip', ip, '--axon-port', String(port), '--provider', 'cpu'],
        ...['--model-dirs', modelDirs, '--workers', '1', ...(options.args ?? [])],
      ];
      return { process: start('miner.js', { ...options, args }), ip, port };
    },
    openWitness: async ({ uri, place }) => {
      const witness = await openWitness({ uri, ip: ipOf(place), chainUrl: devnet.url, netuid });
      begun.push(witness.close);
      return witness;
    },
    untilEpoch: (epoch) => {
      const limitMs = 15_000 + 3 * blockTimeMs * subnet.tempo * Math.max(1, epoch - watch.epoch());
      return until(
        () => watch.epoch() >= epoch,
        limitMs,
        () => `epoch ${epoch}, the client is in ${watch.epoch()}`,
      );
    },
    dispose: async () => {
      // Whoever came last leaves first; one that cannot must not keep the others.
      for (const end of begun.splice(0).reverse()) await Promise.resolve(end()).catch(() => {});
    },
  };
};
