/** The runtime: all pallets put together, with what follows from their declarations. */
import { balances } from './balances.ts';
import {
  type ContextParts,
  createStorageLayout,
  eventOwners,
  type StorageLayout,
  storageKey,
} from './context.ts';
import { createCoreApis } from './coreApis.ts';
import { encodeMetadata, type MetadataVersion } from './metadata.ts';
import type { ApiMethod, ErrorDeclaration, Pallet } from './pallet.ts';
import { type CallDecoder, createCallDecoder } from './runtimeTypes.ts';
import type { NamedFields } from './scale.ts';
import { createState, type State } from './state.ts';
import { subtensorModule } from './subtensor/pallet.ts';
import { createSystemPallet } from './system.ts';
import { aura, readNowMs, timestamp } from './timestamp.ts';
import { transactionPayment } from './transactionPayment.ts';
import { type RuntimeVersion, runtimeVersion } from './version.ts';

export type Runtime = {
  readonly pallets: readonly Pallet[];
  readonly version: RuntimeVersion;
  readonly calls: CallDecoder;
  readonly layout: StorageLayout;
  readonly state: State;
  readonly parts: ContextParts;
  /** Raw key of `System.Events`. */
  readonly eventsKey: string;
  metadata(version: MetadataVersion): Uint8Array;
  /** A runtime API's method by the name that `state_call` uses: `Core_version`. */
  api(name: string): ApiMethod<NamedFields, unknown> | undefined;
  /** Index of the pallet that declared an error. */
  errorOwner(error: ErrorDeclaration): number;
};

export type RuntimeOptions = {
  readonly blockTimeMs: number;
  /** Pallets beyond the node's own. */
  readonly pallets: readonly Pallet[];
};

const apiMethods = (pallets: readonly Pallet[]): ReadonlyMap<string, ApiMethod<NamedFields, unknown>> => {
  const found = new Map<string, ApiMethod<NamedFields, unknown>>();
  for (const { apis } of pallets)
    for (const { name, methods } of apis ?? [])
      for (const [method, declaration] of Object.entries(methods))
        found.set(`${name}_${method}`, declaration);
  return found;
};

const assertUniqueIndices = (pallets: readonly Pallet[]): void => {
  const indices = new Set(pallets.map(({ index }) => index));
  if (indices.size !== pallets.length) throw new Error('two pallets of the runtime have the same index');
};

export const createRuntime = ({ blockTimeMs, pallets: added }: RuntimeOptions): Runtime => {
  const others = [timestamp(blockTimeMs), aura(blockTimeMs), balances, transactionPayment, ...added];
  const metadataCache = new Map<MetadataVersion, Uint8Array>();
  const access = {
    version: (): RuntimeVersion => version,
    calls: (): CallDecoder => calls,
    metadata: (wanted: MetadataVersion): Uint8Array => {
      const encoded = metadataCache.get(wanted) ?? encodeMetadata(pallets, wanted);
      metadataCache.set(wanted, encoded);
      return encoded;
    },
  };
  const system = createSystemPallet(others, createCoreApis(access, others));
  const pallets: readonly Pallet[] = [system.pallet, ...others].toSorted((a, b) => a.index - b.index);
  assertUniqueIndices(pallets);
  const version = runtimeVersion(pallets);
  const calls = createCallDecoder(pallets);
  const layout = createStorageLayout(pallets);
  const state = createState();
  const methods = apiMethods(pallets);
  const errors = new Map(
    pallets.flatMap(({ errors: declared, index }) =>
      Object.values(declared ?? {}).map((error) => [error, index]),
    ),
  );
  return {
    pallets,
    version,
    calls,
    layout,
    state,
    parts: { state, layout, owners: eventOwners(pallets), nowMs: readNowMs },
    eventsKey: storageKey(layout, system.events, []),
    metadata: access.metadata,
    api: (name) => methods.get(name),
    errorOwner: (error) => {
      const index = errors.get(error);
      if (index === undefined) throw new Error('error of a pallet that the runtime does not include');
      return index;
    },
  };
};

/** The pallets of the subnets, which a chain has unless told otherwise. */
export const defaultPallets: readonly Pallet[] = [subtensorModule];
