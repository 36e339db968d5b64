/** The embedded chain as a node: chain, block producer and RPC server. */
import { setTimeout as sleep } from 'node:timers/promises';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { deposit } from './balances.ts';
import type { Block } from './blockBuilder.ts';
import { type Chain, type ChainOptions, createChain, type ReorgOptions } from './chain.ts';
import { type Beacon, createBeacon } from './drand/beacon.ts';
import { drand, drandWith } from './drand/pallet.ts';
import { createFaults, type FaultSwitches } from './faults.ts';
import { accountFromAddress, type GenesisConfig } from './genesis.ts';
import type { Context, Pallet } from './pallet.ts';
import { startProducer } from './producer.ts';
import { profileOf, type RuntimeProfile } from './profiles.ts';
import type { NodeControl } from './rpc/methods.ts';
import { type RpcServer, startRpcServer } from './rpc/server.ts';
import { createRuntime, defaultPallets } from './runtime.ts';
import { openSnapshotStore, type SnapshotStore } from './snapshot.ts';
import { type ChainSnapshot, SnapshotError } from './storedChain.ts';

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
  /** Keeps the state of every block; otherwise that of the last 300. */
  readonly archive?: boolean;
  /** The runtime that block 0 has; spec 425 when not given. See profiles.ts for others. */
  readonly profile?: RuntimeProfile;
  /**
   * Folder in which the chain is kept: each block is on disk before it is announced, so that a killed process goes on
   * from its last one. What waits in the pool is lost, as in a real node. In memory only when not given.
   */
  readonly dataDir?: string;
  /** Blocks between two snapshots in `dataDir`, which shorten the journal; 50 when not given. One more at the end. */
  readonly snapshotEveryBlocks?: number;
  /** Serves the RPC methods `devnet_*`, by which clients cause faults; not served when not given. */
  readonly faults?: boolean;
  /** Pallets beyond the node's own; subtensor's when not given. */
  readonly pallets?: readonly Pallet[];
  /** Unix ms of the first manual block's parent; now when not given. */
  readonly startMs?: number;
  /** Told about faults of pallets: exceptions that are no dispatch errors. A process warning when not given. */
  readonly onDefect?: (error: unknown) => void;
};

/** Ten minutes of the real chain. */
const SNAPSHOT_EVERY_BLOCKS = 50;

export type SealOptions = {
  /** Timestamp of the block, Unix ms; must be later than its parent's. */
  readonly nowMs?: number;
};
export type NodeFaults = FaultSwitches & {
  /** Ends all connections and refuses new ones for a time; resolves when the node listens again. */
  dropConnections(options: { readonly forMs: number }): Promise<void>;
  /** While true no head is announced, though blocks go on and connections stay. */
  freezeHeads(isFrozen: boolean): void;
  /** While true no further block becomes final. */
  stallFinality(isStalled: boolean): void;
  /** Ends every fault that lasts, outages excepted. */
  reset(): void;
};
export type Devnet = {
  readonly url: string;
  readonly port: number;
  readonly chain: Chain;
  /** The chain's drand-like beacon: what it has signed, and how to withhold or forge its pulses. */
  readonly beacon: Beacon;
  /** Makes a block now. With manual sealing its time is one block time after the parent's. */
  seal(options?: SealOptions): Block;
  /** Makes several blocks and gives the last. */
  sealBlocks(count: number): Block;
  head(): Block;
  /** Slow answers, errors, refused transactions, outages, silence about heads. */
  readonly faults: NodeFaults;
  /** Replaces the newest blocks, which must not be final, by others; gives the new head. */
  reorg(options: ReorgOptions): Block;
  /** Block `atBlock` sets the code of another runtime, which executes the blocks after it. */
  upgradeRuntime(options: { readonly profile: RuntimeProfile; readonly atBlock: number }): void;
  /** Ends all connections and listens no more, while blocks go on: an outage as clients see it. */
  unplug(): Promise<void>;
  /** Listens again on the same port. */
  plug(): Promise<void>;
  stop(): Promise<void>;
};

const writeGenesis =
  (genesis: GenesisConfig, pallets: readonly Pallet[]) =>
  (ctx: Context): void => {
    for (const { address, free } of genesis.accounts) deposit(ctx, accountFromAddress(address), free);
    for (const pallet of pallets) pallet.genesis?.(ctx, genesis);
  };

const warn = (error: unknown): void =>
  process.emitWarning(error instanceof Error ? error : String(error), 'DevnetDefect');

/** Timestamps: wall clock for intervals, block times from the start for manual blocks; always increasing. */
const createClock =
  (isManual: boolean, blockTimeMs: number) =>
  (parent: Block, wanted?: number): number => {
    const next =
      wanted ?? (isManual ? parent.timestampMs + blockTimeMs : Math.max(Date.now(), parent.timestampMs + 1));
    if (next <= parent.timestampMs)
      throw new RangeError(`timestamp ${next} is not after the parent's ${parent.timestampMs}`);
    return next;
  };

/** `options` with what they leave open. */
type Settled = DevnetOptions & Required<Pick<DevnetOptions, 'pallets' | 'onDefect'>>;

const openChain = (
  options: Settled,
  restore: ChainSnapshot | undefined,
  keep?: ChainOptions['keep'],
): Chain => {
  const { genesis, pallets, onDefect } = options;
  const { blockTimeMs } = genesis;
  const runtime = createRuntime({
    blockTimeMs,
    pallets,
    ...(options.profile && { profile: options.profile }),
  });
  const chainOptions: ChainOptions = {
    runtime,
    makeRuntime: (profile) => createRuntime({ blockTimeMs, pallets, profile, state: runtime.state }),
    blockTimeMs,
    startMs: options.startMs ?? Date.now(),
    finalityLagBlocks: options.finalityLagBlocks ?? 0,
    isArchive: options.archive === true,
    writeGenesis: writeGenesis(genesis, runtime.pallets),
    onDefect,
    ...(keep && { keep }),
  };
  return createChain(restore === undefined ? chainOptions : { ...chainOptions, restore });
};

