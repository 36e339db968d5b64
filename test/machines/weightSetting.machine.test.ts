import { describe, expect, it } from 'vitest';
import { initialTransition, transition } from 'xstate';

import { fail, succeed } from '#src/domain/outcome.ts';
import { weightSettingMachine } from '#src/machines/weightSetting.machine.ts';
import { done, reachedStates, start, stateIds } from '#test/support/machines.ts';
import {
  block,
  due,
  dueEvent,
  ended,
  failedOnChain,
  included,
  missing,
  notSet,
  prepared,
  ready,
  refusal,
  sent,
  setAt,
  unreachable,
  waysToSet,
  weightFakes,
} from '#test/support/machinesWeights.ts';

const run = () => {
  const fakes = weightFakes();
  const running = start(fakes.machine);
  return { ...fakes, ...running };
};

/** At block 400 with the weights of epoch 7 due. */
const setting = () => {
  const running = run();
  running.actor.send(block(400));
  running.actor.send(dueEvent());
  return running;
};

const inState = async (state: string) => {
  const running = setting();
  await waysToSet[state]?.(running, running.actor);
  const path = state.split('.').reduceRight<string | object>((inner, key) => {
    return inner === '' ? key : { [key]: inner };
  }, '');
  expect(running.value()).toEqual({ setting: path });
  return running;
};

const confirmed = { type: 'weights.confirmed', epoch: 7, block: 403 };

