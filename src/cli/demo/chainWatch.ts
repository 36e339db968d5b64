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
};

type BlockFacts = Pick<Observed, 'epoch' | 'sets' | 'commits' | 'reveals'>;

/** Reads one finalized block: its epoch, and who set weights in it. */
const readBlock = async (api: ApiPromise, block: number): Promise<BlockFacts> => {
  const hash = await api.rpc.chain.getBlockHash(block);
  const at = await api.at(hash);
  const module = at.query['subtensorModule'];
  const events = await at.query['system']?.['events']?.();
  const index = await module?.['subnetEpochIndex']?.(demoNetuid);
  const epoch = Schema.decodeUnknownSync(Count)(index?.toJSON());
  const facts: BlockFacts = { epoch, sets: [], commits: [], reveals: [] };
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
      facts.commits.push({ hotkey, epoch, block, revealRound });
    }
    if (event.method === 'TimelockedWeightsRevealed') {
      const [, hotkey] = Schema.decodeUnknownSync(RevealEvent)(event.data.toJSON());
      facts.reveals.push({ hotkey, epoch: epoch - revealPeriodEpochs, block });
    }
    if (event.method !== 'WeightsSet') continue;
    const [, validator] = Schema.decodeUnknownSync(SetEvent)(event.data.toJSON());
    const row = await module?.['weights']?.(demoNetuid, validator);
    const weights = Schema.decodeUnknownSync(Row)(row?.toJSON());
    facts.sets.push({
      validator,
      epoch,
      block,
      uids: weights.map(([uid]) => uid),
      values: weights.map(([, value]) => value),
    });
  }
  return facts;
};

/** A block counts once, and whole: one that could not be read to its end is read again. */
const recordBlock = (seen: Observed, block: number, facts: BlockFacts): void => {
  seen.sets.push(...facts.sets);
  seen.commits.push(...facts.commits);
  seen.reveals.push(...facts.reveals);
  seen.epoch = facts.epoch;
  seen.block = block;
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Several looks per block of the demo. */
const lookMs = 50;
/** Failures in a row while the connection stands: then it is not the chain's absence that they come from. */
const maxFailures = 20;
const retryMs = 200;
const reconnectMs = 1_000;
/** A request without an answer for so long ends the whole process from within the client, so it must not be short. */
const answerPatienceMs = 600_000;

/** Reads every finalized block in its turn, whatever becomes of the connection meanwhile, until `isOver`. */
const followBlocks = async (api: ApiPromise, seen: Observed, isOver: () => boolean): Promise<void> => {
  let failures = 0;
  while (!isOver()) {
    // The client would report each request that it cannot send.
    if (!api.isConnected) {
      await pause(retryMs);
      continue;
    }
    try {
      const head = await api.rpc.chain.getHeader(await api.rpc.chain.getFinalizedHead());
      for (let block = seen.block + 1; block <= head.number.toNumber() && !isOver(); block += 1) {
        recordBlock(seen, block, await readBlock(api, block));
      }
      failures = 0;
      await pause(lookMs);
    } catch (error) {
      if (api.isConnected) failures += 1;
      if (failures > maxFailures) throw error;
      await pause(retryMs);
    }
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

/**
 * Follows the demo's chain with a client that shares no code with the daemons: the unmodified `@polkadot/api`. It
 * connects again by itself, and what happened meanwhile is read afterwards.
 */
export const watchChain = async (url: string): Promise<ChainWatch> => {
  // The provider's own type and the one asked for differ under exactOptionalPropertyTypes alone.
  const provider = new WsProvider(url, reconnectMs, {}, answerPatienceMs) as unknown as NonNullable<
    ApiOptions['provider']
  >;
  const api = await ApiPromise.create({ provider, noInitWarn: true, throwOnConnect: true });
  const seen: Observed = { block: 0, epoch: 0, sets: [], commits: [], reveals: [] };
  let isClosing = false;
  let fault: { readonly error: unknown } | null = null;
  const following = followBlocks(api, seen, () => isClosing).catch((error: unknown) => {
    fault = { error };
  });
  const failIfBroken = (): void => {
    if (fault !== null) throw fault.error;
  };
  return {
    weightsSet: () => seen.sets,
    commits: () => seen.commits,
    reveals: () => seen.reveals,
    epoch: () => {
      failIfBroken();
      return seen.epoch;
    },
    block: () => seen.block,
    rows: async (uids) => {
      for (let failures = 0; ; failures += 1) {
        failIfBroken();
        try {
          return await readRows(api, seen.block, uids);
        } catch (error) {
          if (failures > maxFailures) throw error;
          await pause(retryMs);
        }
      }
    },
    close: async () => {
      isClosing = true;
      await following;
      await api.disconnect();
    },
  };
};
