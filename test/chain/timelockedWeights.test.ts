import * as Effect from 'effect/Effect';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ChainConnection } from '#src/chain/client.ts';
import { type SubmitError, toSubmitFailure } from '#src/chain/errors.ts';
import type { PreparedExtrinsic } from '#src/chain/extrinsics.ts';
import { decodeGenesis } from '#src/devnet/genesis.ts';
import { type Devnet, startDevnet } from '#src/devnet/node.ts';
import { maxUpscale } from '#src/domain/maxUpscale.ts';
import { keysReady } from '#src/keys/identity.ts';
import { identity, NETUID, planWeights, withConnection } from './devnetFixture.ts';

const TEMPO = 12;
const RATE_LIMIT_BLOCKS = 3;
/** Nothing is 65535, so the row on chain differs from what was sent. */
const VECTOR = { uids: [1, 2], values: [10_000, 20_000] };
const ON_CHAIN = { uids: VECTOR.uids, values: maxUpscale(VECTOR.values) };

const start = (
  options: { readonly periodEpochs?: number; readonly blockTimeMs?: number } = {},
): Promise<Devnet> =>
  startDevnet({
    sealing: 'manual',
    // Any time will do; the same one lets the tests share the pulses of the beacon.
    startMs: 1_790_000_000_000,
    genesis: decodeGenesis({
      chain: 'timelocked weights test',
      blockTimeMs: options.blockTimeMs ?? 1_000,
      accounts: [],
      subnets: [
        {
          netuid: NETUID,
          tempo: TEMPO,
          ownerColdkey: '//Eve',
          ownerHotkey: '//Ferdie',
          hyperparameters: {
            commitRevealWeightsEnabled: true,
            revealPeriodEpochs: options.periodEpochs ?? 1,
            weightsSetRateLimit: RATE_LIMIT_BLOCKS,
            minAllowedWeights: 1,
            stakeThreshold: 1_000,
          },
          neurons: [
            { hotkey: '//Alice', coldkey: '//Dave', stake: '300000000000', validatorPermit: true },
            { hotkey: '//Bob', coldkey: '//Dave', stake: '0' },
            { hotkey: '//Charlie', coldkey: '//Dave', stake: '0' },
          ],
        },
      ],
    }),
  });

const alice = { hotkey: '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY' };
const factsNow = (connection: ChainConnection) =>
  Effect.flatMap(connection.finalizedHead(), (head) =>
    connection.readSubmissionFacts({ head, hotkey: alice.hotkey }),
  );
const weightsNow = (connection: ChainConnection) =>
  Effect.flatMap(connection.finalizedHead(), (head) => connection.readWeights({ head, uid: 0 }));
const find = (connection: ChainConnection, prepared: PreparedExtrinsic) =>
  Effect.flatMap(connection.finalizedHead(), ({ block }) =>
    connection.findInclusion({ prepared, fromBlock: prepared.bornAtBlock, toBlock: block }),
  );
const refusalOf = (effect: Effect.Effect<unknown, SubmitError>) =>
  Effect.map(Effect.orDie(Effect.flip(effect)), toSubmitFailure);

