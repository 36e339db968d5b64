import { describe, expect, it } from 'vitest';

import type { ChainFailure } from '#src/domain/failures.ts';
import { fail, succeed } from '#src/domain/outcome.ts';
import type { CommittedWeights, RevealVerdict } from '#src/domain/reveals.ts';
import { weightRevealMachine } from '#src/machines/weightReveal.machine.ts';
import { maxWatched, type ReadReveals } from '#src/machines/weightReveals.ts';
import { commitOf, hashOf } from '#test/support/commits.ts';
import {
  done,
  fakeTask,
  isPlainJson,
  reachedStates,
  start,
  stateIds,
  throughJson,
} from '#test/support/machines.ts';

const block = (height: number) => ({ type: 'block.finalized', block: height }) as const;
const stood = (commit: CommittedWeights) => ({ type: 'commit.stood', ...commit }) as const;
const commit = commitOf();

const unreachable: ChainFailure = {
  _tag: 'Unreachable',
  message: 'closed',
  retry: { when: 'reconnected' },
};

const answer = (
  height: number,
  verdicts: readonly RevealVerdict[],
  recalled: CommittedWeights | null = null,
) => succeed({ block: height, recalled, verdicts });
const waitingUntil = (notBeforeBlock: number, commitHash = hashOf(1)): RevealVerdict => ({
  commitHash,
  is: 'waiting',
  notBeforeBlock,
});
const standing = (commitHash = hashOf(1)): RevealVerdict => ({ commitHash, is: 'standing' });

const run = (snapshot?: ReturnType<typeof throughJson>) => {
  const read = fakeTask<ReadReveals>();
  const machine = weightRevealMachine.provide({ actors: { readReveals: read.logic } });
  return { read, ...start(machine, snapshot === undefined ? {} : { snapshot }) };
};

/** Has looked for a predecessor's commit at block 150 and found none. */
const settledIn = async () => {
  const running = run();
  running.actor.send(block(150));
  await running.read.answer(answer(150, []));
  return running;
};

/** With the commit of epoch 7 under watch, at block 201. */
const watchingOne = async () => {
  const running = await settledIn();
  running.actor.send(stood(commit));
  running.actor.send(block(201));
  return running;
};

