import * as Effect from 'effect/Effect';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { cohort } from '#src/actors/cohort.actor.ts';
import { appendEvidence } from '#src/actors/evidenceLog.ts';
import { judgeRecorded } from '#src/actors/grading.ts';
import { planRound } from '#src/actors/planRound.actor.ts';
import { prepareValidator } from '#src/actors/prepareValidator.actor.ts';
import { requestId } from '#src/actors/requestIds.ts';
import { settleUnfinished } from '#src/actors/unfinishedRounds.ts';
import { deriveEpochs } from '#src/domain/derivation.ts';
import type { AnswerJudged, RoundPlanned } from '#src/domain/evidence.ts';
import { noOutcomes } from '#src/domain/requestAccount.ts';
import { defaultScoringPolicy } from '#src/domain/scoring.ts';
import { StoreUnavailable } from '#src/store/errors.ts';
import type { Store } from '#src/store/store.ts';
import {
  askOnce,
  dataFolder,
  evidenceOnDisk,
  type Host,
  hostLink,
  openValidatorLife,
  recordsOf,
  type ValidatorLife,
} from '#test/support/actors.ts';
import { gated, planFor } from '#test/support/actorsMiners.ts';
import { type OutboxMiner, openOutboxMiner } from '#test/support/actorsOutbox.ts';
import { until } from '#test/support/peers.ts';

const settings = {
  tasksPerRound: 2,
  cohortSize: 2,
  kinds: ['sentiment_analysis'] as const,
  policy: defaultScoringPolicy,
};
const input = { epoch: 7, block: 100, candidates: [], deadlineMs: 5_000 };
const nobody = { dispatched: 0, ...noOutcomes };

