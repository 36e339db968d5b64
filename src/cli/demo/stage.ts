import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { ReadStoreOptions } from '../../store/openStore.ts';
import { castOf, type Player, validatorUri } from './cast.ts';
import { type DelayLine, openDelayLine } from './delayLine.ts';
import { demoGenesis, demoNetuid } from './demoGenesis.ts';
import type { DemoStores } from './demoStores.ts';
import { writeNonsenseModel } from './nonsenseModel.ts';
import { freePort, hasLoopbackRange } from './ports.ts';
import type { LogLine } from './processes.ts';
import { type Supervised, type SuperviseOptions, supervise } from './supervised.ts';

export type StageOptions = {
  /** Folder for everything the demo writes. */
  readonly dir: string;
  /** Folder of the built entries. */
  readonly dist: string;
  /** Folder of the starter models. */
  readonly models: string;
  readonly miners: number;
  readonly blockTimeMs: number;
  readonly tempo: number;
  readonly commitReveal: boolean;
  /** Where the daemons keep their state. */
  readonly stores: DemoStores;
  /** Told of each step and each log line. */
  readonly onStep: (text: string) => void;
  readonly onLine: (name: string, line: LogLine) => void;
  /** Rejects when somebody wants the demo to end, which may be while its processes are starting. */
  readonly interrupted: Promise<never>;
};

export type Stage = {
  readonly url: string;
  readonly cast: readonly Player[];
  /** Where the validator's evidence is. */
  readonly validatorStore: ReadStoreOptions;
  /** Resolves when a process has died too often to be started again. */
  readonly collapsed: Promise<string>;
  /** How many processes have died and were started again. */
  readonly deaths: () => number;
  readonly close: () => Promise<void>;
};

/** One way; a miner on the other side of the world behind a bad line. Its handshake takes three round trips. */
const slowLineMs = 500;
const startPatienceMs = 30_000;
const endPatienceMs = 15_000;

const modelNames = ['ecommerce-intent', 'sentiment'] as const;

