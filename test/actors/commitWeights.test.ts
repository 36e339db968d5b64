import * as Effect from 'effect/Effect';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { loadIntent, saveIntent, type WeightIntent } from '#src/actors/weightIntent.ts';
import type { Devnet } from '#src/devnet/node.ts';
import { dataFolder, followChain, openValidatorLife, type ValidatorLife } from '#test/support/actors.ts';
import {
  dueOf,
  signedExtrinsics,
  startCommitReveal,
  tempo,
  weightSteps,
} from '#test/support/actorsWeights.ts';
import { identityOfUri, NETUID, until } from '#test/support/peers.ts';

const vector = { uids: [1, 2], values: [32_768, 65_535] };

/** The one-shot actors of a submission where weights go in as timelocked commits, with blocks made by hand. */
describe('actors / submitWeights with commit-reveal', () => {
  let devnet: Devnet;
  let folder = dataFolder();
  let life: ValidatorLife;

  const live = async (): Promise<void> => {
    life = await openValidatorLife(folder.dir);
    await followChain(life.runtime, devnet.url);
  };
  const crash = async (): Promise<void> => {
    await life.end();
    await live();
  };
  beforeEach(async () => {
    devnet = await startCommitReveal();
    devnet.sealBlocks(tempo + 2);
    folder = dataFolder();
    await live();
  });
  afterEach(async () => {
    await life.end();
    await devnet.stop();
    folder.remove();
  });

  const seal = async (blocks = 1): Promise<number> => {
    const { number } = devnet.sealBlocks(blocks);
    await until(() => life.chain.head?.block === number, `block ${number}`);
    return number;
  };
  const sealTo = (block: number): Promise<number> => seal(block - devnet.head().number);
  const { check, prepare, ready, submit, find, valueIn } = weightSteps(() => ({ life, devnet }));
  const intent = async (): Promise<WeightIntent> => {
    const known = await life.runtime.runPromise(loadIntent);
    if (known === null) throw new Error('no intent');
    return known;
  };

  it('has the bytes and what they lock in on disk before it answers, and the same ones after a crash', async () => {
    const due = await dueOf(life, vector);
    const first = await ready(due);
    expect(first.sealed).toMatchObject({
      vector,
      plan: { commitEpoch: due.epoch, revealsFromBlock: due.endsAtBlock },
    });
    expect(await intent()).toMatchObject({ epoch: due.epoch, ...first, isSpent: false });
    await crash();
    expect(await ready(due)).toEqual(first);
    expect(await submit(first)).toEqual({ ok: true, value: 'sent' });
    const block = await seal();
    expect(await find(first)).toMatchObject({
      ok: true,
      value: { found: true, block, outcome: { ok: true } },
    });
  });

  it('answers with the commit that stands, and its plaintext, whoever asks after a crash', async () => {
    const due = await dueOf(life, vector);
    const first = await ready(due);
    await submit(first);
    const block = await seal();
    await crash();
    const committed = { epoch: due.epoch, committedAtBlock: block, ...first.sealed };
    expect(await check(due)).toEqual({ ok: true, value: { setAtBlock: block, committed, isForeign: false } });
    // Opened meanwhile: LastUpdate is what is left of it.
    await sealTo(due.endsAtBlock + 6);
    expect(await check(due)).toEqual({ ok: true, value: { setAtBlock: block, committed, isForeign: false } });
    expect(signedExtrinsics(devnet)).toBe(1);
  });

  it('knows a commit that it has no plaintext of as weights that stand', async () => {
    const due = await dueOf(life, vector);
    await submit(await ready(due));
    const block = await seal();
    await life.runtime.runPromise(saveIntent({ ...(await intent()), sealed: null }));
    expect(await check(due)).toEqual({
      ok: true,
      value: { setAtBlock: block, committed: null, isForeign: false },
    });
  });

  it('sends nothing for an epoch that ended before its time, nor for one that this endpoint is behind', async () => {
    const due = await dueOf(life, vector);
    const over = { ok: false, error: { check: 'EpochOver', retry: { when: 'never' } } };
    expect(await prepare({ ...due, epoch: due.epoch - 1 })).toMatchObject(over);
    const ahead = { ...due, epoch: due.epoch + 1, lastEpochBlock: due.endsAtBlock };
    const behind = { ok: false, error: { _tag: 'UnknownBlock', retry: { when: 'nextBlock' } } };
    expect(await check(ahead)).toMatchObject(behind);
    expect(await prepare(ahead)).toMatchObject(behind);
    expect(await life.runtime.runPromise(loadIntent)).toBeNull();
  });

  it('knows its commit although a change of tempo moved the start of their epoch past it', async () => {
    const due = await dueOf(life, vector);
    const first = await ready(due);
    await submit(first);
    const block = await seal();
    await seal();
    const moved = { ...due, lastEpochBlock: block + 1, endsAtBlock: due.endsAtBlock + 100 };
    expect(await check(moved)).toMatchObject({
      ok: true,
      value: { setAtBlock: block, committed: { epoch: due.epoch, vector }, isForeign: false },
    });
  });

  it('ignores an intent that does not decode', async () => {
    const due = await dueOf(life, vector);
    const { prepared } = await ready(due);
    const value = { ...(await intent()), prepared: { ...prepared, hex: 'rubbish' } };
    await Effect.runPromise(life.store.saveSnapshot({ name: 'weights.intent', version: 3, value }));
    expect(await life.runtime.runPromise(loadIntent)).toBeNull();
    expect((await ready(due)).prepared.hex).not.toBe('rubbish');
  });

  it('keeps bytes and plaintext where a node cannot say what became of them', async () => {
    const due = await dueOf(life, vector);
    const first = await ready(due);
    await submit(first);
    const block = await seal();
    const data = 'UnknownBlock: Header was not found in the database';
    const error = { code: 4003, message: 'Client error', data };
    devnet.faults.failCalls({ method: 'state_getStorage', count: 1, error });
    expect(await find(first)).toMatchObject({ ok: false, error: { _tag: 'UnknownBlock' } });
    expect(await ready(due)).toEqual(first);
    expect(await check(due)).toMatchObject({
      ok: true,
      value: { setAtBlock: block, committed: { vector } },
    });
    await sealTo(due.endsAtBlock);
    const next = await dueOf(life, vector);
    expect((await ready(next)).prepared.hash).not.toBe(first.prepared.hash);
  });

  it('takes up no bytes that the rules of today refuse: plain ones, and a round that is out', async () => {
    const due = await dueOf(life, vector);
    const first = await ready(due);
    const known = await intent();
    const { sealed } = first;
    if (sealed === null) throw new Error('commit-reveal is on');
    const out = { ...sealed, plan: { ...sealed.plan, revealRound: 1 } };
    for (const stale of [{ sealed: null }, { sealed: out }, { isSpent: true }]) {
      await life.runtime.runPromise(saveIntent({ ...known, ...stale }));
      const renewed = await ready(due);
      expect(renewed.prepared.hash).not.toBe(first.prepared.hash);
      expect(renewed.sealed?.plan.revealRound).toBeGreaterThan(1);
    }
  });

  it.each([3, 4, 5])('commits to no other epoch than its own, with %d blocks left', async (left) => {
    const due = await dueOf(life, vector);
    await sealTo(due.endsAtBlock - left);
    const outcome = await prepare(due);
    if (left < 4) {
      expect(outcome).toMatchObject({ ok: false, error: { _tag: 'Refused', check: 'EpochTooShort' } });
      return;
    }
    const last = valueIn(outcome);
    expect(last.prepared.expiresAtBlock).toBeLessThanOrEqual(due.endsAtBlock);
    await submit(last);
    const block = await seal();
    expect(await check(due)).toMatchObject({
      ok: true,
      value: { setAtBlock: block, committed: { plan: { commitEpoch: due.epoch } } },
    });
  });

  describe('whose owner changes the rule', () => {
    /** Longer than the window before an epoch in which the owner may change nothing. */
    const epochBlocks = 30;

    const begin = async (isCommitReveal: boolean): Promise<void> => {
      await life.end();
      await devnet.stop();
      devnet = await startCommitReveal({ commitRevealWeightsEnabled: isCommitReveal }, epochBlocks);
      devnet.sealBlocks(epochBlocks + 2);
      folder.remove();
      folder = dataFolder();
      await live();
    };
    const enable = async (enabled: boolean): Promise<void> => {
      const { connection } = life.chain;
      if (connection === null) throw new Error('no connection');
      const call = {
        pallet: 'AdminUtils',
        name: 'sudo_set_commit_reveal_weights_enabled',
        args: [NETUID, enabled],
      };
      const change = Effect.gen(function* () {
        const head = yield* connection.finalizedHead();
        const identity = identityOfUri('//Eve');
        const prepared = yield* connection.prepare({ identity, call, head, periodBlocks: 8 });
        return yield* connection.submitPrepared({ prepared });
      });
      expect(await life.runtime.runPromise(change)).toBe('sent');
      await seal();
    };

    it.each([
      [true, 'CommitRevealDisabled'],
      [false, 'CommitRevealEnabled'],
    ])('signs anew by the present one; commit-reveal was on: %s', async (wasOn, refusal) => {
      await begin(wasOn);
      const due = await dueOf(life, vector);
      const first = await ready(due);
      expect(first.sealed !== null).toBe(wasOn);
      await enable(!wasOn);
      await submit(first);
      await seal();
      expect(await find(first)).toMatchObject({
        ok: true,
        value: {
          found: true,
          outcome: { ok: false, error: { check: refusal, retry: { when: 'nextBlock' } } },
        },
      });
      expect(await check(due)).toEqual({
        ok: true,
        value: { setAtBlock: null, committed: null, isForeign: false },
      });
      const second = await ready(due);
      expect(second.sealed !== null).toBe(!wasOn);
      expect(await submit(second)).toEqual({ ok: true, value: 'sent' });
      const block = await seal();
      expect(await check(due)).toMatchObject({ ok: true, value: { setAtBlock: block } });
    });
  });
});
