import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { prepareWeights } from '#src/actors/submitWeights.actor.ts';
import { loadUnrevealed } from '#src/actors/unrevealed.ts';
import type { Devnet } from '#src/devnet/node.ts';
import { maxUpscale } from '#src/domain/maxUpscale.ts';
import type { WeightsDue } from '#src/machines/weightSubmission.ts';
import {
  askOnce,
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
  type Weights,
} from '#test/support/actorsWeights.ts';
import { until } from '#test/support/peers.ts';

/** Numbers that occur nowhere else, so that a log that tells them can be found out. */
const vector = { uids: [1, 2], values: [23_457, 46_911] };
const inForce = { uids: [1, 2], values: maxUpscale(vector.values) };

/** Weight-setting and the machine that verifies reveals, on the embedded chain with commit-reveal and blocks by hand. */
describe('actors / weight reveals', () => {
  let devnet: Devnet;
  let folder = dataFolder();
  let life: ValidatorLife;
  let weights: Weights;
  let recorded = recordingLog();

  const live = async (persisted?: readonly string[]): Promise<void> => {
    life = await openValidatorLife(folder.dir);
    await followChain(life.runtime, devnet.url);
    weights = await startWeights({
      life,
      log: recorded.log,
      ...(persisted === undefined ? {} : { persisted }),
    });
  };
  const begin = async (
    rules: Readonly<Record<string, number | boolean>> = {},
    persisted?: readonly string[],
  ) => {
    devnet = await startCommitReveal(rules);
    devnet.sealBlocks(tempo + 2);
    await live(persisted);
    await seal();
  };
  const crash = async (): Promise<void> => {
    await weights.stop();
    await life.end();
  };
  beforeEach(() => {
    folder = dataFolder();
    recorded = recordingLog();
  });
  afterEach(async () => {
    expect(weights.failures).toEqual([]);
    await crash();
    await devnet.stop();
    folder.remove();
  });

  /** One block that the validator has seen finalized, and has dealt with. */
  const seal = async (): Promise<number> => {
    const { number } = devnet.seal();
    await until(() => life.chain.head?.block === number, `block ${number}`);
    await weights.see(number);
    return number;
  };
  const sealTo = async (block: number): Promise<void> => {
    while (devnet.head().number < block) await seal();
  };
  /** Blocks while nobody watches. */
  const sealUnseen = (block: number): void => void devnet.sealBlocks(block - devnet.head().number);

  const row = async () => {
    const live = life.chain.connection;
    if (live === null) throw new Error('no connection');
    const head = await life.runtime.runPromise(live.finalizedHead());
    return life.runtime.runPromise(live.readWeights({ head, uid: 0 }));
  };
  const typesOf = ({ facts }: Weights) => facts.map(({ type }) => type);
  const unrevealed = () => life.runtime.runPromise(loadUnrevealed);
  const isToldAnywhere = (): boolean =>
    vector.values.some((value) => JSON.stringify([recorded.lines, life.lines]).includes(String(value)));

  /** Weights of the first whole epoch, committed and found. */
  const committed = async (): Promise<WeightsDue> => {
    const due = await dueOf(life, vector);
    await weights.due(due);
    const block = await seal();
    expect(weights.facts).toMatchObject([
      { type: 'weights.committed', epoch: due.epoch, block, revealsFromBlock: due.endsAtBlock },
    ]);
    return due;
  };

  it('commits, waits in secret, and sees its weights in force', async () => {
    await begin();
    const due = await committed();
    await sealTo(due.endsAtBlock - 1);
    expect(await row()).toEqual({ uids: [], values: [] });
    expect(typesOf(weights)).toEqual(['weights.committed']);
    expect(isToldAnywhere()).toBe(false);
    await sealTo(due.endsAtBlock + 6);
    expect(await row()).toEqual(inForce);
    expect(weights.facts.slice(1)).toMatchObject([{ type: 'weights.revealed', epoch: due.epoch }]);
    expect(weights.weightReveal().getSnapshot().value).toBe('idle');
    expect(await unrevealed()).toEqual([]);
    expect(signedExtrinsics(devnet)).toBe(1);
  });

  it('waits through two epochs where the subnet says so', async () => {
    await begin({ revealPeriodEpochs: 2 });
    const due = await dueOf(life, vector);
    await weights.due(due);
    await sealTo(due.endsAtBlock + tempo - 1);
    expect(typesOf(weights)).toEqual(['weights.committed']);
    await sealTo(due.endsAtBlock + tempo + 6);
    expect(typesOf(weights)).toEqual(['weights.committed', 'weights.revealed']);
  });

  it('sees a reveal that comes late, with a pulse that came late', async () => {
    await begin();
    const due = await committed();
    devnet.beacon.withhold();
    await sealTo(due.endsAtBlock + 6);
    expect(typesOf(weights)).toEqual(['weights.committed']);
    devnet.beacon.release();
    await sealTo(due.endsAtBlock + 8);
    expect(typesOf(weights)).toEqual(['weights.committed', 'weights.revealed']);
  });

  it('names a reveal that was lost for want of a pulse, and keeps the plaintext', async () => {
    await begin();
    const due = await committed();
    devnet.beacon.withhold();
    await sealTo(due.endsAtBlock + tempo - 1);
    expect(typesOf(weights)).toEqual(['weights.committed']);
    expect(isToldAnywhere()).toBe(false);
    await sealTo(due.endsAtBlock + tempo);
    expect(weights.facts.slice(1)).toMatchObject([
      { type: 'weights.unrevealed', epoch: due.epoch, loss: 'expired', vector },
    ]);
    expect(recorded.lines.filter(({ event }) => event === 'weights.unrevealed')).toMatchObject([
      { level: 'error', epoch: due.epoch, vector, advice: expect.stringContaining('pulses') },
    ]);
    expect(await unrevealed()).toMatchObject([{ epoch: due.epoch, vector }]);
    await sealTo(due.endsAtBlock + tempo + 3);
    expect(weights.facts).toHaveLength(2);
  });

  it('names weights that the chain refused when it opened them', async () => {
    await begin();
    const present = await dueOf(life, vector);
    // No pre-flight stands between these weights and the chain: they name a uid that does not exist.
    const due = { ...present, vector: { uids: [1, 9], values: [23_457, 46_911] } };
    weights.weightSetting().send({ type: 'weights.due', ...due });
    await weights.settle();
    expect(typesOf(weights)).toEqual(['weights.refused']);
    const { commit } = await commitBlindly(due);
    await sealTo(due.endsAtBlock + 6);
    expect(weights.facts.at(-1)).toMatchObject({
      type: 'weights.unrevealed',
      loss: 'dropped',
      commitHash: commit.plan.commitHash,
    });
  });

  /** What weight-setting does, without asking whether it may. */
  const commitBlindly = async (due: WeightsDue) => {
    const { connection } = life.chain;
    if (connection === null) throw new Error('no connection');
    const { runtime } = life;
    const head = await runtime.runPromise(connection.finalizedHead());
    const { identity, versionKey } = settings;
    const facts = await runtime.runPromise(connection.readSubmissionFacts({ head, hotkey: identity.hotkey }));
    const { vector: blind } = due;
    const { prepared, reveal } = await runtime.runPromise(
      connection.prepareWeights({ identity, facts, vector: blind, versionKey, head, periodBlocks: 4 }),
    );
    if (reveal === null) throw new Error('commit-reveal is on');
    await runtime.runPromise(connection.submitPrepared({ prepared }));
    const committedAtBlock = await seal();
    const commit = { epoch: due.epoch, committedAtBlock, plan: reveal, vector: blind };
    weights.weightReveal().send({ type: 'commit.stood', ...commit });
    return { commit };
  };

  it('calls weights superseded that newer ones replaced while nobody watched', async () => {
    await begin();
    const first = await committed();
    await sealTo(first.endsAtBlock);
    const second = await dueOf(life, { uids: [2], values: [65_535] });
    await weights.due(second);
    await seal();
    expect(typesOf(weights)).toEqual(['weights.committed', 'weights.committed']);
    await crash();
    sealUnseen(second.endsAtBlock + 6);
    await live();
    await seal();
    expect(weights.facts).toMatchObject([
      { type: 'weights.superseded', epoch: first.epoch },
      { type: 'weights.revealed', epoch: second.epoch },
    ]);
  });

  it('commits exactly once when it is killed after each step, with nothing of its machines on disk', async () => {
    await begin({}, []);
    const due = await dueOf(life, vector);
    // Sent, not yet in a block.
    await weights.due(due);
    await crash();
    await live([]);
    await weights.due(due);
    const block = await seal();
    expect(weights.facts).toMatchObject([{ type: 'weights.committed', block }]);
    // In a block and told; no snapshot says so.
    await crash();
    await live([]);
    await weights.due(due);
    expect(weights.facts).toMatchObject([{ type: 'weights.committed', block }]);
    expect(signedExtrinsics(devnet)).toBe(1);
    await sealTo(due.endsAtBlock + 6);
    expect(typesOf(weights)).toEqual(['weights.committed', 'weights.revealed']);
    expect(signedExtrinsics(devnet)).toBe(1);
  });

  it('verifies a reveal although it was killed between two snapshots', async () => {
    await begin({}, ['weightSetting']);
    const due = await committed();
    await crash();
    await live();
    await weights.due(due);
    expect(weights.facts).toEqual([]);
    await seal();
    expect(weights.weightReveal().getSnapshot().context.watched).toHaveLength(1);
    await crash();
    // Opened while the process was down.
    sealUnseen(due.endsAtBlock + 6);
    await live();
    await seal();
    expect(weights.facts).toMatchObject([{ type: 'weights.revealed', epoch: due.epoch }]);
    await crash();
    await live();
    await seal();
    expect(weights.facts).toEqual([]);
    expect(signedExtrinsics(devnet)).toBe(1);
  });

  it('does not take bytes that never got in for a commit that was lost', async () => {
    await begin({}, []);
    const due = await dueOf(life, vector);
    // Killed between signing and sending.
    expect(await askOnce(prepareWeights(life.runtime, settings), due)).toMatchObject({ ok: true });
    await crash();
    await live([]);
    await sealTo(due.endsAtBlock + 2);
    expect(weights.facts).toEqual([]);
    expect(weights.weightReveal().getSnapshot().context.watched).toEqual([]);
  });
});
