import { hexToU8a, isHex, u8aConcat } from '@polkadot/util';
import * as Effect from 'effect/Effect';
import * as Result from 'effect/Result';
import * as Schema from 'effect/Schema';
import * as Semaphore from 'effect/Semaphore';

import { type ChainError, ChainMalformed } from './errors.ts';
import type { Rpc } from './rpc.ts';
import { makeRuntime, type Runtime, type RuntimeVersion } from './runtime.ts';

/** Codecs per block of one connection: metadata is loaded once per runtime version. */
export interface Runtimes {
  /** Runtime whose code is in the block's state: right for reading state and for building extrinsics on it. */
  readonly at: (blockHash: string) => Effect.Effect<Runtime, ChainError>;
}

const Version = Schema.Struct({
  specName: Schema.String,
  specVersion: Schema.Int,
  transactionVersion: Schema.Int,
});
const decodeVersion = Schema.decodeUnknownResult(Version);

/** The newest metadata version this client reads: the first that describes runtime APIs. */
const METADATA_VERSION = new Uint8Array([15, 0, 0, 0]);
const MAGIC = new Uint8Array([0x6d, 0x65, 0x74, 0x61]);
/** Runtimes kept: the present one, the one before an upgrade, and spare. Each takes some 20 MB. */
const MAX_KEPT = 3;
/** Blocks whose version is remembered: a block is asked about several times while it is the newest. */
const MAX_VERSIONS = 64;

const readVersion = (rpc: Rpc, blockHash: string): Effect.Effect<RuntimeVersion, ChainError> =>
  Effect.flatMap(rpc.call('state_getRuntimeVersion', [blockHash]), (answer) => {
    const decoded = decodeVersion(answer);
    return Result.isSuccess(decoded)
      ? Effect.succeed(decoded.success)
      : Effect.fail(
          new ChainMalformed({ operation: 'state_getRuntimeVersion', detail: 'no runtime version' }),
        );
  });

/** Bytes from the magic on: the runtime API wraps them as `Option<Vec<u8>>`, the RPC does not. */
const fromMagic = (bytes: Uint8Array): Uint8Array | null => {
  const longestPrefix = 8;
  for (let start = 0; start <= Math.min(longestPrefix, bytes.length - MAGIC.length); start += 1) {
    if (MAGIC.every((byte, index) => bytes[start + index] === byte)) return bytes.subarray(start);
  }
  return null;
};

/** What a node says of a call that the runtime does not have (sc_executor error.rs). */
const NO_SUCH_METHOD = /exported method .* is not found/i;

/**
 * Runtimes before the versioned API have only the plain method, which gives version 14. Any other refusal may pass: to
 * take less metadata than there is for it would leave the runtime without its APIs for as long as it is remembered.
 */
const readMetadata = Effect.fnUntraced(function* (rpc: Rpc, blockHash: string) {
  const argument = `0x${Buffer.from(METADATA_VERSION).toString('hex')}`;
  const versioned = yield* rpc
    .call('state_call', ['Metadata_metadata_at_version', argument, blockHash])
    .pipe(
      Effect.catchTag('RpcRefused', (error) =>
        NO_SUCH_METHOD.test(`${error.reason} ${error.data}`) ? Effect.succeed(null) : Effect.fail(error),
      ),
    );
  const wrapped = isHex(versioned) ? fromMagic(hexToU8a(versioned)) : null;
  if (wrapped !== null) return wrapped;
  const plain = yield* rpc.call('state_getMetadata', [blockHash]);
  const bytes = isHex(plain) ? fromMagic(hexToU8a(plain)) : null;
  if (bytes !== null) return bytes;
  return yield* new ChainMalformed({ operation: 'state_getMetadata', detail: 'no metadata in the answer' });
});

/** A map of at most `limit` entries that forgets the one used least lately. */
const recent = <A>(limit: number) => {
  const entries = new Map<string, A>();
  const put = (key: string, value: A): void => {
    entries.delete(key);
    entries.set(key, value);
    const oldest = entries.keys().next().value;
    if (entries.size > limit && oldest !== undefined) entries.delete(oldest);
  };
  const get = (key: string): A | undefined => {
    const found = entries.get(key);
    if (found !== undefined) put(key, found);
    return found;
  };
  return { get, put };
};

/**
 * Cache of runtimes for one connection. The version is asked for once per block, the metadata once per version; what
 * was not used for a while is forgotten, so upgrades leave nothing behind. Loads are one at a time, so that a version
 * is fetched once.
 */
export const makeRuntimes = (rpc: Rpc): Runtimes => {
  const runtimes = recent<Runtime>(MAX_KEPT);
  const versions = recent<RuntimeVersion>(MAX_VERSIONS);
  const loading = Semaphore.makeUnsafe(1);
  const load = Effect.fnUntraced(function* (key: string, version: RuntimeVersion, blockHash: string) {
    const found = runtimes.get(key);
    if (found !== undefined) return found;
    const runtime = yield* makeRuntime(version, u8aConcat(yield* readMetadata(rpc, blockHash)));
    runtimes.put(key, runtime);
    return runtime;
  });
  const versionAt = Effect.fnUntraced(function* (blockHash: string) {
    const known = versions.get(blockHash);
    if (known !== undefined) return known;
    const version = yield* readVersion(rpc, blockHash);
    versions.put(blockHash, version);
    return version;
  });
  return {
    at: Effect.fnUntraced(function* (blockHash: string) {
      const version = yield* versionAt(blockHash);
      const key = `${version.specName}-${version.specVersion}-${version.transactionVersion}`;
      return runtimes.get(key) ?? (yield* loading.withPermits(1)(load(key, version, blockHash)));
    }),
  };
};
