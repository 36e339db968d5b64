/** `devnet_*`: faults on request, for tests that run the chain as a process. Not part of any real node. */
import type { ReorgOptions } from '../chain.ts';
import type { ExtrinsicRefusal } from '../faults.ts';
import { INVALID_REASONS, type InvalidReason } from '../validity.ts';
import type { Method, Methods, NodeContext, NodeControl } from './methods.ts';
import { INVALID_PARAMS, METHOD_NOT_FOUND, type Params, type RpcError, RpcFailure } from './protocol.ts';

/** How long the answer to the request that drops its own connection has to arrive. */
const FAREWELL_MS = 20;
const MAX_OUTAGE_MS = 600_000;
const PLAIN_REFUSALS = ['temporarilyBanned', 'alreadyImported', 'tooLowPriority', 'poolFull'] as const;

type Fields = { readonly [name: string]: unknown };
const invalid = (expected: string): RpcFailure =>
  new RpcFailure(INVALID_PARAMS, 'Invalid params', `expected ${expected}`);
const fieldsOf = (value: unknown, what: string): Fields => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(what);
  return value as Fields;
};
const integer = (value: unknown, name: string, max = Number.MAX_SAFE_INTEGER): number => {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max)
    throw invalid(`${name} as an integer from 0 to ${max}`);
  return value;
};
const text = (value: unknown, name: string): string => {
  if (typeof value !== 'string') throw invalid(`${name} as a string`);
  return value;
};
const flag = (params: Params): boolean => {
  if (typeof params[0] !== 'boolean') throw invalid('true or false');
  return params[0];
};
const countOf = ({ count }: Fields): { readonly count?: number } =>
  count === undefined ? {} : { count: integer(count, 'count') };

const errorOf = (value: unknown): RpcError => {
  const { code, message, data } = fieldsOf(value, 'an error {code, message, data?}');
  if (typeof code !== 'number' || !Number.isInteger(code)) throw invalid('code as an integer');
  const error = { code, message: text(message, 'message') };
  return data === undefined ? error : { ...error, data: text(data, 'data') };
};
const refusalOf = (value: unknown): ExtrinsicRefusal => {
  const { kind, code, reason, error } = fieldsOf(value, 'a refusal {kind, …}');
  const plain = PLAIN_REFUSALS.find((candidate) => candidate === kind);
  if (plain !== undefined) return { kind: plain };
  if (kind === 'custom') return { kind, code: integer(code, 'code', 255) };
  if (kind === 'error') return { kind, error: errorOf(error) };
  if (kind === 'invalid' && typeof reason === 'string' && Object.hasOwn(INVALID_REASONS, reason))
    return { kind, reason: reason as InvalidReason };
  throw invalid(
    `a refusal of kind custom {code}, invalid {reason: ${Object.keys(INVALID_REASONS).join(' | ')}}, ` +
      `error {error}, ${PLAIN_REFUSALS.join(', ')}`,
  );
};

const controlOf = ({ control }: NodeContext): NodeControl => {
  if (control === undefined) throw new RpcFailure(METHOD_NOT_FOUND, 'Method not found');
  return control;
};
/** A switch's own complaint is the client's to read. */
const asked = <A>(run: () => A): A => {
  try {
    return run();
  } catch (error) {
    if (error instanceof RangeError) throw new RpcFailure(INVALID_PARAMS, 'Invalid params', error.message);
    throw error;
  }
};

const dropConnections: Method = (node, params, connection) => {
  const { forMs } = fieldsOf(params[0] ?? {}, '{forMs}');
  const outage = { forMs: integer(forMs ?? 0, 'forMs', MAX_OUTAGE_MS) };
  const control = controlOf(node);
  // The node's own fault handler is told when it cannot listen again
  connection.defer(() => setTimeout(() => void control.dropConnections(outage), FAREWELL_MS).unref());
  return null;
};
const delayCalls: Method = ({ faults }, params) => {
  const fields = fieldsOf(params[0], '{method, delayMs, count?}');
  const method = text(fields['method'], 'method');
  asked(() =>
    faults.delayCalls({ method, delayMs: integer(fields['delayMs'], 'delayMs'), ...countOf(fields) }),
  );
  return null;
};
const failCalls: Method = ({ faults }, params) => {
  const fields = fieldsOf(params[0], '{method, error, count?}');
  const method = text(fields['method'], 'method');
  asked(() => faults.failCalls({ method, error: errorOf(fields['error']), ...countOf(fields) }));
  return null;
};
const refuseExtrinsics: Method = ({ faults }, params) => {
  const fields = fieldsOf(params[0], '{refusal, call?, count?}');
  const { call } = fields;
  const scope = call === undefined ? {} : { call: text(call, 'call') };
  asked(() =>
    faults.refuseExtrinsics({ refusal: refusalOf(fields['refusal']), ...scope, ...countOf(fields) }),
  );
  return null;
};
const reorg: Method = (node, params) => {
  const { depth, length, transactions } = fieldsOf(params[0], '{depth, length?, transactions?}');
  const fates = ['include', 'wait', 'drop'] as const;
  const fate = fates.find((candidate) => candidate === transactions);
  if (transactions !== undefined && fate === undefined) throw invalid(`transactions as ${fates.join(', ')}`);
  const options: ReorgOptions = {
    depth: integer(depth, 'depth'),
    ...(length !== undefined && { length: integer(length, 'length') }),
    ...(fate && { transactions: fate }),
  };
  return { hash: asked(() => controlOf(node).reorganize(options)).hash };
};
const upgradeRuntime: Method = (node, params) => {
  const { specVersion, atBlock } = fieldsOf(params[0], '{specVersion, atBlock}');
  const wanted = {
    specVersion: integer(specVersion, 'specVersion'),
    atBlock: integer(atBlock, 'atBlock'),
  };
  asked(() => controlOf(node).upgradeRuntime(wanted));
  return null;
};

export const devnetMethods: Methods = {
  devnet_dropConnections: dropConnections,
  devnet_freezeHeads: (node, params) => {
    controlOf(node).freezeHeads(flag(params));
    return null;
  },
  devnet_stallFinality: (node, params) => {
    controlOf(node).stallFinality(flag(params));
    return null;
  },
  devnet_delayCalls: delayCalls,
  devnet_failCalls: failCalls,
  devnet_refuseExtrinsics: refuseExtrinsics,
  devnet_resetFaults: (node) => {
    controlOf(node).reset();
    return null;
  },
  devnet_reorg: reorg,
  devnet_upgradeRuntime: upgradeRuntime,
};
