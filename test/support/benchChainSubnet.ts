/** The subnet of the chain benchmark: 256 neurons, 64 of them validators. */
import { createHash } from 'node:crypto';
import { encodeHotkey } from '#src/keys/ss58.ts';

export const NETUID = 86;
export const NEURONS = 256;
export const VALIDATORS = 64;
/** The fields of a metagraph that the client reads (`SelectiveMetagraphIndex`), for clients that ask for the same. */
export const SELECTION: readonly number[] = [
  0, 5, 7, 8, 24, 26, 27, 28, 29, 30, 31, 36, 45, 46, 47, 52, 53, 55, 56, 57, 59, 60, 61, 62, 63, 66, 69,
];

/** An address nobody has the key of; deriving 256 real keys would take longer than the benchmark. */
const addressOf = (name: string): string => encodeHotkey(createHash('sha256').update(name).digest());

/** A genesis file; the first neuron is `//Alice`, who signs. */
export const benchGenesis = (blockTimeMs: number) => ({
  chain: 'chain benchmark',
  blockTimeMs,
  accounts: [],
  flags: { allowLoopbackAxon: true },
  subnets: [
    {
      netuid: NETUID,
      tempo: 360,
      ownerColdkey: addressOf('owner'),
      ownerHotkey: addressOf('owner hotkey'),
      hyperparameters: { commitRevealWeightsEnabled: false, minAllowedWeights: 1, weightsSetRateLimit: 0 },
      neurons: Array.from({ length: NEURONS }, (_, uid) => ({
        hotkey: uid === 0 ? '//Alice' : addressOf(`hotkey ${uid}`),
        coldkey: addressOf(`coldkey ${uid}`),
        stake: uid < VALIDATORS ? `${1_000 + uid}000000000` : '0',
        ...(uid < VALIDATORS && { validatorPermit: true }),
      })),
    },
  ],
});
