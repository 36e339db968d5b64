/**
 * Two more views of a subnet, made of fields of its metagraph: its pool (`DynamicInfo`) and its neurons (`SubnetState`).
 * Source: pallets/subtensor/src/rpc_info/{dynamic_info,show_subnet}.rs.
 */
import { accountId } from '../chainTypes.ts';
import type { ReadContext } from '../pallet.ts';
import { type AnyType, struct, vec } from '../scale.ts';
import { type MetagraphField, metagraphFields } from './metagraphFields.ts';
import { storage } from './storage.ts';
import { compactU16, compactU64 } from './structs.ts';
import { allNetuids } from './subnetInfo.ts';
import { hotkeysOf, subnetExists } from './subnets.ts';

const path = 'pallet_subtensor::rpc_info';
const accountParam = [{ name: 'AccountId', type: accountId }];

const byName = new Map(metagraphFields.map((field) => [field.name, field]));
const fieldOf = (name: string): MetagraphField => {
  const field = byName.get(name);
  if (field === undefined) throw new Error(`the metagraph has no field ${name}`);
  return field;
};
/** Fields of the view by name, with the names that the metagraph has for them. */
type View = readonly (readonly [name: string, field: MetagraphField])[];
const same = (name: string): View[number] => [name, fieldOf(name)];
const typesOf = (view: View): { readonly [name: string]: AnyType } =>
  Object.fromEntries(view.map(([name, { type }]) => [name, type]));
const readView = (view: View, ctx: ReadContext, netuid: number): { readonly [name: string]: unknown } => {
  const subject = { ctx, netuid, index: netuid, hotkeys: hotkeysOf(ctx, netuid) };
  return Object.fromEntries(view.map(([name, { read }]) => [name, read(subject)]));
};

/** Blocks since the last run, counted from it; the metagraph shows the stored counter. */
const blocksSinceLastStep: MetagraphField = {
  name: 'blocksSinceLastStep',
  type: compactU64,
  read: ({ ctx, netuid }) => BigInt(ctx.block) - ctx.get(storage.LastMechansimStepBlock, netuid),
};
const dynamicView: View = [
  same('ownerHotkey'),
  same('ownerColdkey'),
  ['subnetName', fieldOf('name')],
  ['tokenSymbol', fieldOf('symbol')],
  same('tempo'),
  same('lastStep'),
  ['blocksSinceLastStep', blocksSinceLastStep],
  ['emission', fieldOf('subnetEmission')],
  ...[
    'alphaIn',
    'alphaOut',
    'taoIn',
    'alphaOutEmission',
    'alphaInEmission',
    'taoInEmission',
    'pendingAlphaEmission',
    'pendingRootEmission',
    'subnetVolume',
    'networkRegisteredAt',
  ].map(same),
  ['subnetIdentity', fieldOf('identity')],
  same('movingPrice'),
];
const stateView: View = [
  'hotkeys',
  'coldkeys',
  'active',
  'validatorPermit',
  'pruningScore',
  'lastUpdate',
  'emission',
  'dividends',
  'incentives',
  'consensus',
  'trust',
  'rank',
  'blockAtRegistration',
  'alphaStake',
  'taoStake',
  'totalStake',
].map(same);

export const dynamicInfo = struct(
  `${path}::dynamic_info::DynamicInfo`,
  { netuid: compactU16, ...typesOf(dynamicView) },
  accountParam,
);
export const subnetState = struct(
  `${path}::show_subnet::SubnetState`,
  { netuid: compactU16, ...typesOf(stateView), emissionHistory: vec(vec(compactU64)) },
  accountParam,
);

/** undefined when the subnet does not exist. */
export const readDynamicInfo = (ctx: ReadContext, netuid: number) =>
  subnetExists(ctx, netuid) ? { ...readView(dynamicView, ctx, netuid), netuid } : undefined;

/** undefined when the subnet does not exist. The history has a row per subnet; nothing writes it any more. */
export const readSubnetState = (ctx: ReadContext, netuid: number) => {
  if (!subnetExists(ctx, netuid)) {
    return undefined;
  }
  const nothing = hotkeysOf(ctx, netuid).map(() => 0n);
  const emissionHistory = allNetuids(ctx).map(() => nothing);
  return { ...readView(stateView, ctx, netuid), emissionHistory, netuid };
};