const within = async <A>(promise: Promise<A>, patienceMs: number, what: string): Promise<A> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what} took longer than ${patienceMs / 1_000} s`)),
      patienceMs,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};

/**
 * Starts and ends the demo's processes: the chain, the miners, the validator, in this order and back. One that dies is
 * started again, so that any of them may be killed by hand.
 */
export const openStage = async (options: StageOptions): Promise<Stage> => {
  const { dir, dist, onStep } = options;
  const logDir = join(dir, 'logs');
  mkdirSync(logDir, { recursive: true });
  const started: Supervised[] = [];
  const lines: DelayLine[] = [];
  let isClosing = false;
  let collapse: (reason: string) => void = () => {};
  let deaths = 0;
  const collapsed = new Promise<string>((resolve) => {
    collapse = resolve;
  });

  /** A process that dies while it is awaited says why itself. */
  const unlessCollapsed = <A>(awaited: Promise<A>, patienceMs: number, what: string): Promise<A> => {
    const failed = collapsed.then((reason): never => {
      throw new Error(reason);
    });
    return within(Promise.race([awaited, failed]), patienceMs, what);
  };

  const start = (
    name: string,
    entry: string,
    { upEvent, args }: Pick<SuperviseOptions, 'upEvent' | 'args'>,
  ): Supervised => {
    // Starting goes on in the background after an interruption; what it would start now, nobody would end.
    if (isClosing) throw new Error(`${name} is not started any more`);
    const process = supervise({
      name,
      entry: join(dist, entry),
      args,
      logDir,
      upEvent,
      onLine: (line) => options.onLine(name, line),
      onRestart: (text) => {
        deaths += 1;
        onStep(text);
      },
      onGivenUp: collapse,
    });
    started.push(process);
    return process;
  };

  const close = async (): Promise<void> => {
    isClosing = true;
    for (const process of started) process.leave();
    const [chain, ...others] = started;
    const validators = others.filter(({ name }) => name === 'validator');
    const miners = others.filter(({ name }) => name !== 'validator');
    await Promise.all(validators.map((process) => process.end(endPatienceMs)));
    await Promise.all(miners.map((process) => process.end(endPatienceMs)));
    await Promise.all(lines.map((line) => line.close()));
    if (chain !== undefined) await chain.end(endPatienceMs);
  };

  const startChain = async (cast: readonly Player[], hasRange: boolean): Promise<string> => {
    const file = join(dir, 'genesis.json');
    const { blockTimeMs, tempo, commitReveal } = options;
    const genesis = demoGenesis({ cast, blockTimeMs, tempo, commitReveal, allowLoopbackAxon: !hasRange });
    writeFileSync(file, JSON.stringify(genesis, null, 2));
    let port = 0;
    const chain = start('chain', 'cli.js', {
      upEvent: 'devnet.listening',
      args: () => ['devnet', '--genesis', file, '--data', join(dir, 'chain'), '--port', String(port)],
    });
    const line = await unlessCollapsed(chain.saw('devnet.listening'), startPatienceMs, 'starting the chain');
    port = Number(line['port']);
    const url = String(line['url']);
    onStep(
      `chain: a block every ${blockTimeMs} ms, ${tempo} blocks per epoch, at ${url}, pid ${chain.pid()}`,
    );
    return url;
  };

  const modelDirs = (player: Player): string => {
    if (player.behaviour !== 'nonsense')
      return modelNames.map((name) => join(options.models, name)).join(',');
    return modelNames
      .map((name) => {
        const target = join(dir, 'nonsense', name);
        writeNonsenseModel({ like: join(options.models, name), dir: target, seed: `nonsense ${name}` });
        return target;
      })
      .join(',');
  };

  const startMiner = async (player: Player, url: string) => {
    const port = await freePort(player.ip);
    const args = [
      ...common(url, player.uri, join(dir, `miner-${player.index + 1}`)),
      ...['--bind-host', player.ip, '--axon-ip', player.ip, '--axon-port', String(port)],
      ...['--model-dirs', modelDirs(player), '--workers', '1'],
    ];
    if (player.behaviour === 'slow') {
      const outside = await freePort(player.ip);
      lines.push(
        await openDelayLine({
          host: player.ip,
          port: outside,
          targetHost: player.ip,
          targetPort: port,
          delayMs: slowLineMs,
        }),
      );
      args.push('--external-port', String(outside));
    }
    const miner = start(player.name, 'miner.js', { upEvent: 'listener.bound', args: () => args });
    await unlessCollapsed(miner.saw('listener.bound'), startPatienceMs * 2, `starting ${player.name}`);
    onStep(
      `${player.name}: uid ${player.uid}, ${player.behaviour}, at ${player.ip}:${port}, pid ${miner.pid()}`,
    );
  };

  const common = (url: string, uri: string, dataDir: string): readonly string[] => [
    ...['--chain-endpoints', url, '--netuid', String(demoNetuid)],
    ...options.stores.args(uri === validatorUri ? 'validator' : 'miner', uri),
    ...['--hotkey-uri', uri, '--data-dir', dataDir, '--log-format', 'json', '--log-level', 'info'],
  ];

  const hasRange = await hasLoopbackRange();
  const cast = castOf(options.miners, hasRange);
  const validatorDir = join(dir, 'validator');
  const startAll = async (): Promise<Stage> => {
    const url = await startChain(cast, hasRange);
    await Promise.all(cast.map((player) => startMiner(player, url)));
    const args = [
      ...common(url, validatorUri, validatorDir),
      ...['--tasks-per-round', '8', '--round-deadline-ms', '3000', '--round-interval-ms', '500'],
      ...['--weights-due-after', '0.7'],
    ];
    const validator = start('validator', 'validator.js', { upEvent: 'daemon.started', args: () => args });
    await unlessCollapsed(validator.saw('daemon.started'), startPatienceMs, 'starting the validator');
    onStep(`validator: started, pid ${validator.pid()}`);
    const validatorStore = options.stores.read('validator', validatorUri, validatorDir);
    return { url, cast, validatorStore, collapsed, deaths: () => deaths, close };
  };

  try {
    return await Promise.race([options.interrupted, startAll()]);
  } catch (error) {
    await close();
    throw error;
  }
};
