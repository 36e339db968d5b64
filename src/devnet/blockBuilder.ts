/** Executes one block: hooks, inherent, transactions, events, header. */
import { type dispatchError, type dispatchInfo, header as headerType, phase } from './chainTypes.ts';
import { createContext, type EmittedEvent } from './context.ts';
import { encodeBare } from './extrinsic.ts';
import { blake2b256, fromHex, toHex } from './hashing.ts';
import { MAX_NORMAL_BLOCK_BYTES } from './limits.ts';
import { type Context, DispatchFailure, ModuleError, type Origin } from './pallet.ts';
import type { Runtime } from './runtime.ts';
import type { DecodedCall } from './runtimeTypes.ts';
import { compact, concatBytes, u32, u64, type ValueOf } from './scale.ts';
import { increaseNonce, initializeSystem, systemEvents, systemStorage } from './system.ts';
import { slotOf, timestampInherent } from './timestamp.ts';
import { charge, refTimeOf, reportFee, totalFee } from './transactionPayment.ts';
import { checkValidity, type Refusal, type Transaction, type ValidityContext } from './validity.ts';

export type Header = ValueOf<typeof headerType>;
export type Block = {
  readonly number: number;
  /** Hex of the header's blake2-256. */
  readonly hash: string;
  readonly header: Header;
  /** Each with its length prefix. */
  readonly extrinsics: readonly Uint8Array[];
  /** Raw storage keys that the block wrote. */
  readonly writtenKeys: readonly string[];
};

/** Transactions in a block beyond the inherent: keeps the time that one block takes bounded. */
const MAX_BLOCK_TRANSACTIONS = 2_000;
/** Receives the fees. Nobody has its key. */
const BLOCK_AUTHOR = new TextEncoder().encode('miaoai devnet: author of blocks.');
const AURA_ENGINE = new TextEncoder().encode('aura');

export type BuildInput = {
  readonly parent: Block;
  readonly nowMs: number;
  readonly blockTimeMs: number;
  readonly validity: Omit<ValidityContext, 'ctx'>;
  /** Offers transactions one by one; `apply` says whether to go on with the same account's next. */
  readonly offer: (apply: (transaction: Transaction) => ApplyOutcome) => void;
  /** Told about exceptions that are no dispatch errors: faults of a pallet. */
  readonly onDefect: (error: unknown) => void;
};
export type ApplyOutcome =
  | { readonly kind: 'applied' }
  | { readonly kind: 'invalid'; readonly refusal: Refusal }
  | { readonly kind: 'full' };

type DispatchErrorValue = ValueOf<typeof dispatchError>;

const dispatchErrorOf = (runtime: Runtime, error: unknown): DispatchErrorValue | undefined => {
  if (error instanceof ModuleError) {
    const bytes = new Uint8Array(4);
    bytes[0] = error.declaration.index;
    return { tag: 'Module', value: [{ index: runtime.errorOwner(error.declaration), error: bytes }] };
  }
  if (!(error instanceof DispatchFailure)) return undefined;
  const { failure } = error;
  if (failure.tag === 'Token') return { tag: 'Token', value: [{ tag: failure.token }] };
  if (failure.tag === 'Arithmetic') return { tag: 'Arithmetic', value: [{ tag: failure.arithmetic }] };
  return { tag: failure.tag };
};

type DispatchInfo = ValueOf<typeof dispatchInfo>;
const infoOf = (call: DecodedCall, className: 'Normal' | 'Mandatory'): DispatchInfo => ({
  weight: { refTime: refTimeOf(call.declaration), proofSize: 0n },
  class: { tag: className },
  paysFee: { tag: call.declaration.pays || className === 'Mandatory' ? 'Yes' : 'No' },
});

