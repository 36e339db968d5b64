import * as Effect from 'effect/Effect';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { retireRefused } from '#src/actors/weightIntent.ts';
import type { Devnet } from '#src/devnet/node.ts';
import {
  dataFolder,
  followChain,
  openValidatorLife,
  recordingLog,
  type ValidatorLife,
} from '#test/support/actors.ts';
import {
  dueOf,
  settings,
  signedExtrinsics,
  startCommitReveal,
  startWeights,
  tempo,
  weightSteps,
} from '#test/support/actorsWeights.ts';
import { until } from '#test/support/peers.ts';

const vector = { uids: [1, 2], values: [32_768, 65_535] };

/** Nonces are per hotkey: a miner's serve_axon, a commitment or a second validator take from the same row. */
describe('actors / submitWeights and the nonce of its hotkey', () => {
  let devnet: Devnet;
  let folder = dataFolder();
  let life: ValidatorLife;

  beforeEach(async () => {
    // Without a rate limit nothing but the nonce keeps a second commit of one epoch out.
    devnet = await startCommitReveal({ weightsSetRateLimit: 0 });
    devnet.sealBlocks(tempo + 2);
    folder = dataFolder();
    life = await openValidatorLife(folder.dir);
    await followChain(life.runtime, devnet.url);
  });
  afterEach(async () => {
    await life.end();
    await devnet.stop();
    folder.remove();
  });

  const seal = async (): Promise<number> => {
    const { number } = devnet.sealBlocks(1);
    await until(() => life.chain.head?.block === number, `block ${number}`);
    return number;
  };
  const { check, ready, submit, find } = weightSteps(() => ({ life, devnet }));
  /** Another program signs with our hotkey. */
  const commitElsewhere = async (): Promise<void> => {
    const { connection } = life.chain;
    if (connection === null) throw new Error('no connection');
    const sending = Effect.gen(function* () {
      const head = yield* connection.finalizedHead();
      const data = new TextEncoder().encode('hello');
      const { identity } = settings;
      const prepared = yield* connection.prepareCommitment({ identity, head, periodBlocks: 8, data });
      return yield* connection.submitPrepared({ prepared });
    });
    expect(await life.runtime.runPromise(sending)).toBe('sent');
  };

  it('signs anew at once where another program used the nonce, not when the era is over', async () => {
    const due = await dueOf(life, vector);
    const first = await ready(due);
    await commitElsewhere();
    await seal();
    expect(await submit(first)).toMatchObject({ ok: false, error: { _tag: 'Unconfirmed' } });
    expect(await find(first)).toEqual({ ok: true, value: { found: false, isNonceUsed: true } });
    const second = await ready(due);
    expect(second.prepared.nonce).toBe(first.prepared.nonce + 1);
    expect(await submit(second)).toEqual({ ok: true, value: 'sent' });
    const block = await seal();
    expect(await find(second)).toMatchObject({ ok: true, value: { found: true, block } });
  });

  it('has its weights on chain in the same epoch although another program was faster', async () => {
    const weights = await startWeights({ life, log: recordingLog().log });
    const due = await dueOf(life, vector);
    // The pool takes the bytes for known, and does not have them: what another program sent gets in first.
    devnet.faults.refuseExtrinsics({ refusal: { kind: 'alreadyImported' }, count: 1 });
    await weights.see(devnet.head().number);
    await weights.due(due);
    await commitElsewhere();
    for (let blocks = 0; blocks < 4; blocks += 1) await weights.see(await seal());
    await weights.stop();
    expect(weights.failures).toEqual([]);
    expect(weights.facts.map(({ type }) => type)).toEqual(['weights.refused', 'weights.committed']);
    expect(weights.facts[0]).toMatchObject({ failure: { _tag: 'NotIncluded' } });
    expect(signedExtrinsics(devnet)).toBe(2);
  });

  it('tells weights that another program set with the hotkey from its own, which were never in', async () => {
    const due = await dueOf(life, vector);
    const own = await ready(due);
    const { connection } = life.chain;
    if (connection === null) throw new Error('no connection');
    const elsewhere = Effect.gen(function* () {
      const head = yield* connection.finalizedHead();
      const { identity, versionKey } = settings;
      const facts = yield* connection.readSubmissionFacts({ head, hotkey: identity.hotkey });
      const weights = { facts, vector: { uids: [1], values: [65_535] }, versionKey };
      return yield* connection.prepareWeights({ identity, head, periodBlocks: 8, ...weights });
    });
    const { prepared } = await life.runtime.runPromise(elsewhere);
    await submit({ prepared });
    const block = await seal();
    expect(block).toBeLessThan(own.prepared.expiresAtBlock);
    const standing = { setAtBlock: block, committed: null, isForeign: true };
    expect(await check(due)).toEqual({ ok: true, value: standing });
    const weights = await startWeights({ life, log: recordingLog().log });
    await weights.see(block);
    await weights.due(due);
    expect(weights.facts).toEqual([
      { type: 'weights.confirmed', epoch: due.epoch, block },
      { type: 'weights.foreign', epoch: due.epoch, block },
    ]);
    await weights.stop();
    expect(signedExtrinsics(devnet)).toBe(1);
  });

  it('gives new bytes the nonce of given-up ones that another node may still hold', async () => {
    const due = await dueOf(life, vector);
    const first = await ready(due);
    await submit(first);
    await life.runtime.runPromise(retireRefused(first.prepared.hash));
    const second = await ready(due);
    expect(second.prepared.hash).not.toBe(first.prepared.hash);
    expect(second.prepared.nonce).toBe(first.prepared.nonce);
    expect(await submit(second)).toMatchObject({ ok: false, error: { check: 'PriorityTooLow' } });
    const block = await seal();
    expect(await find(second)).toEqual({ ok: true, value: { found: false, isNonceUsed: true } });
    // The commit on chain is the one given up, and its plaintext is known still: its reveal can be watched.
    const committed = { epoch: due.epoch, committedAtBlock: block, ...first.sealed };
    expect(await check(due)).toMatchObject({
      ok: true,
      value: { setAtBlock: block, isForeign: false, committed },
    });
    expect(signedExtrinsics(devnet)).toBe(1);
  });
});
