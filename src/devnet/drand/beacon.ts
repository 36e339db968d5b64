/**
 * A drand-like beacon of the embedded chain, and the off-chain worker that brings its pulses into blocks.
 *
 * Its clock is the chain's: a round is out once a block's timestamp has reached it, whoever makes the blocks and at
 * whatever pace. Rounds are counted from quicknet's genesis time unless the genesis file says otherwise, so that the
 * genesis block does not depend on when the chain was started and the arithmetic of clients is that of the real chain.
 * A round takes 3 s with blocks of 12 s and is proportionally shorter with faster blocks, down to the one second that
 * the period's type (u32 seconds) allows: with blocks of 250 ms a round spans four of them.
 */
import type { GenesisConfig } from '../genesis.ts';
import { concatBytes } from '../scale.ts';
import { publicKeyOf, SCHEME_ID, secretKeyFrom, sha256, signRound } from './quicknet.ts';
import { type BeaconConfiguration, type Pulse, QUICKNET } from './storage.ts';

/** Rounds that the worker fetches at most for one block (`MAX_PULSES_TO_FETCH`). */
export const MAX_PULSES_PER_BLOCK = 50;
const QUICKNET_BLOCK_TIME_MS = 12_000;
const MS_PER_SECOND = 1000;

export type Beacon = {
  /** As stored in `Drand.BeaconConfig`; the public key is the one to encrypt to. */
  readonly configuration: BeaconConfiguration;
  /** Newest round that is out at a Unix time in ms; 0 before the first. */
  roundAt(unixMs: number): number;
  /** Unix time in ms at which a round comes out. */
  publishedAtMs(round: number): number;
  /** Signs a round, past or future, as if its time had come. */
  pulse(round: number): Pulse;
  /**
   * Brings no pulses to the chain until `release`, which makes up for the missed ones, 50 per block. On a chain
   * without any pulse yet the first one is the newest, as with the real worker, and older ones never come.
   */
  withhold(): void;
  release(): void;
  /** These rounds never reach the chain: the following ones do, after which the chain refuses older ones. */
  skip(...rounds: readonly number[]): void;
  /** Brings a pulse, good or bad, to the chain in the next block, also while pulses are withheld. */
  inject(pulse: Pulse): void;
  /** For the node: the pulses that go into a block of this time. Injected ones are handed out once. */
  collect(lastStoredRound: number, nowMs: number): readonly Pulse[];
};

const periodFor = (blockTimeMs: number): number =>
  Math.min(
    QUICKNET.period,
    Math.max(1, Math.round((QUICKNET.period * blockTimeMs) / QUICKNET_BLOCK_TIME_MS)),
  );

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const u32BigEndian = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
};

/** drand's chain hash: period, genesis time as i64, public key, group hash, and the names of what is not its default. */
export const chainHash = (configuration: Omit<BeaconConfiguration, 'hash'>): Uint8Array => {
  const { period, genesisTime, publicKey, groupHash, metadata } = configuration;
  const genesisTimeBytes = concatBytes(new Uint8Array(4), u32BigEndian(genesisTime));
  return sha256(u32BigEndian(period), genesisTimeBytes, publicKey, groupHash, metadata.beaconId);
};

const configurationOf = (config: GenesisConfig, publicKey: Uint8Array): BeaconConfiguration => {
  const named = {
    publicKey,
    period: config.beacon?.periodSeconds ?? periodFor(config.blockTimeMs),
    genesisTime: config.beacon?.genesisTimeSeconds ?? QUICKNET.genesisTime,
    groupHash: sha256('group of the beacon of ', config.chain),
    schemeId: text(SCHEME_ID),
    metadata: { beaconId: text('devnet') },
  };
  return { ...named, hash: chainHash(named) };
};

type Clock = Pick<Beacon, 'roundAt' | 'publishedAtMs'>;
/** Round r comes out at genesis + (r - 1) periods. */
const createClock = ({ period, genesisTime }: BeaconConfiguration): Clock => ({
  roundAt: (unixMs) => Math.max(0, Math.floor((unixMs / MS_PER_SECOND - genesisTime) / period) + 1),
  publishedAtMs: (round) => (genesisTime + (round - 1) * period) * MS_PER_SECOND,
});

/** The beacon of a genesis: same chain name or seed, same key. */
export const createBeacon = (config: GenesisConfig): Beacon => {
  const secretKey = secretKeyFrom(`beacon of ${config.beacon?.seed ?? config.chain}`);
  const configuration = configurationOf(config, publicKeyOf(secretKey));
  const clock = createClock(configuration);
  const skipped = new Set<number>();
  const injected: Pulse[] = [];
  let isWithheld = false;

  const pulse = (round: number): Pulse => {
    const signature = signRound(secretKey, configuration.publicKey, BigInt(round));
    return { round: BigInt(round), randomness: sha256(signature), signature };
  };
  const dueRounds = (lastStoredRound: number, nowMs: number): readonly number[] => {
    const newest = clock.roundAt(nowMs);
    const first = lastStoredRound === 0 ? newest : lastStoredRound + 1;
    const count = Math.min(newest - first + 1, MAX_PULSES_PER_BLOCK);
    const rounds = Array.from({ length: Math.max(0, count) }, (_, i) => first + i);
    return rounds.filter((round) => round > 0 && !skipped.has(round));
  };
  return {
    ...clock,
    configuration,
    pulse,
    withhold: () => {
      isWithheld = true;
    },
    release: () => {
      isWithheld = false;
    },
    skip: (...rounds) => {
      for (const round of rounds) skipped.add(round);
    },
    inject: (given) => {
      injected.push(given);
    },
    collect: (lastStoredRound, nowMs) => [
      ...injected.splice(0, MAX_PULSES_PER_BLOCK),
      ...(isWithheld ? [] : dueRounds(lastStoredRound, nowMs).map(pulse)),
    ],
  };
};