type Dispatch = { readonly call: DecodedCall; readonly origin: Origin; readonly info: DispatchInfo };
/** Runs a call and undoes what it did when it fails; a failure is returned, not thrown. */
const tryDispatch = (
  runtime: Runtime,
  ctx: Context,
  { call, origin }: Dispatch,
  onDefect: (error: unknown) => void,
): DispatchErrorValue | undefined => {
  try {
    ctx.transaction(() => call.declaration.dispatch(ctx, call.args, origin));
    return undefined;
  } catch (error) {
    const known = dispatchErrorOf(runtime, error);
    if (known === undefined) onDefect(error);
    return known ?? { tag: 'Other' };
  }
};

const reportDispatch = (ctx: Context, info: DispatchInfo, failure: DispatchErrorValue | undefined): void => {
  if (failure === undefined) ctx.emit(systemEvents.ExtrinsicSuccess, { dispatchInfo: info });
  else ctx.emit(systemEvents.ExtrinsicFailed, { dispatchError: failure, dispatchInfo: info });
};

const applyTransaction = (
  runtime: Runtime,
  ctx: Context,
  transaction: Transaction,
  input: BuildInput,
): Refusal | undefined => {
  const refusal = checkValidity(transaction, { ...input.validity, ctx });
  if (refusal !== undefined) return refusal;
  const { extrinsic, call, encoded } = transaction;
  const account = extrinsic.signer;
  if (extrinsic.nonce !== ctx.get(systemStorage.Account, account).nonce) return { reason: 'Future' };
  const fee = totalFee(call.declaration, encoded.length);
  const charged = { account, author: BLOCK_AUTHOR, fee, tip: extrinsic.tip };
  increaseNonce(ctx, account);
  charge(ctx, charged);
  const dispatch: Dispatch = { call, origin: { kind: 'signed', account }, info: infoOf(call, 'Normal') };
  const failure = tryDispatch(runtime, ctx, dispatch, input.onDefect);
  reportFee(ctx, charged);
  reportDispatch(ctx, dispatch.info, failure);
  return undefined;
};

/** An exception outside of the dispatch is a fault of a pallet's pool check: the transaction leaves no trace. */
const tryApply = (
  runtime: Runtime,
  ctx: Context,
  transaction: Transaction,
  input: BuildInput,
): Refusal | undefined => {
  try {
    return ctx.transaction(() => applyTransaction(runtime, ctx, transaction, input));
  } catch (error) {
    input.onDefect(error);
    return { reason: 'Call' };
  }
};

type Phase = ValueOf<typeof phase>;
/** `System.Events`: a vector of phase, event and no topics. */
const createEventLog = (events: EmittedEvent[]) => {
  const records: Uint8Array[] = [];
  return {
    close: (current: Phase): void => {
      for (const { data } of events.splice(0))
        records.push(concatBytes(phase.enc(current), data, Uint8Array.of(0)));
    },
    count: (): number => records.length,
    encode: (): Uint8Array => concatBytes(compact(u32).enc(records.length), ...records),
  };
};

/** Not a Merkle-Patricia root: it chains what the blocks wrote, so equal histories have equal roots. */
const stateRoot = (
  runtime: Runtime,
  parent: Uint8Array,
  keys: readonly string[],
  block: number,
): Uint8Array => {
  const parts = keys.flatMap((key) => {
    const value = runtime.state.get(key, block);
    return [fromHex(key) ?? new Uint8Array(), value === undefined ? Uint8Array.of(0) : blake2b256(value)];
  });
  return blake2b256(concatBytes(parent, ...parts));
};

const encodedList = (extrinsics: readonly Uint8Array[]): Uint8Array =>
  concatBytes(compact(u32).enc(extrinsics.length), ...extrinsics);

const runInherent = (runtime: Runtime, ctx: Context, callBytes: Uint8Array, input: BuildInput): void => {
  const call = runtime.calls.dec(callBytes);
  const dispatch: Dispatch = { call, origin: { kind: 'none' }, info: infoOf(call, 'Mandatory') };
  reportDispatch(ctx, dispatch.info, tryDispatch(runtime, ctx, dispatch, input.onDefect));
};

