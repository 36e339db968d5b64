/** The whole and the selective metagraph. Source: pallets/subtensor/src/rpc_info/metagraph.rs. */
import { accountId } from '../chainTypes.ts';
import type { ReadContext } from '../pallet.ts';
import { option, struct } from '../scale.ts';
import {
  type MetagraphField,
  type MetagraphView,
  metagraphFields,
  selectiveTailFields,
} from './metagraphFields.ts';
import { storageIndex } from './storage.ts';
import { compactU16 } from './structs.ts';
import { hotkeysOf, mechanismCount, subnetExists } from './subnets.ts';

const path = 'pallet_subtensor::rpc_info::metagraph';
const accountParam = [{ name: 'AccountId', type: accountId }];
const selectiveFields: readonly MetagraphField[] = [...metagraphFields, ...selectiveTailFields];

export const metagraphType = struct(
  `${path}::Metagraph`,
  { netuid: compactU16, ...Object.fromEntries(metagraphFields.map(({ name, type }) => [name, type])) },
  accountParam,
);
/** Every field but the netuid is an Option, present when its index was asked for. */
export const selectiveMetagraphType = struct(
  `${path}::SelectiveMetagraph`,
  {
    netuid: compactU16,
    ...Object.fromEntries(selectiveFields.map(({ name, type }) => [name, option(type)])),
  },
  accountParam,
);

type Key = { readonly netuid: number; readonly mechanism: number };
const viewOf = (ctx: ReadContext, { netuid, mechanism }: Key): MetagraphView | undefined =>
  subnetExists(ctx, netuid) && mechanism < mechanismCount(ctx, netuid)
    ? { ctx, netuid, index: storageIndex(netuid, mechanism), hotkeys: hotkeysOf(ctx, netuid) }
    : undefined;

/** All fields of mechanism `key.mechanism`; undefined when subnet or mechanism do not exist. */
export const readMetagraph = (ctx: ReadContext, key: Key) => {
  const view = viewOf(ctx, key);
  if (view === undefined) {
    return undefined;
  }
  const values = Object.fromEntries(metagraphFields.map(({ name, read }) => [name, read(view)]));
  return { ...values, netuid: view.index };
};

/**
 * The fields of the given indices (1..73); unknown ones are ignored. `netuid` is the storage index, so that a reply of
 * a mechanism names it.
 */
export const readSelectiveMetagraph = (ctx: ReadContext, key: Key, indices: readonly number[]) => {
  const view = viewOf(ctx, key);
  if (view === undefined) {
    return undefined;
  }
  const chosen = new Set(indices);
  const values = Object.fromEntries(
    selectiveFields.map(({ name, read }, i) => [name, chosen.has(i + 1) ? read(view) : undefined]),
  );
  return { ...values, netuid: view.index };
};
