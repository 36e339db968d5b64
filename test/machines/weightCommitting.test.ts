import { describe, expect, it } from 'vitest';

import type { SubmitFailure } from '#src/domain/failures.ts';
import { fail, succeed } from '#src/domain/outcome.ts';
import { isPlainJson, start, throughJson } from '#test/support/machines.ts';
import {
  block,
  due,
  dueEvent,
  ended,
  failedOnChain,
  included,
  missing,
  notSet,
  ready,
  refusal,
  sealed,
  sent,
  weightFakes,
} from '#test/support/machinesWeights.ts';

const run = () => {
  const fakes = weightFakes();
  return { ...fakes, ...start(fakes.machine) };
};

/** At block 400 with the weights of epoch 7 due. */
const setting = () => {
  const running = run();
  running.actor.send(block(400));
  running.actor.send(dueEvent());
  return running;
};

/** A commit of them was sent, and the first search is under way. */
const looking = async () => {
  const running = setting();
  await running.check.answer(notSet);
  await running.prepare.answer(ready({}, sealed));
  await running.submit.answer(sent);
  return running;
};

const commit = { epoch: 7, committedAtBlock: 403, ...sealed };
const told = [
  {
    type: 'weights.committed',
    epoch: 7,
    block: 403,
    commitHash: sealed.plan.commitHash,
    revealRound: 1_100,
    revealsFromBlock: 450,
  },
  { type: 'commit.stood', ...commit },
];

const named = (check: string): SubmitFailure => ({
  _tag: 'Refused',
  check,
  message: check,
  retry: { when: 'nextBlock' },
});

describe('machines / weightSetting with commits', () => {
  it('counts the epoch as submitted once its commit is in a block, and says when it is opened', async () => {
    const { actor, find, check, facts, value, context } = await looking();
    await find.answer(included);
    expect(value()).toBe('waiting');
    expect(facts).toEqual(told);
    expect(context()).toMatchObject({
      confirmedEpoch: 7,
      confirmedAtBlock: 403,
      prepared: null,
      sealed: null,
    });
    expect(isPlainJson(context())).toBe(true);
    actor.send(dueEvent());
    actor.send(ended(7));
    expect(check.calls).toHaveLength(1);
    expect(facts).toHaveLength(2);
  });

  it('tells the plaintext in no fact but the one for the machine that verifies the reveal', async () => {
    const { find, facts } = await looking();
    await find.answer(included);
    expect(JSON.stringify(facts.filter(({ type }) => type !== 'commit.stood'))).not.toContain('values');
  });

  it('takes up a commit that stands already, with what a predecessor had locked in', async () => {
    const { check, prepare, facts } = setting();
    await check.answer(succeed({ setAtBlock: 403, committed: commit, isForeign: false }));
    expect(prepare.calls).toEqual([]);
    expect(facts).toEqual(told);
  });

  it('counts plain weights of the next epoch as such after a commit', async () => {
    const { actor, find, check, facts } = await looking();
    await find.answer(included);
    actor.send(dueEvent(8));
    await check.answer(succeed({ setAtBlock: 503, committed: null, isForeign: false }));
    expect(facts.at(-1)).toEqual({ type: 'weights.confirmed', epoch: 8, block: 503 });
  });

  it('comes to one commit from every state it is killed in', async () => {
    const ways = {
      submitting: async () => {
        const running = setting();
        await running.check.answer(notSet);
        await running.prepare.answer(ready({}, sealed));
        return running;
      },
      looking,
    };
    for (const [state, way] of Object.entries(ways)) {
      const before = await way();
      const snapshot = throughJson(before.actor);
      before.actor.stop();
      const fakes = weightFakes();
      const { actor, facts, value } = start(fakes.machine, { snapshot });
      if (state === 'submitting') await fakes.submit.answer(succeed('alreadyKnown'));
      actor.send(block(401));
      await fakes.find.answer(included);
      expect(value(), state).toBe('waiting');
      expect(facts, state).toEqual(told);
      expect(fakes.prepare.calls, state).toEqual([]);
    }
  });

  it('looks at the rules anew when the owner switched commit-reveal while bytes were on their way', async () => {
    for (const check of ['CommitRevealEnabled', 'CommitRevealDisabled', 'InvalidRevealRound']) {
      const running = await looking();
      await running.find.answer(failedOnChain(named(check)));
      expect(running.context()).toMatchObject({ prepared: null, sealed: null, retryAtBlock: 401 });
      running.actor.send(block(401));
      expect(running.check.calls).toHaveLength(2);
      await running.check.answer(notSet);
      expect(running.prepare.calls).toEqual([due, due]);
    }
  });

  it('prepares anew with a later round when the pool refuses the one of the commit', async () => {
    const { actor, check, prepare, submit, find, facts } = setting();
    await check.answer(notSet);
    await prepare.answer(ready({}, sealed));
    await submit.answer(fail(named('InvalidRevealRound')));
    actor.send(block(401));
    await check.answer(notSet);
    const later = { ...sealed, plan: { ...sealed.plan, revealRound: 1_200 } };
    await prepare.answer(ready({}, later));
    await submit.answer(sent);
    await find.answer(included);
    expect(facts.at(-2)).toMatchObject({ type: 'weights.committed', revealRound: 1_200 });
  });

  it('names a commit version it does not write, and tries again with the next epoch', async () => {
    const { actor, check, facts, value } = setting();
    await check.answer(fail({ ...named('IncorrectCommitRevealVersion'), retry: { when: 'never' } }));
    expect(value()).toEqual({ setting: 'givenUp' });
    expect(facts).toMatchObject([
      { type: 'weights.refused', failure: { check: 'IncorrectCommitRevealVersion' } },
    ]);
    actor.send(dueEvent(8));
    expect(check.calls).toHaveLength(2);
  });
});

