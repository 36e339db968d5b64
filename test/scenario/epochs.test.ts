import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { AnswerJudged } from '#src/domain/evidence.ts';
import { type Facts, playEpochs } from '#test/support/systemEpochs.ts';
import {
  type Behaviour,
  type Network,
  openNetwork,
  type Player,
  roundDeadlineMs,
  type ValidatorName,
  validatorHotkey,
} from '#test/support/systemNetwork.ts';

/**
 * Three epochs of a whole network of processes: two validators and eight miners. A miner dies, a validator is killed in
 * mid-round and comes back, the other one loses the chain when its weights become due.
 */
const validators = ['validator A', 'validator B'] as const;
const uidOf: Readonly<Record<ValidatorName, number>> = { 'validator A': 0, 'validator B': 1 };

/** Starting takes up to half a minute, then three epochs of 18 s; the rest is for a busy machine. */
const storyLimitMs = 220_000;

let network: Network | undefined;
let facts: Facts;

const players = (behaviour: Behaviour): readonly Player[] =>
  facts.miners.filter((player) => player.behaviour === behaviour);

const player = (behaviour: Behaviour): Player => {
  const [first] = players(behaviour);
  if (first === undefined) throw new Error(`nobody is ${behaviour}`);
  return first;
};

const scoredEpoch = (name: ValidatorName, epoch: number) => {
  const found = facts.evidence[name].of('epoch.scored').find((record) => record.epoch === epoch);
  if (found === undefined) throw new Error(`${name} has no record of epoch ${epoch}`);
  return found;
};

/** A miner's part of a validator's weights in one epoch. */
const shareOf = (name: ValidatorName, epoch: number, uid: number): number => {
  const { uids, values } = scoredEpoch(name, epoch).vector;
  return (values[uids.indexOf(uid)] ?? 0) / values.reduce((sum, value) => sum + value, 0);
};

const answersOf = (name: ValidatorName, hotkey: string): readonly AnswerJudged[] =>
  facts.evidence[name].of('answer.judged').filter((answer) => answer.hotkey === hotkey);

/** Rounds that were planned and settled between two moments. */
const roundsBetween = (name: ValidatorName, fromMs: number, toMs: number) => {
  const settled = new Map(
    facts.evidence[name].of('round.settled').map(({ roundId, at }) => [roundId, at] as const),
  );
  return facts.evidence[name].of('round.planned').flatMap(({ roundId, at }) => {
    const settledAt = settled.get(roundId);
    return settledAt !== undefined && at >= fromMs && settledAt <= toMs
      ? [{ roundId, tookMs: settledAt - at }]
      : [];
  });
};

beforeAll(async () => {
  network = await openNetwork();
  facts = await playEpochs(network);
}, storyLimitMs);

afterAll(async () => {
  await network?.dispose();
});

