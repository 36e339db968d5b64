import { commonSettings } from './commonSettings.ts';
import { minerDashboard, validatorDashboard } from './dashboardSettings.ts';
import { minerSettings } from './minerSettings.ts';
import type { Settings, ValuesOf } from './setting.ts';
import { validatorSettings } from './validatorSettings.ts';

export type Role = 'validator' | 'miner';

/** Every setting of a role, in the order of the help. */
export const settingsOf: { readonly [R in Role]: Settings } = {
  validator: { ...commonSettings, ...validatorSettings, ...validatorDashboard },
  miner: { ...commonSettings, ...minerSettings, ...minerDashboard },
};

type Common = Omit<ValuesOf<typeof commonSettings>, 'chainEndpoints'> &
  ValuesOf<typeof validatorDashboard> & {
    /** At least one; those of the network unless given. */
    readonly chainEndpoints: readonly string[];
    /** Where each value came from, by its name here: `flag --netuid`, `environment NETUID`, `.env.miner NETUID`, `default`. */
    readonly sources: { readonly [name: string]: string };
    /** Names in the `.env` file, and of the form MIAOAI_… in the environment, that nothing reads: likely misspelt. */
    readonly unknownNames: readonly string[];
  };

export type ValidatorConfig = { readonly role: 'validator' } & Common & ValuesOf<typeof validatorSettings>;
export type MinerConfig = { readonly role: 'miner' } & Common & ValuesOf<typeof minerSettings>;
export type Config = ValidatorConfig | MinerConfig;
export type ConfigOf<R extends Role> = Extract<Config, { readonly role: R }>;
