import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { LogLine } from '#src/cli/demo/processes.ts';
import { maxUpscale } from '#src/domain/maxUpscale.ts';
import type { Gate, Strike } from '#test/support/scenarioGate.ts';
import { blockTimeMs, openStage, type Stage, startPatienceMs } from '#test/support/scenarioStage.ts';
import { readEvidenceOf } from '#test/support/systemEvidence.ts';
import { hotkeyOf } from '#test/support/systemNetwork.ts';
import { type SystemProcess, until } from '#test/support/systemProcess.ts';

/**
 * Four validators on a subnet with commit-reveal, and each is struck in mid-commit of the same epoch: its endpoint dies,
 * or it is killed. Each has a gate of its own as its preferred endpoint, and the node itself as the second one. The
 * chain itself would take a second commit in an epoch.
 */

/** What is included is not final yet: a successor cannot read at once what its predecessor has done. */
const finalityLagBlocks = 3;
/** An epoch of 10 s. Weights become due in the seventh block, which is when the fourth is final. */
const tempo = 40;
/** Blocks of the epoch at which the chain waits: for the strikes to be set, for all to be struck, for all to be back. */
const setWithinBlocks = finalityLagBlocks + 1;
const struckWithinBlocks = 12;
const backWithinBlocks = 20;
const epochPatienceMs = 15_000 + 3 * tempo * blockTimeMs;
const storyLimitMs = 150_000;
const endPatienceMs = 20_000;

const fates = [
  'endpoint lost before the commit is passed on',
  'endpoint lost before the answer',
  'killed before the commit is passed on',
  'killed once the commit is passed on',
] as const;
type Fate = (typeof fates)[number];

const uriOf = (fate: Fate): string => `//CommitRevealValidator${fates.indexOf(fate)}`;
const isKilled = (fate: Fate): boolean => fate.startsWith('killed');

/** Who has been through the story, and what its successors and it itself have logged. */
type Survivor = {
  readonly hotkey: string;
  readonly lines: readonly LogLine[];
  readonly vector: { readonly uids: readonly number[]; readonly values: readonly number[] } | undefined;
};

let stage: Stage;
let epoch: number;
const survivors = new Map<Fate, Survivor>();

const strikeOf = (fate: Fate, gate: Gate, validator: SystemProcess): Strike => {
  const kill = (): void => validator.signal('SIGKILL');
  switch (fate) {
    case 'endpoint lost before the commit is passed on':
      return { beforePassing: gate.shut };
    case 'endpoint lost before the answer':
      return { beforeAnswering: gate.shut };
    case 'killed before the commit is passed on':
      return {
        beforePassing: () => {
          kill();
          gate.shut();
        },
      };
    case 'killed once the commit is passed on':
      return { beforePassing: kill };
  }
};

const isOf =
  (wanted: number) =>
  (line: LogLine): boolean =>
    line['epoch'] === wanted;

type Life = { readonly fate: Fate; readonly gate: Gate; readonly validator: SystemProcess };

const start = (fate: Fate, gate: Gate): SystemProcess =>
  stage.startValidator({ name: fate, keys: { uri: uriOf(fate) }, endpoints: [gate.url, stage.devnet.url] });

const strike = ({ fate, gate, validator }: Life): Promise<void> =>
  gate.strikeNext(strikeOf(fate, gate, validator), { limitMs: epochPatienceMs, tail: validator.tail });

/** Who was killed is started again; everybody finds the second endpoint. */
const comeBack = async ({ fate, gate, validator }: Life): Promise<readonly SystemProcess[]> => {
  if (isKilled(fate)) {
    await validator.ended;
    const successor = start(fate, gate);
    await successor.saw('chain.opened', startPatienceMs);
    return [validator, successor];
  }
  await until(
    () => validator.lines().filter((line) => line['event'] === 'chain.opened').length > 1,
    startPatienceMs,
    () => `the second endpoint of ${fate}${validator.tail()}`,
  );
  return [validator];
};

/** Until the commit is revealed, and the next one made. */
const liveOn = async (fate: Fate, lives: readonly SystemProcess[]): Promise<void> => {
  const last = lives.at(-1);
  if (last === undefined) throw new Error(`nobody lives that was ${fate}`);
  await last.saw('weights.committed', epochPatienceMs, isOf(epoch));
  await last.saw('weights.revealed', epochPatienceMs, isOf(epoch));
  await last.saw('weights.committed', epochPatienceMs, isOf(epoch + 1));
  expect(await last.endBy('SIGTERM', endPatienceMs), last.tail()).toEqual({ code: 0, signal: null });
  const evidence = await readEvidenceOf(stage.dataDir(fate));
  survivors.set(fate, {
    hotkey: hotkeyOf(uriOf(fate)),
    lines: lives.flatMap((life) => life.lines()),
    vector: evidence.of('epoch.scored').find((record) => record.epoch === epoch)?.vector,
  });
};