describe('actors / rounds that were cut short', () => {
  const folder = dataFolder();
  let dir = folder.dir;
  let runs = 0;
  let life: ValidatorLife;
  let miner: OutboxMiner;
  const endings: (() => unknown)[] = [];

  const live = async (wrap?: (store: Store) => Store): Promise<ValidatorLife> => {
    life = await openValidatorLife(dir, wrap);
    return life;
  };
  beforeEach(async () => {
    runs += 1;
    dir = `${folder.dir}-${runs}`;
    miner = await openOutboxMiner('//Miner');
    endings.push(miner.end);
  });
  afterEach(async () => {
    await life.end();
    for (const end of endings.splice(0)) await end();
    folder.remove();
  });

  const record = (plan: RoundPlanned) => life.runtime.runPromise(appendEvidence([plan]));
  const hold = (plan: RoundPlanned): Host => {
    life.book.plans.set(plan.roundId, plan);
    return hostLink(cohort(life.runtime), { roundId: plan.roundId });
  };
  const begin = async (plan: RoundPlanned): Promise<Host> => {
    await record(plan);
    return hold(plan);
  };
  const prepare = () => askOnce(prepareValidator(life.runtime), { hotkey: '5V' });
  /** What the next round of the epoch machine would be. */
  const holdNext = async () => {
    const planned = await askOnce(planRound(life.runtime, settings), input);
    if (!planned.ok) throw new Error(JSON.stringify(planned.error));
    const { roundId } = planned.value;
    return { roundId, host: hostLink(cohort(life.runtime), { roundId }) };
  };
  const expire = async (host: Host) => {
    host.tell({ type: 'round.expire' });
    return (await host.event('cohort.settled'))['summary'];
  };
  const idOf = (plan: RoundPlanned, index: number, hotkey = miner.hotkey): string =>
    requestId(plan.requestKey ?? '', plan.tasks[index]?.taskId ?? '', hotkey);
  const isRecorded = (plan: RoundPlanned, index: number) =>
    until(() => life.table.known.stateOf(idOf(plan, index), miner.hotkey) === 'recorded', 'a record');
  const verdicts = async (): Promise<readonly AnswerJudged[]> =>
    recordsOf(await evidenceOnDisk(dir), 'answer.judged');
  const isSound = async (): Promise<void> => {
    const log = await evidenceOnDisk(dir);
    const derivation = deriveEpochs(log, judgeRecorded);
    expect(derivation.violations).toEqual([]);
    expect(derivation.openRounds).toEqual([]);
    expect(recordsOf(log, 'round.settled')).toHaveLength(1);
  };

  it('judges once what waits at a miner when its validator was killed in mid-round, and asks for the rest', async () => {
    const gate = gated();
    await live(gate.wrap);
    const link = await miner.dial(life);
    const gone = await openOutboxMiner('//Gone');
    endings.push(gone.end);
    await gone.dial(life);
    const plan = planFor({ hotkeys: [miner.hotkey, gone.hotkey], tasks: 3 });
    const round = await begin(plan);
    await until(() => miner.asked.length === 3, 'the tasks');
    miner.finish(0, plan);
    await isRecorded(plan, 0);
    await until(() => miner.outbox.counts().answers === 0, 'the first acknowledgement');
    // From here on nothing reaches the disk: the second answer is judged in memory and never acknowledged.
    gate.shut();
    miner.finish(1, plan);
    await until(() => !life.table.requests.has(idOf(plan, 1)), 'the second answer');
    expect(miner.outbox.counts().answers).toBe(1);
    await life.closeStore();
    link.leave();
    await life.end();
    expect(round.types()).not.toContain('cohort.settled');

    await live();
    expect(await prepare()).toEqual({
      ok: true,
      value: { resumableRounds: 1, lostRounds: 0, unbalanced: [] },
    });
    // The answer that waited comes before its round is held: it stays where it is.
    await miner.dial(life);
    await until(() => life.table.strays.repeated === 1, 'the answer that waited');
    expect(miner.outbox.counts().answers).toBe(1);
    const { roundId, host } = await holdNext();
    expect(roundId).toBe(plan.roundId);
    await until(() => miner.outbox.counts().answers === 0, 'the second acknowledgement');
    expect(miner.asked).toHaveLength(3);
    miner.finish(2, plan);
    await until(() => life.table.requests.size === 3, 'the third answer');
    // Three pairs of a miner that is gone stay open: lost because of us, not missed.
    expect(await expire(host)).toEqual({ ...nobody, dispatched: 6, judged: 3, lost: 3 });
    await until(() => miner.outbox.counts().answers === 0, 'all acknowledgements');
    const all = await verdicts();
    expect(all.map(({ outcome }) => outcome).toSorted()).toEqual([
      ...Array(3).fill('judged'),
      ...Array(3).fill('lost'),
    ]);
    for (const judged of all.filter(({ outcome }) => outcome === 'judged')) expect(judged.accuracy).toBe(1);
    expect(all.filter(({ outcome }) => outcome === 'lost').map(({ hotkey }) => hotkey)).toEqual(
      Array(3).fill(gone.hotkey),
    );
    expect(life.book.totals).toEqual({
      dispatched: 6,
      outcomes: { ...noOutcomes, judged: 3, lost: 3 },
      unbalancedRounds: 0,
    });
    await isSound();
  });

  it('asks a miner that comes back later in a resumed round, one that lost its memory as well', async () => {
    await live();
    const plan = planFor({ hotkeys: [miner.hotkey], tasks: 2 });
    await record(plan);
    await life.end();
    await live();
    await prepare();
    const { host } = await holdNext();
    expect(await host.event('cohort.dispatched')).toMatchObject({ sent: 0 });
    const link = await miner.dial(life);
    await until(() => miner.asked.length === 2, 'the tasks');
    miner.finish(0, plan);
    await isRecorded(plan, 0);
    link.leave();
    await miner.end();
    const reborn = await openOutboxMiner('//Miner');
    endings.push(reborn.end);
    await reborn.dial(life);
    await until(() => reborn.asked.length === 1, 'what is left');
    reborn.finish(0, plan);
    await host.event('cohort.complete');
    expect(await expire(host)).toEqual({ ...nobody, dispatched: 2, judged: 2 });
    await isSound();
  });

  it('judges an answer once whose link was cut before the acknowledgement, and acknowledges it over the next', async () => {
    const gate = gated();
    await live(gate.wrap);
    const link = await miner.dial(life);
    const plan = planFor({ hotkeys: [miner.hotkey], tasks: 1 });
    const round = await begin(plan);
    await until(() => miner.asked.length === 1, 'the task');
    const open = gate.shut();
    miner.finish(0, plan);
    await until(() => life.table.requests.size === 0, 'the answer');
    link.leave();
    await miner.dial(life);
    await until(() => life.table.strays.repeated === 1, 'the answer again');
    expect(miner.outbox.counts().answers).toBe(1);
    open();
    await until(() => miner.outbox.counts().answers === 0, 'the acknowledgement');
    await round.event('cohort.complete');
    expect(await expire(round)).toEqual({ ...nobody, dispatched: 1, judged: 1 });
    expect(miner.asked).toHaveLength(1);
    await isSound();
  });

  it('acknowledges again what is on record, also of rounds before a restart', async () => {
    await live();
    const link = await miner.dial(life);
    const plan = planFor({ hotkeys: [miner.hotkey], tasks: 1 });
    const round = await begin(plan);
    await until(() => miner.asked.length === 1, 'the task');
    // The link is cut for the acknowledgement only.
    life.table.links.delete(miner.hotkey);
    miner.finish(0, plan);
    await round.event('cohort.complete');
    await expire(round);
    expect(miner.outbox.counts().answers).toBe(1);
    link.leave();
    await life.end();
    await live();
    await prepare();
    await miner.dial(life);
    await until(() => miner.outbox.counts().answers === 0, 'the acknowledgement');
    expect(life.table.strays).toEqual({ unknownRequest: 0, wrongHotkey: 0, repeated: 1 });
    expect(await verdicts()).toHaveLength(1);
  });

  it('tells a miner that its answer is unknown when it came after the end, and the miner drops it', async () => {
    await live();
    await miner.dial(life);
    const plan = planFor({ hotkeys: [miner.hotkey], tasks: 1 });
    const round = await begin(plan);
    await until(() => miner.asked.length === 1, 'the task');
    expect(await expire(round)).toEqual({ ...nobody, dispatched: 1, missed: 1 });
    miner.finish(0, plan);
    await until(() => life.table.strays.unknownRequest === 1, 'the late answer');
    await until(() => miner.outbox.counts().answers === 0, 'word that it is unknown');
    expect((await verdicts()).map(({ outcome }) => outcome)).toEqual(['missed']);
  });

  /** A store that cannot answer one append of verdicts; `writes` says whether it takes effect nevertheless. */
  const failing = (fault: { writes: boolean; left: number }) => (store: Store) => ({
    ...store,
    append: (log: string, records: Parameters<Store['append']>[1]) => {
      const isVerdicts = records.some(({ key }) => key?.startsWith('a/'));
      if (!isVerdicts || fault.left === 0) return store.append(log, records);
      fault.left -= 1;
      const failed = Effect.fail(new StoreUnavailable({ message: 'no answer in time' }));
      return fault.writes ? Effect.andThen(store.append(log, records), failed) : failed;
    },
  });

  it.each([
    ['was written', true],
    ['was not', false],
  ])('takes a round up again whose store failed, where what it could not confirm %s', async (_, writes) => {
    await live(failing({ writes, left: 1 }));
    await miner.dial(life);
    const plan = planFor({ hotkeys: [miner.hotkey], tasks: 2 });
    const round = await begin(plan);
    await until(() => miner.asked.length === 2, 'the tasks');
    miner.finish(0, plan);
    expect((await round.event('cohort.failed'))['failure']).toMatchObject({ _tag: 'StoreUnavailable' });
    expect([...life.book.unfinished.values()]).toMatchObject([{ attempts: 1 }]);
    expect(life.table.known.stateOf(idOf(plan, 0), miner.hotkey)).toBe('waiting');
    expect(miner.outbox.counts().answers).toBe(1);
    const { roundId, host } = await holdNext();
    expect(roundId).toBe(plan.roundId);
    miner.finish(1, plan);
    await host.event('cohort.complete');
    expect(await expire(host)).toEqual({ ...nobody, dispatched: 2, judged: 2 });
    expect(miner.asked).toHaveLength(2);
    expect(life.book.unfinished.size).toBe(0);
    if (!writes) await until(() => miner.outbox.counts().answers === 0, 'the acknowledgements');
    expect(life.table.known.stateOf(idOf(plan, 0), miner.hotkey)).toBe('recorded');
    await isSound();
  });

  it('closes a round that keeps breaking off: what is left of it is lost, and the next one is new', async () => {
    await live(failing({ writes: false, left: 3 }));
    await miner.dial(life);
    const plan = planFor({ hotkeys: [miner.hotkey], tasks: 2 });
    let round = await begin(plan);
    await until(() => miner.asked.length === 2, 'the tasks');
    miner.finish(0, plan);
    for (let attempt = 1; attempt < 3; attempt += 1) {
      await round.event('cohort.failed');
      round = (await holdNext()).host;
    }
    await round.event('cohort.failed');
    const { host } = await holdNext();
    await host.event('cohort.complete');
    expect(await expire(host)).toEqual({ ...nobody, dispatched: 2, lost: 2 });
    await isSound();
    // Nobody waits for it any more.
    expect(life.table.known.counts()).toEqual({ waiting: 0, recorded: 0 });
    expect(life.book.unfinished.size).toBe(0);
  });

  it('settles at an orderly end what was never taken up again', async () => {
    await live();
    const plan = planFor({ hotkeys: [miner.hotkey], tasks: 3 });
    await record(plan);
    await life.end();
    await live();
    await prepare();
    expect(life.book.unfinished.size).toBe(1);
    await life.runtime.runPromise(settleUnfinished());
    expect(life.book.unfinished.size).toBe(0);
    expect((await verdicts()).map(({ outcome }) => outcome)).toEqual(['lost', 'lost', 'lost']);
    await isSound();
  });

  it('leaves it to the next start where the store cannot write, and does not fail', async () => {
    await live();
    const plan = planFor({ hotkeys: [miner.hotkey], tasks: 1 });
    life.book.unfinished.set(plan.roundId, { plan, attempts: 0 });
    await life.closeStore();
    await life.runtime.runPromise(settleUnfinished());
    expect(life.book.unfinished.size).toBe(1);
    expect(life.lines.some(({ msg }) => String(msg).includes('left to the next start'))).toBe(true);
  });

  it('tells at once when a pair is decided twice, and ends the round by its records', async () => {
    await live();
    await miner.dial(life);
    const plan = planFor({ hotkeys: [miner.hotkey], tasks: 2 });
    const round = await begin(plan);
    await until(() => miner.asked.length === 2, 'the tasks');
    const [task] = plan.tasks;
    const [member] = plan.cohort;
    if (task === undefined || member === undefined) throw new Error('an empty plan');
    const second: AnswerJudged = {
      v: 1,
      type: 'answer.judged',
      roundId: plan.roundId,
      taskId: task.taskId,
      kind: task.kind,
      epoch: plan.epoch,
      ...member,
      outcome: 'missed',
      answer: null,
      responseMs: null,
      rttMs: null,
      chance: 0.5,
      accuracy: 0,
      brier: null,
      at: 1,
    };
    await life.runtime.runPromise(appendEvidence([second]));
    miner.finish(0, plan);
    expect((await round.event('cohort.unbalanced'))['imbalance']).toMatchObject({
      roundId: plan.roundId,
      repeated: 1,
    });
    await round.event('cohort.failed');
    expect(life.book.totals.unbalancedRounds).toBe(1);
    const { host } = await holdNext();
    miner.finish(1, plan);
    await host.event('cohort.complete');
    expect(await expire(host)).toEqual({ ...nobody, dispatched: 2, judged: 1, missed: 1 });
    expect(recordsOf(await evidenceOnDisk(dir), 'round.settled')).toHaveLength(1);
  });

  it('does not settle a round whose books do not add up, and says so', async () => {
    await live();
    const plan = planFor({ hotkeys: [miner.hotkey], tasks: 1 });
    await record(plan);
    // Books that begin with a pair nobody planned.
    const decided = new Map([['nothing/5Nobody', 'judged' as const]]);
    life.book.resumed.set(plan.roundId, { decided, attempts: 0, isAsked: false });
    const round = hold(plan);
    await round.event('cohort.complete');
    round.tell({ type: 'round.expire' });
    const { imbalance } = await round.event('cohort.unbalanced');
    expect(imbalance).toMatchObject({ planned: 1, decided: 2, counts: { judged: 1, lost: 1 } });
    await round.event('cohort.failed');
    expect(recordsOf(await evidenceOnDisk(dir), 'round.settled')).toEqual([]);
  });
});
