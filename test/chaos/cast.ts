import { hotkeyOf } from '#test/support/systemNetwork.ts';

export const netuid = 86;
/** Fast blocks: an epoch of 18 s, of which weights have the last 70 % and the last four blocks are too late. */
export const blockTimeMs = 250;
export const tempo = 72;
export const dueAfter = 0.3;
/** Blocks before the end of an epoch in which nothing is sent any more. */
export const lastBlocks = 4;
export const roundDeadlineMs = 1_500;
export const leaseMs = 2_000;
/** For dialling the chain and reading its metadata. */
export const connectMs = 3_000;
/** Blocks in a row in which a validator that lacks nothing has surely scored, signed and sent: 3.5 s; half a second is usual. */
export const enoughBlocks = 14;
/** What judges a store, given where it is. */
export const storeCommands: readonly (readonly string[])[] = [['audit'], ['store', 'check']];

export const validatorUri = '//ChaosValidator';
export const witnessUri = '//ChaosWitness';
export const minerUri = (index: number): string => `//ChaosMiner${index}`;
/** The validator registers first, then the witness. */
export const validatorUid = 0;

export const validatorHotkey = (): string => hotkeyOf(validatorUri);

const alpha = (amount: number): string => `${amount}000000000`;

/**
 * Commit-reveal is off, so that weights can be read in the block that sets them, and the rate limit so low that the
 * chain itself would not stop a second vector in one epoch.
 */
export const genesisOf = (options: {
  readonly validators: readonly string[];
  readonly miners: number;
  readonly allowLoopbackAxon: boolean;
  readonly blockTimeMs: number;
  readonly tempo: number;
}) => ({
  chain: 'MIAOAI chaos',
  blockTimeMs: options.blockTimeMs,
  accounts: [],
  subnets: [
    {
      netuid,
      tempo: options.tempo,
      ownerColdkey: '//ChaosOwner',
      ownerHotkey: '//ChaosOwnerHotkey',
      hyperparameters: { commitRevealWeightsEnabled: false, minAllowedWeights: 1, weightsSetRateLimit: 1 },
      neurons: [
        ...options.validators.map((uri) => ({
          hotkey: uri,
          coldkey: `${uri}Cold`,
          stake: alpha(10_000),
          validatorPermit: true,
        })),
        ...[witnessUri, ...Array.from({ length: options.miners }, (_, index) => minerUri(index))].map(
          (uri) => ({ hotkey: uri, coldkey: `${uri}Cold`, stake: alpha(10) }),
        ),
      ],
    },
  ],
  flags: { allowLoopbackAxon: options.allowLoopbackAxon },
});
