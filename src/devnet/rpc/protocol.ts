/** JSON-RPC 2.0 as a Substrate node speaks it: requests, errors, reading parameters. */
import { fromHex } from '../hashing.ts';

export type RpcId = string | number | null;
export type RpcError = { readonly code: number; readonly message: string; readonly data?: string };
export class RpcFailure extends Error {
  readonly error: RpcError;
  constructor(code: number, message: string, data?: string) {
    super(message);
    this.error = data === undefined ? { code, message } : { code, message, data };
  }
}

export const PARSE_ERROR = -32_700;
export const INVALID_REQUEST = -32_600;
export const METHOD_NOT_FOUND = -32_601;
export const INVALID_PARAMS = -32_602;
export const INTERNAL_ERROR = -32_603;
/** jsonrpsee: a batch of too many requests. */
export const OVERSIZED_BATCH = -32_010;
/** jsonrpsee: too many subscriptions on one connection. */
export const TOO_MANY_SUBSCRIPTIONS = -32_006;
/** sc_rpc_api::state::error, for unknown blocks and pruned states. */
export const CLIENT_ERROR = 4003;
export const INVALID_COUNT = 4002;

export type Params = readonly unknown[];
export type RpcRequest = { readonly id: RpcId; readonly method: string; readonly params: Params };

/** A request of the client, or undefined when it is none. Notifications (without id) get no answer: not used here. */
export const readRequest = (value: unknown): RpcRequest | undefined => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { jsonrpc, id, method, params } = value as { readonly [key: string]: unknown };
  const isId = typeof id === 'number' || typeof id === 'string' || id === null;
  if (jsonrpc !== '2.0' || !isId || typeof method !== 'string') return undefined;
  if (params !== undefined && !Array.isArray(params)) return undefined;
  return { id, method, params: params ?? [] };
};

const invalid = (what: string): RpcFailure =>
  new RpcFailure(INVALID_PARAMS, 'Invalid params', `expected ${what}`);
const isAbsent = (value: unknown): value is undefined | null => value === undefined || value === null;

/** Bytes may come without `0x` (impl_serde): the official SDK sends arguments of runtime APIs so. */
const withPrefix = (value: string): string => (value.startsWith('0x') ? value : `0x${value}`);

/** Bytes of a hex parameter. */
export const hexParam = (params: Params, index: number): Uint8Array => {
  const value = params[index];
  const bytes = typeof value === 'string' ? fromHex(withPrefix(value)) : undefined;
  if (bytes === undefined) throw invalid(`bytes as hex as parameter ${index}`);
  return bytes;
};
/** A storage key or prefix: hex in lower case with 0x. */
export const keyText = (value: unknown): string => {
  const key = typeof value === 'string' ? withPrefix(value).toLowerCase() : '';
  if (fromHex(key) === undefined) throw invalid('storage keys as hex');
  return key;
};
export const keysParam = (params: Params, index: number): readonly string[] => {
  const value = params[index];
  if (!Array.isArray(value)) throw invalid(`a list of storage keys as parameter ${index}`);
  return value.map(keyText);
};
export const textParam = (params: Params, index: number): string => {
  const value = params[index];
  if (typeof value !== 'string') throw invalid(`a string as parameter ${index}`);
  return value;
};
export const optionalTextParam = (params: Params, index: number): string | undefined =>
  isAbsent(params[index]) ? undefined : textParam(params, index);
export const countParam = (params: Params, index: number): number => {
  const value = params[index];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0)
    throw invalid(`a count as parameter ${index}`);
  return value;
};
/** A block number, given as a number or as hex. */
export const blockNumber = (value: unknown): number => {
  const number = typeof value === 'string' && /^0x[0-9a-fA-F]{1,8}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0)
    throw invalid('a block number, decimal or as hex');
  return number;
};
