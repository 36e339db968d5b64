import * as Effect from 'effect/Effect';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ChainError, toChainFailure } from '#src/chain/errors.ts';
import type { Devnet } from '#src/devnet/node.ts';
import type { Head } from '#src/domain/metagraph.ts';
import { keysReady } from '#src/keys/identity.ts';
import {
  identity,
  NETUID,
  type Spoil,
  type SpoilingProxy,
  startProxy,
  startSubnet,
  withConnection,
} from './devnetFixture.ts';

const failureOf = (effect: Effect.Effect<unknown, ChainError>) =>
  Effect.map(Effect.orDie(Effect.flip(effect)), toChainFailure);

describe('chain / client', () => {
  let devnet: Devnet;
  const proxies: SpoilingProxy[] = [];
  const proxy = async (spoil: Spoil): Promise<string> => {
    const started = await startProxy(devnet.url, spoil);
    proxies.push(started);
    return started.url;
  };

  beforeAll(async () => {
    await keysReady();
    devnet = await startSubnet({ sealing: 'manual' });
    devnet.sealBlocks(3);
  });
  afterEach(() => {
    for (const { stop } of proxies.splice(0)) stop();
  });
  afterAll(() => devnet.stop());

  it('learns whom it talks to', async () => {
    const known = await withConnection(devnet.url, (connection) =>
      Effect.succeed({
        name: connection.chainName,
        spec: connection.specVersion,
        genesis: connection.genesisHash,
      }),
    );
    expect(known).toEqual({
      name: 'chain client test',
      spec: 425,
      genesis: expect.stringMatching(/^0x[0-9a-f]{64}$/),
    });
  });

  // First, while no epoch has added dividends to the stake.
  it('reads the neurons with their stake and permits', async () => {
    const subnet = await withConnection(devnet.url, (connection) =>
      Effect.flatMap(connection.finalizedHead(), connection.readSubnet),
    );
    expect(
      subnet.neurons.map(({ uid, hotkey, stake, validatorPermit }) => [uid, hotkey, stake, validatorPermit]),
    ).toEqual([
      [0, '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY', 300, true],
      [1, '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty', 0, false],
      [2, '5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y', 0, false],
    ]);
    expect(subnet.hyperparameters).toMatchObject({
      tempo: 50,
      weightsSetRateLimitBlocks: 5,
      servingRateLimitBlocks: 5,
      minAllowedWeights: 1,
      commitRevealWeightsEnabled: false,
      commitRevealVersion: 4,
      revealPeriodEpochs: 1,
    });
    expect(subnet.ownerHotkey).toBe('5CiPPseXPECbkjWCa6MnjNokrgYjMqmKndv2rSnekmSK2DjL');
  });

  it('reads a subnet at the block it is asked for, not at the newest', async () => {
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const old = yield* connection.finalizedHead();
        devnet.sealBlocks(60);
        const recent = yield* connection.finalizedHead();
        const [before, after] = yield* Effect.all([
          connection.readSubnet(old),
          connection.readSubnet(recent),
        ]);
        expect(before).toMatchObject({
          netuid: NETUID,
          block: old.block,
          blockHash: old.blockHash,
          epochIndex: 0,
        });
        expect(before.nextEpochBlock).toBe(before.lastEpochBlock + before.hyperparameters.tempo);
        expect(after).toMatchObject({ block: old.block + 60, epochIndex: 1 });
        expect(after.lastEpochBlock).toBe(before.nextEpochBlock);
      }),
    );
  });

  it('says that a subnet does not exist', async () => {
    const failure = await withConnection(
      devnet.url,
      (connection) => failureOf(Effect.flatMap(connection.finalizedHead(), connection.readSubnet)),
      { netuid: 4_000 },
    );
    expect(failure).toMatchObject({ _tag: 'Unsupported', retry: { when: 'never' } });
    expect(failure.message).toContain('NETUID');
  });

  it('fails a read at a block nobody knows, and stays usable', async () => {
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const unknown: Head = { block: 1, blockHash: `0x${'11'.repeat(32)}` };
        expect((yield* failureOf(connection.readSubnet(unknown)))._tag).toBe('UnknownBlock');
        expect((yield* connection.finalizedHead()).block).toBeGreaterThan(0);
      }),
    );
  });

  it.each([
    ['no hex', () => 'garbage'],
    ['missing bytes', (result: unknown) => String(result).slice(0, 200)],
    ['an object for bytes', () => ({})],
  ])('never trusts a metagraph with %s', async (_name, change) => {
    let isSpoiling = false;
    const url = await proxy(({ method }) => (isSpoiling && method === 'state_call' ? change : 'pass'));
    await withConnection(url, (connection) =>
      Effect.gen(function* () {
        const head = yield* connection.finalizedHead();
        isSpoiling = true;
        expect((yield* failureOf(connection.readSubnet(head)))._tag).toBe('Malformed');
        isSpoiling = false;
        expect((yield* connection.readSubnet(head)).block).toBe(head.block);
      }),
    );
  });

  it('refuses the metagraph of another block than asked for', async () => {
    let first: unknown;
    let isReplaying = false;
    const replay = (result: unknown): unknown => {
      if (!isReplaying) first = result;
      return first;
    };
    const url = await proxy(({ method }) => (method === 'state_call' ? replay : 'pass'));
    await withConnection(url, (connection) =>
      Effect.gen(function* () {
        yield* connection.readSubnet(yield* connection.finalizedHead());
        isReplaying = true;
        devnet.seal();
        const failure = yield* failureOf(connection.readSubnet(yield* connection.finalizedHead()));
        expect(failure._tag).toBe('Malformed');
        expect(failure.message).toContain('asked for block');
      }),
    );
  });

  it('says what a runtime lacks that only has metadata 14, and signs for it all the same', async () => {
    let isFirst = true;
    const url = await proxy(({ method }) => {
      // The first runtime call asks for metadata 15.
      const verdict = isFirst && method === 'state_call' ? () => null : 'pass';
      if (method === 'state_call') isFirst = false;
      return verdict;
    });
    await withConnection(url, (connection) =>
      Effect.gen(function* () {
        const head = yield* connection.finalizedHead();
        const failure = yield* failureOf(connection.readSubnet(head));
        expect(failure).toMatchObject({ _tag: 'Unsupported', retry: { when: 'never' } });
        expect(failure.message).toContain('get_selective_mechagraph');
        const prepared = yield* connection.prepare({
          identity: identity('//Alice'),
          head,
          periodBlocks: 32,
          call: {
            pallet: 'SubtensorModule',
            name: 'set_mechanism_weights',
            args: [NETUID, 0, [1], [65_535], 2_208],
          },
        });
        expect(yield* Effect.orDie(connection.submitPrepared({ prepared }))).toBe('sent');
      }),
    );
  });

  it('maps a connection that is cut in the middle of a call to Unreachable, at once', async () => {
    const url = await proxy(({ method }) => (method === 'state_queryStorageAt' ? 'cut' : 'pass'));
    await withConnection(url, (connection) =>
      Effect.gen(function* () {
        const head = yield* connection.finalizedHead();
        const startMs = performance.now();
        const failure = yield* failureOf(connection.readSubnet(head));
        expect(failure).toMatchObject({ _tag: 'Unreachable', retry: { when: 'reconnected' } });
        expect(performance.now() - startMs).toBeLessThan(1_000);
      }),
    );
  });

  it('gives up a call at its deadline', async () => {
    const url = await proxy(({ method }) => (method === 'state_queryStorageAt' ? 'swallow' : 'pass'));
    await withConnection(
      url,
      (connection) =>
        Effect.gen(function* () {
          const head = yield* connection.finalizedHead();
          const failure = yield* failureOf(connection.readSubnet(head));
          expect(failure).toMatchObject({ _tag: 'Unreachable' });
          expect(failure.message).toContain('within 700 ms');
        }),
      { callMs: 700 },
    );
  });

  it('leaves no socket and no timer behind', async () => {
    const count = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
    const before = count();
    for (let round = 0; round < 5; round += 1) {
      await withConnection(devnet.url, (connection) => connection.finalizedHead());
    }
    const startMs = performance.now();
    while (count() > before && performance.now() - startMs < 3_000)
      await new Promise((wait) => setTimeout(wait, 20));
    expect(count()).toBeLessThanOrEqual(before);
  });
});

