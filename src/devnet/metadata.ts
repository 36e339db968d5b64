/** Metadata of versions 14 and 15, generated from the pallets' declarations. */
import { metadata as metadataCodec } from '@polkadot-api/substrate-bindings';
import { multiAddress, multiSignature } from './chainTypes.ts';
import { EXTRINSIC_VERSION, type Extension, uncheckedExtrinsic } from './extrinsic.ts';
import { toHex } from './hashing.ts';
import type { AnyStorageItem, Pallet, RuntimeApi } from './pallet.ts';
import { createTypeRegistry, type TypeRegistry } from './registry.ts';
import { callType, errorType, eventType, runtimeCall, runtimeError, runtimeEvent } from './runtimeTypes.ts';
import { type AnyType, snakeCase, struct, tuple } from './scale.ts';

/** "meta", little-endian. */
const MAGIC = 0x6174_656d;
/** Storage modifiers: an absent key reads as None or as the default. */
const OPTIONAL = 0;
const DEFAULT = 1;

export type MetadataVersion = 14 | 15;
export const METADATA_VERSIONS: readonly MetadataVersion[] = [14, 15];

const storageType = (registry: TypeRegistry, { keys, type }: AnyStorageItem) => {
  const value = registry.idOf(type);
  const [first] = keys;
  if (first === undefined) return { tag: 'plain' as const, value };
  const key = keys.length === 1 ? first.type : tuple(...keys.map((part) => part.type));
  return {
    tag: 'map' as const,
    value: {
      hashers: keys.map(({ hasher }) => ({ tag: hasher, value: undefined })),
      key: registry.idOf(key),
      value,
    },
  };
};

const storageOf = (registry: TypeRegistry, { name: prefix, storage }: Pallet) =>
  storage === undefined
    ? undefined
    : {
        prefix,
        items: Object.entries(storage).map(([name, item]) => ({
          name,
          modifier: item.fallback === undefined ? OPTIONAL : DEFAULT,
          type: storageType(registry, item),
          fallback: item.fallback === undefined ? '0x00' : toHex(item.type.enc(item.fallback)),
          docs: [],
        })),
      };

const palletOf = (registry: TypeRegistry, pallet: Pallet) => {
  const idOf = (type: AnyType | undefined) => (type === undefined ? undefined : registry.idOf(type));
  return {
    name: pallet.name,
    storage: storageOf(registry, pallet),
    calls: idOf(callType(pallet)),
    events: idOf(eventType(pallet)),
    constants: Object.entries(pallet.constants ?? {}).map(([name, { type, value }]) => ({
      name,
      type: registry.idOf(type),
      value: toHex(type.enc(value)),
      docs: [],
    })),
    errors: idOf(errorType(pallet)),
    index: pallet.index,
    docs: [],
  };
};

const apiOf = (registry: TypeRegistry, { name, methods }: RuntimeApi) => ({
  name,
  methods: Object.entries(methods).map(([method, { args, returns }]) => ({
    name: method,
    inputs: Object.entries(args).map(([arg, type]) => ({ name: snakeCase(arg), type: registry.idOf(type) })),
    output: registry.idOf(returns),
    docs: [],
  })),
  docs: [],
});

const extensionsOf = (registry: TypeRegistry, extensions: readonly Extension[]) =>
  extensions.map(({ identifier, extra, implicit }) => ({
    identifier,
    type: registry.idOf(extra),
    additionalSigned: registry.idOf(implicit),
  }));

/** The metadata's bytes, beginning with its magic number. */
export const encodeMetadata = (
  { pallets, extensions }: { readonly pallets: readonly Pallet[]; readonly extensions: readonly Extension[] },
  version: MetadataVersion,
): Uint8Array => {
  const registry = createTypeRegistry();
  const call = runtimeCall(pallets);
  const extra = tuple(...extensions.map((extension) => extension.extra));
  const extrinsicId = registry.idOf(uncheckedExtrinsic(call, extra));
  const type = registry.idOf(struct('node_subtensor_runtime::Runtime', {}));
  const inner = pallets.map((pallet) => palletOf(registry, pallet));
  const signedExtensions = extensionsOf(registry, extensions);
  if (version === 14) {
    const extrinsic = { type: extrinsicId, version: EXTRINSIC_VERSION, signedExtensions };
    const value = { lookup: [...registry.entries], pallets: inner, extrinsic, type, apis: [] };
    return metadataCodec.enc({ magicNumber: MAGIC, metadata: { tag: 'v14', value } });
  }
  const extrinsic = {
    version: EXTRINSIC_VERSION,
    address: registry.idOf(multiAddress),
    call: registry.idOf(call),
    signature: registry.idOf(multiSignature),
    extra: registry.idOf(extra),
    signedExtensions,
  };
  const apis = pallets.flatMap((pallet) => (pallet.apis ?? []).map((api) => apiOf(registry, api)));
  const outerEnums = {
    call: registry.idOf(call),
    event: registry.idOf(runtimeEvent(pallets)),
    error: registry.idOf(runtimeError(pallets)),
  };
  // `lookup` is read last: everything above enters its types first
  const parts = { pallets: inner, extrinsic, type, apis, outerEnums, custom: [] };
  const value = { lookup: [...registry.entries], ...parts };
  return metadataCodec.enc({ magicNumber: MAGIC, metadata: { tag: 'v15', value } });
};
