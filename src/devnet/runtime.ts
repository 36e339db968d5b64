/** The runtime: all pallets put together, with what follows from their declarations. */
import { adminUtils } from './adminUtils/pallet.ts';
import { balances } from './balances.ts';
import { commitments } from './commitments/pallet.ts';
import {
  type ContextParts,
  createStorageLayout,
  type EventOwners,
  eventOwners,
  type StorageLayout,
  storageKey,
} from './context.ts';
import { createCoreApis } from './coreApis.ts';
import type { ErrorPosition } from './dispatchErrors.ts';
import { drand } from './drand/pallet.ts';
import { extensionsWith } from './extrinsic.ts';
import { encodeMetadata, type MetadataVersion } from './metadata.ts';
import { createNestedCalls } from './nestedCall.ts';
import type { ApiMethod, ErrorDeclaration, Pallet } from './pallet.ts';
import { applyProfile, DEFAULT_PROFILE, type RuntimeProfile } from './profiles.ts';
import { type CallDecoder, createCallDecoder } from './runtimeTypes.ts';
import type { NamedFields } from './scale.ts';
import { createState, type State } from './state.ts';
import { subtensorModule } from './subtensor/pallet.ts';
import { createSudo } from './sudo.ts';
import { createSystemPallet } from './system.ts';
import { aura, readNowMs, timestamp } from './timestamp.ts';
import { transactionPayment } from './transactionPayment.ts';
import { createUtility } from './utility.ts';
import { type RuntimeVersion, runtimeVersion } from './version.ts';

export type Runtime = {
  readonly profile: RuntimeProfile;
  /** As this runtime declares them: without what its profile lacks. */
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
  /** Where an error stands in this runtime; undefined for errors that it does not have. */
  errorPosition(error: ErrorDeclaration): ErrorPosition | undefined;
};

export type RuntimeOptions = {
  readonly blockTimeMs: number;
  /** Pallets beyond the node's own. */
  readonly pallets: readonly Pallet[];
  /** What the pallets declare, spec 425, when not given. */
  readonly profile?: RuntimeProfile;
  /** Shared by the runtimes of one chain; a new one when not given. */
  readonly state?: State;
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

/** `visible` are the same pallets as the profile shows them. */
const errorPositions = (
  declared: readonly Pallet[],
  visible: readonly Pallet[],
): ReadonlyMap<ErrorDeclaration, ErrorPosition | undefined> =>
  new Map(
    declared.flatMap(({ errors, index: pallet }) => {
      const shown = visible.find((candidate) => candidate.index === pallet)?.errors;
      return Object.values(errors ?? {}).map((error): [ErrorDeclaration, ErrorPosition | undefined] => {
        const index = shown?.[error.name]?.index;
        return [error, index === undefined ? undefined : { pallet, index }];
      });
    }),
  );

/** Events that the profile lacks have no owner. */
const ownersOf = (declared: readonly Pallet[], visible: readonly Pallet[]): EventOwners => {
  const shown = eventOwners(visible);
  return new Map([...eventOwners(declared).keys()].map((event) => [event, shown.get(event)]));
};

export const createRuntime = (options: RuntimeOptions): Runtime => {
  const { blockTimeMs, profile = DEFAULT_PROFILE, state = createState() } = options;
  const nested = createNestedCalls();
  const declared = [
    timestamp(blockTimeMs),
    aura(blockTimeMs),
    balances,
    transactionPayment,
    createUtility(nested),
    createSudo(nested),
    ...options.pallets,
  ];
  const others = declared.map((pallet) => applyProfile(pallet, profile));
  const extensions = extensionsWith(profile);
  const metadataCache = new Map<MetadataVersion, Uint8Array>();
  const access = {
    version: (): RuntimeVersion => version,
    calls: (): CallDecoder => calls,
    extensions,
    metadata: (wanted: MetadataVersion): Uint8Array => {
      const encoded = metadataCache.get(wanted) ?? encodeMetadata({ pallets, extensions }, wanted);
      metadataCache.set(wanted, encoded);
      return encoded;
    },
  };
  const system = createSystemPallet(others, createCoreApis(access, others), profile.specVersion);
  const pallets: readonly Pallet[] = [system.pallet, ...others].toSorted((a, b) => a.index - b.index);
  assertUniqueIndices(pallets);
  const version = runtimeVersion(pallets, profile.specVersion);
  const calls = createCallDecoder(pallets);
  const layout = createStorageLayout([...declared, ...pallets], profile.withoutStorage);
  const methods = apiMethods(pallets);
  const whole = [system.pallet, ...declared];
  const errors = errorPositions(whole, pallets);
  const { specVersion } = profile;
  const errorPosition = (error: ErrorDeclaration): ErrorPosition | undefined => {
    if (!errors.has(error)) throw new Error('error of a pallet that the runtime does not include');
    return errors.get(error);
  };
  nested.bind(pallets, errorPosition);
  return {
    profile,
    pallets,
    version,
    calls,
    layout,
    state,
    parts: { state, layout, owners: ownersOf(whole, pallets), specVersion, nowMs: readNowMs },
    eventsKey: storageKey(layout, system.events, []),
    metadata: access.metadata,
    api: (name) => methods.get(name),
    errorPosition,
  };
};

/** The pallets of the subnets and of their beacon, which a chain has unless told otherwise. */
export const defaultPallets: readonly Pallet[] = [subtensorModule, commitments, adminUtils, drand];
