import * as Effect from 'effect/Effect';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { readSubnet } from '#src/actors/chainSession.actor.ts';
import {
  checkWeights,
  findInclusion,
  prepareWeights,
  submitWeights,
} from '#src/actors/submitWeights.actor.ts';
import { loadIntent, saveIntent } from '#src/actors/weightIntent.ts';
import type { Devnet } from '#src/devnet/node.ts';
import type { Outcome } from '#src/domain/outcome.ts';
import { scheduleOf } from '#src/machines/epoch.machine.ts';
import type { PreparedWeights, WeightsDue } from '#src/machines/weightSubmission.ts';
import type { Json } from '#src/store/store.ts';
import { RATE_LIMIT_BLOCKS, startSubnet } from '#test/chain/devnetFixture.ts';
import {
  askOnce,
  dataFolder,
  followChain,
  openValidatorLife,
  type ValidatorLife,
} from '#test/support/actors.ts';
import { identityOfUri, until } from '#test/support/peers.ts';

const vector = { uids: [1, 2], values: [32_768, 65_535] };

/** The four one-shot actors of a submission on the embedded chain, with blocks made by hand. Tempo is 50. */
describe('actors / submitWeights', () => {
  let devnet: Devnet;
  let folder = dataFolder();
  let life: ValidatorLife;

  const live = async (): Promise<void> => {
    life = await openValidatorLife(folder.dir);
    await followChain(life.runtime, devnet.url);
  };
  beforeEach(async () => {
    devnet = await startSubnet({ sealing: 'manual' });
    folder = dataFolder();
    await live();
  });
  afterEach(async () => {
    await life.end();
    await devnet.stop();
    folder.remove();
  });

  /** Makes blocks and waits until the validator has seen the last one finalized. */
  const seal = async (blocks = 1): Promise<number> => {
    const { number } = devnet.sealBlocks(blocks);
    await until(() => life.chain.head?.block === number, `block ${number}`);
    return number;
  };
  const sealTo = (block: number): Promise<number> => seal(block - devnet.head().number);

  /** The process dies: memory is lost, connection and locks are gone. */
  const crash = async (): Promise<void> => {
    await life.end();
    await live();
  };

  const dueNow = async (): Promise<WeightsDue> => {
    const { head } = life.chain;
    if (head === null) throw new Error('no head yet');
    const subnet = await askOnce(readSubnet(life.runtime), { head });
    if (!subnet.ok) throw new Error(subnet.error.message);
    return { ...scheduleOf(subnet.value), vector };
  };

  const settings = (uri: string) => ({ identity: identityOfUri(uri), versionKey: 2_208 });
  const check = (due: WeightsDue, uri = '//Alice') => askOnce(checkWeights(life.runtime, settings(uri)), due);
  const prepare = (due: WeightsDue, uri = '//Alice') =>
    askOnce(prepareWeights(life.runtime, settings(uri)), due);
  const prepared = async (due: WeightsDue, uri = '//Alice'): Promise<PreparedWeights> =>
    valueIn(await prepare(due, uri)).prepared;
  const submit = (extrinsic: PreparedWeights) =>
    askOnce(submitWeights(life.runtime), { prepared: extrinsic });
  const find = (extrinsic: PreparedWeights) =>
    askOnce(findInclusion(life.runtime), {
      prepared: extrinsic,
      fromBlock: extrinsic.bornAtBlock,
      toBlock: devnet.head().number,
    });
  const intent = () => life.runtime.runPromise(loadIntent);
  const valueIn = <A, E>(outcome: Outcome<A, E>): A => {
    if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
    return outcome.value;
  };

  /** How often the exact bytes are in the chain. */
  const inclusions = (extrinsic: PreparedWeights): number => {
    let count = 0;
    for (let block = 0; block <= devnet.head().number; block += 1) {
      for (const bytes of devnet.chain.blockByNumber(block)?.extrinsics ?? []) {
        if (`0x${Buffer.from(bytes).toString('hex')}` === extrinsic.hex) count += 1;
      }
    }
    return count;
  };

  it('sets the weights of an epoch: checked, prepared, sent, found, and then seen as set', async () => {
    await seal(3);
    const due = await dueNow();
    expect(await check(due)).toEqual({
      ok: true,
      value: { setAtBlock: null, committed: null, isForeign: false },
    });
    const extrinsic = await prepared(due);
    expect(await find(extrinsic)).toEqual({ ok: true, value: { found: false, isNonceUsed: false } });
    expect(await submit(extrinsic)).toEqual({ ok: true, value: 'sent' });
    expect(await submit(extrinsic)).toEqual({ ok: true, value: 'alreadyKnown' });
    const block = await seal();
    expect(await find(extrinsic)).toMatchObject({
      ok: true,
      value: { found: true, block, outcome: { ok: true, value: null } },
    });
    expect(await check(due)).toEqual({
      ok: true,
      value: { setAtBlock: block, committed: null, isForeign: false },
    });
    await seal(3);
    expect(inclusions(extrinsic)).toBe(1);
  });

  it('has the signed bytes on disk before it answers, and answers the same ones after a crash', async () => {
    await seal(3);
    const due = await dueNow();
    const extrinsic = await prepared(due);
    expect(await intent()).toMatchObject({ epoch: due.epoch, prepared: extrinsic });
    expect(await prepared(due)).toEqual(extrinsic);
    await crash();
    expect(await intent()).toMatchObject({ epoch: due.epoch, prepared: extrinsic });
    await seal();
    expect(await prepared(due)).toEqual(extrinsic);
  });

  it('never sets weights twice, wherever it was killed', async () => {
    await seal(3);
    const due = await dueNow();
    const extrinsic = await prepared(due);
    await submit(extrinsic);
    // Killed between sending and seeing it included.
    await crash();
    expect(await check(due)).toEqual({
      ok: true,
      value: { setAtBlock: null, committed: null, isForeign: false },
    });
    const again = await prepared(due);
    expect(await submit(again)).toEqual({ ok: true, value: 'alreadyKnown' });
    const block = await seal();
    // Killed between inclusion and its confirmation.
    await crash();
    expect(await check(due)).toEqual({
      ok: true,
      value: { setAtBlock: block, committed: null, isForeign: false },
    });
    await seal(RATE_LIMIT_BLOCKS + 1);
    const late = await prepared(due);
    expect(late).toEqual(extrinsic);
    expect(await submit(late)).toMatchObject({ ok: false, error: { _tag: 'Unconfirmed' } });
    expect(await find(late)).toMatchObject({ ok: true, value: { found: true, block } });
    await seal(2);
    expect(inclusions(extrinsic)).toBe(1);
  });

  it('signs anew for another epoch, and once the lifetime of the first bytes is over', async () => {
    await seal(3);
    const due = await dueNow();
    const short = await prepared({ ...due, endsAtBlock: devnet.head().number + 5 });
    expect(short.expiresAtBlock).toBe(devnet.head().number + 4);
    await seal(5);
    const renewed = await prepared(due);
    expect(renewed.hash).not.toBe(short.hash);
    expect(renewed.bornAtBlock).toBe(devnet.head().number);
    await sealTo(due.endsAtBlock);
    expect((await prepared(await dueNow())).hash).not.toBe(renewed.hash);
  });

  it('signs anew after a dispatch that failed: those bytes are spent', async () => {
    await seal(3);
    const due = await dueNow();
    const first = await prepared(due, '//Bob');
    expect(await submit(first)).toEqual({ ok: true, value: 'sent' });
    await seal();
    expect(await find(first)).toMatchObject({
      ok: true,
      value: { found: true, outcome: { ok: false, error: { check: 'NeuronNoValidatorPermit' } } },
    });
    const second = await prepared(due, '//Bob');
    expect(second.hash).not.toBe(first.hash);
    expect(second.nonce).toBe(first.nonce + 1);
    await crash();
    expect(await prepared(due, '//Bob')).toEqual(second);
  });

  it('signs anew after the pool refused the bytes, and only one of both gets in', async () => {
    const due = await dueNow();
    await sealTo(due.endsAtBlock - 4);
    const set = await prepared(due);
    await submit(set);
    await seal();
    expect(await find(set)).toMatchObject({ value: { found: true, outcome: { ok: true } } });
    await sealTo(due.endsAtBlock);
    const next = await dueNow();
    const early = await prepared(next);
    expect(await submit(early)).toMatchObject({
      ok: false,
      error: { _tag: 'Refused', check: 'RateLimitExceeded', retry: { when: 'nextBlock' } },
    });
    await seal(RATE_LIMIT_BLOCKS + 1);
    const later = await prepared(next);
    expect(later.hash).not.toBe(early.hash);
    expect(later.nonce).toBe(early.nonce);
    expect(await submit(later)).toEqual({ ok: true, value: 'sent' });
    await seal();
    expect(await find(later)).toMatchObject({ value: { found: true, outcome: { ok: true } } });
    expect(inclusions(early)).toBe(0);
  });

  it.each([1, 4, 7, 33])(
    'lets the bytes die before the epoch ends, with %d blocks left and more',
    async (left) => {
      const due = await dueNow();
      await sealTo(due.endsAtBlock - left);
      const outcome = await prepare(due);
      if (left < 4) {
        expect(outcome).toMatchObject({
          ok: false,
          error: { _tag: 'Refused', check: 'EpochTooShort', retry: { when: 'never' } },
        });
        expect(await intent()).toBeNull();
        return;
      }
      const extrinsic = valueIn(outcome).prepared;
      expect(extrinsic.bornAtBlock).toBeLessThanOrEqual(devnet.head().number);
      expect(extrinsic.expiresAtBlock).toBeLessThanOrEqual(due.endsAtBlock);
      expect(extrinsic.expiresAtBlock - devnet.head().number).toBeGreaterThanOrEqual(Math.min(16, left));
      expect(await submit(extrinsic)).toEqual({ ok: true, value: 'sent' });
      const block = await seal();
      expect(await find(extrinsic)).toMatchObject({ ok: true, value: { found: true, block } });
    },
  );

  it('says with its block when the rate limit clears, into the next epoch', async () => {
    const last = await dueNow();
    await sealTo(last.endsAtBlock - 5);
    const extrinsic = await prepared(last);
    await submit(extrinsic);
    const block = await seal();
    await sealTo(last.endsAtBlock);
    const due = await dueNow();
    expect(due.epoch).toBe(last.epoch + 1);
    expect(await check(due)).toMatchObject({
      ok: false,
      error: { check: 'SettingWeightsTooFast', retry: { when: 'atBlock', block: block + RATE_LIMIT_BLOCKS } },
    });
    await sealTo(block + RATE_LIMIT_BLOCKS);
    expect(await check(due)).toEqual({
      ok: true,
      value: { setAtBlock: null, committed: null, isForeign: false },
    });
  });

  it('says that an epoch is over, whatever was set since', async () => {
    const due = await dueNow();
    await sealTo(due.endsAtBlock);
    const next = await dueNow();
    const extrinsic = await prepared(next);
    await submit(extrinsic);
    await seal();
    expect(await check(next)).toMatchObject({ ok: true, value: { setAtBlock: expect.any(Number) } });
    expect(await check(due)).toMatchObject({
      ok: false,
      error: { _tag: 'Refused', check: 'EpochOver', retry: { when: 'never' } },
    });
  });

  it('confirms from LastUpdate the weights of an epoch that ended during a downtime', async () => {
    await seal(3);
    const due = await dueNow();
    await submit(await prepared(due));
    const block = await seal();
    await sealTo(due.endsAtBlock + 3);
    expect(await check(due)).toEqual({
      ok: true,
      value: { setAtBlock: block, committed: null, isForeign: false },
    });
    expect(await check(await dueNow())).toEqual({
      ok: true,
      value: { setAtBlock: null, committed: null, isForeign: false },
    });
  });

  it('signs anew where an intent was signed for another chain or runtime, or far ahead of the endpoint', async () => {
    await seal(3);
    const due = await dueNow();
    const extrinsic = await prepared(due);
    const saved = await intent();
    if (saved === null) throw new Error('no intent');
    const far = { ...extrinsic, bornAtBlock: extrinsic.bornAtBlock + 17 };
    const strangers = [
      { ...saved, genesisHash: `0x${'00'.repeat(32)}` },
      { ...saved, specVersion: saved.specVersion + 1 },
      { ...saved, prepared: far },
    ];
    for (const stranger of strangers) {
      await life.runtime.runPromise(saveIntent(stranger));
      await prepared(due);
      expect(await intent()).toMatchObject({
        genesisHash: saved.genesisHash,
        specVersion: saved.specVersion,
        prepared: { bornAtBlock: extrinsic.bornAtBlock },
      });
    }
  });

  it('waits for an endpoint that lags a little behind the block the weights were signed on', async () => {
    await seal(3);
    const due = await dueNow();
    const extrinsic = await prepared(due);
    const saved = await intent();
    if (saved === null) throw new Error('no intent');
    const ahead = { ...extrinsic, bornAtBlock: extrinsic.bornAtBlock + 3 };
    await life.runtime.runPromise(saveIntent({ ...saved, prepared: ahead }));
    expect(await prepare(due)).toMatchObject({
      ok: false,
      error: { _tag: 'UnknownBlock', retry: { when: 'nextBlock' } },
    });
    await seal(3);
    expect(await prepared(due)).toEqual(ahead);
  });

  it('prepares at the head of this connection, whatever head an earlier endpoint reported', async () => {
    await seal(3);
    const due = await dueNow();
    life.chain.head = { block: 4_000_000_000, blockHash: `0x${'11'.repeat(32)}` };
    expect((await prepared(due)).bornAtBlock).toBe(devnet.head().number);
  });

  it('names what is missing before anything is signed: permit, registration', async () => {
    await seal();
    const due = await dueNow();
    expect(await check(due, '//Bob')).toMatchObject({
      ok: false,
      error: { check: 'NeuronNoValidatorPermit', retry: { when: 'atBlock', block: due.endsAtBlock } },
    });
    expect(await check(due, '//Zoe')).toMatchObject({
      ok: false,
      error: { check: 'HotKeyNotRegisteredInSubNet' },
    });
    expect(await intent()).toBeNull();
  });

  it('prepares nothing that it could not make durable', async () => {
    await seal();
    const due = await dueNow();
    await life.closeStore();
    expect(await prepare(due)).toMatchObject({ ok: false, error: { _tag: 'StoreUnavailable' } });
  });

  it('answers Unreachable without a connection, each of the four', async () => {
    await seal();
    const due = await dueNow();
    const extrinsic = await prepared(due);
    await devnet.stop();
    await until(() => life.chain.connection === null, 'the connection is gone');
    const unreachable = { ok: false, error: { _tag: 'Unreachable', retry: { when: 'reconnected' } } };
    expect(await check(due)).toMatchObject(unreachable);
    expect(await prepare(due)).toMatchObject(unreachable);
    expect(await submit(extrinsic)).toMatchObject(unreachable);
    expect(await find(extrinsic)).toMatchObject(unreachable);
  });

  it('takes up the bytes of the version before', async () => {
    await seal(3);
    const due = await dueNow();
    const extrinsic = await prepared(due);
    const { epoch, genesisHash, specVersion } = (await intent()) ?? {};
    const value = { epoch, genesisHash, specVersion, prepared: extrinsic } as Json;
    await Effect.runPromise(life.store.saveSnapshot({ name: 'weights.intent', version: 2, value }));
    expect(await intent()).toMatchObject({ sealed: null, isSpent: false });
    expect(await prepared(due)).toEqual(extrinsic);
    await Effect.runPromise(life.store.saveSnapshot({ name: 'weights.intent', version: 1, value }));
    expect(await intent()).toBeNull();
  });
});
