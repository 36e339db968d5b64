import type { Player } from './cast.ts';
import { validatorUri } from './cast.ts';

export const demoNetuid = 86;
/** Weights committed in one epoch are revealed in the next one. */
export const revealPeriodEpochs = 1;

/** Alpha rao; 1 alpha = 1e9 rao. */
const alpha = (amount: number): string => `${amount}000000000`;

/**
 * The first block of the demo's chain: one subnet, the validator with nearly all stake, and miners with a little
 * each. Commit-reveal is off unless it is asked for; everything else that is not named has the value of a new subnet on
 * chain.
 */
export const demoGenesis = (options: {
  readonly cast: readonly Player[];
  readonly blockTimeMs: number;
  readonly tempo: number;
  readonly commitReveal: boolean;
  readonly allowLoopbackAxon: boolean;
}) => ({
  chain: 'MIAOAI demo',
  blockTimeMs: options.blockTimeMs,
  accounts: [],
  subnets: [
    {
      netuid: demoNetuid,
      tempo: options.tempo,
      ownerColdkey: '//MiaoaiOwner',
      ownerHotkey: '//MiaoaiOwnerHotkey',
      hyperparameters: {
        commitRevealWeightsEnabled: options.commitReveal,
        revealPeriodEpochs,
        minAllowedWeights: 1,
        // Once per epoch fits, twice does not.
        weightsSetRateLimit: Math.floor(options.tempo / 2),
        yuma3On: true,
      },
      neurons: [
        {
          hotkey: validatorUri,
          coldkey: `${validatorUri}Cold`,
          stake: alpha(10_000),
          validatorPermit: true,
        },
        ...options.cast.map(({ uri }) => ({ hotkey: uri, coldkey: `${uri}Cold`, stake: alpha(10) })),
      ],
    },
  ],
  flags: { allowLoopbackAxon: options.allowLoopbackAxon },
});
