import * as Effect from 'effect/Effect';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLedger } from '#src/actors/cohortLedger.ts';
import { appendEvidence, lastEvidenceSeq } from '#src/actors/evidenceLog.ts';
import { judgeRecorded } from '#src/actors/grading.ts';
import { planRound, type RoundSettings } from '#src/actors/planRound.actor.ts';
import { prepareValidator } from '#src/actors/prepareValidator.actor.ts';
import { requestId } from '#src/actors/requestIds.ts';
import { scoreEpoch } from '#src/actors/scoreEpoch.actor.ts';
import { deriveEpochs } from '#src/domain/derivation.ts';
import { decodeEvidence, type EvidenceRecord, type RoundPlanned } from '#src/domain/evidence.ts';
import { defaultScoringPolicy } from '#src/domain/scoring.ts';
import { emptyTrust } from '#src/domain/trust.ts';
import {
  askOnce,
  dataFolder,
  evidenceOnDisk,
  openValidatorLife,
  recordsOf,
  type ValidatorLife,
} from '#test/support/actors.ts';
import { planFor, rightAnswer, wrongAnswer } from '#test/support/actorsMiners.ts';
import { neuron, subnetAt } from '#test/support/machinesSubnet.ts';
import { identityOfUri } from '#test/support/peers.ts';

const own = identityOfUri('//Self').hotkey;
const owner = identityOfUri('//Owner').hotkey;
const hotkeys = ['//M1', '//M2', '//M3'].map((uri) => identityOfUri(uri).hotkey);
const hotkeyAt = (index: number): string => hotkeys[index] ?? own;

const policy = defaultScoringPolicy;
const roundSettings: RoundSettings = {
  tasksPerRound: 4,
  cohortSize: 2,
  kinds: ['text_classification', 'sentiment_analysis'],
  policy,
};

/** Uid 0 validates, 1 to 3 mine, 4 is the owner. */
const subnet = subnetAt({
  blockHash: `0x${'ab'.repeat(32)}`,
  ownerHotkey: owner,
  neurons: [
    neuron(0, own, null),
    ...hotkeys.map((hotkey, index) => neuron(index + 1, hotkey, 8_091)),
    neuron(4, owner, null),
  ],
});

const candidates = hotkeys.map((hotkey, index) => ({ uid: index + 1, hotkey, stake: 10 * index }));
const roundInput = (epoch = 7) => ({ epoch, block: 100, candidates, deadlineMs: 5_000 });

