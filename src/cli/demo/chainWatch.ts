import { ApiPromise, WsProvider } from '@polkadot/api';
import type { ApiOptions } from '@polkadot/api/types';
import * as Schema from 'effect/Schema';

import { demoNetuid, revealPeriodEpochs } from './demoGenesis.ts';

/** One validator's weights as they stood after a block that set them. */
export type WeightsSet = {
  readonly validator: number;
  readonly epoch: number;
  readonly block: number;
  readonly uids: readonly number[];
  readonly values: readonly number[];
};

/** A timelocked commit in the block that holds it: nobody can read it before the beacon's round is published. */
export type Committed = {
  readonly hotkey: string;
  readonly epoch: number;
  readonly block: number;
  readonly revealRound: number;
};

/** The block in which the chain opened a commit by itself, and the epoch the commit was made in. */
export type Revealed = { readonly hotkey: string; readonly epoch: number; readonly block: number };

/** What the chain says about one miner, fractions in [0, 1]. */
export type ChainRow = {
  readonly incentive: number;
  readonly emissionAlpha: number;
  readonly weight: number;
};

export type ChainWatch = {
  /** Everything seen in finalized blocks so far. */
  readonly weightsSet: () => readonly WeightsSet[];
  readonly commits: () => readonly Committed[];
  readonly reveals: () => readonly Revealed[];
  readonly epoch: () => number;
  readonly block: () => number;
  /** Rows by uid at the newest finalized block; `weight` is the share of the first validator's row. */
  readonly rows: (uids: readonly number[]) => Promise<ReadonlyMap<number, ChainRow>>;
  readonly close: () => Promise<void>;
};

const Row = Schema.Array(Schema.Tuple([Schema.Int, Schema.Int]));
const Count = Schema.Union([Schema.Int, Schema.NumberFromString]);
const Numbers = Schema.Array(Count);
const SetEvent = Schema.Tuple([Schema.Int, Schema.Int]);
const CommitEvent = Schema.Tuple([Schema.String, Schema.Int, Schema.String, Count]);
const RevealEvent = Schema.Tuple([Schema.Int, Schema.String]);

const u16 = 65_535;
const raoPerAlpha = 1e9;
const validatorUid = 0;

type Observed = {
  block: number;
  epoch: number;
  readonly sets: WeightsSet[];
  readonly commits: Committed[];
  readonly reveals: Revealed[];
  fault: unknown;
};

/** Reads one finalized block: its epoch, and who set weights in it. */
const observeBlock = async (api: ApiPromise, block: number, seen: Observed): Promise<void> => {
  const hash = await api.rpc.chain.getBlockHash(block);
  const at = await api.at(hash);
  const module = at.query['subtensorModule'];
  const events = await at.query['system']?.['events']?.();
  const epoch = await module?.['subnetEpochIndex']?.(demoNetuid);
  seen.epoch = Schema.decodeUnknownSync(Count)(epoch?.toJSON());
  seen.block = block;
  const records = events as unknown as Iterable<{
    readonly event: {
      readonly section: string;
      readonly method: string;
      readonly data: { toJSON(): unknown };
    };
  }>;
  for (const { event } of records) {
    if (event.section !== 'subtensorModule') continue;
    if (event.method === 'TimelockedWeightsCommitted') {
      const [hotkey, , , revealRound] = Schema.decodeUnknownSync(CommitEvent)(event.data.toJSON());
      seen.commits.push({ hotkey, epoch: seen.epoch, block, revealRound });
    }
    if (event.method === 'TimelockedWeightsRevealed') {
      const [, hotkey] = Schema.decodeUnknownSync(RevealEvent)(event.data.toJSON());
      seen.reveals.push({ hotkey, epoch: seen.epoch - revealPeriodEpochs, block });
    }
    if (event.method !== 'WeightsSet') continue;
    const [, validator] = Schema.decodeUnknownSync(SetEvent)(event.data.toJSON());
    const row = await module?.['weights']?.(demoNetuid, validator);
    const weights = Schema.decodeUnknownSync(Row)(row?.toJSON());
    seen.sets.push({
      validator,
      epoch: seen.epoch,
      block,
      uids: weights.map(([uid]) => uid),
      values: weights.map(([, value]) => value),
    });
  }
};

const readRows = async (
  api: ApiPromise,
  block: number,
  uids: readonly number[],
): Promise<ReadonlyMap<number, ChainRow>> => {
  const at = await api.at(await api.rpc.chain.getBlockHash(block));
  const module = at.query['subtensorModule'];
  const read = async (name: string, ...args: readonly unknown[]) =>
    (await module?.[name]?.(...args))?.toJSON();
  const incentive = Schema.decodeUnknownSync(Numbers)(await read('incentive', demoNetuid));
  const emission = Schema.decodeUnknownSync(Numbers)(await read('emission', demoNetuid));
  const weights = Schema.decodeUnknownSync(Row)(await read('weights', demoNetuid, validatorUid));
  const total = weights.reduce((sum, [, value]) => sum + value, 0);
  return new Map(
    uids.map((uid) => [
      uid,
      {
        incentive: (incentive[uid] ?? 0) / u16,
        emissionAlpha: (emission[uid] ?? 0) / raoPerAlpha,
        weight: (weights.find(([target]) => target === uid)?.[1] ?? 0) / Math.max(1, total),
      },
    ]),
  );
};

/** Follows the demo's chain with a client that shares no code with the daemons: the unmodified `@polkadot/api`. */
export const watchChain = async (url: string): Promise<ChainWatch> => {
  // The provider's own type and the one asked for differ under exactOptionalPropertyTypes alone.
  const provider = new WsProvider(url, 1_000) as unknown as NonNullable<ApiOptions['provider']>;
  const api = await ApiPromise.create({ provider, noInitWarn: true, throwOnConnect: true });
  const seen: Observed = { block: 0, epoch: 0, sets: [], commits: [], reveals: [], fault: null };
  let reading = Promise.resolve();
  let wanted = 0;
  let isClosing = false;
  const unsubscribe = await api.rpc.chain.subscribeFinalizedHeads((head) => {
    // Heads still arrive while the subscription is being ended.
    if (isClosing) return;
    const latest = head.number.toNumber();
    for (let block = wanted + 1; block <= latest; block += 1) {
      reading = reading
        .then(() => observeBlock(api, block, seen))
        .catch((error: unknown) => {
          seen.fault ??= error;
        });
    }
    wanted = Math.max(wanted, latest);
  });
  return {
    weightsSet: () => seen.sets,
    commits: () => seen.commits,
    reveals: () => seen.reveals,
    epoch: () => seen.epoch,
    block: () => seen.block,
    rows: async (uids) => {
      await reading;
      if (seen.fault !== null) throw seen.fault;
      return readRows(api, seen.block, uids);
    },
    close: async () => {
      isClosing = true;
      unsubscribe();
      await reading;
      await api.disconnect();
    },
  };
};
