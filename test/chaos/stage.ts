import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { freePort, hasLoopbackRange } from '#src/cli/demo/ports.ts';
import { cleanEnv } from '#test/support/processOutput.ts';
import { repository } from '#test/support/systemBuild.ts';

import * as cast from './cast.ts';
import { type ChainLedger, openChainLedger } from './chainLedger.ts';
import type { StoreKind } from './plan.ts';
import { membersOf } from './processGroups.ts';
import { createRole, type Role, type UnaskedEnd } from './roleProcess.ts';
import type { Volume } from './volume.ts';
import type { WallClock } from './wallClock.ts';
import { openWire, type Wire } from './wire.ts';
import { openWitness, type Witness } from './witness.ts';

export type StageOptions = {
  /** Folder for everything the run writes; the chain's and the logs' part of it never fills up. */
  readonly dir: string;
  /** Folder of the built daemons. */
  readonly dist: string;
  readonly store: StoreKind;
  readonly volume: Volume | null;
  readonly clock: WallClock | null;
  /** Miners as processes of their own; the witness comes on top. */
  readonly miners: number;
  /** Deliberate bug of the test build. */
  readonly bug: string | null;
  readonly onUnaskedEnd: (end: UnaskedEnd) => void;
  readonly say: (text: string) => void;
};

export type Stage = {
  readonly chain: Role;
  /** The same hotkey: one writes, the others stand by. */
  readonly validators: readonly Role[];
  readonly miners: readonly Role[];
  readonly redis: Role | null;
  readonly lines: {
    readonly chain: Wire;
    readonly redis: Wire | null;
    /** One per miner, the witness last. */
    readonly miners: readonly Wire[];
  };
  readonly ledger: ChainLedger;
  readonly witness: Witness;
  /** Where the validators' store is: a folder, or the URL of Redis itself. */
  readonly place: string;
  /** Process groups that were begun. */
  readonly groups: ReadonlySet<number>;
};

const startPatienceMs = 60_000;
export const tasksPerRound = 6;
const models = ['ecommerce-intent', 'sentiment'].map((name) => join(repository, 'models', name)).join(',');

type Opening = StageOptions & {
  readonly hasRange: boolean;
  /** Where data folders are. */
  readonly data: string;
  readonly groups: Set<number>;
  readonly life: { isOver: boolean };
  /** Everything that was begun, in order. */
  readonly begun: (() => Promise<void>)[];
};

type RoleStart = {
  readonly name: string;
  readonly command?: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
};

const addRole = (opening: Opening, { name, command, args, env }: RoleStart): Role => {
  const role = createRole({
    name,
    command: command ?? process.execPath,
    args,
    env: cleanEnv(env),
    logDir: join(opening.dir, 'logs'),
    onGroup: (pid) => opening.groups.add(pid),
    onUnaskedEnd: opening.onUnaskedEnd,
    mayStart: () => !opening.life.isOver,
  });
  opening.begun.push(() => role.kill());
  return role;
};

const addWire = async (opening: Opening, ...ends: Parameters<typeof openWire>): Promise<Wire> => {
  const wire = await openWire(...ends);
  opening.begun.push(wire.close);
  return wire;
};

const nodeArgs = (opening: Opening, entry: string): readonly string[] => [
  '--disable-warning=ExperimentalWarning',
  join(opening.dist, entry),
];

const startChain = async (opening: Opening) => {
  const genesis = join(opening.dir, 'genesis.json');
  const { miners, hasRange } = opening;
  const { blockTimeMs, tempo, validatorUri } = cast;
  const facts = { validators: [validatorUri], miners, allowLoopbackAxon: !hasRange, blockTimeMs, tempo };
  writeFileSync(genesis, JSON.stringify(cast.genesisOf(facts)));
  const port = await freePort('127.0.0.1');
  const chain = addRole(opening, {
    name: 'chain',
    args: [
      ...nodeArgs(opening, 'cli.js'),
      ...['devnet', '--genesis', genesis, '--port', String(port), '--archive'],
      ...['--data', join(opening.dir, 'chain')],
    ],
  });
  chain.start();
  await chain.hears('devnet.listening', 0, startPatienceMs);
  return { chain, port };
};

const commonArgs = (chainPort: number, uri: string, dataDir: string): readonly string[] => [
  ...[
    '--chain-endpoints',
    `ws://127.0.0.1:${chainPort}`,
    '--network',
    'local',
    '--netuid',
    String(cast.netuid),
  ],
  ...['--hotkey-uri', uri, '--data-dir', dataDir, '--log-format', 'json', '--log-level', 'info'],
];

const startRedis = async (opening: Opening) => {
  if (opening.store !== 'redis') return null;
  const dir = join(opening.data, 'redis');
  mkdirSync(dir, { recursive: true });
  const port = await freePort('127.0.0.1');
  const redis = addRole(opening, {
    name: 'redis',
    command: 'redis-server',
    args: [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', ''],
      // Acknowledged means on disk: with "everysec" a full disk would lose what was answered a moment before a kill.
      ...['--appendonly', 'yes', '--appendfsync', 'always', '--maxmemory-policy', 'noeviction'],
    ],
  });
  redis.start();
  const wire = await addWire(opening, { host: '127.0.0.1', port: 0 }, { host: '127.0.0.1', port });
  return { redis, wire, port };
};