/** Snapshots of a chain at intervals and at its end. A failed one is told and does not stop the chain. */
const keepSnapshots = (
  store: SnapshotStore,
  chain: Chain,
  { everyBlocks, onDefect }: { readonly everyBlocks: number; readonly onDefect: (error: unknown) => void },
) => {
  const stop = chain.listen({
    onImport: ({ number }) => {
      if (number % everyBlocks === 0) store.write(chain.snapshot).catch(onDefect);
    },
  });
  return async (): Promise<void> => {
    stop();
    try {
      await store.write(chain.snapshot);
    } finally {
      await store.close();
    }
  };
};

/** The chain of the folder's snapshot, or a new one. */
const restoreChain = async (store: SnapshotStore | undefined, options: Settled): Promise<Chain> => {
  if (store === undefined) return openChain(options, undefined);
  try {
    const snapshot = await store.read();
    const chain = openChain(options, snapshot, store.append);
    // The journal tells what came after a snapshot: there is one before the first block
    if (snapshot === undefined) await store.write(chain.snapshot);
    if (snapshot === undefined || snapshot.genesisHash === chain.genesis.hash) return chain;
    const mismatch = `its genesis is ${snapshot.genesisHash}, this one's ${chain.genesis.hash}`;
    throw new SnapshotError(
      store.file,
      `belongs to another chain (${mismatch}): start with the genesis file and the version that made it`,
    );
  } catch (error) {
    await store.close();
    throw error;
  }
};

/** The node's listening end, which can be taken away and put back. */
const createOutlet = (start: (port: number) => Promise<RpcServer>) => {
  let server: RpcServer | undefined;
  let port = 0;
  return {
    port: (): number => port,
    plug: async (wanted = port): Promise<void> => {
      server ??= await start(wanted);
      port = server.port;
    },
    unplug: async (): Promise<void> => {
      const old = server;
      server = undefined;
      await old?.stop();
    },
  };
};

/** Starts a chain from its genesis. Rejects when the port is taken or the genesis does not fit the pallets. */
export const startDevnet = async (options: DevnetOptions): Promise<Devnet> => {
  await cryptoWaitReady(); // the WASM hashes; the JavaScript ones give the same, slower
  const { host = '127.0.0.1', onDefect = warn } = options;
  const blockTimeMs = options.blockTimeMs ?? options.genesis.blockTimeMs;
  const genesis = { ...options.genesis, blockTimeMs };
  const beacon = createBeacon(genesis);
  const pallets = (options.pallets ?? defaultPallets).map((pallet) =>
    pallet === drand ? drandWith(beacon) : pallet,
  );
  const isManual = options.sealing === 'manual';
  const store = options.dataDir === undefined ? undefined : await openSnapshotStore(options.dataDir);
  const chain = await restoreChain(store, { ...options, genesis, pallets, onDefect });
  const everyBlocks = options.snapshotEveryBlocks ?? SNAPSHOT_EVERY_BLOCKS;
  const saveLast = store && keepSnapshots(store, chain, { everyBlocks, onDefect });
  const nextMs = createClock(isManual, blockTimeMs);
  const seal = ({ nowMs }: SealOptions = {}): Block => chain.seal(nextMs(chain.head(), nowMs));
  const faults = createFaults();
  const nodeFaults: NodeFaults = {
    delayCalls: faults.delayCalls,
    failCalls: faults.failCalls,
    refuseExtrinsics: faults.refuseExtrinsics,
    clear: faults.clear,
    dropConnections: async ({ forMs }) => {
      await outlet.unplug();
      await sleep(forMs);
      await outlet.plug();
    },
    freezeHeads: chain.freezeHeads,
    stallFinality: chain.stallFinality,
    reset: () => {
      faults.clear();
      chain.freezeHeads(false);
      chain.stallFinality(false);
    },
  };
  const reorg = (wanted: ReorgOptions): Block => chain.reorganize(wanted, nextMs);
  const control: NodeControl = {
    ...nodeFaults,
    dropConnections: (outage) => nodeFaults.dropConnections(outage).catch(onDefect),
    reorganize: reorg,
    upgradeRuntime: ({ specVersion, atBlock }) => chain.scheduleUpgrade(profileOf(specVersion), atBlock),
  };
  const rpcNode = {
    chain,
    chainName: genesis.chain,
    seal: isManual ? () => seal() : undefined,
    faults,
    control: options.faults === true ? control : undefined,
  };
  const outlet = createOutlet((port) => startRpcServer(rpcNode, { host, port }));
  await outlet.plug(options.port ?? 0);
  const producer = isManual ? undefined : startProducer(blockTimeMs, () => seal());
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return {
    url: `ws://${shownHost}:${outlet.port()}`,
    port: outlet.port(),
    chain,
    beacon,
    seal,
    sealBlocks: (count) => {
      let block = chain.head();
      for (let made = 0; made < count; made += 1) block = seal();
      return block;
    },
    head: chain.head,
    faults: nodeFaults,
    reorg,
    upgradeRuntime: ({ profile, atBlock }) => chain.scheduleUpgrade(profile, atBlock),
    unplug: outlet.unplug,
    plug: () => outlet.plug(),
    stop: async () => {
      producer?.stop();
      await outlet.unplug();
      await saveLast?.();
    },
  };
};
