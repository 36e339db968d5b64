/** The pallet's state of block 0. */
import { decodeHotkey } from '../../keys/ss58.ts';
import { type GenesisConfig, GenesisError, type GenesisNeuron, type GenesisSubnet } from '../genesis.ts';
import type { AnyStorageItem, Context } from '../pallet.ts';
import type { TypeInfo } from '../scale.ts';
import { appendNeuron } from './neurons.ts';
import { associateHotkey } from './registration.ts';
import { increaseStake } from './stake.ts';
import { ROOT, storage } from './storage.ts';
import { initNewNetwork, writeOwner, writePool } from './subnetCreation.ts';
import { hyperparameterStorage, scheduleStorage } from './subnetStorage.ts';
import { subnetExists } from './subnets.ts';

const TAO = 1_000_000_000n;
const POOL_RAO = 10n * TAO;
const MAX_UIDS_OVER_MECHANISMS = 256;
const MAX_REVEAL_PERIOD_EPOCHS = 100n;

const accountOf = (address: string, role: string): Uint8Array => {
  const decoded = decodeHotkey(address);
  if (!decoded.ok) {
    throw new GenesisError(`genesis: the ${role} ${decoded.error.message}`);
  }
  return decoded.value;
};

const camelCase = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);
/** Items that `hyperparameters` may name, in camelCase. Those without a subnet in their key hold for all subnets. */
const settable: ReadonlyMap<string, AnyStorageItem> = new Map(
  Object.entries({
    ...hyperparameterStorage,
    maxEpochsPerBlock: scheduleStorage.MaxEpochsPerBlock,
    adminFreezeWindow: scheduleStorage.AdminFreezeWindow,
    ownerHyperparamRateLimit: scheduleStorage.OwnerHyperparamRateLimit,
    networkRateLimit: storage.NetworkRateLimit,
    networkMinLockCost: storage.NetworkMinLockCost,
    subnetMechanism: storage.SubnetMechanism,
    mechanismCountCurrent: storage.MechanismCountCurrent,
    mechanismEmissionSplit: storage.MechanismEmissionSplit,
  }).map(([name, item]) => [camelCase(name), item]),
);

type Setting = number | boolean | string;
const wholeNumbers = (setting: Setting): bigint[] =>
  String(setting)
    .split(',')
    .map((part) => BigInt(part.trim()));

/** A JSON value as the item's type wants it: `7`, `"7"` for u64, `true`, `"45875,58982"` for pairs and lists, `1.26` for fixed point. */
const valueFor = (info: TypeInfo, setting: Setting): unknown => {
  const { def } = info;
  if (def.tag === 'primitive') {
    if (def.name === 'bool') {
      if (typeof setting !== 'boolean') {
        throw new RangeError('expected true or false');
      }
      return setting;
    }
    const [value] = wholeNumbers(setting);
    return def.name === 'u64' || def.name === 'u128' ? value : Number(value);
  }
  if (def.tag === 'composite') {
    return { bits: BigInt(Math.round(Number(setting) * 2 ** 32)) << 32n };
  }
  return def.tag === 'variant' ? { tag: setting } : wholeNumbers(setting).map(Number);
};

const applySetting = (ctx: Context, netuid: number, name: string, setting: Setting): void => {
  const item = settable.get(name);
  if (item === undefined) {
    const known = [...settable.keys()].sort().join(', ');
    throw new GenesisError(
      `genesis: subnet ${netuid} sets the unknown hyperparameter "${name}"; known are ${known}`,
    );
  }
  try {
    const value = valueFor(item.type.info, setting);
    item.type.enc(value);
    const put = ctx.put as (item: AnyStorageItem, ...keysAndValue: unknown[]) => void;
    put(item, ...(item.keys.length === 0 ? [value] : [netuid, value]));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GenesisError(
      `genesis: ${name} = ${JSON.stringify(setting)} of subnet ${netuid} does not fit: ${reason}`,
    );
  }
};

const writeRoot = (ctx: Context): void => {
  ctx.put(storage.NetworksAdded, ROOT, true);
  ctx.put(storage.Tempo, ROOT, 100);
  ctx.put(storage.MaxAllowedUids, ROOT, 64);
  ctx.put(storage.SubtokenEnabled, ROOT, true);
  ctx.put(storage.MaxAllowedValidators, ROOT, 64);
  ctx.put(storage.MinAllowedWeights, ROOT, 0);
  // Root trades one for one; something in its pool keeps clients that divide by it from dividing by 0 (migrate_rao.rs).
  ctx.put(storage.SubnetAlphaIn, ROOT, TAO);
};