describe('chain / timelocked weights, live', () => {
  let devnet: Devnet;
  beforeAll(keysReady);
  afterEach(() => devnet.stop());
  const sealTo = (block: number): void => {
    devnet.sealBlocks(block - devnet.head().number);
  };

  it.each([
    ['one epoch, blocks and rounds as on the real chain', { periodEpochs: 1, blockTimeMs: 12_000 }],
    ['two epochs', { periodEpochs: 2 }],
    ['three epochs', { periodEpochs: 3 }],
    ['one epoch, blocks faster than rounds', { periodEpochs: 1, blockTimeMs: 500 }],
  ])('stay secret, and then stand: %s', async (_name, options) => {
    devnet = await start(options);
    sealTo(TEMPO + 3);
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const { prepared, reveal } = yield* planWeights(connection, { uri: '//Alice', vector: VECTOR });
        if (reveal === null) throw new Error('commit-reveal is on');
        const before = yield* factsNow(connection);
        expect(reveal).toMatchObject({
          commitEpoch: before.subnet.epochIndex,
          revealsFromBlock: before.subnet.nextEpochBlock + (options.periodEpochs - 1) * TEMPO,
        });
        expect(before.waitingCommits).toEqual([]);
        yield* connection.submitPrepared({ prepared });
        const block = devnet.seal().number;
        expect(yield* find(connection, prepared)).toMatchObject({ found: true, outcome: { ok: true } });
        const waiting = {
          epoch: reveal.commitEpoch,
          committedAtBlock: block,
          revealRound: reveal.revealRound,
          commitHash: reveal.commitHash,
        };
        expect((yield* factsNow(connection)).waitingCommits).toEqual([waiting]);

        sealTo(reveal.revealsFromBlock - 1);
        const last = yield* factsNow(connection);
        expect(last.beacon?.lastStoredRound).toBeLessThan(reveal.revealRound);
        expect(last.waitingCommits).toEqual([waiting]);
        expect(yield* weightsNow(connection)).toEqual({ uids: [], values: [] });

        sealTo(reveal.revealsFromBlock + TEMPO - 3);
        expect(yield* weightsNow(connection)).toEqual(ON_CHAIN);
        const after = yield* factsNow(connection);
        expect(after.waitingCommits).toEqual([]);
        expect(after.subnet.epochIndex).toBe(reveal.commitEpoch + options.periodEpochs);
        expect(after.subnet.neurons[0]?.lastUpdate).toBe(block);
      }),
    );
  });

  it('stand once the missing pulse comes, within the same epoch', async () => {
    devnet = await start();
    sealTo(TEMPO + 3);
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const { prepared, reveal } = yield* planWeights(connection, { uri: '//Alice', vector: VECTOR });
        if (reveal === null) throw new Error('commit-reveal is on');
        yield* connection.submitPrepared({ prepared });
        devnet.seal();
        devnet.beacon.withhold();
        sealTo(reveal.revealsFromBlock + 6);
        expect(yield* weightsNow(connection)).toEqual({ uids: [], values: [] });
        expect((yield* factsNow(connection)).waitingCommits).toHaveLength(1);
        devnet.beacon.release();
        sealTo(reveal.revealsFromBlock + 10);
        expect(yield* weightsNow(connection)).toEqual(ON_CHAIN);
      }),
    );
  });

  it('are lost without a pulse, and no longer wait then', async () => {
    devnet = await start();
    sealTo(TEMPO + 3);
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const { prepared, reveal } = yield* planWeights(connection, { uri: '//Alice', vector: VECTOR });
        if (reveal === null) throw new Error('commit-reveal is on');
        yield* connection.submitPrepared({ prepared });
        devnet.seal();
        devnet.beacon.withhold();
        sealTo(reveal.revealsFromBlock + TEMPO);
        expect((yield* factsNow(connection)).waitingCommits).toEqual([]);
        devnet.beacon.release();
        sealTo(reveal.revealsFromBlock + TEMPO + 6);
        expect(yield* weightsNow(connection)).toEqual({ uids: [], values: [] });
      }),
    );
  });

  it('of another hotkey wait too, but not for this one', async () => {
    devnet = await start();
    sealTo(TEMPO + 3);
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        for (let sent = 0; sent < 2; sent += 1) {
          const { prepared } = yield* planWeights(connection, { uri: '//Alice', vector: VECTOR });
          yield* connection.submitPrepared({ prepared });
          devnet.sealBlocks(RATE_LIMIT_BLOCKS);
        }
        const own = (yield* factsNow(connection)).waitingCommits;
        expect(own.map(({ committedAtBlock }) => committedAtBlock)).toEqual([TEMPO + 4, TEMPO + 7]);
        const head = yield* connection.finalizedHead();
        const other = yield* connection.readSubmissionFacts({ head, hotkey: identity('//Bob').hotkey });
        expect(other.waitingCommits).toEqual([]);
      }),
    );
  });

  it('belong to the next epoch when the very next block begins it', async () => {
    devnet = await start();
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const { subnet } = yield* factsNow(connection);
        sealTo(subnet.nextEpochBlock - 1);
        const { prepared, reveal } = yield* planWeights(connection, { uri: '//Alice', vector: VECTOR });
        expect(reveal).toMatchObject({
          commitEpoch: subnet.epochIndex + 1,
          revealsFromBlock: subnet.nextEpochBlock + TEMPO,
        });
        yield* connection.submitPrepared({ prepared });
        devnet.seal();
        const [waiting] = (yield* factsNow(connection)).waitingCommits;
        expect(waiting).toMatchObject({
          epoch: subnet.epochIndex + 1,
          committedAtBlock: subnet.nextEpochBlock,
        });
      }),
    );
  });

  it('are refused by name: a stored round, too soon after the last, without stake', async () => {
    devnet = await start();
    sealTo(TEMPO + 3);
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const old = yield* planWeights(connection, { uri: '//Alice', vector: VECTOR, periodBlocks: 64 });
        sealTo(devnet.head().number + 2 * TEMPO);
        expect(yield* refusalOf(connection.submitPrepared(old))).toMatchObject({
          _tag: 'Refused',
          check: 'InvalidRevealRound',
          retry: { when: 'nextBlock' },
        });
        const first = yield* planWeights(connection, { uri: '//Alice', vector: VECTOR });
        yield* connection.submitPrepared(first);
        devnet.seal();
        const second = yield* planWeights(connection, { uri: '//Alice', vector: VECTOR });
        yield* connection.submitPrepared(second);
        devnet.seal();
        expect(yield* find(connection, second.prepared)).toMatchObject({
          found: true,
          outcome: { error: { check: 'CommittingWeightsTooFast', retry: { when: 'nextBlock' } } },
        });
        const poor = yield* planWeights(connection, { uri: '//Bob', vector: VECTOR });
        expect(yield* refusalOf(connection.submitPrepared(poor))).toMatchObject({
          check: 'NotEnoughStakeToSetWeights',
          retry: { when: 'nextBlock' },
        });
      }),
    );
  });

  it('are not even signed where they cannot be revealed', async () => {
    devnet = await start();
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const head = yield* connection.finalizedHead();
        const facts = yield* factsNow(connection);
        const { subnet, beacon } = facts;
        if (beacon === null) throw new Error('the chain has a beacon');
        const ruled = (rules: Partial<typeof subnet.hyperparameters>) => ({
          ...facts,
          subnet: { ...subnet, hyperparameters: { ...subnet.hyperparameters, ...rules } },
        });
        const prepare = (changed: typeof facts) =>
          connection.prepareWeights({
            identity: identity('//Alice'),
            facts: changed,
            vector: VECTOR,
            versionKey: 2_208,
            head,
            periodBlocks: 32,
          });
        const cases = [
          [ruled({ commitRevealVersion: 3 }), 'Unsupported', /version 3, this program writes version 4/],
          [ruled({ tempo: 0 }), 'Unsupported', /tempo 0/],
          [{ ...facts, beacon: null }, 'Unsupported', /no randomness beacon/],
          [
            { ...facts, beacon: { ...beacon, publicKey: `0xc0${'00'.repeat(95)}` } },
            'Malformed',
            /beacon key is the identity/,
          ],
        ] as const;
        for (const [changed, tag, message] of cases) {
          const failure = yield* refusalOf(prepare(changed));
          expect(failure._tag).toBe(tag);
          expect(failure.message).toMatch(message);
        }
        // Plain weights need neither.
        const plain = { ...ruled({ commitRevealWeightsEnabled: false, tempo: 0 }), beacon: null };
        expect((yield* prepare(plain)).reveal).toBeNull();
      }),
    );
  });
});
