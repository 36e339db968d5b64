/** `miaoai devnet`: the embedded chain as a process. */
import { readFile } from 'node:fs/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { developmentGenesis } from '../devnet/developmentGenesis.ts';
import { type GenesisConfig, GenesisError, parseGenesis } from '../devnet/genesis.ts';
import { type Devnet, startDevnet } from '../devnet/node.ts';
import { profileOf } from '../devnet/profiles.ts';
import { commandExitCodes } from '../exitCodes.ts';

/** What finney runs. */
const DEFAULT_SPEC = 425;
/** The port on which subtensor's local chain listens, and so where clients look with the network `local`. */
const DEFAULT_PORT = 9944;
const MIN_BLOCK_TIME_MS = 100;
const MAX_BLOCK_TIME_MS = 600_000;

type DevnetFlags = {
  readonly genesis?: string;
  readonly port: number;
  readonly host: string;
  readonly blockTime?: number;
  readonly finalityLag: number;
  readonly manualSeal?: true;
  readonly archive?: true;
  readonly faults?: true;
  readonly data?: string;
  readonly spec: number;
};

const integerIn =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`Give an integer from ${min} to ${max}.`);
    return value;
  };

/** A version that has a runtime here. */
const specVersion = (text: string): number => {
  const version = integerIn(1, 1_000_000)(text);
  try {
    return profileOf(version).specVersion;
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
};

const readGenesis = async (path: string | undefined): Promise<GenesisConfig> => {
  if (path === undefined) return developmentGenesis();
  try {
    return parseGenesis(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof GenesisError) throw error;
    throw new GenesisError(`genesis: cannot read ${path}: ${(error as Error).message}`);
  }
};

const start = async (flags: DevnetFlags): Promise<Devnet> => {
  const genesis = await readGenesis(flags.genesis);
  try {
    return await startWith(genesis, flags);
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    if (!isTaken) throw error;
    throw new Error(`port ${flags.port} is taken: choose another with --port, or 0 for a free one`);
  }
};

const startWith = async (genesis: GenesisConfig, flags: DevnetFlags): Promise<Devnet> =>
  startDevnet({
    genesis,
    host: flags.host,
    port: flags.port,
    sealing: flags.manualSeal ? 'manual' : 'interval',
    finalityLagBlocks: flags.finalityLag,
    archive: flags.archive === true,
    faults: flags.faults === true,
    profile: profileOf(flags.spec),
    ...(flags.data !== undefined && { dataDir: flags.data }),
    ...(flags.blockTime !== undefined && { blockTimeMs: flags.blockTime }),
  });

const say = (event: string, fields: object): void => {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
};

/** Resolves at the first SIGINT or SIGTERM. */
const untilSignal = (): Promise<string> =>
  new Promise((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });

const run = async (flags: DevnetFlags): Promise<void> => {
  const signal = untilSignal();
  const devnet = await start(flags);
  const genesisHash = devnet.chain.genesis.hash;
  say('devnet.listening', { url: devnet.url, port: devnet.port, genesisHash, pid: process.pid });
  await signal;
  await devnet.stop();
  say('devnet.stopped', { block: devnet.head().number });
};

const fail = (error: unknown): void => {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = error instanceof GenesisError ? commandExitCodes.settings : commandExitCodes.failed;
};

/** The command for `miaoai`'s parser. One JSON line on stdout says when the chain listens. */
export const devnetCommand = (): Command =>
  new Command('devnet')
    .description('run the embedded chain: subtensor over WebSocket JSON-RPC, on this machine only')
    .option(
      '--genesis <file>',
      'JSON file with accounts and subnets (default: development accounts, subnet 86)',
    )
    .addOption(
      new Option('--port <number>', 'port to listen on; 0 takes a free one')
        .argParser(integerIn(0, 65_535))
        .default(DEFAULT_PORT),
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .addOption(
      new Option('--block-time <ms>', "block time, instead of the genesis file's").argParser(
        integerIn(MIN_BLOCK_TIME_MS, MAX_BLOCK_TIME_MS),
      ),
    )
    .addOption(
      new Option('--finality-lag <blocks>', 'how many blocks finality stays behind the head')
        .argParser(integerIn(0, 100))
        .default(0),
    )
    .option('--data <folder>', 'keep the chain in this folder and go on with the one that is there')
    .option('--archive', 'keep the state of every block, not only of the last 300')
    .addOption(
      new Option('--spec <version>', 'runtime of block 0: 320, 343, 425 or 426')
        .argParser(specVersion)
        .default(DEFAULT_SPEC),
    )
    .option('--faults', 'let clients cause faults: RPC methods devnet_*; for tests only')
    .option('--manual-seal', 'make blocks only on request: RPC method engine_createBlock')
    .action((flags: DevnetFlags) => run(flags).catch(fail));
