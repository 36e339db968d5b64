import * as Effect from 'effect/Effect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChainConnection } from '#src/chain/client.ts';
import { type SubmitError, toSubmitFailure } from '#src/chain/errors.ts';
import type { PreparedExtrinsic } from '#src/chain/extrinsics.ts';
import type { Devnet } from '#src/devnet/node.ts';
import { firstRefusal, forecastWeights } from '#src/domain/weightForecast.ts';
import { keysReady } from '#src/keys/identity.ts';
import {
  identity,
  prepareWeights,
  RATE_LIMIT_BLOCKS,
  startProxy,
  startSubnet,
  withConnection,
} from './devnetFixture.ts';

const VECTOR = { uids: [1, 2], values: [32_768, 65_535] };

const refusalOf = (effect: Effect.Effect<unknown, SubmitError>) =>
  Effect.map(Effect.orDie(Effect.flip(effect)), toSubmitFailure);

describe('chain / weights, live', () => {
  let devnet: Devnet;
  const lastUpdate = (connection: ChainConnection) =>
    Effect.gen(function* () {
      const subnet = yield* connection.readSubnet(yield* connection.finalizedHead());
      return subnet.neurons[0]?.lastUpdate;
    });
  const search = (connection: ChainConnection, prepared: PreparedExtrinsic) =>
    Effect.gen(function* () {
      const { block } = yield* connection.finalizedHead();
      return yield* connection.findInclusion({ prepared, fromBlock: prepared.bornAtBlock, toBlock: block });
    });
  const judge = (connection: ChainConnection, uri = '//Alice') =>
    Effect.gen(function* () {
      const head = yield* connection.finalizedHead();
      const facts = yield* connection.readSubmissionFacts({ head, hotkey: identity(uri).hotkey });
      return firstRefusal(forecastWeights({ facts, vector: VECTOR, versionKey: 2_208 }));
    });

  beforeAll(async () => {
    await keysReady();
    devnet = await startSubnet({ sealing: 'manual' });
  });
  afterAll(() => devnet.stop());
  const clearRateLimit = () => devnet.sealBlocks(RATE_LIMIT_BLOCKS + 1);

  it('sets weights, finds them included and sees LastUpdate move', async () => {
    clearRateLimit();
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        expect(yield* judge(connection)).toBeNull();
        const prepared = yield* prepareWeights(connection, { uri: '//Alice', vector: VECTOR });
        expect(JSON.parse(JSON.stringify(prepared))).toEqual(prepared);
        expect(prepared.expiresAtBlock).toBe(prepared.bornAtBlock + 32);
        expect(yield* connection.submitPrepared({ prepared })).toBe('sent');
        expect(yield* connection.submitPrepared({ prepared })).toBe('alreadyKnown');
        expect(yield* search(connection, prepared)).toEqual({ found: false, isNonceUsed: false });
        const block = devnet.seal().number;
        const inclusion = yield* search(connection, prepared);
        expect(inclusion).toMatchObject({ found: true, block, outcome: { ok: true } });
        expect(yield* lastUpdate(connection)).toBe(block);
      }),
    );
  });

  it('can send the same bytes again after a crash without setting weights twice', async () => {
    clearRateLimit();
    const prepared = await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const signed = yield* prepareWeights(connection, { uri: '//Alice', vector: VECTOR });
        yield* connection.submitPrepared({ prepared: signed });
        return signed;
      }),
    );
    const block = devnet.seal().number;
    clearRateLimit();
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const failure = yield* refusalOf(connection.submitPrepared({ prepared }));
        expect(failure).toMatchObject({ _tag: 'Unconfirmed' });
        clearRateLimit();
        expect(yield* lastUpdate(connection)).toBe(block);
        expect(yield* search(connection, prepared)).toMatchObject({ found: true, block });
      }),
    );
  });

  it('knows the block at which the rate limit clears, and the chain agrees', async () => {
    clearRateLimit();
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        yield* connection.submitPrepared({
          prepared: yield* prepareWeights(connection, { uri: '//Alice', vector: VECTOR }),
        });
        const block = devnet.seal().number;
        const clearsAt = block + RATE_LIMIT_BLOCKS;
        expect(yield* judge(connection)).toMatchObject({
          check: 'SettingWeightsTooFast',
          retry: { when: 'atBlock', block: clearsAt },
        });
        const early = yield* prepareWeights(connection, { uri: '//Alice', vector: VECTOR });
        expect(yield* refusalOf(connection.submitPrepared({ prepared: early }))).toMatchObject({
          _tag: 'Refused',
          check: 'RateLimitExceeded',
        });
        while (devnet.head().number < clearsAt) devnet.seal();
        expect(yield* judge(connection)).toBeNull();
        expect(yield* connection.submitPrepared({ prepared: early })).toBe('sent');
        const included = devnet.seal().number;
        expect(yield* lastUpdate(connection)).toBe(included);
      }),
    );
  });

  it('names a check that fails in dispatch from the metadata of the block', async () => {
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        expect(yield* judge(connection, '//Bob')).toMatchObject({ check: 'NeuronNoValidatorPermit' });
        const prepared = yield* prepareWeights(connection, { uri: '//Bob', vector: VECTOR });
        expect(yield* connection.submitPrepared({ prepared })).toBe('sent');
        devnet.seal();
        expect(yield* search(connection, prepared)).toMatchObject({
          found: true,
          outcome: { ok: false, error: { _tag: 'Refused', check: 'NeuronNoValidatorPermit' } },
        });
      }),
    );
  });

  it('refuses an unregistered hotkey before sending, as the chain does', async () => {
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const expected = { _tag: 'Refused', check: 'HotKeyNotRegisteredInSubNet' };
        expect(yield* judge(connection, '//Zoe')).toMatchObject(expected);
        const prepared = yield* prepareWeights(connection, { uri: '//Zoe', vector: VECTOR });
        yield* connection.submitPrepared({ prepared });
        devnet.seal();
        expect(yield* search(connection, prepared)).toMatchObject({ outcome: { error: expected } });
      }),
    );
  });

  it('cannot be included after its era', async () => {
    clearRateLimit();
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const before = yield* lastUpdate(connection);
        const prepared = yield* prepareWeights(connection, {
          uri: '//Alice',
          vector: VECTOR,
          periodBlocks: 4,
        });
        devnet.sealBlocks(6);
        const failure = yield* refusalOf(connection.submitPrepared({ prepared }));
        expect(['NotIncluded', 'Refused']).toContain(failure._tag);
        devnet.sealBlocks(3);
        expect(yield* search(connection, prepared)).toEqual({ found: false, isNonceUsed: false });
        expect(yield* lastUpdate(connection)).toBe(before);
      }),
    );
  });

  it('reports a submission whose answer is lost as unconfirmed, and finds it in the chain', async () => {
    clearRateLimit();
    let isCutting = false;
    const cut = (result: unknown): unknown => {
      proxy.stop();
      return result;
    };
    const proxy = await startProxy(devnet.url, ({ method }) =>
      isCutting && method === 'author_submitExtrinsic' ? cut : 'pass',
    );
    const prepared = await withConnection(proxy.url, (connection) =>
      Effect.gen(function* () {
        const signed = yield* prepareWeights(connection, { uri: '//Alice', vector: VECTOR });
        isCutting = true;
        expect(yield* refusalOf(connection.submitPrepared({ prepared: signed }))).toMatchObject({
          _tag: 'Unconfirmed',
        });
        return signed;
      }),
    );
    const block = devnet.seal().number;
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        expect(yield* search(connection, prepared)).toMatchObject({
          found: true,
          block,
          outcome: { ok: true },
        });
      }),
    );
  });

  it('serves an endpoint once, sees that it is unchanged, and waits for the limit to change it', async () => {
    const bob = identity('//Bob');
    const endpoint = { ip: '203.0.113.7', port: 8_091, version: 10_002_000 };
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const plan = (changes: Partial<typeof endpoint>) =>
          Effect.flatMap(connection.finalizedHead(), (head) =>
            connection.prepareServe({
              identity: bob,
              endpoint: { ...endpoint, ...changes },
              head,
              periodBlocks: 32,
            }),
          );
        const prepared = yield* plan({});
        if (prepared === null) throw new Error('nothing was served before');
        yield* connection.submitPrepared({ prepared });
        const block = devnet.seal().number;
        expect(yield* search(connection, prepared)).toMatchObject({
          found: true,
          block,
          outcome: { ok: true },
        });
        const subnet = yield* connection.readSubnet(yield* connection.finalizedHead());
        expect(subnet.neurons[1]?.axon).toEqual({ ip: '203.0.113.7', port: 8_091 });
        expect(yield* plan({})).toBeNull();
        expect(yield* refusalOf(plan({ port: 9_000 }))).toMatchObject({
          check: 'ServingRateLimitExceeded',
          retry: { when: 'atBlock', block: block + RATE_LIMIT_BLOCKS },
        });
        devnet.sealBlocks(RATE_LIMIT_BLOCKS);
        const newer = yield* plan({ ip: '2001:db8::7' });
        if (newer === null) throw new Error('another address is a change');
        yield* connection.submitPrepared({ prepared: newer });
        devnet.seal();
        const after = yield* connection.readSubnet(yield* connection.finalizedHead());
        expect(after.neurons[1]?.axon).toEqual({ ip: '2001:db8::7', port: 8_091 });
      }),
    );
  });

  it('takes an endpoint off the chain, once', async () => {
    const charlie = identity('//Charlie');
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const withdraw = Effect.flatMap(connection.finalizedHead(), (head) =>
          connection.prepareWithdraw({ identity: charlie, head, periodBlocks: 32 }),
        );
        const axon = Effect.gen(function* () {
          const subnet = yield* connection.readSubnet(yield* connection.finalizedHead());
          return subnet.neurons[2]?.axon;
        });
        expect(yield* withdraw).toBeNull();
        const served = yield* connection.prepareServe({
          identity: charlie,
          endpoint: { ip: '2001:db8::9', port: 8_092, version: 1 },
          head: yield* connection.finalizedHead(),
          periodBlocks: 32,
        });
        if (served === null) throw new Error('nothing was served before');
        yield* connection.submitPrepared({ prepared: served });
        const block = devnet.seal().number;
        expect(yield* axon).toEqual({ ip: '2001:db8::9', port: 8_092 });
        expect(yield* refusalOf(withdraw)).toMatchObject({
          check: 'ServingRateLimitExceeded',
          retry: { when: 'atBlock', block: block + RATE_LIMIT_BLOCKS },
        });
        devnet.sealBlocks(RATE_LIMIT_BLOCKS);
        const prepared = yield* withdraw;
        if (prepared === null) throw new Error('an endpoint is there');
        expect(yield* connection.submitPrepared({ prepared })).toBe('sent');
        devnet.seal();
        expect(yield* search(connection, prepared)).toMatchObject({ outcome: { ok: true } });
        expect(yield* axon).toBeNull();
        expect(yield* withdraw).toBeNull();
      }),
    );
  });
});