/** As after a registration and the owner's start call: alpha flows from block 1 on, TAO emission is disabled. */
const writeNewSubnet = (ctx: Context, netuid: number, tempo: number): void => {
  initNewNetwork(ctx, netuid, tempo);
  ctx.put(storage.SubtokenEnabled, netuid, true);
  ctx.put(storage.FirstEmissionBlockNumber, netuid, 1n);
  writePool(ctx, { netuid, taoRao: POOL_RAO, alphaRao: POOL_RAO });
};

const writeNeuron = (ctx: Context, netuid: number, neuron: GenesisNeuron): void => {
  const hotkey = accountOf(neuron.hotkey, `hotkey of a neuron of subnet ${netuid},`);
  const coldkey = accountOf(neuron.coldkey, `coldkey of a neuron of subnet ${netuid},`);
  if (ctx.has(storage.Uids, netuid, hotkey)) {
    throw new GenesisError(`genesis: hotkey ${neuron.hotkey} appears twice in subnet ${netuid}`);
  }
  associateHotkey(ctx, hotkey, coldkey);
  const uid = appendNeuron(ctx, netuid, hotkey);
  increaseStake(ctx, { hotkey, coldkey, netuid }, neuron.stake);
  ctx.put(storage.SubnetAlphaOut, netuid, ctx.get(storage.SubnetAlphaOut, netuid) + neuron.stake);
  const permits = ctx.get(storage.ValidatorPermit, netuid);
  const permit = neuron.validatorPermit ?? neuron.stake > 0n;
  ctx.put(storage.ValidatorPermit, netuid, permits.with(uid, permit));
};

const ensureSubnetFits = (ctx: Context, subnet: GenesisSubnet): void => {
  const { netuid } = subnet;
  if (netuid === ROOT || subnetExists(ctx, netuid)) {
    throw new GenesisError(`genesis: netuid ${netuid} is taken; give every subnet its own, from 1`);
  }
};

const writeSubnet = (ctx: Context, subnet: GenesisSubnet): void => {
  const { netuid } = subnet;
  ensureSubnetFits(ctx, subnet);
  writeNewSubnet(ctx, netuid, subnet.tempo);
  const owner = accountOf(subnet.ownerColdkey, `owner coldkey of subnet ${netuid},`);
  const ownerHotkey = accountOf(subnet.ownerHotkey, `owner hotkey of subnet ${netuid},`);
  writeOwner(ctx, { netuid, coldkey: owner, hotkey: ownerHotkey });
  associateHotkey(ctx, ownerHotkey, owner);
  for (const [name, setting] of Object.entries(subnet.hyperparameters)) {
    applySetting(ctx, netuid, name, setting);
  }
  const period = ctx.get(storage.RevealPeriodEpochs, netuid);
  if (period < 1n || period > MAX_REVEAL_PERIOD_EPOCHS) {
    throw new GenesisError(
      `genesis: revealPeriodEpochs = ${period} of subnet ${netuid} must be from 1 to ${MAX_REVEAL_PERIOD_EPOCHS}`,
    );
  }
  const places = ctx.get(storage.MaxAllowedUids, netuid);
  if (places * ctx.get(storage.MechanismCountCurrent, netuid) > MAX_UIDS_OVER_MECHANISMS) {
    throw new GenesisError(
      `genesis: subnet ${netuid} has more than 256 uids over all mechanisms; lower maxAllowedUids`,
    );
  }
  if (subnet.neurons.length > places) {
    throw new GenesisError(
      `genesis: subnet ${netuid} lists ${subnet.neurons.length} neurons for ${places} uids`,
    );
  }
  for (const neuron of subnet.neurons) {
    writeNeuron(ctx, netuid, neuron);
  }
};

export const writeGenesis = (ctx: Context, config: GenesisConfig): void => {
  ctx.put(storage.DevnetAllowLoopbackAxon, config.flags.allowLoopbackAxon);
  ctx.put(storage.DevnetAllowShortTempo, config.flags.allowShortTempo ?? false);
  writeRoot(ctx);
  for (const subnet of config.subnets) {
    writeSubnet(ctx, subnet);
  }
  ctx.put(storage.TotalNetworks, config.subnets.length + 1);
};
