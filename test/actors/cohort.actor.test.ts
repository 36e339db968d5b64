import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cohort } from '#src/actors/cohort.actor.ts';
import { appendEvidence } from '#src/actors/evidenceLog.ts';
import { judgeRecorded } from '#src/actors/grading.ts';
import type { Devnet } from '#src/devnet/node.ts';
import { deriveEpochs } from '#src/domain/derivation.ts';
import type { RoundPlanned } from '#src/domain/evidence.ts';
import { noOutcomes } from '#src/domain/requestAccount.ts';
import { startSubnet } from '#test/chain/devnetFixture.ts';
import {
  dataFolder,
  evidenceOnDisk,
  followChain,
  type Host,
  hostLink,
  openValidatorLife,
  recordsOf,
  type ValidatorLife,
} from '#test/support/actors.ts';
import {
  gated,
  linkMiner,
  outcomeOf,
  type PlannedTask,
  planFor,
  type Reply,
  replies,
  respondTo,
  rightAnswer,
  type ScriptedMiner,
  taskAt,
} from '#test/support/actorsMiners.ts';
import { identityOfUri, until } from '#test/support/peers.ts';

describe('actors / cohort', () => {
  let devnet: Devnet;
  let life: ValidatorLife;
  let miners: ScriptedMiner[];
  const folder = dataFolder();
  const gate = gated();

  beforeAll(async () => {
    devnet = await startSubnet({ sealing: 'manual' });
    life = await openValidatorLife(folder.dir, gate.wrap);
    await followChain(life.runtime, devnet.url);
    miners = await Promise.all(['//M0', '//M1', '//M2'].map((uri) => linkMiner(life, uri)));
  });
  afterAll(async () => {
    await life.end();
    await Promise.all(miners.map(({ vanish }) => vanish()));
    await devnet.stop();
    folder.remove();
  });

  const miner = (index: number): ScriptedMiner => {
    const found = miners[index];
    if (found === undefined) throw new Error(`no miner ${index}`);
    return found;
  };

  /** Puts a plan on record, as planning does, and starts its round. */
  const begin = async (plan: RoundPlanned, of: ValidatorLife = life): Promise<Host> => {
    await of.runtime.runPromise(appendEvidence([plan]));
    of.book.plans.set(plan.roundId, plan);
    return hostLink(cohort(of.runtime), { roundId: plan.roundId });
  };

  const expire = async (host: Host) => {
    host.tell({ type: 'round.expire' });
    return (await host.event('cohort.settled'))['summary'];
  };

  /** What is on disk of one round. */
  const verdictsOf = async (plan: RoundPlanned, dir = folder.dir) =>
    recordsOf(await evidenceOnDisk(dir), 'answer.judged').filter(({ roundId }) => roundId === plan.roundId);

  const nobody = {
    ...noOutcomes,
    dispatched: 0,
  };
  const planOf = (options: Omit<Parameters<typeof planFor>[0], 'hotkeys'> = {}) =>
    planFor({ hotkeys: miners.map(({ hotkey }) => hotkey), ...options });

  /** Lets a miner answer each task of a plan its own way. */
  const script = (of: ScriptedMiner, plan: RoundPlanned, replyTo: (task: PlannedTask) => Reply) => {
    of.onTasks = ({ round, tasks }) => {
      if (round !== plan.roundId) return;
      for (const [index, { id }] of tasks.entries()) {
        const task = taskAt(plan, index);
        respondTo({ of, other: miners.find((one) => one !== of) ?? of, id, task, reply: replyTo(task) });
      }
    };
  };

  it('asks everybody the same, judges answers as they arrive, and acknowledges them', async () => {
    const plan = planOf();
    script(miner(0), plan, () => 'right');
    script(miner(1), plan, () => 'wrong');
    const host = await begin(plan);
    expect(await host.event('cohort.dispatched')).toMatchObject({ sent: 3, unreachable: 0 });
    await until(
      () => host.events.some(({ type, judged }) => type === 'cohort.progress' && judged === 4),
      'four',
    );
    expect(host.types()).not.toContain('cohort.complete');
    const frames = miners.map(({ asked }) => asked.at(-1));
    const requests = frames.map((frame) => frame?.tasks.map(({ kind, request }) => ({ kind, request })));
    expect(requests[0]).toEqual(plan.tasks.map(({ kind, request }) => ({ kind, request })));
    expect(requests[1]).toEqual(requests[0]);
    expect(requests[2]).toEqual(requests[0]);
    expect(JSON.stringify(frames)).not.toContain('truth');
    const ids = frames.flatMap((frame) => frame?.tasks.map(({ id }) => id) ?? []);
    expect(new Set(ids).size).toBe(6);
    script(miner(2), plan, () => 'right');
    miner(2).onTasks(frames[2] ?? { type: 'tasks', v: 1, round: '', deadlineMs: 0, tasks: [] });
    await host.event('cohort.complete');
    expect(await expire(host)).toEqual({ ...nobody, dispatched: 6, judged: 6 });
    await until(() => ids.every((id) => miners.some(({ acked }) => acked.has(id))), 'all acknowledgements');
    const verdicts = await verdictsOf(plan);
    const accuracies = (hotkey: string) =>
      verdicts.filter((verdict) => verdict.hotkey === hotkey).map(({ accuracy }) => accuracy);
    expect(accuracies(miner(0).hotkey)).toEqual([1, 1]);
    expect(accuracies(miner(1).hotkey)).toEqual([0, 0]);
    expect(verdicts.every(({ responseMs }) => responseMs !== null && responseMs < 5_000)).toBe(true);
  });

  it('counts a shapeless answer as invalid and a refusal as refused, neither with accuracy', async () => {
    const plan = planOf();
    script(miner(0), plan, () => 'shapeless');
    script(miner(1), plan, () => 'refuse');
    script(miner(2), plan, () => 'right');
    const host = await begin(plan);
    await host.event('cohort.complete');
    expect(await expire(host)).toEqual({ ...nobody, dispatched: 6, judged: 2, invalid: 2, refused: 2 });
    const verdicts = await verdictsOf(plan);
    const invalid = verdicts.filter(({ outcome }) => outcome === 'invalid');
    expect(invalid.map(({ answer }) => answer)).toEqual([{ confidence: 'very' }, { confidence: 'very' }]);
    for (const { accuracy, brier } of verdicts.filter(({ outcome }) => outcome !== 'judged')) {
      expect({ accuracy, brier }).toEqual({ accuracy: 0, brier: null });
    }
  });

  it('keeps an answer out of the evidence that is too large for it, as invalid', async () => {
    const plan = planOf({ tasks: 1 });
    for (const one of miners) {
      one.onTasks = ({ tasks }) => {
        for (const { id } of tasks) one.answer(id, { class_id: 'x'.repeat(70_000), confidence: 1 });
      };
    }
    const host = await begin(plan);
    await host.event('cohort.complete');
    expect(await expire(host)).toEqual({ ...nobody, dispatched: 3, invalid: 3 });
    expect((await verdictsOf(plan)).map(({ answer }) => answer)).toEqual([null, null, null]);
  });

  it('fills no disk with answers that are no answers: it keeps an invalid one only where it is short', async () => {
    const plan = planOf({ tasks: 1 });
    for (const [index, one] of miners.entries()) {
      one.onTasks = ({ tasks }) => {
        for (const { id } of tasks) one.answer(id, { junk: 'x'.repeat(index === 0 ? 4_000 : 5_000) });
      };
    }
    const host = await begin(plan);
    await host.event('cohort.complete');
    expect(await expire(host)).toEqual({ ...nobody, dispatched: 3, invalid: 3 });
    const kept = (await verdictsOf(plan)).filter(({ answer }) => answer !== null);
    expect(kept.map(({ hotkey }) => hotkey)).toEqual([miner(0).hotkey]);
  });

  it("takes no answer of another miner's request, none twice and none after the end", async () => {
    const plan = planOf({ tasks: 1 });
    const before = { ...life.table.strays };
    script(miner(0), plan, () => 'foreign');
    script(miner(1), plan, () => 'twice');
    script(miner(2), plan, () => 'silent');
    const host = await begin(plan);
    await until(
      () =>
        life.table.strays.wrongHotkey === before.wrongHotkey + 1 &&
        life.table.strays.repeated === before.repeated + 1,
      'both strays',
    );
    expect(await expire(host)).toEqual({ ...nobody, dispatched: 3, judged: 1, missed: 2 });
    const [late] = miner(2).asked.at(-1)?.tasks ?? [];
    const [task] = plan.tasks;
    if (late === undefined || task === undefined) throw new Error('nothing was asked');
    miner(2).answer(late.id, rightAnswer(task));
    await until(() => life.table.strays.unknownRequest === before.unknownRequest + 1, 'the late stray');
    const verdicts = await verdictsOf(plan);
    expect(verdicts.map(({ hotkey, outcome }) => [hotkey, outcome]).toSorted()).toEqual(
      [
        [miner(0).hotkey, 'missed'],
        [miner(1).hotkey, 'judged'],
        [miner(2).hotkey, 'missed'],
      ].toSorted(),
    );
    expect(miner(2).acked.has(late.id)).toBe(false);
  });

  it('tells a miner of a flood of answers that nobody asked for, together, and logs it once', async () => {
    const odd = await linkMiner(life, '//Odd');
    const ids = Array.from({ length: 300 }, (_, index) => `odd-${index}`);
    const before = life.table.strays.unknownRequest;
    for (const id of ids) odd.answer(id, { class_id: 'x', confidence: 1 });
    await until(() => odd.unwanted.length === 300, 'word about all of them');
    expect(new Set(odd.unwanted)).toEqual(new Set(ids));
    expect(odd.messages.filter(({ type }) => type === 'unknown').length).toBeLessThan(30);
    expect(life.table.strays.unknownRequest).toBe(before + 300);
    expect(odd.host.types()).toEqual(['link.opened']);
    await odd.vanish();
    await odd.host.event('link.closed');
    const told = life.lines.filter(({ peer, unknown }) => peer === odd.hotkey && unknown === 300);
    expect(told).toHaveLength(1);
  });

  it('ends the link of a miner that goes on with a flood of answers that nobody asked for', async () => {
    const odd = await linkMiner(life, '//Flood');
    const before = life.table.strays.unknownRequest;
    for (let index = 0; index < 900; index += 1)
      odd.answer(`flood-${index}`, { class_id: 'x', confidence: 1 });
    await until(() => life.table.strays.unknownRequest === before + 900, 'a burst that is tolerated');
    expect(odd.host.types()).toEqual(['link.opened']);
    const flood = setInterval(() => {
      for (let index = 0; index < 20; index += 1) odd.answer(`more-${index}`, {});
    }, 50);
    const { failure } = await odd.host.event('link.closed').finally(() => clearInterval(flood));
    expect(failure).toMatchObject({ _tag: 'Refused' });
    expect(life.table.links.has(odd.hotkey)).toBe(false);
    await odd.vanish();
  });

  it('says unreachable of a miner without a link, and of one whose link is gone', async () => {
    const gone = await linkMiner(life, '//Gone');
    await gone.vanish();
    await gone.host.event('link.closed');
    const never = identityOfUri('//Never').hotkey;
    const plan = planFor({ hotkeys: [miner(0).hotkey, gone.hotkey, never], tasks: 2 });
    script(miner(0), plan, () => 'right');
    const host = await begin(plan);
    expect(await host.event('cohort.dispatched')).toMatchObject({ sent: 1, unreachable: 2 });
    await host.event('cohort.complete');
    expect(await expire(host)).toEqual({ ...nobody, dispatched: 6, judged: 2, unreachable: 4 });
  });

  it('says late of an answer that comes after the deadline but before the machine ends the round', async () => {
    const plan = planOf({ tasks: 1, deadlineMs: 40 });
    script(miner(1), plan, () => 'right');
    script(miner(2), plan, () => 'right');
    miner(0).onTasks = ({ tasks }) => {
      setTimeout(() => {
        for (const { id } of tasks) miner(0).answer(id, rightAnswer(taskAt(plan, 0)));
      }, 120);
    };
    const host = await begin(plan);
    await host.event('cohort.complete');
    expect(await expire(host)).toMatchObject({ dispatched: 3, judged: 2, late: 1 });
    const late = (await verdictsOf(plan)).find(({ outcome }) => outcome === 'late');
    expect(late).toMatchObject({ hotkey: miner(0).hotkey, accuracy: 0, answer: null });
    expect(late?.responseMs).toBeGreaterThan(40);
  });

  it('tells a miner what is left of the deadline, and its session when it is busy and idle', async () => {
    const plan = planOf({ tasks: 1, deadlineMs: 3_000 });
    const busyBefore = miner(0)
      .host.types()
      .filter((type) => type === 'link.busy').length;
    for (const one of miners) script(one, plan, () => 'right');
    const host = await begin(plan);
    await host.event('cohort.complete');
    await expire(host);
    const told = miner(0).asked.at(-1)?.deadlineMs ?? 0;
    expect(told).toBeGreaterThan(2_500);
    expect(told).toBeLessThanOrEqual(3_000);
    const types = miner(0).host.types();
    expect(types.filter((type) => type === 'link.busy').length).toBe(busyBefore + 1);
    expect(types.at(-1)).toBe('link.idle');
  });

  it('asks a miner whose link flapped again for what it owes, over its new link and on the first clock', async () => {
    const first = await linkMiner(life, '//Flap');
    const plan = planFor({ hotkeys: [first.hotkey], tasks: 3, deadlineMs: 8_000 });
    const host = await begin(plan);
    await until(() => first.asked.length === 1, 'the tasks');
    const startedAt = performance.now();
    const ids = first.asked[0]?.tasks.map(({ id }) => id) ?? [];
    const answerAs = (one: ScriptedMiner, index: number): void =>
      one.answer(ids[index] ?? '', rightAnswer(taskAt(plan, index)));
    answerAs(first, 0);
    await until(() => first.acked.has(ids[0] ?? ''), 'the first acknowledgement');
    await first.vanish();
    await first.host.event('link.closed');
    const second = await linkMiner(life, '//Flap');
    await until(() => second.asked.length === 1, 'the tasks again');
    const again = second.asked[0];
    expect(again?.tasks).toEqual(first.asked[0]?.tasks.slice(1));
    expect(again?.deadlineMs).toBeLessThanOrEqual(8_000 - 200);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(second.asked).toHaveLength(1);
    const pausedMs = performance.now() - startedAt;
    for (const index of [1, 2]) answerAs(second, index);
    await host.event('cohort.complete');
    expect(await expire(host)).toEqual({ ...nobody, dispatched: 3, judged: 3 });
    await until(() => second.acked.size === 2, 'the acknowledgements');
    expect(second.host.types().slice(-2)).toEqual(['link.busy', 'link.idle']);
    const times = (await verdictsOf(plan)).map(({ responseMs }) => responseMs ?? 0);
    expect(times[0]).toBeLessThan(pausedMs);
    for (const time of times.slice(1)) expect(time).toBeGreaterThan(pausedMs - 50);
    await second.vanish();
  });

  it('sends a miner whose link flaps for ever its tasks a few times only', async () => {
    const first = await linkMiner(life, '//Flutter');
    const plan = planFor({ hotkeys: [first.hotkey], tasks: 1, deadlineMs: 8_000 });
    const host = await begin(plan);
    await until(() => first.asked.length === 1, 'the task');
    let newest = first;
    const counts: number[] = [];
    for (let flap = 0; flap < 4; flap += 1) {
      await newest.vanish();
      await newest.host.event('link.closed');
      newest = await linkMiner(life, '//Flutter');
      await new Promise((resolve) => setTimeout(resolve, 350));
      counts.push(newest.asked.length);
    }
    expect(counts).toEqual([1, 1, 1, 0]);
    expect(await expire(host)).toEqual({ ...nobody, dispatched: 1, missed: 1 });
    expect(life.table.requests.size).toBe(0);
    await newest.vanish();
  });

  it('acknowledges nothing before it is on disk', async () => {
    const plan = planOf({ tasks: 1 });
    await life.runtime.runPromise(appendEvidence([plan]));
    life.book.plans.set(plan.roundId, plan);
    const open = gate.shut();
    for (const one of miners) script(one, plan, () => 'right');
    const host = hostLink(cohort(life.runtime), { roundId: plan.roundId });
    await host.event('cohort.dispatched');
    const idOf = (one: ScriptedMiner): string => one.asked.at(-1)?.tasks[0]?.id ?? '';
    await until(() => miners.every((one) => !life.table.requests.has(idOf(one))), 'all answers');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(miners.map((one) => one.acked.has(idOf(one)))).toEqual([false, false, false]);
    expect(host.types()).toEqual(['cohort.dispatched']);
    expect(await verdictsOf(plan)).toEqual([]);
    open();
    await host.event('cohort.complete');
    await until(() => miners.every((one) => one.acked.has(idOf(one))), 'the acknowledgements');
    expect(await expire(host)).toMatchObject({ judged: 3 });
  });

  it('gives every pair exactly one verdict, whatever the miners do and in whatever order', async () => {
    const pairs = 3 * 3;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...replies), { minLength: pairs, maxLength: pairs }),
        async (schedule) => {
          const plan = planOf({ tasks: 3 });
          const replyTo = (who: number, task: PlannedTask): Reply =>
            schedule[who * 3 + plan.tasks.indexOf(task)] ?? 'silent';
          for (const [index, one] of miners.entries()) script(one, plan, (task) => replyTo(index, task));
          const host = await begin(plan);
          const expected = { ...nobody, dispatched: pairs };
          for (const reply of schedule) expected[outcomeOf[reply]] += 1;
          const answered = pairs - expected.missed;
          await until(() => {
            const progress = host.events.findLast(({ type }) => type === 'cohort.progress');
            return answered === 0
              ? miners.every(({ asked }) => asked.at(-1)?.round === plan.roundId)
              : progress?.['open'] === pairs - answered;
          }, 'all answers that come');
          if (expected.missed === 0) await host.event('cohort.complete');
          else expect(host.types()).not.toContain('cohort.complete');
          expect(await expire(host)).toEqual(expected);
          expect(host.types().filter((type) => type === 'cohort.settled')).toHaveLength(1);
          expect(host.types().at(-1)).toBe('cohort.settled');
          expect(life.book.plans.has(plan.roundId)).toBe(false);
          expect(life.table.requests.size).toBe(0);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('leaves nothing registered when its state is left in mid-round', async () => {
    const plan = planOf();
    for (const one of miners) script(one, plan, () => 'silent');
    const host = await begin(plan);
    await host.event('cohort.dispatched');
    expect(life.table.requests.size).toBe(6);
    await until(() => miner(0).host.types().at(-1) === 'link.busy', 'busy');
    host.leave();
    await until(() => life.table.requests.size === 0, 'the requests are gone');
    expect(life.book.plans.size).toBe(0);
    expect(host.types()).toEqual(['cohort.dispatched']);
    for (const one of miners) expect(one.host.types().at(-1)).toBe('link.idle');
  });

  it('writes evidence that replays without a violation, but for the round that was left', async () => {
    const derivation = deriveEpochs(await evidenceOnDisk(folder.dir), judgeRecorded);
    expect(derivation.violations).toEqual([]);
    expect(derivation.openRounds).toHaveLength(1);
    expect(derivation.records).toBeGreaterThan(200);
  });

  it('ends the round as failed when the store is gone, with no open request and no busy miner', async () => {
    const other = dataFolder();
    const second = await openValidatorLife(other.dir);
    await followChain(second.runtime, devnet.url);
    const one = await linkMiner(second, '//Alone');
    try {
      const plan = planFor({ hotkeys: [one.hotkey], tasks: 2 });
      const host = await begin(plan, second);
      await host.event('cohort.dispatched');
      await until(() => one.asked.length === 1, 'the tasks');
      await second.closeStore();
      const [first] = one.asked[0]?.tasks ?? [];
      const [task] = plan.tasks;
      if (first === undefined || task === undefined) throw new Error('nothing was asked');
      one.answer(first.id, rightAnswer(task));
      const failed = await host.event('cohort.failed');
      expect(failed['failure']).toMatchObject({ _tag: 'StoreUnavailable' });
      expect(host.types()).toEqual(['cohort.dispatched', 'cohort.failed']);
      expect(second.table.requests.size).toBe(0);
      expect(second.book.plans.size).toBe(0);
      expect(one.acked.size).toBe(0);
      expect(one.host.types().at(-1)).toBe('link.idle');
    } finally {
      await second.end();
      await one.vanish();
      other.remove();
    }
  });

  it('fails by name when a round was never planned', async () => {
    const host = hostLink(cohort(life.runtime), { roundId: 'r7-100-ffffffff' });
    const failed = await host.event('cohort.failed');
    expect(JSON.stringify(failed['failure'])).toContain('was never planned');
  });

  it('fails by name, and forgets the plan, when a task does not fit its kind', async () => {
    const plan = planOf({ tasks: 1 });
    const odd = { ...plan, tasks: plan.tasks.map((task) => ({ ...task, truth: { label: 'neither' } })) };
    const failed = await (await begin(odd)).event('cohort.failed');
    expect(JSON.stringify(failed['failure'])).toContain('does not fit its kind');
    expect(life.book.plans.size).toBe(0);
  });
});
