/**
 * Calls inside of calls, as batches and sudo carry them: their type, and how they are run.
 *
 * The type of all calls contains itself and depends on all pallets, so it is made empty and bound to the pallets once
 * they are put together.
 */
import * as scale from 'scale-ts';
import { dispatchError } from './chainTypes.ts';
import { type DispatchErrorValue, dispatchErrorOf, type FindError } from './dispatchErrors.ts';
import {
  type CallDeclaration,
  type Context,
  DispatchFailure,
  ModuleError,
  type Origin,
  type Pallet,
} from './pallet.ts';
import { type DecodedCall, runtimeCall } from './runtimeTypes.ts';
import {
  type AnyType,
  concatBytes,
  describe,
  fieldsCodec,
  type NamedFields,
  type ScaleType,
  tuple,
  variant,
} from './scale.ts';

/** How deep calls may be nested; the real chain stops at 256. Deeper ones do not decode. */
const MAX_DEPTH = 64;

type Known = Omit<DecodedCall, 'args'> & { readonly palletIndex: number };

export type NestedCalls = {
  readonly type: ScaleType<DecodedCall>;
  /**
   * Fixes the pallets whose calls may be nested, and where their errors stand. To be called once, before anything is
   * decoded or described.
   */
  bind(pallets: readonly Pallet[], findError: FindError): void;
  /**
   * Runs a call with an origin. What fails is undone and returned; a fault of a pallet is thrown on. The checks that
   * the pool would have made come first, as the chain's dispatch extensions make them.
   */
  dispatch(ctx: Context, call: DecodedCall, origin: Origin): DispatchErrorValue | undefined;
  /** Like `dispatch`, but throws what fails. */
  run(ctx: Context, call: DecodedCall, origin: Origin): void;
};

/** `Result<(), DispatchError>`. */
export const dispatchResult = variant(
  'Result',
  { Ok: { index: 0, fields: [tuple()] }, Err: { index: 1, fields: [dispatchError] } },
  [
    { name: 'T', type: tuple() },
    { name: 'E', type: dispatchError },
  ],
);
export const dispatchResultOf = (failure: DispatchErrorValue | undefined) =>
  failure === undefined ? ({ tag: 'Ok', value: [[]] } as const) : ({ tag: 'Err', value: [failure] } as const);

/** Only a signer's calls pass the extensions: root and the chain itself are not checked. */
const checkAsPool = (ctx: Context, { declaration, args }: DecodedCall, origin: Origin): void => {
  if (origin.kind !== 'signed') return;
  const refusal = declaration.checkInPool?.(ctx, args, origin.account);
  if (refusal === undefined) return;
  if ('error' in refusal && refusal.error !== undefined) throw new ModuleError(refusal.error);
  throw new DispatchFailure({ tag: 'reason' in refusal ? 'BadOrigin' : 'Other' });
};

const run = (ctx: Context, call: DecodedCall, origin: Origin): void =>
  ctx.transaction(() => {
    checkAsPool(ctx, call, origin);
    call.declaration.dispatch(ctx, call.args, origin);
  });

/** The codec of calls by pallet and call index. */
const createCallCodec = () => {
  const calls = new Map<number, Known>();
  const indices = new Map<CallDeclaration<NamedFields>, number>();
  let depth = 0;
  const decode = (input: Uint8Array): DecodedCall => {
    const [palletIndex, callIndex] = [scale.u8.dec(input), scale.u8.dec(input)];
    const known = calls.get(palletIndex * 256 + callIndex);
    if (known === undefined)
      throw new RangeError(`no call has pallet index ${palletIndex} and call index ${callIndex}`);
    const { pallet, name, declaration } = known;
    return { pallet, name, declaration, args: fieldsCodec(declaration.args).dec(input) };
  };
  const codec = scale.createCodec(
    ({ declaration, args }: DecodedCall) => {
      const index = indices.get(declaration);
      if (index === undefined) throw new RangeError('a call of a pallet that the runtime does not include');
      return concatBytes(Uint8Array.of(index, declaration.index), fieldsCodec(declaration.args).enc(args));
    },
    scale.createDecoder((input) => {
      if (depth >= MAX_DEPTH) throw new RangeError(`calls are nested more than ${MAX_DEPTH} deep`);
      depth += 1;
      try {
        return decode(input);
      } finally {
        depth -= 1;
      }
    }),
  );
  const add = (pallets: readonly Pallet[]): void => {
    for (const pallet of pallets)
      for (const [name, declaration] of Object.entries(pallet.calls ?? {})) {
        const known = { pallet: pallet.name, palletIndex: pallet.index, name, declaration };
        calls.set(pallet.index * 256 + declaration.index, known);
        indices.set(declaration, pallet.index);
      }
  };
  return { codec, add };
};

export const createNestedCalls = (): NestedCalls => {
  const { codec, add } = createCallCodec();
  let outer: AnyType | undefined;
  const type = describe(codec, { path: [], params: [], def: { tag: 'tuple', types: [] } });
  let find: FindError = () => undefined;
  return {
    type: {
      enc: type.enc,
      dec: type.dec,
      get info() {
        if (outer === undefined) throw new Error('nested calls are described before they are bound');
        return outer.info;
      },
    },
    bind: (pallets, findError) => {
      outer = runtimeCall(pallets);
      find = findError;
      add(pallets);
    },
    run,
    dispatch: (ctx, call, origin) => {
      try {
        run(ctx, call, origin);
        return undefined;
      } catch (error) {
        const failure = dispatchErrorOf(find, error);
        if (failure === undefined) throw error;
        return failure;
      }
    },
  };
};
