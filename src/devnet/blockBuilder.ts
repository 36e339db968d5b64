/** Executes one block: hooks, inherent, transactions, events, header. */
import { type dispatchInfo, header as headerType, phase } from './chainTypes.ts';
import { createContext, type EmittedEvent } from './context.ts';
import { type DispatchErrorValue, dispatchErrorOf } from './dispatchErrors.ts';
import { encodeBare } from './extrinsic.ts';
import { blake2b256, fromHex, toHex } from './hashing.ts';
import { MAX_NORMAL_BLOCK_BYTES } from './limits.ts';
import type { Context, Origin } from './pallet.ts';
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
  /** Unix ms. */
  readonly timestampMs: number;
  /** Each with its length prefix. */
  readonly extrinsics: readonly Uint8Array[];
};

/** Transactions in a block beyond the inherent: keeps the time that one block takes bounded. */
const MAX_BLOCK_TRANSACTIONS = 2_000;
/** Receives the fees. Nobody has its key. */
const BLOCK_AUTHOR = new TextEncoder().encode('miaoai devnet: author of blocks.');
const AURA_ENGINE = new TextEncoder().encode('aura');

/** What a block does to the runtime. */
export type CodeUpgrade = {
  /** Written to `:code`: the next block runs it. */
  readonly code: Uint8Array | undefined;
  /** In the first block of a runtime: storage prefixes whose entries move, from and to. */
  readonly moves: readonly (readonly [from: string, to: string])[];
};

export type BuildInput = {
  readonly parent: Block;
  readonly nowMs: number;
  readonly blockTimeMs: number;
  readonly validity: Omit<ValidityContext, 'ctx'>;
  readonly upgrade: CodeUpgrade;
  /** Offers transactions one by one; `apply` says whether to go on with the same account's next. */
  readonly offer: (apply: (transaction: Transaction) => ApplyOutcome) => void;
  /** Told about exceptions that are no dispatch errors: faults of a pallet. */
  readonly onDefect: (error: unknown) => void;
};
export type ApplyOutcome =
  | { readonly kind: 'applied' }
  | { readonly kind: 'invalid'; readonly refusal: Refusal }
  | { readonly kind: 'full' };

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
    const known = dispatchErrorOf(runtime.errorPosition, error);
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

type UnsignedCall = { readonly callBytes: Uint8Array; readonly className: 'Normal' | 'Mandatory' };
const runUnsigned = (
  runtime: Runtime,
  ctx: Context,
  { callBytes, className }: UnsignedCall,
  input: BuildInput,
): void => {
  const call = runtime.calls.dec(callBytes);
  const dispatch: Dispatch = { call, origin: { kind: 'none' }, info: infoOf(call, className) };
  reportDispatch(ctx, dispatch.info, tryDispatch(runtime, ctx, dispatch, input.onDefect));
};

