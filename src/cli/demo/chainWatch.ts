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
/** Failures in a row with a chain that could be reached and no block read: then they do not come from its absence. */
const maxFailures = 20;
const retryMs = 200;
const connectPatienceMs = 30_000;
/** How long the result is asked for at the end, while the chain may be starting again. */
const rowsPatienceMs = 60_000;
/** A request without an answer for so long ends the whole process from within the client, so it must not be short. */
const answerPatienceMs = 600_000;

/** Connects once: a client that lost its connection goes on giving the failed answers that it remembers. */
const connect = async (url: string): Promise<ApiPromise> => {
  const provider = new WsProvider(url, false, {}, answerPatienceMs);
  // The provider's own type and the one asked for differ under exactOptionalPropertyTypes alone.
  const given = provider as unknown as NonNullable<ApiOptions['provider']>;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no connection to ${url}`)), connectPatienceMs);
  });
  const open = async (): Promise<ApiPromise> => {
    await provider.connect();
    return await ApiPromise.create({ provider: given, noInitWarn: true, throwOnConnect: true });
  };
  try {
    return await Promise.race([open(), late]);
  } catch (error) {
    await provider.disconnect().catch(() => {});
    throw error;
  } finally {
    clearTimeout(timer);
  }
};

type Client = {
  readonly api: () => Promise<ApiPromise>;
  /** The next one who asks gets a new client. */
  readonly drop: () => Promise<void>;
};

const clientOf = (url: string): Client => {
  let current: Promise<ApiPromise> | null = null;
  return {
    api: () => {
      current ??= connect(url);
      return current;
    },
    drop: async () => {
      const lost = current;
      current = null;
      const api = await lost?.catch(() => null);
      await api?.disconnect().catch(() => {});
    },
  };
};

/** Reads every finalized block in its turn, whatever becomes of the connection meanwhile, until `isOver`. */
const followBlocks = async (client: Client, seen: Observed, isOver: () => boolean): Promise<void> => {
  let failures = 0;
  while (!isOver()) {
    let api: ApiPromise | null = null;
    try {
      api = await client.api();
      const head = await api.rpc.chain.getHeader(await api.rpc.chain.getFinalizedHead());
      for (let block = seen.block + 1; block <= head.number.toNumber() && !isOver(); block += 1) {
        recordBlock(seen, block, await readBlock(api, block));
        failures = 0;
      }
      await pause(lookMs);
    } catch (error) {
      if (api?.isConnected === true) failures += 1;
      if (failures > maxFailures) throw error;
      await client.drop();
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

/** The client tells each lost connection by the console, whoever handles it. Here the demo does, in its own words. */
const hushClient = (): void => {
  for (const level of ['warn', 'error'] as const) console[level] = () => {};
};

/**
 * Follows the demo's chain with a client that shares no code with the daemons: the unmodified `@polkadot/api`. When the
 * connection is lost a new one is made, and what happened meanwhile is read afterwards.
 */
export const watchChain = async (url: string): Promise<ChainWatch> => {
  hushClient();
  const client = clientOf(url);
  const seen: Observed = { block: 0, epoch: 0, sets: [], commits: [], reveals: [] };
  let isClosing = false;
  let fault: { readonly error: unknown } | null = null;
  const following = followBlocks(client, seen, () => isClosing).catch((error: unknown) => {
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
      const deadlineMs = performance.now() + rowsPatienceMs;
      for (;;) {
        failIfBroken();
        try {
          return await readRows(await client.api(), seen.block, uids);
        } catch (error) {
          if (performance.now() > deadlineMs) throw error;
          await client.drop();
          await pause(retryMs);
        }
      }
    },
    close: async () => {
      isClosing = true;
      await following;
      await client.drop();
    },
  };
};
