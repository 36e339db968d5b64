/** A chain with manual blocks and an unmodified client on it. */
import { ApiPromise, WsProvider } from '@polkadot/api';
import type { ApiOptions, SubmittableExtrinsic } from '@polkadot/api/types';
import { Keyring } from '@polkadot/keyring';
import type { EventRecord } from '@polkadot/types/interfaces';
import { decodeGenesis } from '#src/devnet/genesis.ts';
import { type Devnet, type DevnetOptions, startDevnet } from '#src/devnet/node.ts';
import {
  apiMethod,
  call,
  declareErrors,
  definePallet,
  ensureSigned,
  event,
  identity,
  ModuleError,
  type PoolRefusal,
  storageMap,
} from '#src/devnet/pallet.ts';
import { option, u16, u32, u64 } from '#src/devnet/scale.ts';

export const TAO = 1_000_000_000n;
export const keyring = new Keyring({ type: 'sr25519', ss58Format: 42 });

export const noteStorage = { Notes: storageMap([identity(u16)], u64) };
const noteEvents = { Noted: event(0, { id: u16, value: u64 }) };
const noteErrors = declareErrors({ Unlucky: 3 });
/** From the block after this the pool check of note 67 throws. */
export const FAULTY_FROM_BLOCK = 1;
/** A pallet in which everything that pallets can do happens. */
export const notes = definePallet({
  name: 'Notes',
  index: 40,
  storage: noteStorage,
  events: noteEvents,
  errors: noteErrors,
  calls: {
    note: call({
      index: 2,
      args: { id: u16, value: u64 },
      pays: false,
      checkInPool: (ctx, { id }): PoolRefusal | undefined => {
        if (id === 67 && ctx.block > FAULTY_FROM_BLOCK) throw new TypeError('a fault of the check');
        if (id === 99) return { custom: 6 };
        return id === 77 && ctx.has(noteStorage.Notes, id) ? { custom: 7 } : undefined;
      },
      dispatch: (ctx, { id, value }, origin) => {
        ensureSigned(origin);
        ctx.put(noteStorage.Notes, id, value);
        ctx.emit(noteEvents.Noted, { id, value });
        if (id === 13) throw new ModuleError(noteErrors.Unlucky);
        if (id === 66) throw new TypeError('a fault of the pallet');
      },
    }),
  },
  apis: [
    {
      name: 'NotesApi',
      version: 1,
      methods: {
        get_note: apiMethod({
          args: { id: u16 },
          returns: option(u64),
          handle: (ctx, { id }) => ctx.get(noteStorage.Notes, id),
        }),
        block: apiMethod({ args: {}, returns: u32, handle: (ctx) => ctx.block }),
      },
    },
  ],
});

export const testGenesis = decodeGenesis({
  chain: 'test chain',
  blockTimeMs: 12_000,
  accounts: ['//Alice', '//Bob'].map((address) => ({ address, free: String(1000n * TAO) })),
});
export const START_MS = 1_700_000_000_000;

/** A request as the client's provider sends it, past its caches and checks. */
export const request = async (
  url: string,
  method: string,
  ...params: readonly unknown[]
): Promise<unknown> => {
  const provider = new WsProvider(url, false);
  await provider.connect();
  await provider.isReady;
  try {
    return await provider.send(method, [...params]);
  } finally {
    await provider.disconnect();
  }
};

export type TestNode = { readonly node: Devnet; readonly api: ApiPromise; stop(): Promise<void> };
export const startTestNode = async (options: Partial<DevnetOptions> = {}): Promise<TestNode> => {
  const node = await startDevnet({
    genesis: testGenesis,
    sealing: 'manual',
    startMs: START_MS,
    pallets: [notes],
    ...options,
  });
  // The client's own declarations do not agree under exactOptionalPropertyTypes
  const provider = new WsProvider(node.url) as unknown as NonNullable<ApiOptions['provider']>;
  const api = await ApiPromise.create({ provider, noInitWarn: true });
  const stop = async (): Promise<void> => {
    await api.disconnect();
    await node.stop();
  };
  return { node, api, stop };
};

/** Submits a signed transaction, seals a block and gives the transaction's events. */
export const include = async (
  { node, api }: TestNode,
  transaction: SubmittableExtrinsic<'promise'>,
): Promise<readonly EventRecord[]> => {
  await api.rpc.author.submitExtrinsic(transaction);
  const { hash, extrinsics } = node.seal();
  const index = extrinsics.findIndex((encoded) => Buffer.from(encoded).equals(transaction.toU8a()));
  const at = await api.at(hash);
  const records = (await at.query['system']?.['events']?.()) as unknown as readonly EventRecord[];
  return records.filter(({ phase }) => phase.isApplyExtrinsic && phase.asApplyExtrinsic.eq(index));
};
export const names = (records: readonly EventRecord[]): readonly string[] =>
  records.map(({ event: { section, method } }) => `${section}.${method}`);
