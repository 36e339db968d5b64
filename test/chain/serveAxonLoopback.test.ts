import * as Effect from 'effect/Effect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChainConnection } from '#src/chain/client.ts';
import { toSubmitFailure } from '#src/chain/errors.ts';
import type { Devnet } from '#src/devnet/node.ts';
import { keysReady } from '#src/keys/identity.ts';
import { identity, startSubnet, withConnection } from './devnetFixture.ts';

/** Miners of the fixture's subnet, each with its uid and a loopback address of its own. */
const cases = [
  { uri: '//Bob', uid: 1, ip: '127.0.0.1' },
  { uri: '//Charlie', uid: 2, ip: '::1' },
];

const prepare = (connection: ChainConnection, { uri, ip }: { readonly uri: string; readonly ip: string }) =>
  Effect.gen(function* () {
    const head = yield* connection.finalizedHead();
    const endpoint = { ip, port: 8_091, version: 1 };
    const options = { identity: identity(uri), endpoint, head, periodBlocks: 32 };
    const prepared = yield* connection.prepareServe(options);
    if (prepared === null) throw new Error(`${ip} is served already`);
    return prepared;
  });

/** A chain of this describe block, with the flag in its genesis. */
const chainWith = (allowLoopbackAxon: boolean): (() => Devnet) => {
  let devnet: Devnet | undefined;
  beforeAll(async () => {
    await keysReady();
    devnet = await startSubnet({ sealing: 'manual', flags: { allowLoopbackAxon } });
  });
  afterAll(() => devnet?.stop());
  return () => {
    if (devnet === undefined) throw new Error('the chain has not started');
    return devnet;
  };
};

describe('chain / serveAxon, loopback on a chain that allows it', () => {
  const devnet = chainWith(true);

  it.each(cases)('publishes $ip', async ({ uri, uid, ip }) => {
    await withConnection(devnet().url, (connection) =>
      Effect.gen(function* () {
        const prepared = yield* prepare(connection, { uri, ip });
        expect(yield* connection.submitPrepared({ prepared })).toBe('sent');
        devnet().seal();
        const subnet = yield* connection.readSubnet(yield* connection.finalizedHead());
        expect(subnet.neurons[uid]?.axon).toEqual({ ip, port: 8_091 });
      }),
    );
  });
});

describe('chain / serveAxon, loopback on a chain that refuses it', () => {
  const devnet = chainWith(false);

  it.each(cases)("gives the chain's refusal of $ip and what to do", async ({ uri, ip }) => {
    await withConnection(devnet().url, (connection) =>
      Effect.gen(function* () {
        const prepared = yield* prepare(connection, { uri, ip });
        const error = yield* Effect.orDie(Effect.flip(connection.submitPrepared({ prepared })));
        expect(toSubmitFailure(error)).toMatchObject({
          _tag: 'Refused',
          check: 'InvalidIpAddress',
          message: expect.stringContaining('set AXON_IP'),
          retry: { when: 'never' },
        });
      }),
    );
  });
});
