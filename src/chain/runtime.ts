import { TypeRegistry } from '@polkadot/types/create';
import type { DispatchError, EventRecord } from '@polkadot/types/interfaces';
import type { SiLookupTypeId } from '@polkadot/types/interfaces/scaleInfo';
import { Metadata } from '@polkadot/types/metadata';
import { expandMetadata } from '@polkadot/types/metadata/decorate';
import type { StorageEntry } from '@polkadot/types/primitive/types';
import type { Vec } from '@polkadot/types-codec';
import type { Codec } from '@polkadot/types-codec/types';
import { compactFromU8a, hexToU8a, stringCamelCase, u8aToHex } from '@polkadot/util';
import * as Effect from 'effect/Effect';

import { ChainMalformed, ChainUnsupported } from './errors.ts';
import { extensionTypes } from './quirks/lostImplicits.ts';
import { rememberAddresses } from './rememberedAddresses.ts';
import { oversizedType } from './typeExpansion.ts';

/** The part of `state_getRuntimeVersion` that decides which metadata and which signed bytes are right. */
export type RuntimeVersion = {
  readonly specName: string;
  readonly specVersion: number;
  readonly transactionVersion: number;
};

/** A transaction extension in the runtime's order; the two flags tell whether it adds no bytes at all. */
export type TransactionExtension = {
  readonly name: string;
  readonly isEmpty: boolean;
};

/** One event of a block; `extrinsicIndex` is null for events outside extrinsics. */
export type BlockEvent = {
  readonly extrinsicIndex: number | null;
  readonly pallet: string;
  readonly name: string;
  /** For `System.ExtrinsicFailed`: the error's name, from this runtime's metadata. */
  readonly dispatchError: string | null;
};

type Failure = ChainUnsupported | ChainMalformed;

/** Codecs of one runtime, all of them taken from its own metadata: nothing about a type is written by hand. */
export interface Runtime {
  readonly version: RuntimeVersion;
  readonly extensions: readonly TransactionExtension[];
  readonly extrinsicVersions: readonly number[];
  readonly hasCall: (pallet: string, call: string) => boolean;
  readonly hasStorage: (pallet: string, item: string) => boolean;
  /** Whether the metadata describes a method of a runtime API; never before version 15 of the metadata. */
  readonly hasApi: (api: string, method: string) => boolean;
  /** Plain JSON of a pallet's constant. */
  readonly constant: (pallet: string, name: string) => Effect.Effect<unknown, Failure>;
  /** Hex storage key of `pallet.item` for `args`, in the map's key order. */
  readonly storageKey: (
    pallet: string,
    item: string,
    args: readonly unknown[],
  ) => Effect.Effect<string, Failure>;
  /** Plain JSON of a stored value (`null` hex: the runtime's default, or null for an optional item). */
  readonly decodeStorage: (
    pallet: string,
    item: string,
    value: string | null,
  ) => Effect.Effect<unknown, Failure>;
  /** Plain JSON of what a runtime API method returned. */
  readonly decodeApiResult: (api: string, method: string, value: string) => Effect.Effect<unknown, Failure>;
  /** SCALE bytes of a call. */
  readonly encodeCall: (
    pallet: string,
    call: string,
    args: readonly unknown[],
  ) => Effect.Effect<Uint8Array, Failure>;
  /** `System.Events` of a block that this runtime executed. */
  readonly decodeEvents: (value: string | null) => Effect.Effect<readonly BlockEvent[], Failure>;
}

const messageOf = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).slice(0, 300);

const attempt = <A>(operation: string, evaluate: () => A): Effect.Effect<A, ChainMalformed> =>
  Effect.try({
    try: evaluate,
    catch: (cause) => new ChainMalformed({ operation, detail: messageOf(cause) }),
  });

const MODULE_ERROR = 'Module';

/** `SettingWeightsTooFast` for a pallet's error, `BadOrigin`, `Token.FundsUnavailable` … for the runtime's own. */
const dispatchErrorName = (registry: TypeRegistry, error: DispatchError): string => {
  if (error.type === MODULE_ERROR) return registry.findMetaError(error.asModule).name;
  const inner = error.value?.toString() ?? '';
  return inner === '' || inner === 'Null' ? error.type : `${error.type}.${inner}`;
};

const blockEventOf = (registry: TypeRegistry, record: EventRecord): BlockEvent => {
  const { event, phase } = record;
  const isFailed = event.section === 'system' && event.method === 'ExtrinsicFailed';
  return {
    extrinsicIndex: phase.isApplyExtrinsic ? phase.asApplyExtrinsic.toNumber() : null,
    pallet: event.section,
    name: event.method,
    dispatchError: isFailed ? dispatchErrorName(registry, event.data[0] as unknown as DispatchError) : null,
  };
};

const extensionsOf = (registry: TypeRegistry, metadata: Metadata): TransactionExtension[] => {
  const isZeroSized = (id: SiLookupTypeId): boolean =>
    registry.createTypeUnsafe(registry.createLookupType(id), []).toU8a().length === 0;
  return extensionTypes(metadata).map(({ name, extra, implicit }) => ({
    name,
    isEmpty: isZeroSized(extra) && isZeroSized(implicit),
  }));
};

/** Everything the codecs of one runtime share. */
type Context = {
  readonly registry: TypeRegistry;
  readonly metadata: Metadata;
  readonly decorated: ReturnType<typeof expandMetadata>;
  readonly lacks: (what: string) => ChainUnsupported;
};

const decodeAs = ({ registry }: Context, id: SiLookupTypeId, bytes: Uint8Array): Codec =>
  registry.createTypeUnsafe(registry.createLookupType(id), [bytes]);

