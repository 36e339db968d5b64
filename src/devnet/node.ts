/** The embedded chain as a node: chain, block producer and RPC server. */
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { deposit } from './balances.ts';
import type { Block } from './blockBuilder.ts';
import { type Chain, createChain } from './chain.ts';
import { accountFromAddress, type GenesisConfig } from './genesis.ts';
import type { Context, Pallet } from './pallet.ts';
import { startProducer } from './producer.ts';
import { type RpcServer, startRpcServer } from './rpc/server.ts';
import { createRuntime, defaultPallets } from './runtime.ts';
import { systemStorage } from './system.ts';
import { SPEC_NAME, SPEC_VERSION } from './version.ts';

export type DevnetOptions = {
  readonly genesis: GenesisConfig;
  /** 127.0.0.1 when not given. */
  readonly host?: string;
  /** 0, or not given: a free port. */
  readonly port?: number;
  /** Overrides the genesis file's. */
  readonly blockTimeMs?: number;
  /** `interval` (default): a block every block time; `manual`: only by `seal()`. */
  readonly sealing?: 'interval' | 'manual';
  /** How many blocks finality stays behind the head; 0 when not given. */
  readonly finalityLagBlocks?: number;
  /** Pallets beyond the node's own; subtensor's when not given. */
  readonly pallets?: readonly Pallet[];
  /** Unix ms of the first manual block's parent; now when not given. */
  readonly startMs?: number;
  /** Told about faults of pallets: exceptions that are no dispatch errors. A process warning when not given. */
  readonly onDefect?: (error: unknown) => void;
};

export type SealOptions = {
  /** Timestamp of the block, Unix ms; must be later than its parent's. */
  readonly nowMs?: number;
};
export type Devnet = {
  readonly url: string;
  readonly port: number;
  readonly chain: Chain;
  /** Makes a block now. With manual sealing its time is one block time after the parent's. */
  seal(options?: SealOptions): Block;
  /** Makes several blocks and gives the last. */
  sealBlocks(count: number): Block;
  head(): Block;
  /** Ends all connections and listens no more, while blocks go on: an outage as clients see it. */
  unplug(): Promise<void>;
  /** Listens again on the same port. */
  plug(): Promise<void>;
  stop(): Promise<void>;
};

const writeGenesis =
  (genesis: GenesisConfig, pallets: () => readonly Pallet[]) =>
  (ctx: Context): void => {
    ctx.put(systemStorage.LastRuntimeUpgrade, { specVersion: SPEC_VERSION, specName: SPEC_NAME });
    for (const { address, free } of genesis.accounts) deposit(ctx, accountFromAddress(address), free);
    for (const pallet of pallets()) pallet.genesis?.(ctx, genesis);
  };

const warn = (error: unknown): void =>
  process.emitWarning(error instanceof Error ? error : String(error), 'DevnetDefect');

/** Timestamps: wall clock for intervals, block times from the start for manual blocks; always increasing. */
const createClock = (isManual: boolean, startMs: number, blockTimeMs: number) => {
  let lastMs = startMs;
  return (wanted: number | undefined): number => {
    const next = wanted ?? (isManual ? lastMs + blockTimeMs : Math.max(Date.now(), lastMs + 1));
    if (next <= lastMs) throw new RangeError(`timestamp ${next} is not after the parent's ${lastMs}`);
    lastMs = next;
    return next;
  };
};

/** Starts a chain from its genesis. Rejects when the port is taken or the genesis does not fit the pallets. */
export const startDevnet = async (options: DevnetOptions): Promise<Devnet> => {
  await cryptoWaitReady(); // the WASM hashes; the JavaScript ones give the same, slower
  const { genesis, host = '127.0.0.1' } = options;
  const blockTimeMs = options.blockTimeMs ?? genesis.blockTimeMs;
  const isManual = options.sealing === 'manual';
  const runtime = createRuntime({ blockTimeMs, pallets: options.pallets ?? defaultPallets });
  const chain = createChain({
    runtime,
    blockTimeMs,
    finalityLagBlocks: options.finalityLagBlocks ?? 0,
    writeGenesis: writeGenesis(genesis, () => runtime.pallets),
    onDefect: options.onDefect ?? warn,
  });
  const clock = createClock(isManual, options.startMs ?? Date.now(), blockTimeMs);
  const seal = ({ nowMs }: SealOptions = {}): Block => chain.seal(clock(nowMs));
  const rpcNode = { chain, chainName: genesis.chain, seal: isManual ? () => seal() : undefined };
  let server: RpcServer | undefined = await startRpcServer(rpcNode, { host, port: options.port ?? 0 });
  const { port } = server;
  const producer = isManual ? undefined : startProducer(blockTimeMs, () => seal());
  const unplug = async (): Promise<void> => {
    const old = server;
    server = undefined;
    await old?.stop();
  };
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return {
    url: `ws://${shownHost}:${port}`,
    port,
    chain,
    seal,
    sealBlocks: (count) => {
      let block = chain.head();
      for (let made = 0; made < count; made += 1) block = seal();
      return block;
    },
    head: chain.head,
    unplug,
    plug: async () => {
      server ??= await startRpcServer(rpcNode, { host, port });
    },
    stop: async () => {
      producer?.stop();
      await unplug();
    },
  };
};