describe('machines / weightSetting', () => {
  it('asks the chain before anything else', () => {
    const [waiting] = initialTransition(weightSettingMachine);
    const [checking, actions] = transition(weightSettingMachine, waiting, dueEvent());
    expect(checking.value).toEqual({ setting: 'checking' });
    expect(checking.context).toMatchObject({ due, attempts: 0, prepared: null });
    expect(actions.map(({ type }) => type)).toEqual(['xstate.spawnChild']);
  });

  it('reaches every state', () => {
    const events = [
      dueEvent(),
      ended(7),
      block(400),
      block(409),
      block(450),
      done('checkWeights', notSet),
      done('checkWeights', fail(refusal({ when: 'never' }))),
      done('checkWeights', fail(refusal({ when: 'nextBlock' }))),
      done('prepareWeights', ready()),
      done('submitWeights', succeed('sent')),
      { type: 'chain.opened' } as const,
      done('resendWeights', succeed('sent')),
      done('findInclusion', missing),
      done('findInclusion', included),
    ];
    const distinguish = (context: {
      block: number;
      searchFromBlock: number;
      retryAtBlock: number | null;
    }) => [context.block, context.searchFromBlock, context.retryAtBlock];
    expect(reachedStates(weightSettingMachine, { events, distinguish })).toEqual(
      stateIds(weightSettingMachine),
    );
  });

  it('checks, prepares, submits and finds its weights on chain', async () => {
    const { actor, check, prepare, submit, find, facts, value, context } = setting();
    expect(check.calls).toEqual([due]);
    await check.answer(notSet);
    expect(prepare.calls).toEqual([due]);
    await prepare.answer(ready());
    expect(submit.calls).toEqual([{ prepared }]);
    await submit.answer(succeed('sent'));
    expect(find.calls).toEqual([{ prepared, fromBlock: 400, toBlock: 400 }]);
    await find.answer(missing);
    actor.send(block(403));
    expect(find.calls.at(-1)).toEqual({ prepared, fromBlock: 401, toBlock: 403 });
    await find.answer(included);
    expect(value()).toBe('waiting');
    expect(facts).toEqual([confirmed]);
    expect(context()).toMatchObject({ confirmedEpoch: 7, confirmedAtBlock: 403, due: null, prepared: null });
  });

  it('sends nothing when the chain has them already', async () => {
    const { check, prepare, facts, value } = setting();
    await check.answer(setAt(403));
    expect(value()).toBe('waiting');
    expect(prepare.calls).toEqual([]);
    expect(facts).toEqual([confirmed]);
  });

  it('never sets an epoch twice', async () => {
    const { actor, check, facts } = setting();
    actor.send(dueEvent());
    expect(check.calls).toHaveLength(1);
    await check.answer(setAt(403));
    actor.send(dueEvent());
    actor.send(dueEvent(6));
    actor.send(ended(7));
    expect(check.calls).toHaveLength(1);
    expect(facts).toEqual([confirmed]);
  });

  it('ignores the same weights again in every state', async () => {
    for (const state of Object.keys(waysToSet)) {
      const { actor, value } = await inState(state);
      const before = value();
      actor.send(dueEvent());
      expect(value(), state).toEqual(before);
    }
  });

  it('ignores weights that come after their epoch was counted as missed', () => {
    const { actor, check, facts } = run();
    actor.send(ended(7));
    actor.send(dueEvent());
    expect(check.calls).toEqual([]);
    expect(facts).toEqual([{ type: 'weights.missed', epoch: 7, behind: 1 }]);
  });

  it('tries again at the block that the chain named, and not before', async () => {
    const { actor, check, facts, value } = await inState('backingOff');
    expect(facts).toMatchObject([{ type: 'weights.refused', epoch: 7, failure: { _tag: 'Refused' } }]);
    actor.send(block(419));
    expect(value()).toEqual({ setting: 'backingOff' });
    actor.send(block(420));
    expect(value()).toEqual({ setting: 'checking' });
    expect(check.calls).toHaveLength(2);
    expect(facts).toHaveLength(1);
  });

  it('tries again at the next block, also when the named block has passed already', async () => {
    const retries = [{ when: 'nextBlock' }, { when: 'reconnected' }, { when: 'atBlock', block: 1 }] as const;
    for (const retry of retries) {
      const { actor, check } = setting();
      await check.answer(fail(refusal(retry)));
      actor.send(block(400));
      expect(check.calls).toHaveLength(1);
      actor.send(block(401));
      expect(check.calls).toHaveLength(2);
    }
  });

  it('gives up where no retry can help, and starts anew with the next epoch', async () => {
    const { actor, check, value, facts } = await inState('givenUp');
    for (const height of [401, 430, 449]) actor.send(block(height));
    expect(value()).toEqual({ setting: 'givenUp' });
    expect(check.calls).toHaveLength(1);
    actor.send(ended(7));
    actor.send(dueEvent(8));
    expect(check.calls.at(-1)).toMatchObject({ epoch: 8 });
    expect(facts.map(({ type }) => type)).toEqual(['weights.refused', 'weights.missed']);
  });

  it('looks for an extrinsic of which nobody knows whether it arrived', async () => {
    const { submit, find, facts } = await inState('submitting');
    await submit.answer(fail(unreachable));
    expect(find.calls).toHaveLength(1);
    await find.answer(included);
    expect(facts).toEqual([confirmed]);
    expect(submit.calls).toHaveLength(1);
  });

  it('prepares anew after a refusal by the pool', async () => {
    const { actor, check, submit, prepare, context } = await inState('submitting');
    await submit.answer(fail(refusal({ when: 'nextBlock' })));
    expect(context().prepared).toBeNull();
    actor.send(block(401));
    await check.answer(notSet);
    expect(prepare.calls).toHaveLength(2);
  });

  it('tries again when the era passed without inclusion', async () => {
    const { actor, find, submit, check, value, facts } = await inState('confirming.looking');
    await find.answer(missing);
    for (const height of [401, 404, 407, 408]) {
      actor.send(block(height));
      await find.answer(missing);
      if (height === 404) await submit.answer(succeed('alreadyKnown'));
    }
    actor.send(block(409));
    expect(facts).toMatchObject([{ type: 'weights.refused', failure: { _tag: 'NotIncluded' } }]);
    actor.send(block(410));
    expect(value()).toEqual({ setting: 'checking' });
    expect(check.calls).toHaveLength(2);
    expect(find.calls.map(({ fromBlock, toBlock }) => [fromBlock, toBlock])).toEqual([
      [400, 400],
      [401, 401],
      [402, 404],
      [405, 407],
      [408, 408],
    ]);
  });

  it('backs off with the reason of an extrinsic that failed on chain', async () => {
    const { find, facts, context } = await inState('confirming.looking');
    await find.answer(failedOnChain(refusal({ when: 'atBlock', block: 440 })));
    expect(facts).toMatchObject([{ type: 'weights.refused', failure: { check: 'SettingWeightsTooFast' } }]);
    expect(context()).toMatchObject({ prepared: null, retryAtBlock: 440, attempts: 1 });
  });

  it('loses no block of its search: not during a read, not when one fails, not after a long absence', async () => {
    const { actor, find } = await inState('confirming.looking');
    actor.send(block(401));
    actor.send(block(402));
    await find.answer(fail({ _tag: 'Unreachable', message: 'closed', retry: { when: 'reconnected' } }));
    actor.send(block(403));
    await find.answer(missing);
    actor.send(block(404));
    await find.answer(missing);
    const ranges = find.calls.map(({ fromBlock, toBlock }) => [fromBlock, toBlock]);
    expect(ranges).toEqual([
      [400, 400],
      [400, 403],
      [404, 404],
    ]);
  });

  it('searches in bounded pieces that follow one another', async () => {
    const running = setting();
    await running.check.answer(notSet);
    await running.prepare.answer(ready({ bornAtBlock: 1, expiresAtBlock: 2_000 }));
    await running.submit.answer(succeed('alreadyKnown'));
    for (const height of [401, 402, 403]) {
      await running.find.answer(missing);
      running.actor.send(block(height));
    }
    const ranges = running.find.calls.map(({ fromBlock, toBlock }) => [fromBlock, toBlock]);
    expect(
      ranges
        .flat()
        .every((at, index, all) => index % 2 === 1 || index === 0 || at === (all[index - 1] ?? 0) + 1),
    ).toBe(true);
    expect(ranges.every(([from = 0, to = 0]) => to - from < 256)).toBe(true);
    expect(ranges.at(-1)?.[1]).toBeGreaterThanOrEqual(402);
  });
});

