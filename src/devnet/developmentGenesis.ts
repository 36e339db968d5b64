/** The genesis of `miaoai devnet` without a file: funded development accounts and an empty subnet 86. */
import { decodeGenesis, type GenesisConfig } from './genesis.ts';

const RAO_PER_TAO = 1_000_000_000n;
const rao = (tao: bigint): string => String(tao * RAO_PER_TAO);

/** Balances as on subtensor's own local chain (node/src/chain_spec/localnet.rs). */
const RICH = ['//Alice', '//Bob', '//Charlie'];
const FUNDED = ['//Dave', '//Eve', '//Ferdie', '//One', '//Two', '//Three'];

export const developmentGenesis = (): GenesisConfig =>
  decodeGenesis({
    chain: 'MIAOAI devnet',
    accounts: [
      ...RICH.map((address) => ({ address, free: rao(1_000_000n) })),
      ...FUNDED.map((address) => ({ address, free: rao(2_000n) })),
    ],
    subnets: [{ netuid: 86, tempo: 100, ownerColdkey: '//Alice', ownerHotkey: '//Alice//owner' }],
    flags: { allowLoopbackAxon: true },
  });
