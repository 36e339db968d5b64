/**
 * One chain client in a process of its own, for the chain benchmark: `node benchChainPeer.ts miaoai|polkadot URL READS`.
 * The last line of standard output is one JSON object. Memory and import time of two clients cannot be told apart in
 * one process.
 */
import { NETUID, SELECTION } from '#test/support/benchChainSubnet.ts';

const [which, url = '', reads = '20'] = process.argv.slice(2);
const count = Number(reads);

/** Milliseconds of each of `count` runs, one after the other, after one that warms up. Each reads another block. */
const timed = async (run: (index: number) => Promise<unknown>): Promise<readonly number[]> => {
  await run(0);
  const times: number[] = [];
  for (let index = 1; index <= count; index += 1) {
    const startedMs = performance.now();
    await run(index);
    times.push(performance.now() - startedMs);
  }
  return times;
};

export type PeerReport = {
  readonly importMs: number;
  /** From the start of the imports to a connection that can read. */
  readonly readyMs: number;
  /** Resident memory once ready. */
  readonly rssMiB: number;
  readonly readMs: readonly number[];
  readonly neurons: number;
};

const rssMiB = (): number => process.memoryUsage().rss / 1_048_576;

const measureMiaoai = async (): Promise<PeerReport> => {
  const startedMs = performance.now();
  const [{ Chain }, Effect] = await Promise.all([import('#src/chain/client.ts'), import('effect/Effect')]);
  const importMs = performance.now() - startedMs;
  const measuring = Effect.gen(function* () {
    const chain = yield* Chain;
    const connection = yield* chain.connect({
      endpoint: url,
      netuid: NETUID,
      connectMs: 10_000,
      callMs: 10_000,
    });
    const readyMs = performance.now() - startedMs;
    const rss = rssMiB();
    const { block } = yield* connection.finalizedHead();
    const heads = yield* Effect.forEach(Array.from({ length: count + 1 }), (_, back) =>
      connection.headAt(block - back),
    );
    let neurons = 0;
    const readMs = yield* Effect.promise(() =>
      timed(async (index) => {
        const head = heads[index];
        if (head === undefined) return;
        neurons = (await Effect.runPromise(connection.readSubnet(head))).neurons.length;
      }),
    );
    return { importMs, readyMs, rssMiB: rss, readMs, neurons };
  });
  return Effect.runPromise(Effect.scoped(measuring).pipe(Effect.provide(Chain.layer)));
};

const measurePolkadot = async (): Promise<PeerReport> => {
  const startedMs = performance.now();
  const { ApiPromise, WsProvider } = await import('@polkadot/api');
  const importMs = performance.now() - startedMs;
  const provider = new WsProvider(url, 1_000);
  const api = await ApiPromise.create({ provider: provider as never, noInitWarn: true });
  const readyMs = performance.now() - startedMs;
  const rss = rssMiB();
  const newest = (await api.rpc.chain.getHeader(await api.rpc.chain.getFinalizedHead())).number.toNumber();
  const blocks = await Promise.all(
    Array.from({ length: count + 1 }, async (_, back) =>
      api.at(await api.rpc.chain.getBlockHash(newest - back)),
    ),
  );
  let neurons = 0;
  const readMs = await timed(async (index) => {
    const at = blocks[index];
    const call = at?.call['subnetInfoRuntimeApi']?.['getSelectiveMechagraph'];
    if (call === undefined) throw new Error('@polkadot/api does not know the runtime API');
    const answer = (await call(NETUID, 0, SELECTION)).toJSON() as unknown as {
      readonly hotkeys: readonly unknown[];
    };
    neurons = answer.hotkeys.length;
  });
  await api.disconnect();
  return { importMs, readyMs, rssMiB: rss, readMs, neurons };
};

const report = await (which === 'polkadot' ? measurePolkadot() : measureMiaoai());
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exit();
