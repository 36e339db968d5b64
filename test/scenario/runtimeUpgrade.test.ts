import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { LogLine } from '#src/cli/demo/processes.ts';
import { SPEC_425, SPEC_426 } from '#src/devnet/profiles.ts';
import { errors } from '#src/devnet/subtensor/errors.ts';
import { openSudoClient, type SudoClient } from '#test/support/scenarioClient.ts';
import type { Gate } from '#test/support/scenarioGate.ts';
import {
  blockTimeMs,
  type Miner,
  openStage,
  type Stage,
  startPatienceMs,
} from '#test/support/scenarioStage.ts';
import { hotkeyOf, netuid } from '#test/support/systemNetwork.ts';
import { type End, type SystemProcess, until } from '#test/support/systemProcess.ts';

/**
 * The chain upgrades its runtime under a validator and a miner that are not restarted: errors get other numbers, and
 * transactions one more extension. The upgrade comes in the worst moment, when weights are signed and not yet
 * included. In the epoch after it the owner turns commit-reveal on while plain weights are on their way, so that
 * their dispatch fails.
 */

/** An epoch of 8 s, in whose fourth block weights become due. */
const tempo = 32;
/** Block of an epoch at which the chain waits for the weights to be on their way. */
const sentWithinBlocks = 8;
const epochPatienceMs = 15_000 + 3 * tempo * blockTimeMs;
const storyLimitMs = 150_000;
const endPatienceMs = 20_000;
const uris = { validator: '//UpgradeValidator', miner: '//UpgradeMiner' } as const;

let stage: Stage;
let validator: SystemProcess;
let miner: Miner;
/** The last epoch before the upgrade, the one in which it comes, and the one after it. */
let before: number;
let upgradeBlock: number;
const ends = new Map<string, End>();

const isOf =
  (wanted: number) =>
  (line: LogLine): boolean =>
    line['epoch'] === wanted;
const linesOf = (process: SystemProcess, event: string): readonly LogLine[] =>
  process.lines().filter((line) => line['event'] === event);
const untilBlock = (block: number): Promise<void> =>
  until(
    () => stage.watch.block() >= block,
    15_000,
    () => `block ${block}, the client is at ${stage.watch.block()}`,
  );

/** Something happens while the weights of an epoch are on their way. The chain waits until they are. */
const whileSending = (gate: Gate, epoch: number, happen: () => Promise<void>): Promise<void> => {
  const release = stage.holdBefore(epoch * tempo + sentWithinBlocks);
  const beforePassing = (): Promise<void> => {
    release();
    return happen();
  };
  return gate.strikeNext({ beforePassing }, { limitMs: epochPatienceMs, tail: validator.tail });
};

/** The new runtime executes the block after the one that sets its code. */
const upgrade = async (): Promise<void> => {
  upgradeBlock = stage.devnet.head().number + 1;
  stage.devnet.upgradeRuntime({ profile: SPEC_426, atBlock: upgradeBlock });
  await untilBlock(upgradeBlock + 1);
};

const play = async (owner: SudoClient): Promise<void> => {
  const { url } = stage.devnet;
  const gate = await stage.openGate();
  miner = await stage.startMiner({ name: 'miner', keys: { uri: uris.miner }, endpoints: [url], place: 0 });
  await miner.process.saw('listener.bound', startPatienceMs);
  const keys = { uri: uris.validator };
  validator = stage.startValidator({ name: 'validator', keys, endpoints: [gate.url] });
  const first = await validator.saw('weights.confirmed', startPatienceMs);
  before = Number(first['epoch']);
  await whileSending(gate, before + 1, upgrade);
  await validator.saw('weights.confirmed', epochPatienceMs, isOf(before + 1));
  await whileSending(gate, before + 2, () =>
    owner.sudo('adminUtils', 'sudoSetCommitRevealWeightsEnabled', netuid, true),
  );
  await validator.saw('weights.committed', epochPatienceMs, isOf(before + 2));
  await validator.saw('weights.revealed', epochPatienceMs, isOf(before + 2));
  for (const process of [validator, miner.process]) {
    await process.saw('chain.upgraded', epochPatienceMs);
    ends.set(process.name, await process.endBy('SIGTERM', endPatienceMs));
  }
};

beforeAll(async () => {
  stage = await openStage({
    tempo,
    hyperparameters: { commitRevealWeightsEnabled: false, revealPeriodEpochs: 1 },
    validators: [uris.validator],
    miners: [uris.miner],
  });
  const owner = await openSudoClient(stage.devnet.url);
  await play(owner).finally(owner.close);
}, storyLimitMs);

afterAll(() => stage?.dispose());

describe('scenario / runtime upgrade', () => {
  it('sets plain weights exactly once in the epoch before it and in the one in which it comes', () => {
    const plain = stage.watch.weightsSet().filter(({ epoch }) => epoch <= before + 1);
    expect(plain.map(({ epoch }) => epoch)).toEqual([before, before + 1]);
    expect(plain[0]?.block).toBeLessThan(upgradeBlock);
    expect(plain[1]?.block).toBeGreaterThan(upgradeBlock);
  });

  it('signs the weights anew that the old runtime had been meant for', () => {
    const refusals = linesOf(validator, 'weights.refused').filter(isOf(before + 1));
    expect(refusals).toMatchObject([{ failure: { _tag: 'Refused', check: 'BadProof' } }]);
  });

  it('is told by validator and miner, once each', () => {
    const told = { from: SPEC_425.specVersion, to: SPEC_426.specVersion };
    for (const process of [validator, miner.process]) {
      expect(linesOf(process, 'chain.upgraded'), process.name).toMatchObject([told]);
    }
  });

  it('leaves errors with the names that the new metadata gives them', () => {
    const refusals = linesOf(validator, 'weights.refused').filter(isOf(before + 2));
    expect(refusals).toMatchObject([{ failure: { _tag: 'Refused', check: 'CommitRevealEnabled' } }]);
    // By the old metadata its number is another error's.
    const inserted = SPEC_426.insertedErrors['SubtensorModule'];
    expect(errors.CommitRevealEnabled.index).toBeGreaterThan(inserted?.at ?? Number.POSITIVE_INFINITY);
  });

  it('lets the weights of the next epoch stand by the rule that came meanwhile', () => {
    const hotkey = hotkeyOf(uris.validator);
    const commits = stage.watch.commits().filter(({ epoch }) => epoch === before + 2);
    expect(commits).toMatchObject([{ hotkey }]);
    const reveals = stage.watch.reveals().filter(({ epoch }) => epoch === before + 2);
    expect(reveals).toMatchObject([{ hotkey }]);
    expect(linesOf(validator, 'weights.missed').filter(({ epoch }) => Number(epoch) >= before)).toEqual([]);
  });

  it('restarts nothing and breaks no link', () => {
    expect([...ends.values()]).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ]);
    for (const process of [validator, miner.process]) {
      expect(linesOf(process, 'daemon.started'), process.name).toHaveLength(1);
      expect(linesOf(process, 'chain.opened'), process.name).toHaveLength(1);
      expect(linesOf(process, 'chain.lost'), process.name).toEqual([]);
    }
    expect(linesOf(miner.process, 'validator.arrived')).toHaveLength(1);
    const leaving = linesOf(miner.process, 'validator.left').map(({ time }) => Date.parse(String(time)));
    const draining = linesOf(validator, 'daemon.draining').map(({ time }) => Date.parse(String(time)));
    expect(leaving.every((at) => at >= (draining[0] ?? Number.POSITIVE_INFINITY))).toBe(true);
  });
});