/** What the pallets' off-chain workers bring. */
const runWorkers = (
  runtime: Runtime,
  ctx: Context,
  input: BuildInput,
  include: (encoded: Uint8Array) => void,
): void => {
  for (const pallet of runtime.pallets)
    try {
      for (const callBytes of pallet.offchainWorker?.(ctx) ?? []) {
        runUnsigned(runtime, ctx, { callBytes, className: 'Normal' }, input);
        include(encodeBare(callBytes));
      }
    } catch (error) {
      input.onDefect(error);
    }
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

/** `:code`, under which every Substrate chain keeps its runtime. */
const CODE_KEY = '0x3a636f6465';

/** frame_executive: the first block of a runtime notes its version and moves what the old one kept elsewhere. */
const startRuntime = (runtime: Runtime, ctx: Context, { upgrade }: BuildInput): void => {
  const { specName, specVersion } = runtime.version;
  if (ctx.get(systemStorage.LastRuntimeUpgrade)?.specVersion === specVersion) return;
  ctx.put(systemStorage.LastRuntimeUpgrade, { specVersion, specName });
  const { state } = runtime;
  for (const [from, to] of upgrade.moves)
    for (const key of state.keys(from, ctx.block)) {
      state.set(`${to}${key.slice(from.length)}`, state.get(key, ctx.block), ctx.block);
      state.set(key, undefined, ctx.block);
    }
};

/** `System.set_code` as root: the code in the state, the event, and the digest by which light clients see it. */
const setCode = (
  runtime: Runtime,
  ctx: Context,
  digest: Header['digest'],
  code: Uint8Array,
): Header['digest'] => {
  const extended: Header['digest'] = { logs: [...digest.logs, { tag: 'RuntimeEnvironmentUpdated' }] };
  runtime.state.set(CODE_KEY, code, ctx.block);
  ctx.put(systemStorage.Digest, extended);
  ctx.emit(systemEvents.CodeUpdated, []);
  return extended;
};

type FinishedBlock = {
  readonly header: Omit<Header, 'stateRoot' | 'extrinsicsRoot'>;
  readonly extrinsics: readonly Uint8Array[];
  readonly parentRoot: Uint8Array;
  readonly timestampMs: number;
};
const finishBlock = (runtime: Runtime, block: FinishedBlock): Block => {
  const { header, extrinsics, parentRoot, timestampMs } = block;
  const { number } = header;
  const writtenKeys = runtime.state.seal(number);
  const complete: Header = {
    ...header,
    stateRoot: stateRoot(runtime, parentRoot, writtenKeys, number),
    extrinsicsRoot: blake2b256(encodedList(extrinsics)),
  };
  const hash = toHex(blake2b256(headerType.enc(complete)));
  return { number, hash, header: complete, timestampMs, extrinsics };
};

const runHooks = (
  runtime: Runtime,
  ctx: Context,
  kind: 'onInitialize' | 'onFinalize',
  onDefect: (error: unknown) => void,
): void => {
  for (const pallet of runtime.pallets)
    runHook(ctx, pallet[kind] && (() => pallet[kind]?.(ctx, ctx.block)), onDefect);
};

/** Builds the block after `parent` and writes its state. `runtime` is the one in the parent's state. */
export const buildBlock = (runtime: Runtime, input: BuildInput): Block => {
  const { parent, nowMs, onDefect } = input;
  const number = parent.number + 1;
  const parentHash = fromHex(parent.hash) ?? new Uint8Array(32);
  const slot = u64.enc(slotOf(nowMs, input.blockTimeMs));
  let digest: Header['digest'] = { logs: [{ tag: 'PreRuntime', value: [AURA_ENGINE, slot] }] };
  const emitted: EmittedEvent[] = [];
  const log = createEventLog(emitted);
  const ctx = createContext(runtime.parts, number, emitted);
  const extrinsics: Uint8Array[] = [];
  const include = (encoded: Uint8Array): void => {
    log.close({ tag: 'ApplyExtrinsic', value: [extrinsics.length] });
    extrinsics.push(encoded);
  };

  startRuntime(runtime, ctx, input);
  initializeSystem(ctx, { number, parentHash, logs: digest });
  if (input.upgrade.code !== undefined) digest = setCode(runtime, ctx, digest, input.upgrade.code);
  runHooks(runtime, ctx, 'onInitialize', onDefect);
  log.close({ tag: 'Initialization' });
  const inherent = timestampInherent(nowMs);
  runUnsigned(runtime, ctx, { callBytes: inherent, className: 'Mandatory' }, input);
  include(encodeBare(inherent));
  runWorkers(runtime, ctx, input, include);
  runTransactions(runtime, ctx, input, include);
  runHooks(runtime, ctx, 'onFinalize', onDefect);
  log.close({ tag: 'Finalization' });
  ctx.put(systemStorage.EventCount, log.count());
  runtime.state.set(runtime.eventsKey, log.encode(), number);
  const header = { parentHash, number, digest };
  const parentRoot = parent.header.stateRoot;
  return finishBlock(runtime, { header, extrinsics, parentRoot, timestampMs: nowMs });
};

export type GenesisInput = {
  /** Unix ms from which the first blocks count; not part of the state. */
  readonly timestampMs: number;
  readonly code: Uint8Array;
  readonly write: (ctx: Context) => void;
};
/** Block 0: no extrinsics and no events, only the code, the version and what `write` puts into the state. */
export const buildGenesis = (runtime: Runtime, { timestampMs, code, write }: GenesisInput): Block => {
  const ctx = createContext(runtime.parts, 0, []);
  const { specName, specVersion } = runtime.version;
  runtime.state.set(CODE_KEY, code, 0);
  ctx.put(systemStorage.LastRuntimeUpgrade, { specVersion, specName });
  write(ctx);
  const header = { parentHash: new Uint8Array(32), number: 0, digest: { logs: [] } };
  return finishBlock(runtime, { header, extrinsics: [], parentRoot: new Uint8Array(32), timestampMs });
};