const entryOf = (context: Context, pallet: string, item: string): Effect.Effect<StorageEntry, Failure> =>
  Effect.suspend(() => {
    const entry = context.decorated.query[stringCamelCase(pallet)]?.[stringCamelCase(item)];
    return entry === undefined
      ? Effect.fail(context.lacks(`storage ${pallet}.${item}`))
      : Effect.succeed(entry);
  });

const storedCodec = (context: Context, pallet: string, item: string, value: string | null) =>
  Effect.flatMap(entryOf(context, pallet, item), ({ meta }) =>
    attempt(`decode ${pallet}.${item}`, (): Codec | null => {
      if (value === null && meta.modifier.isOptional) return null;
      const bytes = value === null ? meta.fallback.toU8a(true) : hexToU8a(value);
      return decodeAs(context, meta.type.isPlain ? meta.type.asPlain : meta.type.asMap.value, bytes);
    }),
  );

const apiMethod = ({ registry }: Context, api: string, method: string) =>
  registry.metadata.apis
    .find(({ name }) => name.toString() === api)
    ?.methods.find(({ name }) => name.toString() === method);

const apiResult = (context: Context, api: string, method: string, value: string) =>
  Effect.suspend((): Effect.Effect<unknown, Failure> => {
    const found = apiMethod(context, api, method);
    if (found === undefined)
      return Effect.fail(context.lacks(`runtime API ${api}.${method} in its metadata`));
    return attempt(`decode ${api}.${method}`, () =>
      decodeAs(context, found.output, hexToU8a(value)).toPrimitive(),
    );
  });

const callBytes = (context: Context, pallet: string, call: string, args: readonly unknown[]) =>
  Effect.suspend((): Effect.Effect<Uint8Array, Failure> => {
    const build = context.decorated.tx[stringCamelCase(pallet)]?.[stringCamelCase(call)];
    if (build === undefined) return Effect.fail(context.lacks(`call ${pallet}.${call}`));
    return attempt(`encode ${pallet}.${call}`, () => build(...args).toU8a());
  });

const constantOf = (context: Context, pallet: string, name: string) =>
  Effect.suspend((): Effect.Effect<unknown, Failure> => {
    const found = context.decorated.consts[stringCamelCase(pallet)]?.[stringCamelCase(name)];
    return found === undefined
      ? Effect.fail(context.lacks(`constant ${pallet}.${name}`))
      : attempt(`decode ${pallet}.${name}`, () => found.toPrimitive());
  });

const contextOf = (version: RuntimeVersion, metadataBytes: Uint8Array): Context => {
  const registry = new TypeRegistry();
  rememberAddresses(registry);
  const metadata = new Metadata(registry, metadataBytes);
  registry.setLookup(metadata.asLatest.lookup);
  const oversized = oversizedType(registry);
  if (oversized !== null) throw new Error(`type ${oversized} is larger than any value of a chain`);
  // The last argument silences a warning per unknown extension: `extrinsics.ts` decides about those itself.
  registry.setMetadata(metadata, undefined, undefined, true);
  const name = `${version.specName} ${version.specVersion}`;
  return {
    registry,
    metadata,
    decorated: expandMetadata(registry, metadata),
    lacks: (what) =>
      new ChainUnsupported({ message: `runtime ${name} has no ${what}: update this program or the chain` }),
  };
};

/**
 * Builds the codecs of one runtime from its metadata (versions 14 to 16; runtime APIs need 15).
 *
 * @param version from `state_getRuntimeVersion` at the block the metadata was read at
 * @param metadataBytes starts with the magic `meta`
 */
export const makeRuntime = (
  version: RuntimeVersion,
  metadataBytes: Uint8Array,
): Effect.Effect<Runtime, ChainMalformed> =>
  attempt('decode metadata', () => {
    const context = contextOf(version, metadataBytes);
    const { registry } = context;
    return {
      version,
      extensions: extensionsOf(registry, context.metadata),
      extrinsicVersions: [...registry.metadata.extrinsic.versions],
      hasCall: (pallet, call) =>
        context.decorated.tx[stringCamelCase(pallet)]?.[stringCamelCase(call)] !== undefined,
      hasStorage: (pallet, item) =>
        context.decorated.query[stringCamelCase(pallet)]?.[stringCamelCase(item)] !== undefined,
      hasApi: (api, method) => apiMethod(context, api, method) !== undefined,
      constant: (pallet, name) => constantOf(context, pallet, name),
      storageKey: (pallet, item, args) =>
        Effect.flatMap(entryOf(context, pallet, item), (entry) =>
          // The decorated function prefixes the key with its compact length, as SCALE `Bytes`.
          attempt(`key of ${pallet}.${item}`, () => {
            const prefixed = entry(...args);
            return u8aToHex(prefixed.subarray(compactFromU8a(prefixed)[0]));
          }),
        ),
      decodeStorage: (pallet, item, value) =>
        Effect.map(storedCodec(context, pallet, item, value), (codec) => codec?.toPrimitive() ?? null),
      decodeApiResult: (api, method, value) => apiResult(context, api, method, value),
      encodeCall: (pallet, call, args) => callBytes(context, pallet, call, args),
      decodeEvents: (value) =>
        Effect.flatMap(storedCodec(context, 'System', 'Events', value), (codec) =>
          attempt('decode System.Events', () =>
            codec === null ? [] : (codec as Vec<EventRecord>).map((record) => blockEventOf(registry, record)),
          ),
        ),
    } satisfies Runtime;
  });