describe('machines / weightSetting at the end of an epoch', () => {
  it('misses an epoch exactly once, in whatever state it ends', async () => {
    for (const state of Object.keys(waysToSet)) {
      const { actor, find, submit, facts, value } = await inState(state);
      actor.send(ended(7));
      actor.send(ended(7));
      for (const height of [409, 410, 450, 451]) {
        actor.send(block(height));
        if (JSON.stringify(value()).includes('resending')) await submit.answer(sent);
        if (JSON.stringify(value()).includes('looking')) await find.answer(missing);
      }
      actor.send(ended(7));
      const missed = facts.filter(({ type }) => type === 'weights.missed');
      expect(missed, state).toEqual([{ type: 'weights.missed', epoch: 7, behind: 1 }]);
      expect(value(), state).toBe('waiting');
    }
  });

  it('misses an epoch for which nothing was due, once', () => {
    const { actor, facts } = run();
    actor.send(ended(7));
    actor.send(ended(7));
    actor.send(ended(6));
    expect(facts).toEqual([{ type: 'weights.missed', epoch: 7, behind: 1 }]);
  });

  it('still confirms what is found after the end', async () => {
    const { actor, find, facts, value } = await inState('confirming.looking');
    actor.send(ended(7));
    await find.answer(included);
    actor.send(ended(7));
    expect(facts).toEqual([confirmed]);
    expect(value()).toBe('waiting');
  });

  it('misses without waiting for the metagraph when the last block passed in a pause', async () => {
    const { actor, facts, check } = await inState('backingOff');
    actor.send(block(450));
    actor.send(ended(7));
    expect(facts.map(({ type }) => type)).toEqual(['weights.refused', 'weights.missed']);
    expect(check.calls).toHaveLength(1);
  });

  it('counts an unconfirmed epoch as missed when the weights of the next one replace it', async () => {
    for (const state of Object.keys(waysToSet)) {
      const { actor, check, facts, context } = await inState(state);
      actor.send(dueEvent(8));
      expect(facts.filter(({ type }) => type === 'weights.missed')).toEqual([
        { type: 'weights.missed', epoch: 7, behind: 1 },
      ]);
      expect(check.calls.at(-1)).toMatchObject({ epoch: 8, endsAtBlock: 810 });
      expect(context()).toMatchObject({ prepared: null, attempts: 0, retryAtBlock: null });
    }
  });

  it('counts missed epochs in a row, and starts at nothing after a confirmed one', async () => {
    const { actor, check, context, facts } = run();
    for (const epoch of [4, 5, 6]) actor.send(ended(epoch));
    expect(context().behind).toBe(3);
    actor.send(dueEvent());
    await check.answer(setAt(403));
    expect(context().behind).toBe(0);
    actor.send(ended(7));
    actor.send(ended(8));
    expect(facts.at(-1)).toEqual({ type: 'weights.missed', epoch: 8, behind: 1 });
  });

  it('aborts what is under way when the epoch ends', async () => {
    const { actor, prepare } = await inState('preparing');
    actor.send(ended(7));
    expect(prepare.aborted()).toBe(1);
  });

  it('ends nothing with the end of an earlier epoch', async () => {
    const { actor, value, facts } = await inState('preparing');
    actor.send(ended(6));
    expect(value()).toEqual({ setting: 'preparing' });
    expect(facts).toEqual([]);
  });
});
