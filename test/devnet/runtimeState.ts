/** All pallets of the node over an in-process state: blocks by hand, calls without signatures, events by name. */
import { deposit } from '#src/devnet/balances.ts';
import { createContext, createReadContext, type EmittedEvent } from '#src/devnet/context.ts';
import { accountFromAddress, type GenesisConfig } from '#src/devnet/genesis.ts';
import {
  type AnyStorageItem,
  type Context,
  DispatchFailure,
  ModuleError,
  type Origin,
  type PoolRefusal,
  type ReadContext,
  ROOT_ORIGIN,
} from '#src/devnet/pallet.ts';
import { createRuntime, defaultPallets } from '#src/devnet/runtime.ts';
import type { DecodedCall } from '#src/devnet/runtimeTypes.ts';
import { fieldsCodec } from '#src/devnet/scale.ts';
import { account } from './subtensorFixture.ts';

export type Args = { readonly [name: string]: unknown };
export type NamedEvent = { readonly name: string; readonly fields: unknown };
/** A signer's number, or root. */
export type Caller = number | 'root';

const originOf = (caller: Caller): Origin =>
  caller === 'root' ? ROOT_ORIGIN : { kind: 'signed', account: account(caller) };

/** Name of what a call fails with. */
const nameOf = (error: unknown): string => {
  if (error instanceof ModuleError) return error.declaration.name;
  if (error instanceof DispatchFailure) return error.failure.tag;
  throw error;
};

export const startRuntimeState = (config: GenesisConfig) => {
  const runtime = createRuntime({ blockTimeMs: config.blockTimeMs, pallets: defaultPallets });
  let block = 0;
  let lastEvents: readonly NamedEvent[] = [];

  const named = ({ pallet, data }: EmittedEvent): NamedEvent => {
    const declared = Object.entries(runtime.pallets.find(({ index }) => index === pallet)?.events ?? {});
    const [name, event] = declared.find(([, { index }]) => index === data[1]) ?? [];
    if (name === undefined || event === undefined) throw new Error('an event that no pallet declares');
    return { name, fields: fieldsCodec(event.fields).dec(data.slice(2)) };
  };
  const write = (run: (ctx: Context) => void): void => {
    const events: EmittedEvent[] = [];
    run(createContext(runtime.parts, block, events));
    lastEvents = events.map(named);
  };
  /** `SubtensorModule.add_stake`, as a nested call has it. */
  const callOf = (path: string, args: Args): DecodedCall => {
    const [pallet = '', name = ''] = path.split('.');
    const declaration = runtime.pallets.find((found) => found.name === pallet)?.calls?.[name];
    if (declaration === undefined) throw new Error(`no call ${path}`);
    return { pallet, name, declaration, args };
  };
  write((ctx) => {
    for (const { address, free } of config.accounts) deposit(ctx, accountFromAddress(address), free);
    for (const pallet of runtime.pallets) pallet.genesis?.(ctx, config);
  });
  runtime.state.seal(0);
  return {
    runtime,
    callOf,
    write,
    block: () => block,
    read: (): ReadContext => createReadContext(runtime.parts, block),
    /** Events of the last call, or of the hooks of the last block. */
    events: () => lastEvents,
    put: (item: AnyStorageItem, ...keysAndValue: readonly unknown[]): void =>
      write((ctx) =>
        (ctx.put as (item: AnyStorageItem, ...keysAndValue: readonly unknown[]) => void)(
          item,
          ...keysAndValue,
        ),
      ),
    /** Starts blocks, running the hooks of all pallets. */
    advance: (count = 1): void => {
      for (let made = 0; made < count; made += 1) {
        runtime.state.seal(block);
        block += 1;
        write((ctx) => {
          for (const pallet of runtime.pallets) pallet.onInitialize?.(ctx, block);
        });
      }
    },
    /** Dispatches in the open block and undoes a failing call; gives the error's name. */
    dispatch: (path: string, args: Args, caller: Caller): string | undefined => {
      try {
        write((ctx) =>
          ctx.transaction(() => {
            const call = callOf(path, args);
            call.declaration.dispatch(ctx, call.args, originOf(caller));
          }),
        );
        return undefined;
      } catch (error) {
        return nameOf(error);
      }
    },
    /** What the pool says, undefined when it takes the call. */
    refuse: (path: string, args: Args, signer: number): PoolRefusal | undefined =>
      callOf(path, args).declaration.checkInPool?.(
        createReadContext(runtime.parts, block, block + 1),
        args,
        account(signer),
      ),
  };
};
export type RuntimeState = ReturnType<typeof startRuntimeState>;