describe('machines / weightReveal', () => {
  it('reaches every state', () => {
    const events = [
      block(150),
      block(540),
      stood(commit),
      done('readReveals', answer(150, [])),
      done('readReveals', answer(541, [standing()])),
      done('readReveals', fail(unreachable)),
    ];
    const distinguish = (context: { watched: unknown[]; isRecalled: boolean }) => [
      context.watched.length,
      context.isRecalled,
    ];
    expect(reachedStates(weightRevealMachine, { events, distinguish })).toEqual(
      stateIds(weightRevealMachine),
    );
  });

  it('reads nothing before the reveal epoch, then each block until the weights stand', async () => {
    const { actor, read, value, facts, context } = await watchingOne();
    expect(value()).toBe('waiting');
    for (const height of [300, 400, 539]) actor.send(block(height));
    expect(read.calls).toHaveLength(1);
    actor.send(block(540));
    expect(read.calls.at(-1)).toEqual({ watched: [commit], settled: [] });
    await read.answer(answer(540, [waitingUntil(541)]));
    actor.send(block(541));
    await read.answer(answer(541, [waitingUntil(542)]));
    expect(facts).toEqual([]);
    actor.send(block(542));
    await read.answer(answer(542, [standing()]));
    expect(value()).toBe('idle');
    expect(facts).toEqual([
      { type: 'weights.revealed', epoch: 7, block: 542, commitHash: hashOf(1), revealRound: 1_100 },
    ]);
    actor.send(block(543));
    expect(read.calls).toHaveLength(4);
    expect(context()).toMatchObject({ watched: [], settled: [hashOf(1)] });
  });

  it('waits longer where the chain moved the reveal epoch', async () => {
    const { actor, read } = await watchingOne();
    actor.send(block(540));
    await read.answer(answer(540, [waitingUntil(900)]));
    for (const height of [541, 700, 899]) actor.send(block(height));
    expect(read.calls).toHaveLength(2);
    actor.send(block(900));
    expect(read.calls).toHaveLength(3);
  });

  it('names lost weights with their plaintext and what to do, and superseded ones as such', async () => {
    for (const loss of ['expired', 'dropped', 'deregistered'] as const) {
      const { actor, read, facts, value } = await watchingOne();
      actor.send(block(540));
      await read.answer(answer(545, [{ commitHash: hashOf(1), is: 'lost', loss }]));
      expect(facts).toEqual([
        {
          type: 'weights.unrevealed',
          epoch: 7,
          block: 545,
          commitHash: hashOf(1),
          revealRound: 1_100,
          loss,
          advice: expect.stringContaining('data folder'),
          vector: commit.vector,
        },
      ]);
      expect(value()).toBe('idle');
    }
    const { actor, read, facts } = await watchingOne();
    actor.send(block(540));
    await read.answer(answer(545, [{ commitHash: hashOf(1), is: 'superseded' }]));
    expect(facts).toMatchObject([{ type: 'weights.superseded', epoch: 7 }]);
  });

  it('tells nobody the plaintext before', async () => {
    const { actor, read, facts } = await watchingOne();
    actor.send(block(540));
    await read.answer(answer(540, [waitingUntil(541)]));
    expect(JSON.stringify(facts)).not.toContain('65535');
  });

  it('reads again at the next block when the chain could not be read', async () => {
    const { actor, read, value, context, facts } = await watchingOne();
    actor.send(block(540));
    await read.answer(fail(unreachable));
    expect(value()).toBe('waiting');
    expect(context()).toMatchObject({ lastFailure: { _tag: 'Unreachable' }, watched: [commit] });
    actor.send(block(541));
    await read.answer(answer(541, [standing()]));
    expect(facts).toHaveLength(1);
    expect(context().lastFailure).toBeNull();
  });

  it('watches several commits, and one that arrives during a reading', async () => {
    const { actor, read, facts, context } = await watchingOne();
    const second = commitOf({ epoch: 8, hash: hashOf(2), committedAtBlock: 541 });
    actor.send(block(540));
    actor.send(stood(second));
    await read.answer(answer(541, [standing()]));
    expect(facts).toMatchObject([{ type: 'weights.revealed', epoch: 7 }]);
    expect(context().watched).toEqual([second]);
    actor.send(block(899));
    expect(read.calls).toHaveLength(2);
    actor.send(block(900));
    expect(read.calls.at(-1)).toEqual({ watched: [second], settled: [hashOf(1)] });
  });

  it('watches a commit once, and reports none twice', async () => {
    const { actor, read, facts, context } = await watchingOne();
    actor.send(stood(commit));
    expect(context().watched).toHaveLength(1);
    actor.send(block(540));
    await read.answer(answer(541, [standing()]));
    actor.send(stood(commit));
    expect(context().watched).toEqual([]);
    expect(facts).toHaveLength(1);
  });

  it('holds a bounded number of commits', async () => {
    const { actor, context } = await settledIn();
    for (let index = 0; index < maxWatched + 5; index += 1) {
      actor.send(stood(commitOf({ hash: hashOf(index), committedAtBlock: 200 + index })));
    }
    expect(context().watched).toHaveLength(maxWatched);
    expect(context().watched[0]?.committedAtBlock).toBe(205);
  });

  it('takes up a commit that a predecessor could not hand over, at its first block', async () => {
    const { actor, read, value, context, facts } = run();
    expect(read.calls).toEqual([]);
    actor.send(block(300));
    expect(read.calls).toEqual([{ watched: [], settled: [] }]);
    await read.answer(answer(300, [waitingUntil(540)], commit));
    expect(value()).toBe('waiting');
    expect(context().watched).toEqual([commit]);
    actor.send(block(301));
    expect(read.calls).toHaveLength(1);
    actor.send(block(540));
    await read.answer(answer(540, [standing()]));
    expect(facts).toMatchObject([{ type: 'weights.revealed', epoch: 7 }]);
  });

  it('keeps looking for it until the chain can be read', async () => {
    const { actor, read, value } = run();
    actor.send(block(300));
    await read.answer(fail(unreachable));
    expect(value()).toBe('idle');
    actor.send(block(301));
    expect(read.calls).toHaveLength(2);
    await read.answer(answer(301, [standing()], commit));
    actor.send(block(302));
    expect(read.calls).toHaveLength(2);
  });
});

describe('machines / weightReveal restored', () => {
  const ways: Readonly<Record<string, () => ReturnType<typeof watchingOne>>> = {
    idle: settledIn,
    waiting: watchingOne,
    reading: async () => {
      const running = await watchingOne();
      running.actor.send(block(540));
      return running;
    },
  };

  it('is in the state it was killed in, and comes to the end of its commit from there', async () => {
    for (const [state, way] of Object.entries(ways)) {
      const before = await way();
      expect(before.value(), state).toBe(state);
      expect(isPlainJson(before.context())).toBe(true);
      const snapshot = throughJson(before.actor);
      before.actor.stop();
      const { actor, read, value, facts, errors } = run(snapshot);
      expect(value(), state).toBe(state);
      if (state === 'idle') actor.send(stood(commit));
      actor.send(block(541));
      await read.answer(answer(541, [standing()]));
      expect(value(), state).toBe('idle');
      expect(facts, state).toMatchObject([{ type: 'weights.revealed', epoch: 7, block: 541 }]);
      expect(errors).toEqual([]);
    }
  });
});
