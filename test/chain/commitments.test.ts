import { stringToU8a, u8aToHex } from '@polkadot/util';
import * as Effect from 'effect/Effect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitmentCall } from '#src/chain/commitments.ts';
import { submitAndConfirm } from '#src/chain/confirm.ts';
import { toSubmitFailure } from '#src/chain/errors.ts';
import { makeRuntime, type Runtime } from '#src/chain/runtime.ts';
import { commitments } from '#src/devnet/commitments/pallet.ts';
import { decodeGenesis } from '#src/devnet/genesis.ts';
import { type Devnet, startDevnet } from '#src/devnet/node.ts';
import { subtensorModule } from '#src/devnet/subtensor/pallet.ts';
import { keysReady } from '#src/keys/identity.ts';
import { RECORDED_SPEC, recordedBytes, recordingsDir } from '#test/devnet/recording.ts';
import { identity, NETUID, withConnection } from './devnetFixture.ts';

const bob = identity('//Bob');

describe('chain / commitments', () => {
  it('refuses more than 128 bytes, and says what to do', () => {
    expect(commitmentCall(NETUID, new Uint8Array(128)).ok).toBe(true);
    const outcome = commitmentCall(NETUID, new Uint8Array(129));
    expect(outcome).toMatchObject({ ok: false, error: { _tag: 'Refused', check: 'CommitmentTooLong' } });
    if (!outcome.ok) expect(outcome.error.message).toMatch(/at most 128 bytes, this one has 129: .*hash/);
  });
});

describe('chain / commitments, live', () => {
  let devnet: Devnet;
  let sealing: NodeJS.Timeout;
  beforeAll(async () => {
    await keysReady();
    devnet = await startDevnet({
      sealing: 'manual',
      pallets: [subtensorModule, commitments],
      genesis: decodeGenesis({
        chain: 'commitments test',
        blockTimeMs: 1_000,
        accounts: [],
        subnets: [
          {
            netuid: NETUID,
            tempo: 1_000,
            ownerColdkey: '//Eve',
            ownerHotkey: '//Hank',
            neurons: [
              { hotkey: '//Bob', coldkey: '//Dave', stake: '0' },
              { hotkey: '//Ferdie', coldkey: '//Dave', stake: '0' },
            ],
          },
        ],
      }),
    });
    sealing = setInterval(() => devnet.seal(), 20);
  });
  afterAll(async () => {
    clearInterval(sealing);
    await devnet.stop();
  });

  it.each([
    ['a text', stringToU8a('hello')],
    ['a text that looks like hexadecimal', stringToU8a('0x6869')],
    ['bytes', Uint8Array.from({ length: 128 }, (_, index) => 255 - index)],
    ['nothing', new Uint8Array(0)],
  ])('puts %s on chain and reads the same bytes again', async (_name, data) => {
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const head = yield* connection.finalizedHead();
        const prepared = yield* connection.prepareCommitment({ identity: bob, data, head, periodBlocks: 32 });
        const included = yield* submitAndConfirm({ connection, prepared });
        const read = yield* connection.readCommitment({ head: included, hotkey: bob.hotkey });
        expect(read).toEqual({ committedAtBlock: included.block, data });
      }),
    );
  });

  it('reads null where nothing was committed, null data where it is no raw bytes, and longer bytes', async () => {
    await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const head = yield* connection.finalizedHead();
        expect(yield* connection.readCommitment({ head, hotkey: identity('//Alice').hotkey })).toBeNull();
        const big = { fields: [{ BigRaw: `0x${'cd'.repeat(300)}` }] };
        const info = { fields: [{ Sha256: `0x${'ab'.repeat(32)}` }] };
        const call = { pallet: 'Commitments', name: 'set_commitment', args: [NETUID, info] };
        const prepared = yield* connection.prepare({ identity: bob, call, head, periodBlocks: 32 });
        const included = yield* submitAndConfirm({ connection, prepared });
        expect(yield* connection.readCommitment({ head: included, hotkey: bob.hotkey })).toEqual({
          committedAtBlock: included.block,
          data: null,
        });
        const bigCall = { ...call, args: [NETUID, big] };
        const next = yield* connection.prepare({
          identity: bob,
          call: bigCall,
          head: included,
          periodBlocks: 32,
        });
        const later = yield* submitAndConfirm({ connection, prepared: next });
        const read = yield* connection.readCommitment({ head: later, hotkey: bob.hotkey });
        expect(read?.data).toEqual(new Uint8Array(300).fill(0xcd));
      }),
    );
  });

  it('says that the space of an epoch is used up, and that it comes back', async () => {
    const failure = await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        // 3100 bytes per epoch, 100 at least for each.
        for (let sent = 0; sent < 32; sent += 1) {
          const head = yield* connection.finalizedHead();
          const signer = { identity: identity('//Ferdie'), data: stringToU8a('hi'), head, periodBlocks: 64 };
          const prepared = yield* connection.prepareCommitment(signer);
          const result = yield* Effect.result(submitAndConfirm({ connection, prepared }));
          if (result._tag === 'Failure') return toSubmitFailure(result.failure);
        }
        return null;
      }),
    );
    expect(failure).toMatchObject({ check: 'SpaceLimitExceeded', retry: { when: 'nextBlock' } });
  });

  it('names the check of the pallet for a hotkey without a registration', async () => {
    const failure = await withConnection(devnet.url, (connection) =>
      Effect.gen(function* () {
        const head = yield* connection.finalizedHead();
        const signer = { identity: identity('//Zoe'), data: stringToU8a('hi'), head, periodBlocks: 32 };
        const prepared = yield* connection.prepareCommitment(signer);
        return yield* Effect.orDie(Effect.flip(submitAndConfirm({ connection, prepared })));
      }),
    );
    expect(toSubmitFailure(failure)).toMatchObject({ _tag: 'Refused', check: 'AccountNotAllowedCommit' });
    expect(failure.message).toMatch(/register the hotkey/);
  });
});

