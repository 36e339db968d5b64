/** The pallet over an in-process state: blocks by hand, calls without signatures. */
import { encodeAddress } from '@polkadot/util-crypto';
import { deposit } from '#src/devnet/balances.ts';
import { createContext, createReadContext, type EmittedEvent } from '#src/devnet/context.ts';
import { drand } from '#src/devnet/drand/pallet.ts';
import type { GenesisConfig, GenesisSubnet } from '#src/devnet/genesis.ts';
import { type Context, DispatchFailure, ModuleError, type ReadContext } from '#src/devnet/pallet.ts';
import { createRuntime } from '#src/devnet/runtime.ts';
import { subtensorModule } from '#src/devnet/subtensor/pallet.ts';

export const TAO = 1_000_000_000n;

/** A 32-byte account without a key pair. */
export const account = (id: number): Uint8Array => new Uint8Array(32).fill(id);
export const address = (id: number): string => encodeAddress(account(id), 42);

/** Owner 200/201; validators 1 and 2 with stake, miners 3 and 4; the coldkey of n is 100 + n. */
export const NETUID = 2;
export const neuron = (id: number, stake: bigint, validatorPermit?: boolean) => ({
  hotkey: address(id),
  coldkey: address(100 + id),
  stake,
  validatorPermit,
});
export const subnetGenesis = (overrides: Partial<GenesisSubnet> = {}): GenesisSubnet => ({
  netuid: NETUID,
  tempo: 10,
  ownerColdkey: address(200),
  ownerHotkey: address(201),
  hyperparameters: { commitRevealWeightsEnabled: false, weightsSetRateLimit: 5, servingRateLimit: 5 },
  neurons: [neuron(1, 300n * TAO), neuron(2, 100n * TAO), neuron(3, 0n), neuron(4, 0n)],
  ...overrides,
});
export const genesisOf = (...subnets: GenesisSubnet[]): GenesisConfig => ({
  chain: 'test',
  blockTimeMs: 1000,
  accounts: [{ address: address(50), free: 100n * TAO }],
  subnets,
  flags: { allowLoopbackAxon: false },
});

type Args = { readonly [name: string]: unknown };

/** Name of the dispatch error of a failing call, undefined when it succeeds. */
const errorOf = (run: () => void): string | undefined => {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof ModuleError) {
      return error.declaration.name;
    }
    if (error instanceof DispatchFailure) {
      return error.failure.tag;
    }
    throw error;
  }
};

export const startState = (config: GenesisConfig) => {
  const runtime = createRuntime({ blockTimeMs: config.blockTimeMs, pallets: [subtensorModule, drand] });
  let block = 0;
  const write = (run: (ctx: Context) => void): EmittedEvent[] => {
    const events: EmittedEvent[] = [];
    run(createContext(runtime.parts, block, events));
    return events;
  };
  write((ctx) => {
    for (const { free } of config.accounts) {
      deposit(ctx, account(50), free);
    }
    subtensorModule.genesis?.(ctx, config);
  });
  runtime.state.seal(0);
  const callOf = (name: string) => {
    const declaration = subtensorModule.calls?.[name];
    if (declaration === undefined) {
      throw new Error(`no call ${name}`);
    }
    return declaration;
  };
  return {
    runtime,
    block: () => block,
    /** The state as the pool sees it: numbered as the next block. */
    pool: (): ReadContext => createReadContext(runtime.parts, block, block + 1),
    read: (): ReadContext => createReadContext(runtime.parts, block),
    write,
    /** Starts blocks and gives the events of the last one's hooks. */
    advance: (count = 1): EmittedEvent[] => {
      let events: EmittedEvent[] = [];
      for (let made = 0; made < count; made += 1) {
        runtime.state.seal(block);
        block += 1;
        events = write((ctx) => subtensorModule.onInitialize?.(ctx, block));
      }
      return events;
    },
    /** Dispatches in the open block and undoes a failing call; gives the error's name. */
    dispatch: (name: string, args: Args, signer: number): string | undefined =>
      errorOf(() => {
        write((ctx) =>
          ctx.transaction(() =>
            callOf(name).dispatch(ctx, args, { kind: 'signed', account: account(signer) }),
          ),
        );
      }),
    /** Custom code with which the pool refuses, undefined when it takes the call. */
    refuse: (name: string, args: Args, signer: number): number | undefined => {
      const ctx = createReadContext(runtime.parts, block, block + 1);
      const refusal = callOf(name).checkInPool?.(ctx, args, account(signer));
      return refusal !== undefined && 'custom' in refusal ? refusal.custom : undefined;
    },
  };
};
export type TestState = ReturnType<typeof startState>;
