/** Pallet System: accounts, block hashes, events, the upgrade of the runtime. */
import { accountId, accountInfo, digest, dispatchError, dispatchInfo, h256, phase } from './chainTypes.ts';
import { blake2b256 } from './hashing.ts';
import { BLOCK_HASH_COUNT, BLOCK_LENGTH, BLOCK_WEIGHTS, DB_WEIGHT } from './limits.ts';
import {
  type AnyStorageItem,
  blake2,
  type Context,
  call,
  constant,
  declareErrors,
  ensureSigned,
  event,
  type Pallet,
  type ReadContext,
  type RuntimeApi,
  storageMap,
  storageValue,
  twox64,
} from './pallet.ts';
import { runtimeCall, runtimeEvent } from './runtimeTypes.ts';
import { type AnyType, bytes, compact, str, struct, u16, u32, type ValueOf, vec } from './scale.ts';
import { runtimeVersion, runtimeVersionType } from './version.ts';

/** SS58 prefix of subtensor: the generic Substrate one. */
export const SS58_PREFIX = 42;
/** `ExtraFlags`: the high bit says that the account's data are of the current layout. */
const NEW_LOGIC_FLAG = 1n << 127n;
const noAccount = {
  nonce: 0,
  consumers: 0,
  providers: 0,
  sufficients: 0,
  data: { free: 0n, reserved: 0n, frozen: 0n, flags: NEW_LOGIC_FLAG },
};
export type AccountInfo = ValueOf<typeof accountInfo>;

export const systemStorage = {
  Account: storageMap([blake2(accountId)], accountInfo, noAccount),
  ExtrinsicCount: storageValue(u32),
  BlockHash: storageMap([twox64(u32)], h256, new Uint8Array(32)),
  Number: storageValue(u32, 0),
  ParentHash: storageValue(h256, new Uint8Array(32)),
  Digest: storageValue(digest, { logs: [] }),
  EventCount: storageValue(u32, 0),
  LastRuntimeUpgrade: storageValue(
    struct('frame_system::LastRuntimeUpgradeInfo', { specVersion: compact(u32), specName: str }),
  ),
};
export const systemEvents = {
  ExtrinsicSuccess: event(0, { dispatchInfo }),
  ExtrinsicFailed: event(1, { dispatchError, dispatchInfo }),
  CodeUpdated: event(2),
  NewAccount: event(3, { account: accountId }),
  KilledAccount: event(4, { account: accountId }),
  Remarked: event(5, { sender: accountId, hash: h256 }),
};
export const systemErrors = declareErrors({
  InvalidSpecName: 0,
  SpecVersionNeedsToIncrease: 1,
  FailedToExtractRuntimeVersion: 2,
  NonDefaultComposite: 3,
  NonZeroRefCount: 4,
  CallFiltered: 5,
  MultiBlockMigrationsOngoing: 6,
  NothingAuthorized: 7,
  Unauthorized: 8,
});

const base: Pallet = {
  name: 'System',
  index: 0,
  crate: 'frame_system',
  events: systemEvents,
  errors: systemErrors,
  calls: {
    remark: call({
      index: 0,
      args: { remark: bytes },
      pays: true,
      dispatch: (_ctx, _args, origin) => {
        ensureSigned(origin);
      },
    }),
    remark_with_event: call({
      index: 7,
      args: { remark: bytes },
      pays: true,
      dispatch: (ctx, { remark }, origin) =>
        ctx.emit(systemEvents.Remarked, { sender: ensureSigned(origin), hash: blake2b256(remark) }),
    }),
  },
};

export type SystemPallet = { readonly pallet: Pallet; readonly events: AnyStorageItem };

/** The type of calls, of which `others` and System itself are the pallets. */
export const runtimeCallWith = (others: readonly Pallet[]): AnyType => runtimeCall([base, ...others]);

/** `System.Events` and the version constant depend on all the other pallets. `apis` belong to no pallet. */
export const createSystemPallet = (
  others: readonly Pallet[],
  apis: readonly RuntimeApi[],
  specVersion: number,
): SystemPallet => {
  const outerEvent = runtimeEvent([base, ...others]);
  const record = struct('frame_system::EventRecord', { phase, event: outerEvent, topics: vec(h256) }, [
    { name: 'E', type: outerEvent },
    { name: 'T', type: h256 },
  ]);
  const events = storageValue(vec(record), []);
  const pallet = {
    ...base,
    apis,
    storage: { ...systemStorage, Events: events },
    constants: {
      BlockWeights: BLOCK_WEIGHTS,
      BlockLength: BLOCK_LENGTH,
      BlockHashCount: constant(u32, BLOCK_HASH_COUNT),
      DbWeight: DB_WEIGHT,
      Version: constant(runtimeVersionType, runtimeVersion([{ ...base, apis }, ...others], specVersion)),
      SS58Prefix: constant(u16, SS58_PREFIX),
    },
  };
  return { pallet, events };
};

/** Sets the block's number and parent, and forgets block hashes that are no longer needed. */
export const initializeSystem = (
  ctx: Context,
  block: { readonly number: number; readonly parentHash: Uint8Array; readonly logs: ValueOf<typeof digest> },
): void => {
  ctx.put(systemStorage.Number, block.number);
  ctx.put(systemStorage.ParentHash, block.parentHash);
  ctx.put(systemStorage.Digest, block.logs);
  ctx.put(systemStorage.BlockHash, block.number - 1, block.parentHash);
  const oldest = block.number - 1 - BLOCK_HASH_COUNT;
  if (oldest > 0) ctx.remove(systemStorage.BlockHash, oldest);
};

export const accountOf = (ctx: ReadContext, account: Uint8Array): AccountInfo =>
  ctx.get(systemStorage.Account, account);

/** Counts a transaction of `account`; works for accounts that were never funded. */
export const increaseNonce = (ctx: Context, account: Uint8Array): void => {
  const info = accountOf(ctx, account);
  ctx.put(systemStorage.Account, account, { ...info, nonce: info.nonce + 1 });
};
