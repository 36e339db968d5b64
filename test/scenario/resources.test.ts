import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { taskId } from '#src/domain/roundPlan.ts';
import { openVolume } from '#test/chaos/volume.ts';
import { openWallClock } from '#test/chaos/wallClock.ts';
import { blockTimeMs, type CrashStage, laneUri, openCrashStage, tempo } from '#test/support/crashStage.ts';
import { readEvidenceOf } from '#test/support/systemEvidence.ts';
import { hotkeyOf } from '#test/support/systemNetwork.ts';
import { until } from '#test/support/systemProcess.ts';
import type { TestProcess } from '#test/support/testProcess.ts';

/** One validator process per story, on one short chain: an epoch takes 4.5 s, a round less than two. */
const lanes = { clock: 0, sleep: 1, disk: 2 } as const;
const startMs = 60_000;
const epochMs = tempo * blockTimeMs;
const anHourMs = 3_600_000;

const judgedIn = (line: Readonly<Record<string, unknown>>): number => {
  const summary: { readonly judged?: number } = Object(line['summary']);
  return summary.judged ?? 0;
};

/** Tries a means in a folder of its own and answers why it cannot be used here; null where it can. */
const whyNot = (tryIn: (dir: string) => string | null): string | null => {
  const dir = mkdtempSync(join(tmpdir(), 'miaoai-means-'));
  try {
    const reason = tryIn(dir);
    if (reason !== null) process.stderr.write(`skipped in scenario / resources: ${reason}\n`);
    return reason;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
};
/** Without libfaketime (Debian: apt-get install libfaketime) no process can be given a clock of its own. */
const noClock = whyNot((dir) => {
  const clock = openWallClock(dir);
  return 'reason' in clock ? clock.reason : null;
});
/** Mounting takes root, or sudo without a password: only a small disk of its own has free space to be watched. */
const noDisk = whyNot((dir) => {
  const volume = openVolume(dir);
  if ('reason' in volume) return volume.reason;
  volume.close();
  return volume.means === 'tmpfs' ? null : 'no tmpfs can be mounted here, which takes root or sudo';
});

describe('scenario / resources', () => {
  let stage: CrashStage;
  beforeAll(async () => {
    stage = await openCrashStage({
      lanes: Object.keys(lanes).length,
      // The disk is filled between two rounds: one under way would wait for it, and the next never be held.
      validatorArgs: (folder) => (folder === 'disk' ? ['--round-interval-ms', '1500'] : []),
    });
  });
  afterAll(() => stage?.dispose());

  /** Waits for so many more lines of an event. */
  const more = (of: TestProcess, event: string, count: number, limitMs: number): Promise<void> => {
    const wanted = of.times(event) + count;
    return until(
      () => of.times(event) >= wanted,
      limitMs,
      () => `${count} more ${event}${of.tail()}`,
    );
  };
  const working = async (of: TestProcess): Promise<void> => {
    await of.saw('round.ended', startMs, (line) => judgedIn(line) > 0);
    await of.saw('weights.confirmed', startMs);
  };

  it.skipIf(noClock)(
    'links, judges and sets weights with a clock that is an hour wrong, and steps by two while it does',
    async () => {
      const clock = openWallClock(stage.dir);
      if ('reason' in clock) throw new Error(clock.reason);
      clock.step(1);
      const validator = stage.startValidator({ lane: lanes.clock, folder: 'stepping', env: clock.env });
      await working(validator);
      clock.step(-1);
      const stepped = await validator.saw('clock.stepped', 20_000);
      expect(Math.abs(Number(stepped['byMs']) + 2 * anHourMs)).toBeLessThan(10_000);
      await more(validator, 'weights.confirmed', 2, 6 * epochMs);
      for (const event of ['chain.lagging', 'requests.unbalanced']) {
        expect(validator.times(event), event).toBe(0);
      }
      const end = await validator.endBy('SIGTERM', 20_000);
      expect(end).toEqual({ code: 0, signal: null });
      const { of } = await readEvidenceOf(stage.dataDir('stepping'));
      expect(of('round.settled').reduce((sum, { judged }) => sum + judged, 0)).toBeGreaterThan(8);
      // Times of answers by the wall clock would be hours, or less than nothing.
      const times = of('answer.judged').flatMap(({ responseMs }) =>
        responseMs === null ? [] : [responseMs],
      );
      expect(Math.max(...times)).toBeLessThan(60_000);
      expect(Math.min(...times)).toBeGreaterThan(0);
    },
  );

  it('grades nobody by five seconds in which it was stopped, and goes on', async () => {
    const validator = stage.startValidator({ lane: lanes.sleep, folder: 'sleep' });
    await working(validator);
    const hotkey = hotkeyOf(laneUri(lanes.sleep));
    // In the middle of a round: the answers come while nobody reads them.
    await stage.witness.next('asked', (task) => task.validator === hotkey, 10_000);
    const stoppedAt = Date.now();
    validator.signal('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    validator.signal('SIGCONT');
    const continuedAt = Date.now();
    const slept = await validator.saw('machine.slept', 20_000);
    expect(Number(slept['forMs'])).toBeGreaterThan(3_000);
    await more(validator, 'weights.confirmed', 2, 6 * epochMs);
    await validator.endBy('SIGTERM', 20_000);
    const { of } = await readEvidenceOf(stage.dataDir('sleep'));
    const touched = of('round.planned').filter(
      ({ at, deadlineMs }) => at + deadlineMs > stoppedAt && at < continuedAt + 1_000,
    );
    expect(touched.length).toBeGreaterThan(0);
    const ids = new Set(touched.map(({ roundId }) => roundId));
    const verdicts = of('answer.judged').filter(({ roundId }) => ids.has(roundId));
    expect(verdicts.filter(({ outcome }) => !['judged', 'lost'].includes(outcome))).toEqual([]);
    expect(verdicts.every(({ responseMs }) => responseMs === null || responseMs < 2_500)).toBe(true);
    const sets = stage.watch.weightsSet().filter(({ validator: uid }) => uid === lanes.sleep);
    const epochs = sets.map(({ epoch }) => epoch).toSorted((a, b) => a - b);
    expect(new Set(epochs).size).toBe(epochs.length);
    // It slept longer than an epoch takes: that one may be without weights, and no other.
    const span = (epochs.at(-1) ?? 0) - (epochs[0] ?? 0) + 1;
    expect(span - epochs.length).toBeLessThanOrEqual(2);
  });

  it.skipIf(noDisk)(
    'holds its rounds while the disk is full, acknowledges nothing it has not, and goes on when there is room',
    async () => {
      const dir = stage.dataDir('disk');
      const volume = openVolume(dir);
      if ('reason' in volume) throw new Error(volume.reason);
      try {
        const validator = stage.startValidator({ lane: lanes.disk, folder: 'disk' });
        await working(validator);
        await more(validator, 'round.ended', 1, 20_000);
        volume.fill([validator.pid]);
        await validator.saw('rounds.held', 30_000);
        await validator.saw('resources.short', 30_000);
        await validator.saw('store.troubled', 30_000, (line) => line['trouble'] === 'full');
        expect(validator.isUp()).toBe(true);
        volume.empty([validator.pid]);
        await validator.saw('store.recovered', 30_000);
        await validator.saw('resources.ample', 30_000);
        await more(validator, 'round.ended', 2, 30_000);
        await more(validator, 'weights.confirmed', 1, 6 * epochMs);
        expect(validator.times('requests.unbalanced')).toBe(0);
        expect(await validator.endBy('SIGTERM', 20_000)).toEqual({ code: 0, signal: null });
        const { of } = await readEvidenceOf(dir);
        const recorded = of('answer.judged').filter(({ hotkey }) => hotkey === stage.witness.hotkey);
        const acknowledged = stage.witness
          .seen()
          .filter((task) => task.validator === hotkeyOf(laneUri(lanes.disk)) && task.isAcknowledged);
        expect(acknowledged.length).toBeGreaterThan(0);
        const isRecorded = ({ roundId, index }: (typeof acknowledged)[number]): boolean =>
          recorded.some((row) => row.taskId === taskId(roundId, index));
        expect(acknowledged.filter((task) => !isRecorded(task))).toEqual([]);
        for (const { roundId, dispatched } of of('round.settled')) {
          expect(of('answer.judged').filter((row) => row.roundId === roundId)).toHaveLength(dispatched);
        }
      } finally {
        volume.close();
      }
    },
  );
});
