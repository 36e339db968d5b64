/** The embedded chain that the other clients are let loose on: fast blocks, a validator with stake, a miner. */
import { Keyring } from '@polkadot/keyring';
import { decodeGenesis } from '#src/devnet/genesis.ts';
import { type Devnet, startDevnet } from '#src/devnet/node.ts';

export const NETUID = 86;
export const TEMPO = 12;
export const BLOCK_TIME_MS = 300;
export const TAO = 1_000_000_000n;

export const keyring = new Keyring({ type: 'sr25519', ss58Format: 42 });
/** Address of a development account. */
export const addressOf = (uri: string): string => keyring.addFromUri(uri).address;

/** uid 0 and 1 of the subnet; Alice and Bob are their coldkeys. */
export const VALIDATOR = { coldkey: '//Alice', hotkey: '//Alice//validator' };
export const MINER = { coldkey: '//Bob', hotkey: '//Bob//miner' };
export const STAKE = 1_000n * TAO;

type Setting = number | boolean | string;
type ChainOptions = {
  readonly tempo?: number;
  readonly hyperparameters?: { readonly [name: string]: Setting };
  readonly sealing?: 'interval' | 'manual';
};
export const startChain = (options: ChainOptions = {}): Promise<Devnet> =>
  startDevnet({
    blockTimeMs: BLOCK_TIME_MS,
    sealing: options.sealing ?? 'interval',
    genesis: decodeGenesis({
      accounts: ['//Alice', '//Bob'].map((address) => ({ address, free: String(1_000n * TAO) })),
      subnets: [
        {
          netuid: NETUID,
          tempo: options.tempo ?? TEMPO,
          ownerColdkey: '//Charlie',
          ownerHotkey: '//Charlie//owner',
          hyperparameters: {
            commitRevealWeightsEnabled: false,
            weightsSetRateLimit: '2',
            servingRateLimit: '2',
            ...options.hyperparameters,
          },
          neurons: [
            { ...VALIDATOR, stake: String(STAKE), validatorPermit: true },
            { ...MINER, stake: '0' },
          ],
        },
      ],
      // Rounds that count as quicknet's do: the SDK knows no other beacon.
      beacon: { periodSeconds: 3 },
      flags: { allowLoopbackAxon: true },
    }),
  });

/** Asks again after each block until `wanted` holds; rejects after `blocks` blocks. */
export const eventually = async <T>(
  devnet: Devnet,
  ask: () => Promise<T>,
  wanted: (value: T) => boolean,
  blocks = 60,
): Promise<T> => {
  const until = devnet.head().number + blocks;
  for (;;) {
    const value = await ask();
    if (wanted(value)) return value;
    if (devnet.head().number > until)
      throw new Error(`not within ${blocks} blocks; last seen: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, BLOCK_TIME_MS));
  }
};