describe('scenario / epochs', () => {
  it('sets weights exactly once per validator and epoch, as an unmodified client sees it', () => {
    const seen = facts.weightsSet
      .filter(({ epoch }) => facts.epochs.includes(epoch))
      .map(({ validator, epoch }) => `epoch ${epoch} uid ${validator}`);
    const wanted = facts.epochs.flatMap((epoch) =>
      validators.map((name) => `epoch ${epoch} uid ${uidOf[name]}`),
    );
    expect(seen.toSorted()).toEqual(wanted.toSorted());
  });

  it.each(validators)('has the recorded vectors of %s on chain', (name) => {
    for (const epoch of facts.epochs) {
      const onChain = facts.weightsSet.find((set) => set.epoch === epoch && set.validator === uidOf[name]);
      const { uids, values } = scoredEpoch(name, epoch).vector;
      expect({ uids: onChain?.uids, values: onChain?.values }, `epoch ${epoch}`).toEqual({ uids, values });
    }
  });

  it.each(validators)('re-derives every epoch of %s from its evidence, bit for bit', (name) => {
    const { derivation } = facts.evidence[name];
    expect(derivation.violations).toEqual([]);
    expect(derivation.openRounds).toEqual([]);
    for (const epoch of facts.epochs) {
      const derived = derivation.epochs.find((entry) => entry.epoch === epoch);
      expect(derived, `epoch ${epoch}`).toMatchObject({ equal: true, firstDifference: null });
      expect(derived?.verdicts).toBeGreaterThan(0);
    }
    expect(derivation.sound).toBe(true);
  });

  it('keeps every answer that was acknowledged, over kill -9 as well', () => {
    for (const name of validators) {
      const hotkey = validatorHotkey(name);
      const recorded = new Map(
        answersOf(name, player('witness').hotkey).map((answer) => [answer.taskId, answer]),
      );
      const requests = new Map(
        facts.evidence[name]
          .of('round.planned')
          .flatMap(({ tasks }) => tasks.map(({ taskId, request }) => [taskId, request] as const)),
      );
      const acknowledged = facts.witnessed.filter((task) => task.validator === hotkey && task.isAcknowledged);
      expect(acknowledged.length).toBeGreaterThan(100);
      for (const { roundId, index, request, answer } of acknowledged) {
        const taskId = `${roundId}-${index}`;
        expect(requests.get(taskId), taskId).toEqual(request);
        expect(recorded.get(taskId), taskId).toMatchObject({ outcome: 'judged', answer });
      }
    }
  });

  it('takes the interrupted round up again, loses what it cannot finish, and counts what was answered in it', () => {
    const { interruptedRound } = facts;
    const evidence = facts.evidence['validator A'];
    expect(evidence.of('round.abandoned')).toEqual([]);
    const settled = evidence.of('round.settled').filter(({ roundId }) => roundId === interruptedRound);
    expect(settled).toHaveLength(1);
    expect(settled[0]?.judged).toBeGreaterThan(0);
    // Nobody is blamed for what was left open.
    const blamed = evidence
      .of('answer.judged')
      .filter(({ roundId, outcome }) => roundId === interruptedRound && outcome === 'missed');
    expect(blamed).toEqual([]);
    const answers = evidence
      .of('answer.judged')
      .filter(({ roundId, outcome }) => roundId === interruptedRound && outcome !== 'lost');
    const { fromSeq, cutSeq, scores } = scoredEpoch('validator A', facts.epochs[1]);
    expect(answers.length).toBeGreaterThan(0);
    expect(answers.every(({ seq }) => seq >= fromSeq && seq < cutSeq)).toBe(true);
    const { hotkey } = player('witness');
    const counted = evidence
      .of('answer.judged')
      .filter(
        (answer) =>
          answer.hotkey === hotkey &&
          answer.outcome !== 'lost' &&
          answer.seq >= fromSeq &&
          answer.seq < cutSeq,
      );
    expect(scores.find((score) => score.hotkey === hotkey)?.asked).toBe(counted.length);
  });

  it.each(validators)('has no answer of the dead miner and lowers its weight: %s', (name) => {
    const { uid, hotkey } = player('doomed');
    // An answer of its last round may have been on its way when it died.
    const later = new Set(
      facts.evidence[name]
        .of('round.planned')
        .filter(({ at }) => at > facts.diedAtMs)
        .map(({ roundId }) => roundId),
    );
    const outcomes = answersOf(name, hotkey)
      .filter(({ roundId }) => later.has(roundId))
      .map(({ outcome }) => outcome);
    expect(outcomes.length).toBeGreaterThan(50);
    expect(outcomes.filter((outcome) => !['missed', 'unreachable', 'lost'].includes(outcome))).toEqual([]);
    const [first, second, third] = facts.epochs.map((epoch) => shareOf(name, epoch, uid));
    expect(first).toBeGreaterThan(0);
    expect(second).toBeLessThan(first ?? 0);
    expect(third).toBeLessThan((first ?? 0) / 4);
  });

  it.each(validators)('holds nobody up for the dead miner: %s', (name) => {
    const rounds = roundsBetween(name, facts.diedAtMs, Number.POSITIVE_INFINITY);
    expect(rounds.length).toBeGreaterThan(10);
    // The interrupted round waited for its validator.
    const held = rounds.filter(({ roundId }) => roundId !== facts.interruptedRound);
    for (const { roundId, tookMs } of held) expect(tookMs, roundId).toBeLessThan(roundDeadlineMs + 1_500);
    const settled = new Set(rounds.map(({ roundId }) => roundId));
    for (const { hotkey, name: miner } of players('honest')) {
      const answers = answersOf(name, hotkey).filter(({ roundId }) => settled.has(roundId));
      const judged = answers.filter(({ outcome }) => outcome === 'judged').length;
      expect(judged / answers.length, miner).toBeGreaterThan(0.95);
    }
  });

  it('names the loss of the chain, goes on with its rounds and still sets weights in that epoch', () => {
    const { outage, epochs } = facts;
    expect(outage.lost).toMatchObject({ event: 'chain.lost', failure: { _tag: 'Unreachable' } });
    const set = facts.weightsSet.find(({ validator, epoch }) => validator === 1 && epoch === epochs[2]);
    expect(outage.confirmed).toMatchObject({ epoch: epochs[2], block: set?.block });
    expect(set?.block).toBeGreaterThan(outage.restoredBlock);
    expect(roundsBetween('validator B', outage.fromMs, outage.toMs).length).toBeGreaterThan(0);
  });

  it('pays every honest miner more than any other', () => {
    const incentiveOf = ({ uid }: Player): number => facts.incentive.get(uid) ?? 0;
    const honest = players('honest');
    const worst = Math.min(...honest.map(incentiveOf));
    for (const other of facts.miners.filter((miner) => !honest.includes(miner))) {
      expect(incentiveOf(other), other.name).toBeLessThan(worst);
    }
  });

  it('ends every process cleanly and leaves no child behind', () => {
    // Two validators, six miners as processes that lived, and the chain.
    expect(facts.ends.size).toBe(9);
    for (const [name, end] of facts.ends) expect(end, name).toEqual({ code: 0, signal: null });
    // Each miner has a process for its models.
    expect(facts.pids.length).toBeGreaterThanOrEqual(9 + 6);
    expect(facts.stillRunning).toEqual([]);
  });

  it('ends at once with an error at a second signal', () => {
    expect(facts.forcedEnd).toMatchObject({ code: 1, signal: null });
    expect(facts.forcedEnd.afterMs).toBeLessThan(1_000);
  });
});
