import { ApiPromise, WsProvider } from '@polkadot/api';
import type { ApiOptions } from '@polkadot/api/types';
import * as Schema from 'effect/Schema';

import { netuid } from './cast.ts';
import type { BlockFact, Submission } from './facts.ts';

/**
 * Every finalized block from the first on, read once each with a client that shares no code with the daemons. It goes
 * on where it was after the chain was away, so that nothing is left out.
 */
export type ChainLedger = {
  readonly blocks: () => readonly BlockFact[];
  readonly submissions: () => readonly Submission[];
  /** 0 before the first block. */
  readonly block: () => number;
  readonly epoch: () => number;
  /** Waits until the head at the time of the call is read; fails after `limitMs` in which no block was. */
  readonly finish: (limitMs: number) => Promise<void>;
  readonly close: () => Promise<void>;
};

const Count = Schema.Union([Schema.Int, Schema.NumberFromString]);
const count = Schema.decodeUnknownSync(Count);
const Numbers = Schema.decodeUnknownSync(Schema.Array(Schema.Int));
const lookMs = 200;
const callMs = 15_000;
/** Blocks that are asked for together: a busy machine makes them faster than one by one can be read. */
const readAtOnce = 8;

const weightCalls = new Set([
  'setWeights',
  'commitWeights',
  'revealWeights',
  'commitTimelockedWeights',
  'commitCrv3Weights',
  'setMechanismWeights',
  'commitTimelockedMechanismWeights',
]);

type EventRecord = {
  readonly phase: { readonly isApplyExtrinsic: boolean; readonly asApplyExtrinsic: { toNumber(): number } };
  readonly event: { readonly section: string; readonly method: string };
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const late = async (): Promise<never> => {
  await pause(callMs);
  throw new Error('the chain did not answer');
};

type Read = { readonly block: BlockFact; readonly submissions: readonly Submission[] };

/** Plain weights by uid, from the arguments `dests` and `weights` of the calls that have them in the clear. */
const weightsOf = (entries: readonly (readonly [string, { toJSON(): unknown }])[]): Submission['weights'] => {
  const args = new Map(entries);
  const [uids, values] = [args.get('dests'), args.get('weights')];
  if (uids === undefined || values === undefined) return null;
  const numbers = Numbers(values.toJSON());
  return Numbers(uids.toJSON()).map((uid, at) => [uid, numbers[at] ?? 0] as const);
};

const readBlock = async (api: ApiPromise, number: number): Promise<Read> => {
  const hash = await api.rpc.chain.getBlockHash(number);
  const at = await api.at(hash);
  const [{ block }, events, time, index] = await Promise.all([
    api.rpc.chain.getBlock(hash),
    at.query['system']?.['events']?.(),
    at.query['timestamp']?.['now']?.(),
    at.query['subtensorModule']?.['subnetEpochIndex']?.(netuid),
  ]);
  if (block.header.number.toNumber() !== number) throw new Error(`asked for block ${number}`);
  const epoch = count(index?.toJSON());
  const records = [...(events as unknown as Iterable<EventRecord>)];
  const hasFailed = (place: number): boolean =>
    records.some(
      ({ phase, event }) =>
        event.section === 'system' &&
        event.method === 'ExtrinsicFailed' &&
        phase.isApplyExtrinsic &&
        phase.asApplyExtrinsic.toNumber() === place,
    );
  const submissions = block.extrinsics.flatMap(({ method, signer, nonce }, place): Submission[] => {
    if (method.section !== 'subtensorModule' || !weightCalls.has(method.method)) return [];
    const call = method.method;
    const weights = weightsOf(
      method.args.map((arg, at) => [method.meta.args[at]?.name.toString() ?? '', arg] as const),
    );
    const isSuccess = !hasFailed(place);
    const hotkey = signer.toString();
    return [{ hotkey, block: number, epoch, call, nonce: nonce.toNumber(), isSuccess, weights }];
  });
  return { block: { number, epoch, atMs: count(time?.toJSON()) }, submissions };
};

/** Connects once; whoever loses the connection makes a new client, because this one remembers answers that failed. */
const connect = async (url: string): Promise<ApiPromise> => {
  const provider = new WsProvider(url, false);
  // The provider's own type and the one asked for differ under exactOptionalPropertyTypes alone.
  const given = provider as unknown as NonNullable<ApiOptions['provider']>;
  try {
    await Promise.race([provider.connect(), late()]);
    return await Promise.race([
      ApiPromise.create({ provider: given, noInitWarn: true, throwOnConnect: true }),
      late(),
    ]);
  } catch (error) {
    await provider.disconnect().catch(() => {});
    throw error;
  }
};

const headOf = async (api: ApiPromise): Promise<number> => {
  const hash = await api.rpc.chain.getFinalizedHead();
  return (await api.rpc.chain.getHeader(hash)).number.toNumber();
};

export const openChainLedger = async (url: string): Promise<ChainLedger> => {
  const blocks: BlockFact[] = [];
  const submissions: Submission[] = [];
  let api: ApiPromise | null = await connect(url);
  let isClosing = false;
  let lastFault: unknown = null;
  /** When the last look began that found everything. */
  let completeMs = 0;
  /** When the last block was read. */
  let readMs = 0;

  const readMore = async (): Promise<void> => {
    const beganMs = performance.now();
    api ??= await connect(url);
    const newest = await Promise.race([headOf(api), late()]);
    while (blocks.length < newest && !isClosing) {
      const first = blocks.length + 1;
      const numbers = Array.from(
        { length: Math.min(readAtOnce, newest - blocks.length) },
        (_, at) => first + at,
      );
      const connected = api;
      const reading = Promise.all(numbers.map((number) => readBlock(connected, number)));
      for (const read of await Promise.race([reading, late()])) {
        blocks.push(read.block);
        submissions.push(...read.submissions);
      }
      readMs = performance.now();
    }
    completeMs = beganMs;
  };
  const drop = async (fault: unknown): Promise<void> => {
    lastFault = fault;
    const lost = api;
    api = null;
    await lost?.disconnect().catch(() => {});
  };
  const follow = async (): Promise<void> => {
    while (!isClosing) {
      // The chain is killed on purpose: it is asked again until it answers.
      await readMore().catch(drop);
      await pause(lookMs);
    }
  };
  const following = follow();
  return {
    blocks: () => blocks,
    submissions: () => submissions,
    block: () => blocks.length,
    epoch: () => blocks.at(-1)?.epoch ?? 0,
    finish: async (limitMs) => {
      const askedMs = performance.now();
      while (completeMs < askedMs) {
        if (performance.now() > Math.max(askedMs, readMs) + limitMs)
          throw new Error(`only ${blocks.length} blocks could be read: ${String(lastFault)}`);
        await pause(lookMs);
      }
    },
    close: async () => {
      isClosing = true;
      await following;
      await drop(null);
    },
  };
};