describe('machines / weightSetting with pauses', () => {
  /** Blocks at which the chain is asked, while every answer is the same failure. */
  const asked = async (failure: SubmitFailure, fromBlock = 400) => {
    const { actor, check, value, facts } = run();
    actor.send(block(fromBlock));
    actor.send(dueEvent());
    const blocks = [fromBlock];
    await check.answer(fail(failure));
    for (let height = fromBlock + 1; height < 450; height += 1) {
      actor.send(block(height));
      if (JSON.stringify(value()).includes('checking')) {
        blocks.push(height);
        await check.answer(fail(failure));
      }
    }
    actor.send(block(450));
    expect(value()).toBe('waiting');
    expect(facts.at(-1)).toMatchObject({ type: 'weights.missed', epoch: 7 });
    return blocks;
  };

  it('grow while the same refusal repeats, and leave room for a last try before the end', async () => {
    expect(await asked(refusal({ when: 'nextBlock' }))).toEqual([400, 401, 403, 407, 415, 431, 442]);
  });

  it('never come before the block that the chain named', async () => {
    expect(await asked(refusal({ when: 'atBlock', block: 430 }))).toEqual([400, 430, 432, 436, 442]);
    expect(await asked(refusal({ when: 'atBlock', block: 450 }))).toEqual([400]);
  });

  it('start anew with another refusal, another epoch, and another endpoint does not wait for them', async () => {
    const { actor, check, context } = setting();
    for (const height of [401, 403, 407]) {
      await check.answer(fail(refusal({ when: 'nextBlock' })));
      actor.send(block(height));
    }
    await check.answer(fail(named('NotEnoughStakeToSetWeights')));
    expect(context()).toMatchObject({ repeats: 0, retryAtBlock: 408 });
    actor.send(block(408));
    await check.answer(fail(named('NotEnoughStakeToSetWeights')));
    expect(context()).toMatchObject({ repeats: 1, retryAtBlock: 410 });
    actor.send({ type: 'chain.opened' });
    expect(check.calls).toHaveLength(6);
    actor.send(dueEvent(8));
    expect(context()).toMatchObject({ repeats: 0, attempts: 0 });
  });

  it('do not hold up the search for bytes that are on their way', async () => {
    const { actor, find } = await looking();
    for (const height of [401, 402, 403]) {
      await find.answer(missing);
      actor.send(block(height));
    }
    expect(find.calls).toHaveLength(4);
  });
});