describe.skipIf(recordingsDir === undefined)(
  `chain / commitments by the recording of spec ${RECORDED_SPEC} (needs FINNEY_METADATA_DIR)`,
  () => {
    let runtime: Runtime;
    beforeAll(async () => {
      const spec = { specName: 'node-subtensor', specVersion: RECORDED_SPEC, transactionVersion: 1 };
      runtime = await Effect.runPromise(makeRuntime(spec, recordedBytes(15)));
    });

    it('gives the bytes of the chain for every length', async () => {
      for (let length = 0; length <= 128; length += 1) {
        const data = new Uint8Array(length).fill(0x68);
        const planned = commitmentCall(1, data);
        if (!planned.ok) throw new Error(planned.error.message);
        const { pallet, name, args } = planned.value;
        const encoded = await Effect.runPromise(runtime.encodeCall(pallet, name, args));
        const tag = (length + 1).toString(16).padStart(2, '0');
        expect(u8aToHex(encoded)).toBe(`0x1200010004${tag}${'68'.repeat(length)}`);
      }
    });

    it('finds what timelocked weights take', async () => {
      expect(runtime.hasCall('SubtensorModule', 'commit_timelocked_mechanism_weights')).toBe(true);
      expect(runtime.hasCall('SubtensorModule', 'register_limit')).toBe(false);
      expect(runtime.hasStorage('Drand', 'BeaconConfig')).toBe(true);
      expect(runtime.hasStorage('SubtensorModule', 'LastEpochBlock')).toBe(false);
      expect(await Effect.runPromise(runtime.constant('Aura', 'SlotDuration'))).toBe(12_000);
      const call = await Effect.runPromise(
        runtime.encodeCall('SubtensorModule', 'commit_timelocked_mechanism_weights', [
          1,
          0,
          '0xabcd',
          1_000,
          4,
        ]),
      );
      expect(u8aToHex(call)).toBe('0x0776010000' + '08abcd' + 'e803000000000000' + '0400');
    });
  },
);
