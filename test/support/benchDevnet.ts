/**
 * Measures the embedded chain at full size: what a block with an epoch takes, what a metagraph read takes, and whether
 * memory stays flat over many blocks. Figures are of this machine and process; a bench repeats and compares them.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { encodeAddress } from '@polkadot/util-crypto';
import { decodeGenesis, type GenesisConfig } from '#src/devnet/genesis.ts';
import { type Devnet, startDevnet } from '#src/devnet/node.ts';
import { definePallet } from '#src/devnet/pallet.ts';
import { defaultPallets } from '#src/devnet/runtime.ts';
import { storage } from '#src/devnet/subtensor/storage.ts';

export type BenchDevnetOptions = {
  readonly neurons: number;
  /** How many of them have a permit and a weight for every neuron. */
  readonly validators: number;
  readonly tempoBlocks: number;
  /** Signs the beacon's pulses in every block, which costs more than all the rest of a block without an epoch. */
  readonly hasBeacon: boolean;
};
export const fullSubnet: BenchDevnetOptions = {
  neurons: 256,
  validators: 64,
  tempoBlocks: 20,
  hasBeacon: false,
};

const NETUID = 1;
const ALPHA_RAO = 1_000_000_000n;
const U16_MAX = 65_535;
/** Later than every block of a run: nobody becomes inactive. */
const NEVER = 1_000_000_000n;
/** Above the pallets of the chain. */
const BENCH_PALLET_INDEX = 250;

const account = (index: number): string =>
  encodeAddress(
    new Uint8Array(32)
      .fill(7)
      .with(0, index & 255)
      .with(1, index >> 8),
    42,
  );

const genesisOf = ({ neurons, validators, tempoBlocks }: BenchDevnetOptions): GenesisConfig =>
  decodeGenesis({
    chain: 'bench chain',
    accounts: [{ address: account(60_000), free: String(ALPHA_RAO) }],
    subnets: [
      {
        netuid: NETUID,
        tempo: tempoBlocks,
        ownerColdkey: account(60_000),
        ownerHotkey: account(60_001),
        neurons: Array.from({ length: neurons }, (_, uid) => ({
          hotkey: account(uid),
          coldkey: account(30_000 + uid),
          stake: String(ALPHA_RAO * BigInt(uid < validators ? 10_000 + uid * 37 : 1)),
          validatorPermit: uid < validators,
        })),
      },
    ],
  });

/** Full rows that differ between validators, repeatable without randomness. */
const weightRow = (validator: number, neurons: number): [number, number][] =>
  Array.from({ length: neurons }, (_, uid) => [uid, 1 + ((uid * 7919 + validator * 104_729) % U16_MAX)]);

const benchPallet = ({ neurons, validators }: BenchDevnetOptions) =>
  definePallet({
    name: 'Bench',
    index: BENCH_PALLET_INDEX,
    genesis: (ctx) => {
      for (let uid = 0; uid < validators; uid += 1)
        ctx.put(storage.Weights, NETUID, uid, weightRow(uid, neurons));
      ctx.put(storage.LastUpdate, NETUID, new Array<bigint>(neurons).fill(NEVER));
      ctx.put(storage.MaxAllowedValidators, NETUID, validators);
    },
  });

/** A chain with manual blocks whose subnet is full. */
export const startBenchDevnet = (options: BenchDevnetOptions = fullSubnet): Promise<Devnet> =>
  startDevnet({
    genesis: genesisOf(options),
    sealing: 'manual',
    startMs: 1_700_000_000_000,
    pallets: [
      ...defaultPallets.filter(({ name }) => options.hasBeacon || name !== 'Drand'),
      benchPallet(options),
    ],
  });

export type BlockFigures = {
  /** Of each block in which an epoch ran. */
  readonly epochMs: readonly number[];
  /** Of all other blocks. */
  readonly plainMs: readonly number[];
};
/** Seals blocks until `epochs` epochs ran. */
export const measureBlocks = (devnet: Devnet, epochs: number): BlockFigures => {
  const epochMs: number[] = [];
  const plainMs: number[] = [];
  while (epochMs.length < epochs) {
    const startMs = performance.now();
    const block = devnet.seal();
    const tookMs = performance.now() - startMs;
    const last = devnet.chain.contextAt(block).get(storage.LastMechansimStepBlock, NETUID);
    (last === BigInt(block.number) ? epochMs : plainMs).push(tookMs);
  }
  return { epochMs, plainMs };
};

/** The fields that the chain client reads of every subnet, as its cheapest full read names them. */
const CLIENT_FIELDS = [
  0, 7, 8, 9, 10, 24, 26, 27, 28, 29, 30, 46, 47, 52, 53, 55, 56, 57, 59, 60, 61, 62, 63, 66, 67, 68, 69,
];
/** Milliseconds of each `get_selective_mechagraph` with the client's fields, encoding included. */
export const measureMetagraphReads = (devnet: Devnet, reads: number): readonly number[] => {
  const { chain } = devnet;
  const method = chain.runtime.api('SubnetInfoRuntimeApi_get_selective_mechagraph');
  if (method === undefined) throw new Error('the runtime has no get_selective_mechagraph');
  return Array.from({ length: reads }, () => {
    const startMs = performance.now();
    const args = { netuid: NETUID, subid: 0, metagraphIndexes: CLIENT_FIELDS };
    const bytes = method.returns.enc(method.handle(chain.contextAt(chain.head()), args));
    if (bytes.length < 10_000) throw new Error(`a full metagraph of only ${bytes.length} bytes`);
    return performance.now() - startMs;
  });
};

export type MemoryFigures = {
  /** Heap in use after a collection, by blocks sealed. */
  readonly samples: readonly { readonly block: number; readonly heapBytes: number }[];
  /** Over the second half; the history of blocks is full after 20,000. */
  readonly slopeBytesPerBlock: number;
};

/** Median of the slopes between all pairs (Theil–Sen): a table that once doubles its room does not look like a leak. */
const slope = (points: readonly (readonly [number, number])[]): number => {
  const slopes = points
    .flatMap(([x, y], index) => points.slice(index + 1).map(([later, other]) => (other - y) / (later - x)))
    .toSorted((a, b) => a - b);
  return slopes[slopes.length >> 1] ?? 0;
};

/** A collection on request, without a flag on the command line: what stays is what is in use. */
const collector = (): (() => void) => {
  setFlagsFromString('--expose_gc');
  return runInNewContext('gc');
};

/** Seals blocks and looks at the heap after a collection in between. */
export const measureMemory = (devnet: Devnet, blocks: number, samples = 20): MemoryFigures => {
  const collect = collector();
  const every = Math.floor(blocks / samples);
  const found = Array.from({ length: samples }, () => {
    const { number } = devnet.sealBlocks(every);
    collect();
    return { block: number, heapBytes: process.memoryUsage().heapUsed };
  });
  const later = found.slice(Math.floor(samples / 2));
  return {
    samples: found,
    slopeBytesPerBlock: slope(later.map(({ block, heapBytes }) => [block, heapBytes])),
  };
};