/** All four are struck in one epoch. */
const play = async (lives: readonly Life[]): Promise<void> => {
  epoch = Math.floor(stage.devnet.head().number / tempo) + 1;
  const begin = epoch * tempo;
  stage.holdBefore(begin + setWithinBlocks);
  await stage.untilEpoch(epoch);
  const strikes = lives.map(strike);
  stage.holdBefore(begin + struckWithinBlocks);
  await Promise.all(strikes);
  const release = stage.holdBefore(begin + backWithinBlocks);
  const back = await Promise.all(lives.map(async (life) => [life.fate, await comeBack(life)] as const));
  release();
  await Promise.all(back.map(([fate, all]) => liveOn(fate, all)));
};

beforeAll(async () => {
  const miners = ['//CommitRevealMiner', '//CommitRevealWitness'] as const;
  stage = await openStage({
    tempo,
    finalityLagBlocks,
    hyperparameters: { commitRevealWeightsEnabled: true, revealPeriodEpochs: 1 },
    validators: fates.map(uriOf),
    miners,
  });
  const { url } = stage.devnet;
  const [miner] = await Promise.all([
    stage.startMiner({ name: 'miner', keys: { uri: miners[0] }, endpoints: [url], place: 0 }),
    stage.openWitness({ uri: miners[1], place: 1 }),
  ]);
  await miner.process.saw('listener.bound', startPatienceMs);
  const starting = fates.map(async (fate): Promise<Life> => {
    const gate = await stage.openGate();
    const validator = start(fate, gate);
    await validator.saw('round.ended', startPatienceMs);
    return { fate, gate, validator };
  });
  await play(await Promise.all(starting));
}, storyLimitMs);

afterAll(() => stage?.dispose());

const survivor = (fate: Fate): Survivor => {
  const found = survivors.get(fate);
  if (found === undefined) throw new Error(`nobody was ${fate}`);
  return found;
};

describe.each(fates)('scenario / commit-reveal, %s', (fate) => {
  it('commits exactly once in the epoch, and in the next one again', () => {
    const { hotkey } = survivor(fate);
    const commits = stage.watch.commits().filter((commit) => commit.hotkey === hotkey);
    for (const wanted of [epoch, epoch + 1]) {
      expect(
        commits.filter((commit) => commit.epoch === wanted),
        `epoch ${wanted}`,
      ).toHaveLength(1);
    }
  });

  it('has the vector of its evidence in force once the chain revealed it, exactly once', () => {
    const { hotkey, vector } = survivor(fate);
    const reveals = stage.watch
      .reveals()
      .filter((reveal) => reveal.hotkey === hotkey && reveal.epoch === epoch);
    expect(reveals).toHaveLength(1);
    const rows = stage.watch
      .weightsSet()
      .filter(({ validator, block }) => validator === fates.indexOf(fate) && block === reveals[0]?.block);
    expect(rows).toHaveLength(1);
    expect(vector?.uids.length).toBeGreaterThan(0);
    expect(rows[0]).toMatchObject({ uids: vector?.uids, values: maxUpscale(vector?.values ?? []) });
  });

  it('logs where the commit stands and that it was revealed, once each', () => {
    const { hotkey, lines } = survivor(fate);
    const commit = stage.watch.commits().find((one) => one.hotkey === hotkey && one.epoch === epoch);
    const logged = (event: string) => lines.filter((line) => line['event'] === event && isOf(epoch)(line));
    expect(logged('weights.committed')).toMatchObject([
      { block: commit?.block, revealRound: commit?.revealRound },
    ]);
    expect(logged('weights.revealed')).toHaveLength(1);
    for (const event of ['weights.missed', 'weights.unrevealed']) expect(logged(event), event).toEqual([]);
    // Without a connection nothing can be asked; the chain itself has refused nothing.
    for (const { failure } of logged('weights.refused'))
      expect(failure).toMatchObject({ _tag: 'Unreachable' });
  });

  it.runIf(!isKilled(fate))('names the loss of its endpoint and goes to the second one', () => {
    const { lines } = survivor(fate);
    expect(lines.filter((line) => line['event'] === 'chain.lost')).not.toEqual([]);
    expect(lines.filter((line) => line['event'] === 'chain.opened').length).toBeGreaterThanOrEqual(2);
  });
});