describe('chain / heads, live', () => {
  let devnet: Devnet;
  beforeEach(async () => {
    devnet = await startSubnet({ sealing: 'interval' });
  });
  afterEach(() => devnet.stop());

  /** Follows until `count` heads were seen; more blocks are made in bursts meanwhile. */
  const follow = (count: number, after?: number): Promise<readonly Head[]> =>
    withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const heads: Head[] = [];
        const enough = Effect.callback<void>((resume) => {
          const timer = setInterval(() => {
            devnet.sealBlocks(7);
            if (heads.length >= count) resume(Effect.void);
          }, 20);
          return Effect.sync(() => clearInterval(timer));
        });
        const following = connection.followHeads(
          (head) => heads.push(head),
          after === undefined ? {} : { after },
        );
        yield* Effect.raceFirst(following, enough);
        return heads;
      }),
    );

  it('delivers every finalized block once and in order across fast blocks', async () => {
    const heads = await follow(300);
    const first = heads[0]?.block ?? -1;
    expect(heads.map(({ block }) => block)).toEqual(heads.map((_, index) => first + index));
    expect(new Set(heads.map(({ blockHash }) => blockHash)).size).toBe(heads.length);
  });

  it('catches up from the last block of an earlier connection', async () => {
    devnet.sealBlocks(40);
    const heads = await follow(60, 5);
    expect(heads.slice(0, 3).map(({ block }) => block)).toEqual([6, 7, 8]);
    expect(heads.map(({ block }) => block)).toEqual(heads.map((_, index) => 6 + index));
  });

  it('follows an honest endpoint after another one named a block at 4e9', async () => {
    const heads = await follow(20, 4_000_000_000);
    const first = heads[0]?.block ?? -1;
    expect(heads.map(({ block }) => block)).toEqual(heads.map((_, index) => first + index));
  });

  it('ends with a failure when the node stops', async () => {
    const seen: Head[] = [];
    const failure = await withConnection(devnet.url, (connection) =>
      failureOf(
        connection.followHeads((head) => {
          seen.push(head);
          if (seen.length === 3) void devnet.stop();
        }),
      ),
    );
    expect(seen.length).toBeGreaterThanOrEqual(3);
    expect(failure).toMatchObject({ _tag: 'Unreachable', retry: { when: 'reconnected' } });
  });
});
