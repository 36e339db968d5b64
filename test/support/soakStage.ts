import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort } from '#src/cli/demo/ports.ts';
import { startRedisServer } from './redisServer.ts';
import { repository } from './systemBuild.ts';
import { openWire, type Wire } from './systemProxy.ts';
import { freshTestDist } from './testBuild.ts';
import { startTestProcess, type TestProcess } from './testProcess.ts';

/** A network of real processes with rounds as quick as they can be, for hours: a chain, a validator and four miners. */
const netuid = 86;
const blockTimeMs = 500;
/** An epoch of half a minute. */
const tempo = 60;
const miners = 4;
const startPatienceMs = 60_000;
const endPatienceMs = 15_000;
const models = ['ecommerce-intent', 'sentiment'] as const;
const validatorUri = '//SoakValidator';
const minerUri = (index: number): string => `//SoakMiner${index}`;
const alpha = (amount: number): string => `${amount}000000000`;

const genesis = {
  chain: 'MIAOAI soak',
  blockTimeMs,
  accounts: [],
  subnets: [
    {
      netuid,
      tempo,
      ownerColdkey: '//SoakOwner',
      ownerHotkey: '//SoakOwnerHotkey',
      hyperparameters: { commitRevealWeightsEnabled: false, minAllowedWeights: 1, weightsSetRateLimit: 2 },
      neurons: [
        {
          hotkey: validatorUri,
          coldkey: `${validatorUri}Cold`,
          stake: alpha(10_000),
          validatorPermit: true,
        },
        ...Array.from({ length: miners }, (_, index) => ({
          hotkey: minerUri(index),
          coldkey: `${minerUri(index)}Cold`,
          stake: alpha(10),
        })),
      ],
    },
  ],
  // Every miner has another port of the one address.
  flags: { allowLoopbackAxon: true },
};

export type SoakMiner = {
  readonly name: string;
  readonly wire: Wire;
  readonly process: () => TestProcess;
  /** Starts it again after it has ended. */
  readonly restart: () => Promise<void>;
};

export type SoakStage = {
  readonly chain: TestProcess;
  readonly validator: TestProcess;
  readonly miners: readonly SoakMiner[];
  readonly dispose: () => Promise<void>;
};

type Begun = (() => Promise<unknown>)[];

const openInto = async (dir: string, begun: Begun, store: 'embedded' | 'redis') => {
  const dist = await freshTestDist();
  const logDir = join(dir, 'logs');
  mkdirSync(logDir);
  const start = (name: string, entry: string, args: readonly string[]): TestProcess => {
    const started = startTestProcess({ name, entry: join(dist, entry), args, logDir });
    begun.push(() => started.endBy('SIGTERM', endPatienceMs));
    return started;
  };
  const file = join(dir, 'genesis.json');
  writeFileSync(file, JSON.stringify(genesis));
  const chain = start('chain', 'cli.js', ['devnet', '--genesis', file, '--port', '0']);
  const chainUrl = String((await chain.saw('devnet.listening', startPatienceMs))['url']);
  const common = (uri: string, name: string): readonly string[] => [
    ...['--chain-endpoints', chainUrl, '--network', 'local', '--netuid', String(netuid)],
    ...['--hotkey-uri', uri, '--data-dir', join(dir, name), '--log-format', 'json', '--log-level', 'info'],
  ];
  const startMiner = async (index: number): Promise<SoakMiner> => {
    const name = `miner ${index}`;
    const port = await freePort('127.0.0.1');
    const wire = await openWire(port);
    begun.push(wire.close);
    const live = async (): Promise<TestProcess> => {
      const started = start(name, 'miner.js', [
        ...common(minerUri(index), `miner-${index}`),
        ...['--bind-host', '127.0.0.1', '--axon-ip', '127.0.0.1', '--axon-port', String(port)],
        ...['--external-port', String(wire.port), '--workers', '1', '--provider', 'cpu'],
        ...['--model-dirs', models.map((model) => join(repository, 'models', model)).join(',')],
      ]);
      await started.saw('listener.bound', startPatienceMs);
      return started;
    };
    let process = await live();
    const restart = async (): Promise<void> => {
      process = await live();
    };
    return { name, wire, process: () => process, restart };
  };
  const started = await Promise.all(Array.from({ length: miners }, (_, index) => startMiner(index)));
  const redis = store === 'redis' ? await startRedisServer() : null;
  if (redis !== null) begun.push(redis.stop);
  const validator = start('validator', 'validator.js', [
    ...common(validatorUri, 'validator'),
    ...['--tasks-per-round', '2', '--round-deadline-ms', '1000', '--round-interval-ms', '0'],
    ...['--weights-due-after', '0.3', '--keep-epochs', '3'],
    ...(redis === null ? [] : ['--redis', redis.url]),
  ]);
  await validator.saw('round.ended', startPatienceMs);
  return { chain, validator, miners: started };
};

/** Builds where needed and starts everything. */
export const openSoakStage = async (store: 'embedded' | 'redis'): Promise<SoakStage> => {
  const dir = mkdtempSync(join(tmpdir(), 'miaoai-soak-'));
  const begun: Begun = [];
  const dispose = async (): Promise<void> => {
    // Whoever came last leaves first; one that cannot must not keep the others.
    for (const end of begun.splice(0).reverse()) await end().catch(() => {});
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    return { ...(await openInto(dir, begun, store)), dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
};
