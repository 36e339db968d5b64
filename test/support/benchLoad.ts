import { createHash } from 'node:crypto';

import { createRandom, type Random } from '#src/domain/random.ts';
import { type Identity, identityFromUri } from '#src/keys/identity.ts';

/** The load of the round benchmark as a pure function of its seed: who answers, and after how long. */

/** Log-normal, as measured response times of services usually are; clamped, so that no answer meets the deadline. */
export const latencyModel = { medianMs: 150, sigma: 0.6, minMs: 50, maxMs: 2_000 } as const;

/** A chain that does not exist; both sides only have to name the same one. */
export const benchGenesisHash = `0x${'b1'.repeat(32)}`;
export const benchNetuid = 86;

export type SimulatedMiner = {
  /** 0-based; also its uid. */
  readonly index: number;
  /** Sleep before it answers, milliseconds; null: takes tasks and never answers. */
  readonly latencyMs: number | null;
};

/** Box-Muller; `next` is in [0, 1), so 1 - next is in (0, 1] and its logarithm finite. */
const standardNormal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());

const drawLatencyMs = (random: Random): number => {
  const { medianMs, sigma, minMs, maxMs } = latencyModel;
  const drawnMs = medianMs * Math.exp(sigma * standardNormal(random));
  return Math.min(maxMs, Math.max(minMs, drawnMs));
};

/** `dead` of `miners`, rounded, never answer; which ones, and how slow the others are, follows from the seed. */
export const drawMiners = (given: {
  readonly seed: string;
  readonly miners: number;
  readonly deadShare: number;
}): readonly SimulatedMiner[] => {
  const random = createRandom(given.seed);
  const indices = Array.from({ length: given.miners }, (_, index) => index);
  const deadCount = Math.round(given.miners * given.deadShare);
  const dead = new Set(random.fork('dead').shuffle(indices).slice(0, deadCount));
  return indices.map((index) => ({
    index,
    latencyMs: dead.has(index) ? null : drawLatencyMs(random.fork(`latency ${index}`)),
  }));
};

/** A hex seed needs no mnemonic stretching, which would take longer than the handshakes. */
export const benchIdentity = (name: string): Identity => {
  const identity = identityFromUri(`0x${createHash('sha256').update(`miaoai bench ${name}`).digest('hex')}`);
  if (!identity.ok) throw new Error(identity.error.message);
  return identity.value;
};

/** What the process of the simulated miners tells its parent. */
export type MinersReport =
  | { readonly type: 'listening'; readonly miners: readonly ListeningMiner[] }
  /** Sleeps since the last report. */
  | { readonly type: 'slept'; readonly sleeps: readonly Sleep[] };

export type ListeningMiner = { readonly index: number; readonly hotkey: string; readonly port: number };
/** `index` of the miner, `round` of the frame, milliseconds between the frame and its answers. */
export type Sleep = { readonly index: number; readonly round: string; readonly sleptMs: number };

/** What the parent tells it. */
export type MinersOrder =
  | {
      readonly type: 'start';
      readonly seed: string;
      readonly miners: number;
      readonly deadShare: number;
      /** This process plays the miners whose index leaves `part` when divided by `parts`. */
      readonly part: number;
      readonly parts: number;
      readonly validatorHotkey: string;
    }
  | { readonly type: 'report' };
