/**
 * Pallet Sudo: one account that may call as root. Others are refused by the pool already, as the runtime's
 * SudoTransactionExtension does. Calls of the sudo key are free.
 *
 * Sources: Substrate's pallet_sudo, runtime/src/sudo_wrapper.rs.
 */
import { lookup } from './balances.ts';
import { accountId, multiAddress, weight } from './chainTypes.ts';
import { accountFromAddress, accountFromUri } from './genesis.ts';
import { dispatchResult, dispatchResultOf, type NestedCalls } from './nestedCall.ts';
import {
  type Context,
  call,
  declareErrors,
  definePallet,
  ensureSigned,
  event,
  ModuleError,
  type Origin,
  type Pallet,
  type PoolRefusal,
  type ReadContext,
  ROOT_ORIGIN,
  storageValue,
} from './pallet.ts';
import { option } from './scale.ts';

/** Substrate's development chains give the key to Alice. */
const DEFAULT_KEY_URI = '//Alice';

export const sudoStorage = { Key: storageValue(accountId) };
const events = {
  Sudid: event(0, { sudoResult: dispatchResult }),
  KeyChanged: event(1, { old: option(accountId), new: accountId }),
  KeyRemoved: event(2),
  SudoAsDone: event(3, { sudoResult: dispatchResult }),
};
const errors = declareErrors({ RequireSudo: 0 });

const isKey = (ctx: ReadContext, account: Uint8Array): boolean => {
  const key = ctx.get(sudoStorage.Key);
  return key !== undefined && Buffer.compare(key, account) === 0;
};
const ensureSudo = (ctx: ReadContext, origin: Origin): void => {
  if (!isKey(ctx, ensureSigned(origin))) throw new ModuleError(errors.RequireSudo);
};
const checkInPool = (ctx: ReadContext, _args: unknown, signer: Uint8Array): PoolRefusal | undefined =>
  isKey(ctx, signer) ? undefined : { reason: 'BadSigner' };

type Nesting = { readonly call: Parameters<NestedCalls['dispatch']>[1] };
const dispatchAsRoot =
  (nested: NestedCalls) =>
  (ctx: Context, args: Nesting, origin: Origin): void => {
    ensureSudo(ctx, origin);
    const failure = nested.dispatch(ctx, args.call, ROOT_ORIGIN);
    ctx.emit(events.Sudid, { sudoResult: dispatchResultOf(failure) });
  };

/** The calls that run another call, which may fail while they succeed. */
const nestingCalls = (nested: NestedCalls) => ({
  sudo: call({
    index: 0,
    args: { call: nested.type },
    pays: false,
    checkInPool,
    dispatch: dispatchAsRoot(nested),
  }),
  sudo_unchecked_weight: call({
    index: 1,
    args: { call: nested.type, weight },
    pays: false,
    checkInPool,
    dispatch: dispatchAsRoot(nested),
  }),
  sudo_as: call({
    index: 3,
    args: { who: multiAddress, call: nested.type },
    pays: false,
    checkInPool,
    dispatch: (ctx, { who, call: inner }, origin) => {
      ensureSudo(ctx, origin);
      const failure = nested.dispatch(ctx, inner, { kind: 'signed', account: lookup(who) });
      ctx.emit(events.SudoAsDone, { sudoResult: dispatchResultOf(failure) });
    },
  }),
});

const keyCalls = {
  set_key: call({
    index: 2,
    args: { new: multiAddress },
    pays: false,
    checkInPool,
    dispatch: (ctx, args, origin) => {
      ensureSudo(ctx, origin);
      const next = lookup(args.new);
      ctx.emit(events.KeyChanged, { old: ctx.get(sudoStorage.Key), new: next });
      ctx.put(sudoStorage.Key, next);
    },
  }),
  remove_key: call({
    index: 4,
    args: {},
    pays: false,
    checkInPool,
    dispatch: (ctx, _args, origin) => {
      ensureSudo(ctx, origin);
      ctx.remove(sudoStorage.Key);
      ctx.emit(events.KeyRemoved, []);
    },
  }),
};

export const createSudo = (nested: NestedCalls): Pallet =>
  definePallet({
    name: 'Sudo',
    index: 12,
    storage: sudoStorage,
    events,
    errors,
    calls: { ...nestingCalls(nested), ...keyCalls },
    genesis: (ctx, { sudo }) =>
      ctx.put(
        sudoStorage.Key,
        sudo === undefined ? accountFromUri(DEFAULT_KEY_URI) : accountFromAddress(sudo),
      ),
  });