const startMiners = async (opening: Opening, chainPort: number) => {
  const ipOf = (index: number): string => (opening.hasRange ? `127.0.0.${index + 2}` : '127.0.0.1');
  const started = Array.from({ length: opening.miners }, async (_, index) => {
    const host = ipOf(index);
    const port = await freePort(host);
    const wire = await addWire(opening, { host, port: 0 }, { host, port });
    const role = addRole(opening, {
      name: `miner ${index}`,
      args: [
        ...nodeArgs(opening, 'miner.js'),
        ...commonArgs(chainPort, cast.minerUri(index), join(opening.data, `miner-${index}`)),
        ...['--bind-host', host, '--axon-ip', host, '--axon-port', String(port)],
        ...[
          '--external-port',
          String(wire.port),
          '--model-dirs',
          models,
          '--workers',
          '1',
          '--provider',
          'cpu',
        ],
      ],
    });
    role.start();
    await role.hears('listener.bound', 0, startPatienceMs);
    return { role, wire };
  });
  const miners = await Promise.all(started);
  const host = ipOf(opening.miners);
  const port = await freePort(host);
  const wire = await addWire(opening, { host, port: 0 }, { host, port });
  const witness = await openWitness({
    uri: cast.witnessUri,
    chainUrl: `ws://127.0.0.1:${chainPort}`,
    host,
    port,
    published: { ip: host, port: wire.port, version: 1 },
  });
  opening.begun.push(witness.close);
  return {
    miners: miners.map(({ role }) => role),
    wires: [...miners.map(({ wire: line }) => line), wire],
    witness,
  };
};

const validatorArgs: readonly string[] = [
  ...['--tasks-per-round', String(tasksPerRound), '--round-deadline-ms', String(cast.roundDeadlineMs)],
  ...['--round-interval-ms', '300', '--weights-due-after', String(cast.dueAfter)],
  ...['--lease-ms', String(cast.leaseMs)],
  // A long run is checked as a whole: nothing goes into the archive.
  ...['--keep-epochs', '1000000'],
  ...['--connect-timeout-ms', String(cast.connectMs)],
  ...['--chain-call-timeout-ms', '3000', '--head-patience-ms', '3000'],
];

type ValidatorPlace = { readonly chainPort: number; readonly redisPort: number | null };

const urlOf = (redisPort: number): string => `redis://127.0.0.1:${redisPort}/0`;

const addValidators = (opening: Opening, { chainPort, redisPort }: ValidatorPlace): readonly Role[] =>
  ['validator A', 'validator B'].map((name) => {
    // With the embedded store both processes use one folder: that is what they share.
    const folder = redisPort === null ? 'validator' : name.replace(' ', '-');
    return addRole(opening, {
      name,
      args: [
        ...nodeArgs(opening, 'validator.js'),
        ...commonArgs(chainPort, cast.validatorUri, join(opening.data, folder)),
        ...validatorArgs,
        ...(redisPort === null ? [] : ['--redis', urlOf(redisPort)]),
      ],
      env: { ...opening.clock?.env, ...(opening.bug !== null && { MIAOAI_BUG: opening.bug }) },
    });
  });

const openAll = async (opening: Opening): Promise<Omit<Stage, 'groups'>> => {
  const { chain, port } = await startChain(opening);
  opening.say(`chain: a block every ${cast.blockTimeMs} ms, ${cast.tempo} blocks per epoch`);
  const ledger = await openChainLedger(`ws://127.0.0.1:${port}`);
  opening.begun.push(ledger.close);
  const redis = await startRedis(opening);
  const chainWire = await addWire(opening, { host: '127.0.0.1', port: 0 }, { host: '127.0.0.1', port });
  const { miners, wires, witness } = await startMiners(opening, port);
  opening.say(`${miners.length} miners and the witness listen`);
  const validators = addValidators(opening, {
    chainPort: chainWire.port,
    redisPort: redis?.wire.port ?? null,
  });
  for (const validator of validators) {
    validator.start();
    await validator.hears('daemon.started', 0, startPatienceMs);
  }
  return {
    chain,
    validators,
    miners,
    redis: redis?.redis ?? null,
    lines: { chain: chainWire, redis: redis?.wire ?? null, miners: wires },
    ledger,
    witness,
    place: redis === null ? join(opening.data, 'validator') : urlOf(redis.port),
  };
};

/** A stage that is being opened, or is open; it can be closed at any time. */
export type OpeningStage = { readonly opened: Promise<Stage>; readonly close: () => Promise<void> };

/** Starts the chain, Redis, the miners, the witness and the validators, with lines between them that can be cut. */
export const openStage = (options: StageOptions): OpeningStage => {
  const begun: (() => Promise<void>)[] = [];
  const groups = new Set<number>();
  const life = { isOver: false };
  const close = async (): Promise<void> => {
    life.isOver = true;
    // Whoever came last leaves first; one that cannot must not keep the others.
    for (const end of begun.splice(0).reverse()) await end().catch(() => {});
    for (const pid of membersOf(groups)) process.kill(pid, 'SIGKILL');
  };
  const open = async (): Promise<Stage> => {
    mkdirSync(join(options.dir, 'logs'), { recursive: true });
    const data = options.volume?.dir ?? options.dir;
    const hasRange = await hasLoopbackRange();
    return { ...(await openAll({ ...options, hasRange, data, groups, begun, life })), groups };
  };
  return { opened: open(), close };
};
