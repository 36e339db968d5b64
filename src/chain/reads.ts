import * as Effect from 'effect/Effect';
import * as Result from 'effect/Result';
import * as Schema from 'effect/Schema';

import { type ChainError, ChainMalformed } from './errors.ts';
import type { Rpc } from './rpc.ts';
import type { Runtime } from './runtime.ts';

/** One storage value to read: `pallet.item[args]`. */
export type StorageItem = {
  readonly pallet: string;
  readonly item: string;
  readonly args: readonly unknown[];
  /** What a runtime without this item stands for; without it such a runtime is unsupported. */
  readonly otherwise?: unknown;
};

/** Unsigned integer of up to 128 bits as `toPrimitive()` gives it: a number, or decimal text beyond 2^52. */
export const Unsigned = Schema.Union([
  Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  Schema.String.check(Schema.isPattern(/^\d{1,39}$/)),
]);
export type Unsigned = typeof Unsigned.Type;

/**
 * A count that may be used in arithmetic. Values beyond 2^53 are settings such as "never" (u64::MAX); they stay huge,
 * but exact arithmetic on them is of no use to anyone.
 */
export const countOf = (value: Unsigned): number => Math.min(Number(value), Number.MAX_SAFE_INTEGER);

/** Checks plain JSON against a schema; what does not fit is a malformed answer of `operation`. */
export const decodeWith = <S extends Schema.ConstraintDecoder<unknown>>(schema: S, operation: string) => {
  const decode = Schema.decodeUnknownResult(schema);
  return (value: unknown): Effect.Effect<S['Type'], ChainMalformed> => {
    const decoded = decode(value);
    return Result.isSuccess(decoded)
      ? Effect.succeed(decoded.success)
      : Effect.fail(new ChainMalformed({ operation, detail: String(decoded.failure).slice(0, 300) }));
  };
};

/**
 * Hex text of whole bytes, of any length. A group that repeats would have to capture nothing: an expression that
 * remembers each byte runs out of stack at some megabytes, and throws.
 */
export const HexBytes = Schema.String.check(Schema.isPattern(/^0x(?:[0-9a-fA-F]{2})*$/));
const Hash = Schema.String.check(Schema.isPattern(/^0x[0-9a-fA-F]{64}$/));
const decodeHex = decodeWith(HexBytes, 'state_call');
const decodeBlockHash = decodeWith(Schema.NullOr(Hash), 'chain_getBlockHash');
const decodeHash = decodeWith(Hash, 'chain_getFinalizedHead');
const decodeChanges = decodeWith(
  Schema.Tuple([Schema.Struct({ changes: Schema.Array(Schema.Tuple([HexBytes, Schema.NullOr(HexBytes)])) })]),
  'state_queryStorageAt',
);

/**
 * Reads storage items at one block in one call; the results are in the order of `items`, as plain JSON. An item that
 * the runtime does not have is its `otherwise`, and is not asked for.
 */
export const readStorage = Effect.fnUntraced(function* (options: {
  readonly rpc: Rpc;
  readonly runtime: Runtime;
  readonly blockHash: string;
  readonly items: readonly StorageItem[];
}) {
  const { rpc, runtime, blockHash, items } = options;
  const keys = yield* Effect.forEach(items, ({ pallet, item, args, otherwise }) =>
    otherwise !== undefined && !runtime.hasStorage(pallet, item)
      ? Effect.succeed(null)
      : runtime.storageKey(pallet, item, args),
  );
  const asked = keys.filter((key) => key !== null);
  const [{ changes }] = yield* decodeChanges(yield* rpc.call('state_queryStorageAt', [asked, blockHash]));
  const values = new Map(changes);
  return yield* Effect.forEach(items, ({ pallet, item, otherwise }, index) => {
    const key = keys[index] ?? null;
    return key === null
      ? Effect.succeed(otherwise)
      : runtime.decodeStorage(pallet, item, values.get(key) ?? null);
  });
});

/** Calls a runtime API at one block and decodes the answer by the runtime's own metadata. */
export const callRuntimeApi = Effect.fnUntraced(function* (options: {
  readonly rpc: Rpc;
  readonly runtime: Runtime;
  readonly blockHash: string;
  readonly api: string;
  readonly method: string;
  readonly argument: Uint8Array;
}) {
  const { rpc, runtime, blockHash, api, method, argument } = options;
  const hex = `0x${Buffer.from(argument).toString('hex')}`;
  const answer = yield* rpc.call('state_call', [`${api}_${method}`, hex, blockHash]);
  return yield* runtime.decodeApiResult(api, method, yield* decodeHex(answer));
});

/** Hash of a block by its number; null when the node does not have the block (yet). */
export const readBlockHash = (rpc: Rpc, block: number): Effect.Effect<string | null, ChainError> =>
  Effect.flatMap(rpc.call('chain_getBlockHash', [block]), decodeBlockHash);

/** Hash of the newest finalized block. */
export const readFinalizedHash = (rpc: Rpc): Effect.Effect<string, ChainError> =>
  Effect.flatMap(rpc.call('chain_getFinalizedHead', []), decodeHash);