/** A hook's exception is a fault of its pallet: its changes are undone and the block goes on. */
const runHook = (ctx: Context, hook: (() => void) | undefined, onDefect: (error: unknown) => void): void => {
  if (hook === undefined) return;
  try {
    ctx.transaction(hook);
  } catch (error) {
    onDefect(error);
  }
};

const runTransactions = (
  runtime: Runtime,
  ctx: Context,
  input: BuildInput,
  include: (encoded: Uint8Array) => void,
): void => {
  let used = 0;
  let usedBytes = 0;
  input.offer((transaction) => {
    const { encoded } = transaction;
    if (used >= MAX_BLOCK_TRANSACTIONS || usedBytes + encoded.length > MAX_NORMAL_BLOCK_BYTES)
      return { kind: 'full' };
    const refusal = tryApply(runtime, ctx, transaction, input);
    if (refusal !== undefined) return { kind: 'invalid', refusal };
    used += 1;
    usedBytes += encoded.length;
    include(encoded);
    return { kind: 'applied' };
  });
};

const finishBlock = (
  runtime: Runtime,
  header: Omit<Header, 'stateRoot' | 'extrinsicsRoot'>,
  extrinsics: readonly Uint8Array[],
  parentRoot: Uint8Array,
): Block => {
  const { number } = header;
  const writtenKeys = runtime.state.seal(number);
  const complete: Header = {
    ...header,
    stateRoot: stateRoot(runtime, parentRoot, writtenKeys, number),
    extrinsicsRoot: blake2b256(encodedList(extrinsics)),
  };
  const hash = toHex(blake2b256(headerType.enc(complete)));
  return { number, hash, header: complete, extrinsics, writtenKeys };
};

/** Builds the block after `parent` and writes its state. */
export const buildBlock = (runtime: Runtime, input: BuildInput): Block => {
  const { parent, nowMs, onDefect } = input;
  const number = parent.number + 1;
  const parentHash = fromHex(parent.hash) ?? new Uint8Array(32);
  const slot = u64.enc(slotOf(nowMs, input.blockTimeMs));
  const digest = { logs: [{ tag: 'PreRuntime', value: [AURA_ENGINE, slot] }] } satisfies Header['digest'];
  const emitted: EmittedEvent[] = [];
  const log = createEventLog(emitted);
  const ctx = createContext(runtime.parts, number, emitted);
  const extrinsics: Uint8Array[] = [];
  const include = (encoded: Uint8Array): void => {
    log.close({ tag: 'ApplyExtrinsic', value: [extrinsics.length] });
    extrinsics.push(encoded);
  };

  initializeSystem(ctx, { number, parentHash, logs: digest });
  for (const pallet of runtime.pallets)
    runHook(ctx, pallet.onInitialize && (() => pallet.onInitialize?.(ctx, number)), onDefect);
  log.close({ tag: 'Initialization' });
  const inherent = timestampInherent(nowMs);
  runInherent(runtime, ctx, inherent, input);
  include(encodeBare(inherent));
  runTransactions(runtime, ctx, input, include);
  for (const pallet of runtime.pallets)
    runHook(ctx, pallet.onFinalize && (() => pallet.onFinalize?.(ctx, number)), onDefect);
  log.close({ tag: 'Finalization' });
  ctx.put(systemStorage.EventCount, log.count());
  runtime.state.set(runtime.eventsKey, log.encode(), number);
  return finishBlock(runtime, { parentHash, number, digest }, extrinsics, parent.header.stateRoot);
};

/** Block 0: no extrinsics and no events, only what `write` puts into the state. */
export const buildGenesis = (runtime: Runtime, write: (ctx: Context) => void): Block => {
  write(createContext(runtime.parts, 0, []));
  const header = { parentHash: new Uint8Array(32), number: 0, digest: { logs: [] } };
  return finishBlock(runtime, header, [], new Uint8Array(32));
};
