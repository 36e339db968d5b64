/** `chainHead_v1_storage`: what is asked for, and the items of the answer in pages. */

import { blake2b256, toHex } from '../hashing.ts';
import type { StateView } from '../state.ts';
import { INVALID_PARAMS, keyText, RpcFailure } from './protocol.ts';

const QUERY_TYPES = [
  'value',
  'hash',
  'closestDescendantMerkleValue',
  'descendantsValues',
  'descendantsHashes',
] as const;
export type StorageQuery = { readonly key: string; readonly type: (typeof QUERY_TYPES)[number] };
type Item = { readonly key: string } & ({ readonly value: string } | { readonly hash: string });

/** Items in one event; after a full one the client has to ask for more. */
const PAGE_ITEMS = 1000;
const MAX_QUERIES = 1000;

export const readQueries = (value: unknown): readonly StorageQuery[] => {
  const types = QUERY_TYPES.join(', ');
  if (!Array.isArray(value) || value.length > MAX_QUERIES)
    throw new RpcFailure(INVALID_PARAMS, 'Invalid params', `expected a list of at most ${MAX_QUERIES} items`);
  return value.map((item: unknown) => {
    const { key, type } = (item ?? {}) as { readonly key?: unknown; readonly type?: unknown };
    const known = QUERY_TYPES.find((candidate) => candidate === type);
    if (known === undefined)
      throw new RpcFailure(INVALID_PARAMS, 'Invalid params', `expected items {key, type: ${types}}`);
    return { key: keyText(key), type: known };
  });
};

/** The specification's answer to what cannot be had; the state is no Merkle trie here. */
export const UNSUPPORTED =
  'closestDescendantMerkleValue: this node keeps no Merkle trie; ask for value, hash, descendantsValues or descendantsHashes';

function* itemsOf(view: StateView, block: number, { key, type }: StorageQuery): Iterable<Item> {
  const isOne = type === 'value' || type === 'hash';
  const isHash = type === 'hash' || type === 'descendantsHashes';
  for (const found of isOne ? [key] : view.keys(key, block)) {
    const value = view.get(found, block);
    if (value !== undefined)
      yield isHash ? { key: found, hash: toHex(blake2b256(value)) } : { key: found, value: toHex(value) };
  }
}

/** The answer in pages; items that do not exist are left out. */
export function* storagePages(
  view: StateView,
  block: number,
  queries: readonly StorageQuery[],
): Generator<readonly Item[]> {
  let page: Item[] = [];
  for (const query of queries)
    for (const item of itemsOf(view, block, query)) {
      page.push(item);
      if (page.length < PAGE_ITEMS) continue;
      yield page;
      page = [];
    }
  if (page.length > 0) yield page;
}
