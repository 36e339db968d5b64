import * as Effect from 'effect/Effect';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { ChainConnection } from '#src/chain/client.ts';
import type { Call } from '#src/chain/extrinsics.ts';
import type { Devnet } from '#src/devnet/node.ts';
import { SPEC_320, SPEC_343, SPEC_426 } from '#src/devnet/profiles.ts';
import { keysReady } from '#src/keys/identity.ts';
import { identity, NETUID, startSubnet, withConnection } from './devnetFixture.ts';

const bob = identity('//Bob');
const dave = identity('//Dave');
const periodBlocks = 32;

describe('chain / upgrades in flight', () => {
  let devnet: Devnet;
  beforeAll(keysReady);
  beforeEach(async () => {
    devnet = await startSubnet({ sealing: 'manual', funded: ['//Dave'] });
    devnet.sealBlocks(3);
  });
  afterEach(() => devnet.stop());

  /** Puts the next runtime into the state of the next block. */
  const upgrade = (): void => {
    devnet.upgradeRuntime({ profile: SPEC_426, atBlock: devnet.head().number + 1 });
    devnet.seal();
  };

  /** Signs on the newest head, sends, seals a block and reads what became of it. */
  const act = (connection: ChainConnection, call: Call) =>
    Effect.gen(function* () {
      const head = yield* connection.finalizedHead();
      const prepared = yield* connection.prepare({ identity: dave, head, periodBlocks, call });
      yield* connection.submitPrepared({ prepared });
      const { number } = devnet.seal();
      return yield* connection.findInclusion({ prepared, fromBlock: number, toBlock: number });
    });

  it('reads each block by the runtime of its own state, on one connection', async () => {
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const before = yield* connection.finalizedHead();
        upgrade();
        const after = yield* connection.finalizedHead();
        expect(yield* connection.specVersionAt(before)).toBe(425);
        expect(yield* connection.specVersionAt(after)).toBe(426);
        const [old, now] = yield* Effect.all([connection.readSubnet(before), connection.readSubnet(after)]);
        expect([old.specVersion, now.specVersion]).toEqual([425, 426]);
        expect(now.neurons.map(({ hotkey }) => hotkey)).toEqual(old.neurons.map(({ hotkey }) => hotkey));
        expect(connection.specVersion).toBe(425);
      }),
    );
  });

  it('signs for the runtime of the head it is given, new extensions without bytes included', async () => {
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const old = yield* connection.finalizedHead();
        const endpoint = { ip: '203.0.113.7', port: 8_091, version: 1 };
        const stale = yield* connection.prepareServe({ identity: bob, head: old, periodBlocks, endpoint });
        upgrade();
        if (stale === null) throw new Error('nothing to serve');
        const refused = yield* Effect.flip(connection.submitPrepared({ prepared: stale }));
        expect(refused._tag).toBe('SubmitRefused');
        const head = yield* connection.finalizedHead();
        const fresh = yield* connection.prepareServe({ identity: bob, head, periodBlocks, endpoint });
        if (fresh === null) throw new Error('nothing to serve');
        yield* connection.submitPrepared({ prepared: fresh });
        const { number } = devnet.seal();
        expect(
          yield* connection.findInclusion({ prepared: fresh, fromBlock: number, toBlock: number }),
        ).toMatchObject({ found: true, outcome: { ok: true } });
      }),
    );
  });

  it('names errors by the runtime that raised them, whatever their numbers are', async () => {
    const register: Call = {
      pallet: 'SubtensorModule',
      name: 'burned_register',
      args: [NETUID, bob.hotkey],
    };
    const failure = { found: true, outcome: { error: { check: 'HotKeyAlreadyRegisteredInSubNet' } } };
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const old = yield* act(connection, register);
        expect(old).toMatchObject(failure);
        devnet.upgradeRuntime({ profile: SPEC_426, atBlock: devnet.head().number + 1 });
        // The block that sets the code still runs the old one: its errors are the old ones.
        expect(yield* act(connection, register)).toMatchObject(failure);
        expect(yield* act(connection, register)).toMatchObject(failure);
      }),
    );
  });
});

describe('chain / old runtimes', () => {
  let devnet: Devnet;
  beforeAll(keysReady);
  afterEach(() => devnet.stop());

  it.each([SPEC_320, SPEC_343])('follows the epochs of $name', async (profile) => {
    devnet = await startSubnet({ sealing: 'manual', node: { profile } });
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        let before = -1;
        let expected = -1;
        let epochs = 0;
        for (let made = 0; made < 70; made += 1) {
          devnet.seal();
          const subnet = yield* connection.readSubnet(yield* connection.finalizedHead());
          const { epochIndex, lastEpochBlock, nextEpochBlock, block } = subnet;
          expect(subnet.specVersion).toBe(profile.specVersion);
          // (block + netuid + 1) mod (tempo + 1) = tempo, for tempo 50.
          const isEpoch = (block + NETUID + 1) % 51 === 50;
          if (before >= 0) expect(epochIndex - before).toBe(isEpoch ? 1 : 0);
          if (isEpoch && expected >= 0) expect(block).toBe(expected);
          if (isEpoch) expect(lastEpochBlock).toBe(block);
          expect(nextEpochBlock).toBeGreaterThan(block);
          epochs += isEpoch ? 1 : 0;
          before = epochIndex;
          expected = nextEpochBlock;
        }
        expect(epochs).toBe(2);
      }),
    );
  });

  it('signs for one, and finds what it signed', async () => {
    devnet = await startSubnet({ sealing: 'manual', node: { profile: SPEC_343 } });
    devnet.sealBlocks(3);
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const head = yield* connection.finalizedHead();
        const endpoint = { ip: '203.0.113.7', port: 8_091, version: 1 };
        const prepared = yield* connection.prepareServe({ identity: bob, head, periodBlocks, endpoint });
        if (prepared === null) throw new Error('nothing to serve');
        yield* connection.submitPrepared({ prepared });
        const { number } = devnet.seal();
        expect(
          yield* connection.findInclusion({ prepared, fromBlock: number, toBlock: number }),
        ).toMatchObject({ found: true, outcome: { ok: true } });
        const subnet = yield* connection.readSubnet(yield* connection.finalizedHead());
        expect(subnet.neurons[1]?.axon).toEqual({ ip: '203.0.113.7', port: 8_091 });
        expect(subnet.hyperparameters).toMatchObject({ minNonImmuneUids: 0, commitRevealVersion: 4 });
      }),
    );
  });
});