describe('actors / planRound, scoreEpoch, prepareValidator', () => {
  let folder = dataFolder();
  let life: ValidatorLife;

  const live = async (): Promise<void> => {
    life = await openValidatorLife(folder.dir);
    life.chain.subnet = subnet;
  };
  /** Everything in memory is lost; the next life finds what is on disk. */
  const restart = async (): Promise<void> => {
    await life.end();
    await live();
  };
  beforeEach(async () => {
    folder = dataFolder();
    await live();
  });
  afterEach(async () => {
    await life.end();
    folder.remove();
  });
  afterAll(() => folder.remove());

  const plan = (epoch?: number, settings = roundSettings) =>
    askOnce(planRound(life.runtime, settings), roundInput(epoch));
  const score = (epoch: number, maxMiners = 256) =>
    askOnce(scoreEpoch(life.runtime, { hotkey: own, policy, maxMiners }), { epoch });
  const prepare = () => askOnce(prepareValidator(life.runtime), { hotkey: own });
  const write = (records: readonly EvidenceRecord[]) => life.runtime.runPromise(appendEvidence(records));
  const onDisk = () => evidenceOnDisk(folder.dir);
  const answerOf = <A>(outcome: { readonly ok: boolean; readonly value?: A }): A => {
    if (!outcome.ok || outcome.value === undefined) throw new Error(JSON.stringify(outcome));
    return outcome.value;
  };

  /** Holds a round whose first `good` miners answer right, the others wrong; `settle` ends it, else `decided` count. */
  const hold = async (
    options: { epoch?: number; good?: number; settle?: boolean; agoMs?: number; decided?: number } = {},
  ) => {
    const { epoch = 7, good = 1, settle = true, agoMs = 0, decided = 12 } = options;
    const planned = { ...planFor({ hotkeys, tasks: 4, epoch }), at: Date.now() - agoMs };
    const ledger = createLedger(planned, Date.now);
    const verdicts = planned.cohort.flatMap((member, index) =>
      planned.tasks.map((task) => {
        const answer = index < good ? rightAnswer(task) : wrongAnswer(task);
        const timing = { sentAtMs: 0, receivedAtMs: 300 + index, rttMs: null };
        return ledger.grade(
          { task, member },
          { type: 'answer', v: 1, id: 'x', answer, elapsedMs: 1 },
          timing,
        );
      }),
    );
    const end: readonly EvidenceRecord[] = settle
      ? [
          {
            v: 1,
            type: 'round.settled',
            roundId: planned.roundId,
            epoch,
            ...ledger.summary(),
            at: Date.now(),
          },
        ]
      : [];
    await write([planned, ...verdicts.slice(0, decided), ...end]);
    return planned;
  };

  it('has the plan on disk when it answers, truths in the book and none in the answer', async () => {
    const outcome = await plan();
    const { roundId, cohort, tasks } = answerOf(outcome);
    const [recorded, ...more] = recordsOf(await onDisk(), 'round.planned');
    expect(more).toEqual([]);
    expect(recorded).toEqual(life.book.plans.get(roundId));
    expect(decodeEvidence(recorded)).toMatchObject({ ok: true });
    expect({ cohort, tasks }).toEqual({ cohort: 2, tasks: 4 });
    expect(recorded?.tasks.map(({ kind }) => kind)).toEqual([
      'text_classification',
      'sentiment_analysis',
      'text_classification',
      'sentiment_analysis',
    ]);
    expect(Object.keys(answerOf(outcome)).toSorted()).toEqual(['cohort', 'roundId', 'tasks']);
  });

  it('asks everybody in turn, and never plans the same tasks again', async () => {
    for (let round = 0; round < 3; round += 1) await plan();
    const plans = recordsOf(await onDisk(), 'round.planned');
    const seats = plans.flatMap(({ cohort }) => cohort.map(({ hotkey }) => hotkey));
    expect(new Set(seats)).toEqual(new Set(hotkeys));
    for (const hotkey of hotkeys) {
      expect(life.book.asked.get(hotkey)).toBe(4 * seats.filter((seat) => seat === hotkey).length);
    }
    const texts = plans.map(({ tasks }) => JSON.stringify(tasks.map(({ request }) => request)));
    expect(new Set(texts).size).toBe(3);
    expect(new Set(plans.map(({ roundId }) => roundId)).size).toBe(3);
  });

  it('plans nothing that it could not record', async () => {
    await life.closeStore();
    expect(await plan()).toMatchObject({ ok: false, error: { _tag: 'StoreUnavailable' } });
    expect(life.book.plans.size).toBe(0);
    expect(life.book.asked.size).toBe(0);
  });

  it('scores an epoch once, on record before it is used', async () => {
    await hold({ good: 1 });
    const first = answerOf(await score(7));
    const [recorded, ...more] = recordsOf(await onDisk(), 'epoch.scored');
    expect(more).toEqual([]);
    expect(recorded).toMatchObject({ epoch: 7, vector: first.vector, fromSeq: 0, ownerUid: 4 });
    expect(first.vector).toEqual({ uids: [1], values: [65_535] });
    expect(first.scored).toBe(3);
    await hold({ good: 3 });
    expect(answerOf(await score(7))).toEqual(first);
    expect(recordsOf(await onDisk(), 'epoch.scored')).toHaveLength(1);
    expect(life.book.nextFromSeq).toBe(recorded?.cutSeq);
  });

  it('answers the recorded scores after a restart as well, with the trust and the cut of before', async () => {
    await hold({ good: 2 });
    const first = answerOf(await score(7));
    const { trust, nextFromSeq } = life.book;
    expect(trust).not.toEqual(emptyTrust);
    await restart();
    expect(life.book.trust).toEqual(emptyTrust);
    expect(answerOf(await prepare())).toEqual({ resumableRounds: 0, lostRounds: 0, unbalanced: [] });
    expect(life.book.trust).toEqual(trust);
    expect(life.book.nextFromSeq).toBe(nextFromSeq);
    expect(life.book.scoredEpoch).toBe(7);
    expect(answerOf(await score(7))).toEqual(first);
    expect(recordsOf(await onDisk(), 'epoch.scored')).toHaveLength(1);
  });

  it('takes up scores that a predecessor recorded and died before it could use them', async () => {
    await hold({ good: 1 });
    const first = answerOf(await score(7));
    await restart();
    // Not even the cursor helps: this life has read nothing yet.
    expect(answerOf(await score(7))).toEqual(first);
  });

  it('counts each answer in exactly one epoch, also one of a round that straddles the cut', async () => {
    await hold({ epoch: 7, good: 3 });
    await score(7);
    await hold({ epoch: 7, good: 1 });
    await hold({ epoch: 8, good: 1 });
    await score(8);
    const [seventh, eighth] = recordsOf(await onDisk(), 'epoch.scored');
    expect(seventh?.scores.map(({ asked }) => asked)).toEqual([4, 4, 4]);
    expect(eighth?.scores.map(({ asked }) => asked)).toEqual([8, 8, 8]);
    expect(eighth?.fromSeq).toBe(seventh?.cutSeq);
  });

  it('derives every vector again from the log, bit for bit, over a restart', async () => {
    await hold({ epoch: 7, good: 2 });
    await hold({ epoch: 7, good: 1 });
    await score(7);
    await restart();
    await prepare();
    await hold({ epoch: 8, good: 3 });
    await score(8);
    const derivation = deriveEpochs(await onDisk(), judgeRecorded);
    expect(derivation.violations).toEqual([]);
    expect(derivation.sound).toBe(true);
    expect(derivation.epochs.map(({ epoch, verdicts, equal }) => ({ epoch, verdicts, equal }))).toEqual([
      { epoch: 7, verdicts: 24, equal: true },
      { epoch: 8, verdicts: 12, equal: true },
    ]);
  });

  it('keeps the round of a killed predecessor to hold it again, and settles one that is too old', async () => {
    const old = await hold({ good: 1, settle: false, agoMs: 600_000, decided: 6 });
    const fresh = await hold({ good: 1, settle: false, decided: 6 });
    const settled = await hold({ good: 1 });
    await restart();
    expect(answerOf(await prepare())).toEqual({ resumableRounds: 1, lostRounds: 1, unbalanced: [] });
    expect([...life.book.unfinished.keys()]).toEqual([fresh.roundId]);
    const log = await onDisk();
    expect(recordsOf(log, 'round.abandoned')).toEqual([]);
    expect(recordsOf(log, 'round.settled')).toMatchObject([
      { roundId: settled.roundId, dispatched: 12, judged: 12, lost: 0 },
      { roundId: old.roundId, dispatched: 12, judged: 6, lost: 6 },
    ]);
    const lost = recordsOf(log, 'answer.judged').filter(({ outcome }) => outcome === 'lost');
    expect(lost.map(({ roundId }) => roundId)).toEqual(Array(6).fill(old.roundId));
    expect(life.book.asked.get(hotkeyAt(0))).toBe(12);
    await restart();
    expect(answerOf(await prepare())).toEqual({ resumableRounds: 1, lostRounds: 0, unbalanced: [] });
    await score(7);
    const derivation = deriveEpochs(await onDisk(), judgeRecorded);
    expect(derivation.sound).toBe(true);
    expect(derivation.openRounds).toEqual([fresh.roundId]);
    expect(derivation.epochs[0]?.verdicts).toBe(24);
  });

  it('settles rounds at once that it cannot hold again: from the future, decided already, without a key', async () => {
    const future = await hold({ settle: false, agoMs: -60_000, decided: 1 });
    const decided = await hold({ settle: false });
    const { requestKey: _, ...keyless } = planFor({ hotkeys, tasks: 2 });
    await write([keyless]);
    await restart();
    expect(answerOf(await prepare())).toEqual({ resumableRounds: 0, lostRounds: 3, unbalanced: [] });
    expect(recordsOf(await onDisk(), 'round.settled')).toMatchObject([
      { roundId: future.roundId, dispatched: 12, lost: 11 },
      { roundId: decided.roundId, dispatched: 12, judged: 12, lost: 0 },
      { roundId: keyless.roundId, dispatched: 6, lost: 6 },
    ]);
    expect(deriveEpochs(await onDisk(), judgeRecorded).openRounds).toEqual([]);
  });

  it('abandons a round whose tasks it does not understand, and starts', async () => {
    const odd = planFor({ hotkeys, tasks: 1 });
    const plan = { ...odd, tasks: odd.tasks.map((task) => ({ ...task, kind: 'long_gone' })) };
    await write([plan]);
    await restart();
    expect(answerOf(await prepare())).toMatchObject({ resumableRounds: 0, lostRounds: 1 });
    expect(recordsOf(await onDisk(), 'round.abandoned')).toMatchObject([{ roundId: plan.roundId }]);
  });

  it('settles a round that a scored epoch cut in two', async () => {
    const open = await hold({ good: 1, settle: false, decided: 8, agoMs: 600_000 });
    await score(7);
    await restart();
    expect(answerOf(await prepare())).toMatchObject({ lostRounds: 1 });
    expect(recordsOf(await onDisk(), 'round.settled')[0]).toMatchObject({ roundId: open.roundId, lost: 4 });
  });

  it('finds a round without an end at the next start, however many epochs were scored meanwhile', async () => {
    const open = await hold({ good: 1, settle: false, decided: 8 });
    await restart();
    await prepare();
    for (const epoch of [7, 8, 9]) await score(epoch);
    await restart();
    expect(answerOf(await prepare())).toMatchObject({ resumableRounds: 1 });
    expect([...life.book.unfinished.keys()]).toEqual([open.roundId]);
  });

  it('tells of rounds on record whose counts do not add up', async () => {
    const planned = await hold({ good: 1, settle: false, decided: 11 });
    const none = { judged: 12, invalid: 0, refused: 0, missed: 0, late: 0, unreachable: 0, lost: 0 };
    const { roundId, epoch } = planned;
    await write([{ v: 1, type: 'round.settled', roundId, epoch, dispatched: 12, ...none, at: Date.now() }]);
    await restart();
    const { unbalanced } = answerOf(await prepare());
    expect(unbalanced).toMatchObject([
      { roundId, planned: 12, decided: 11, repeated: 0, counts: { judged: 11 }, stated: { judged: 12 } },
    ]);
    expect(life.book.totals.unbalancedRounds).toBe(1);
  });

  it('knows the requests of rounds before the restart: recorded ones, and those to be asked again', async () => {
    const ended = await hold({ good: 1 });
    const open = await hold({ settle: false, decided: 6 });
    await restart();
    await prepare();
    expect(life.table.known.counts()).toEqual({ recorded: 12 + 6, waiting: 6 });
    const hotkey = hotkeyAt(0);
    const idOf = (plan: RoundPlanned, task: number): string =>
      requestId(plan.requestKey ?? '', plan.tasks[task]?.taskId ?? '', hotkey);
    expect(life.table.known.stateOf(idOf(ended, 0), hotkey)).toBe('recorded');
    expect(life.table.known.stateOf(idOf(ended, 0), hotkeyAt(1))).toBeNull();
    expect(life.table.known.stateOf(idOf(open, 3), hotkey)).toBe('recorded');
    expect(life.table.known.stateOf('0'.repeat(32), hotkey)).toBeNull();
  });

  it('holds no round under the name of another one', async () => {
    const taken = await openValidatorLife(dataFolder().dir, (store) => ({
      ...store,
      append: () => Effect.succeed({ lastSeq: 1, duplicates: [0] }),
      find: (_, key) => Effect.succeed({ seq: 1, key, value: { of: 'another round' } }),
    }));
    const refused = await askOnce(planRound(taken.runtime, roundSettings), roundInput());
    await taken.end();
    expect(refused).toMatchObject({ ok: false, error: { _tag: 'StoreCorrupt' } });
    expect(taken.book.plans.size).toBe(0);
  });

  it('gives a weight to history where an epoch was silent', async () => {
    await hold({ epoch: 7, good: 1 });
    await score(7);
    const silent = answerOf(await score(8));
    expect(silent.vector.uids).toEqual([1]);
  });

  it('burns through the owner when nobody earned anything', async () => {
    await hold({ epoch: 7, good: 0 });
    expect(answerOf(await score(7)).vector).toEqual({ uids: [4], values: [65_535] });
  });

  it('hands nothing to the owner while miners exist that were never asked', async () => {
    const outcome = answerOf(await score(7));
    expect(outcome).toEqual({ vector: { uids: [], values: [] }, scored: 3 });
    const derivation = deriveEpochs(await onDisk(), judgeRecorded);
    expect(derivation.sound).toBe(true);
  });

  it('does not go back when it is asked about an earlier epoch again', async () => {
    await hold({ epoch: 7, good: 1 });
    const seventh = answerOf(await score(7));
    await hold({ epoch: 8, good: 3 });
    await score(8);
    const { trust, nextFromSeq } = life.book;
    expect(answerOf(await score(7))).toEqual(seventh);
    expect(life.book).toMatchObject({ trust, nextFromSeq, scoredEpoch: 8 });
  });

  it('scores only those whose turn it is where links are fewer than miners, and who was asked anyway', async () => {
    // Epoch 7 with one link for three miners: the turn is at rank 7 % 3, uid 2.
    expect(answerOf(await score(7, 1)).scored).toBe(1);
    expect(recordsOf(await onDisk(), 'epoch.scored')[0]?.candidates.map(({ uid }) => uid)).toEqual([2]);
    await hold({ epoch: 8, good: 3 });
    expect(answerOf(await score(8, 1)).scored).toBe(3);
  });

  it('scores no neuron that acts as a validator, and lets its stake flatten nobody', async () => {
    const validating = { ...neuron(5, identityOfUri('//V2').hotkey, 8_091), stake: 1e9 };
    const active = { ...validating, validatorPermit: true, lastUpdate: 90 };
    life.chain.subnet = { ...subnet, neurons: [...subnet.neurons, active] };
    await hold({ good: 3 });
    await score(7);
    const scores = recordsOf(await onDisk(), 'epoch.scored')[0]?.scores ?? [];
    expect(scores.map(({ uid, stake }) => ({ uid, stake }))).toEqual([
      { uid: 1, stake: 1 / 3 },
      { uid: 2, stake: 2 / 3 },
      { uid: 3, stake: 1 },
    ]);
  });

  it('does not score without a metagraph, and scores when there is one', async () => {
    await hold();
    life.chain.subnet = null;
    expect(await score(7)).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('metagraph') },
    });
    expect(recordsOf(await onDisk(), 'epoch.scored')).toEqual([]);
    life.chain.subnet = subnet;
    expect(await score(7)).toMatchObject({ ok: true });
  });

  it('reports a store that is gone as a failure of each of them', async () => {
    await hold();
    await life.closeStore();
    expect(await score(7)).toMatchObject({ ok: false, error: { _tag: 'StoreUnavailable' } });
    expect(await prepare()).toMatchObject({ ok: false, error: { _tag: 'StoreUnavailable' } });
    expect(life.book.scoredEpoch).toBeNull();
  });

  it('reads on when a record of the log cannot be read, and says so', async () => {
    await hold({ good: 1 });
    await life.runtime.runPromise(
      life.store.append('evidence', [{ key: 'z/1', value: { v: 9, type: 'later' } }]),
    );
    const seq = await life.runtime.runPromise(lastEvidenceSeq);
    expect(answerOf(await score(7)).vector.uids).toEqual([1]);
    expect(life.book.nextFromSeq).toBe(seq + 1);
    expect(life.lines.some(({ unreadable }) => unreadable === 1)).toBe(true);
  });
});
