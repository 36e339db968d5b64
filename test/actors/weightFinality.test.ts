import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { Devnet } from '#src/devnet/node.ts';
import type { WeightsDue } from '#src/machines/weightSubmission.ts';
import {
  dataFolder,
  followChain,
  openValidatorLife,
  recordingLog,
  type ValidatorLife,
} from '#test/support/actors.ts';
import {
  dueOf,
  signedExtrinsics,
  startCommitReveal,
  startWeights,
  type Weights,
} from '#test/support/actorsWeights.ts';
import { until } from '#test/support/peers.ts';

const vector = { uids: [1, 2], values: [32_768, 65_535] };
const epochBlocks = 40;
/** GRANDPA finalizes two to three blocks behind the best one. */
const lag = 3;

/** Finality lags, blocks are replaced before it, and nothing but the nonce keeps a second commit out. */
describe('actors / weights before they are final', () => {
  let devnet: Devnet;
  let folder = dataFolder();
  let life: ValidatorLife;
  let weights: Weights;
  let due: WeightsDue;

  const live = async (): Promise<void> => {
    life = await openValidatorLife(folder.dir);
    await followChain(life.runtime, devnet.url);
    await until(() => life.chain.head !== null, 'a finalized head');
    weights = await startWeights({ life, log: recordingLog().log });
  };
  beforeEach(async () => {
    devnet = await startCommitReveal({ weightsSetRateLimit: 0 }, epochBlocks, lag);
    devnet.sealBlocks(epochBlocks + 8);
    folder = dataFolder();
    await live();
    due = await dueOf(life, vector);
  });
  afterEach(async () => {
    await weights.stop();
    await life.end();
    await devnet.stop();
    folder.remove();
  });

  const finalized = (): number => devnet.head().number - lag;
  const followed = async (): Promise<void> => {
    await until(() => life.chain.head?.block === finalized(), `finalized block ${finalized()}`);
    await weights.see(finalized());
  };
  const pass = async (blocks: number): Promise<void> => {
    for (let passed = 0; passed < blocks; passed += 1) {
      devnet.sealBlocks(1);
      await followed();
    }
  };
  const reorg = async (transactions: 'include' | 'wait' | 'drop'): Promise<void> => {
    devnet.reorg({ depth: 2, transactions });
    await followed();
  };
  const crash = async (): Promise<void> => {
    await weights.stop();
    await life.end();
    await live();
    weights.weightSetting().send({ type: 'chain.opened' });
    await weights.settle();
    await weights.see(finalized());
  };
  const types = () => weights.facts.map(({ type }) => type);

  it('says that a commit stands once its block is final, not before', async () => {
    await followed();
    await weights.due(due);
    await pass(lag);
    expect(types()).toEqual([]);
    const includedAt = finalized() + 1;
    await pass(1);
    expect(weights.facts).toMatchObject([{ type: 'weights.committed', block: includedAt }]);
  });

  it.each(['include', 'wait', 'drop'] as const)(
    'comes to one commit although its block is replaced, its transactions: %s',
    async (transactions) => {
      await followed();
      await weights.due(due);
      await pass(1);
      await reorg(transactions);
      await pass(12);
      expect(types()).toEqual(['weights.committed']);
      expect(weights.failures).toEqual([]);
      expect(signedExtrinsics(devnet)).toBe(1);
    },
  );

  it('misses no epoch whose commit was included in its last blocks, although its bytes were refused when sent again', async () => {
    devnet.sealBlocks(due.endsAtBlock - 4 - devnet.head().number);
    await followed();
    await weights.due(due);
    devnet.sealBlocks(3);
    await followed();
    // Another node: the bytes are sent again, and its pool refuses them, because their era ends with this block.
    devnet.faults.refuseExtrinsics({ refusal: { kind: 'invalid', reason: 'BadProof' } });
    weights.weightSetting().send({ type: 'chain.opened' });
    await weights.settle();
    await weights.see(finalized());
    await pass(lag + 2);
    expect(types().filter((type) => type !== 'weights.refused')).toEqual(['weights.committed']);
    expect(signedExtrinsics(devnet)).toBe(1);
  });

  it.each([0, 2, 3])('comes to one commit where it is killed %d blocks after sending', async (blocks) => {
    await followed();
    await weights.due(due);
    await pass(blocks);
    await crash();
    await pass(2);
    await crash();
    await pass(8);
    expect(weights.failures).toEqual([]);
    expect(signedExtrinsics(devnet)).toBe(1);
    expect(weights.weightSetting().getSnapshot()).toMatchObject({
      value: 'waiting',
      context: { confirmedEpoch: due.epoch },
    });
  });

  it('comes to one commit where it is killed and the block with it is replaced meanwhile', async () => {
    await followed();
    await weights.due(due);
    await pass(2);
    devnet.reorg({ depth: 2, transactions: 'drop' });
    await crash();
    await pass(12);
    expect(types()).toEqual(['weights.committed']);
    expect(signedExtrinsics(devnet)).toBe(1);
  });
});
