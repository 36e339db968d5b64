/** The first block's contents, from a small JSON file. */
import {
  decodeAddress,
  encodeAddress,
  keyExtractSuri,
  keyFromPath,
  mnemonicToMiniSecret,
  sr25519PairFromSeed,
} from '@polkadot/util-crypto';

/** Amounts are rao: 1 TAO = 1 alpha = 1_000_000_000 rao. Addresses are SS58 with prefix 42. */
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
export type GenesisBeacon = {
  /** Phrase of its BLS key; the chain's name when not given. */
  readonly seed?: string;
  /** Seconds from round to round; 3 with blocks of 12 s, fewer with faster blocks, at least 1, when not given. */
  readonly periodSeconds?: number;
  /** Unix time in seconds of round 1; quicknet's when not given. */
  readonly genesisTimeSeconds?: number;
};
export type GenesisConfig = {
  readonly chain: string;
  readonly blockTimeMs: number;
  readonly accounts: readonly GenesisAccount[];
  readonly subnets: readonly GenesisSubnet[];
  /** The chain's own drand-like beacon; what is left out follows from chain name and block time. */
  readonly beacon?: GenesisBeacon;
  /** Address of the sudo key; //Alice when not given. */
  readonly sudo?: string;
  readonly flags: {
    readonly allowLoopbackAxon: boolean;
    /** Lets owners set tempos below 360 blocks, as fast-runtime builds do; off when not given. */
    readonly allowShortTempo?: boolean;
  };
};

/** A genesis file that cannot be used; the message names the place in the file and what is expected there. */
export class GenesisError extends Error {}

/** The phrase from which Substrate's development accounts (`//Alice`) are derived. */
const DEV_PHRASE = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk';
const SS58_PREFIX = 42;
/** 100 ms: below that a block may take longer than its slot. */
const MIN_BLOCK_TIME_MS = 100;
const MAX_BLOCK_TIME_MS = 600_000;
const DEFAULT_BLOCK_TIME_MS = 12_000;
const MAX_BEACON_PERIOD_SECONDS = 3600;
const MAX_U16 = 65_535;
const MAX_U32 = 4_294_967_295;
const MAX_U64 = (1n << 64n) - 1n;

/** The 32 bytes of an SS58 address. */
export const accountFromAddress = (address: string): Uint8Array => decodeAddress(address);

/** The 32 bytes of a development account such as `//Alice`. */
export const accountFromUri = (uri: string): Uint8Array => {
  const { path } = keyExtractSuri(`${DEV_PHRASE}${uri}`);
  return keyFromPath(sr25519PairFromSeed(mnemonicToMiniSecret(DEV_PHRASE)), path, 'sr25519').publicKey;
};

type Json = { readonly [key: string]: unknown };
const refuse = (at: string, expected: string, found: unknown): never => {
  const shown = JSON.stringify(found) ?? String(found);
  throw new GenesisError(`genesis: ${at} must be ${expected}, found ${shown.slice(0, 80)}`);
};
const object = (value: unknown, at: string, allowed: readonly string[]): Json => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse(at, 'an object', value);
  const unknown = Object.keys(value).find((key) => !allowed.includes(key));
  if (unknown !== undefined)
    throw new GenesisError(`genesis: ${at} has the unknown key ${unknown}; known are ${allowed.join(', ')}`);
  return value as Json;
};
const list = <T>(value: unknown, at: string, item: (value: unknown, at: string) => T): readonly T[] => {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return refuse(at, 'a list', value);
  return value.map((entry, index) => item(entry, `${at}[${index}]`));
};
const integer = (value: unknown, at: string, min: number, max: number): number =>
  typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
    ? value
    : refuse(at, `an integer from ${min} to ${max}`, value);
const boolean = (value: unknown, at: string): boolean =>
  typeof value === 'boolean' ? value : refuse(at, 'true or false', value);
const rao = (value: unknown, at: string): bigint => {
  const isDigits = typeof value === 'string' && /^\d{1,20}$/.test(value);
  const amount = isDigits ? BigInt(value) : -1n;
  return amount >= 0n && amount <= MAX_U64 ? amount : refuse(at, 'a string of digits (rao, u64)', value);
};
const address = (value: unknown, at: string): string => {
  const expected = 'an SS58 address or a development account such as "//Alice"';
  if (typeof value !== 'string') return refuse(at, expected, value);
  try {
    const account = value.startsWith('//') ? accountFromUri(value) : decodeAddress(value);
    return encodeAddress(account, SS58_PREFIX);
  } catch {
    return refuse(at, expected, value);
  }
};

