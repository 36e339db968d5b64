/** The first block's contents, from a small JSON file. */

/** Amounts are rao: 1 TAO = 1 alpha = 1_000_000_000 rao. */
export type GenesisAccount = { readonly address: string; readonly free: bigint };
export type GenesisNeuron = {
  readonly hotkey: string;
  readonly coldkey: string;
  /** Alpha rao staked by the coldkey to the hotkey on the subnet. */
  readonly stake: bigint;
  readonly validatorPermit: boolean | undefined;
};
export type GenesisSubnet = {
  readonly netuid: number;
  readonly tempo: number;
  readonly ownerColdkey: string;
  readonly ownerHotkey: string;
  /** By storage item in camelCase: `{ "minAllowedWeights": 1, "commitRevealWeightsEnabled": false }`. */
  readonly hyperparameters: { readonly [name: string]: number | boolean | string };
  readonly neurons: readonly GenesisNeuron[];
};
export type GenesisConfig = {
  readonly chain: string;
  readonly blockTimeMs: number;
  readonly accounts: readonly GenesisAccount[];
  readonly subnets: readonly GenesisSubnet[];
  readonly flags: { readonly allowLoopbackAxon: boolean };
};