const account = (value: unknown, at: string): GenesisAccount => {
  const fields = object(value, at, ['address', 'free']);
  return {
    address: address(fields['address'], `${at}.address`),
    free: rao(fields['free'], `${at}.free`),
  };
};
const neuron = (value: unknown, at: string): GenesisNeuron => {
  const fields = object(value, at, ['hotkey', 'coldkey', 'stake', 'validatorPermit']);
  const permit = fields['validatorPermit'];
  return {
    hotkey: address(fields['hotkey'], `${at}.hotkey`),
    coldkey: address(fields['coldkey'], `${at}.coldkey`),
    stake: rao(fields['stake'] ?? '0', `${at}.stake`),
    validatorPermit: permit === undefined ? undefined : boolean(permit, `${at}.validatorPermit`),
  };
};
const hyperparameters = (value: unknown, at: string): GenesisSubnet['hyperparameters'] => {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse(at, 'an object', value);
  const entries = Object.entries(value).map(([name, entry]) => {
    const isPlain = typeof entry === 'number' || typeof entry === 'boolean' || typeof entry === 'string';
    if (!isPlain) return refuse(`${at}.${name}`, 'a number, a boolean or a string of digits', entry);
    return [name, entry] as const;
  });
  return Object.fromEntries(entries);
};
const subnet = (value: unknown, at: string): GenesisSubnet => {
  const allowed = ['netuid', 'tempo', 'ownerColdkey', 'ownerHotkey', 'hyperparameters', 'neurons'];
  const fields = object(value, at, allowed);
  return {
    netuid: integer(fields['netuid'], `${at}.netuid`, 0, MAX_U16),
    tempo: integer(fields['tempo'], `${at}.tempo`, 1, MAX_U16),
    ownerColdkey: address(fields['ownerColdkey'], `${at}.ownerColdkey`),
    ownerHotkey: address(fields['ownerHotkey'], `${at}.ownerHotkey`),
    hyperparameters: hyperparameters(fields['hyperparameters'], `${at}.hyperparameters`),
    neurons: list(fields['neurons'], `${at}.neurons`, neuron),
  };
};
const beacon = (value: unknown, at: string): GenesisBeacon => {
  const fields = object(value, at, ['seed', 'periodSeconds', 'genesisTimeSeconds']);
  const { seed, periodSeconds, genesisTimeSeconds } = fields;
  return {
    ...(seed !== undefined && {
      seed: typeof seed === 'string' && seed !== '' ? seed : refuse(`${at}.seed`, 'a phrase', seed),
    }),
    ...(periodSeconds !== undefined && {
      periodSeconds: integer(periodSeconds, `${at}.periodSeconds`, 1, MAX_BEACON_PERIOD_SECONDS),
    }),
    ...(genesisTimeSeconds !== undefined && {
      genesisTimeSeconds: integer(genesisTimeSeconds, `${at}.genesisTimeSeconds`, 0, MAX_U32),
    }),
  };
};
const assertUnique = (values: readonly (string | number)[], what: string): void => {
  const repeated = values.find((value, index) => values.indexOf(value) !== index);
  if (repeated !== undefined) throw new GenesisError(`genesis: ${what} ${repeated} is given twice`);
};

/** Reads a genesis from parsed JSON. Throws GenesisError. */
export const decodeGenesis = (value: unknown): GenesisConfig => {
  const fields = object(value, 'file', [
    'chain',
    'blockTimeMs',
    'accounts',
    'subnets',
    'beacon',
    'sudo',
    'flags',
  ]);
  const flags = object(fields['flags'] ?? {}, 'flags', ['allowLoopbackAxon', 'allowShortTempo']);
  const sudo = fields['sudo'];
  const chain = fields['chain'] ?? 'MIAOAI devnet';
  const accounts = list(fields['accounts'], 'accounts', account);
  const subnets = list(fields['subnets'], 'subnets', subnet);
  assertUnique(
    accounts.map((entry) => entry.address),
    'the account',
  );
  assertUnique(
    subnets.map((entry) => entry.netuid),
    'the netuid',
  );
  return {
    chain: typeof chain === 'string' && chain !== '' ? chain : refuse('chain', 'a name', chain),
    blockTimeMs: integer(
      fields['blockTimeMs'] ?? DEFAULT_BLOCK_TIME_MS,
      'blockTimeMs',
      MIN_BLOCK_TIME_MS,
      MAX_BLOCK_TIME_MS,
    ),
    accounts,
    subnets,
    ...(fields['beacon'] !== undefined && { beacon: beacon(fields['beacon'], 'beacon') }),
    ...(sudo === undefined ? {} : { sudo: address(sudo, 'sudo') }),
    flags: {
      allowLoopbackAxon: boolean(flags['allowLoopbackAxon'] ?? false, 'flags.allowLoopbackAxon'),
      allowShortTempo: boolean(flags['allowShortTempo'] ?? false, 'flags.allowShortTempo'),
    },
  };
};

/** Reads a genesis file's text. Throws GenesisError. */
export const parseGenesis = (text: string): GenesisConfig => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new GenesisError(`genesis: the file is no JSON: ${(cause as Error).message}`);
  }
  return decodeGenesis(value);
};
