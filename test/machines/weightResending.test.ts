import { describe, expect, it } from 'vitest';

import type { SubmitFailure } from '#src/domain/failures.ts';
import { fail, succeed } from '#src/domain/outcome.ts';
import { start } from '#test/support/machines.ts';
import {
  block,
  dueEvent,
  included,
  missing,
  notSet,
  overtaken,
  prepared,
  refusal,
  sent,
  setAt,
  unreachable,
  weightFakes,
} from '#test/support/machinesWeights.ts';

const opened = { type: 'chain.opened' } as const;
const pruned = {
  _tag: 'UnknownBlock',
  message: 'State already discarded',
  retry: { when: 'nextBlock' },
} as const;
const lasting = { ...prepared, expiresAtBlock: 448 };

/** Weights of epoch 7, signed at block 400 and handed over with this result. */
const submitted = async (outcome: Parameters<ReturnType<typeof weightFakes>['submit']['answer']>[0]) => {
  const fakes = weightFakes();
  const running = start(fakes.machine);
  running.actor.send(block(400));
  running.actor.send(dueEvent());
  await fakes.check.answer(notSet);
  await fakes.prepare.answer(succeed({ prepared: lasting, sealed: null }));
  await fakes.submit.answer(outcome);
  return { ...fakes, ...running };
};

/** The next blocks, each searched in vain. */
const blocks = async (
  { actor, find }: Pick<Awaited<ReturnType<typeof submitted>>, 'actor' | 'find'>,
  heights: readonly number[],
) => {
  for (const height of heights) {
    actor.send(block(height));
    await find.answer(missing);
  }
};

const searching = { setting: { confirming: 'pausing' } };

describe('machines / weightSetting resending', () => {
  it('sends the same bytes again while a pool that dropped them keeps them out of blocks', async () => {
    const running = await submitted(sent);
    await running.find.answer(missing);
    await blocks(running, [401, 402, 403]);
    expect(running.submit.calls).toHaveLength(1);
    await blocks(running, [404]);
    expect(running.submit.calls).toEqual([{ prepared: lasting }, { prepared: lasting }]);
    await running.submit.answer(succeed('alreadyKnown'));
    expect(running.value()).toEqual(searching);
    await blocks(running, [405, 406, 407]);
    expect(running.submit.calls).toHaveLength(2);
    await blocks(running, [408]);
    expect(running.submit.calls).toHaveLength(3);
    expect(running.prepare.calls).toHaveLength(1);
  });

  it('sends at the next block what a missing connection kept from being sent', async () => {
    const running = await submitted(fail(unreachable));
    await running.find.answer(missing);
    expect(running.submit.calls).toHaveLength(1);
    await blocks(running, [401]);
    expect(running.submit.calls).toHaveLength(2);
    await running.submit.answer(fail(unreachable));
    await blocks(running, [402]);
    expect(running.submit.calls).toHaveLength(3);
  });

  it('says why the bytes never got in', async () => {
    const running = await submitted(
      fail({ ...unreachable, _tag: 'Malformed', message: 'too many requests' }),
    );
    await running.find.answer(missing);
    running.actor.send(block(448));
    await running.find.answer(missing);
    running.actor.send(block(449));
    await running.find.answer(missing);
    expect(running.facts).toMatchObject([{ type: 'weights.refused', failure: { _tag: 'NotIncluded' } }]);
    const message = expect.stringMatching(/era .* passed .*too many requests/);
    expect(running.facts).toMatchObject([{ failure: { message } }]);
  });

  it('says at once that a node takes no extrinsics, and asks another one', async () => {
    const unsupported = {
      _tag: 'Unsupported',
      message: 'Method not found',
      retry: { when: 'never' },
    } as const;
    const running = await submitted(fail(unsupported));
    expect(running.value()).toEqual({ setting: 'givenUp' });
    expect(running.facts).toMatchObject([{ type: 'weights.refused', failure: unsupported }]);
    running.actor.send(opened);
    expect(running.value()).toEqual({ setting: 'checking' });
  });

  it('sends them at once when a connection is opened, and finds them in its blocks', async () => {
    const running = await submitted(sent);
    await running.find.answer(missing);
    running.actor.send(opened);
    expect(running.submit.calls).toHaveLength(2);
    expect(running.context().block).toBe(0);
    await running.submit.answer(succeed('alreadyKnown'));
    running.actor.send(block(403));
    await running.find.answer(included);
    expect(running.facts).toEqual([{ type: 'weights.confirmed', epoch: 7, block: 403 }]);
  });

  it('sends nothing in the last block of its lifetime', async () => {
    const running = await submitted(sent);
    await running.find.answer(missing);
    await blocks(running, [447]);
    expect(running.submit.calls).toHaveLength(1);
    expect(running.value()).toEqual(searching);
  });

  it('asks the chain when the repeated bytes are refused, and signs anew unless they stand', async () => {
    const running = await submitted(sent);
    await running.find.answer(missing);
    running.actor.send(opened);
    await running.submit.answer(fail(refusal({ when: 'nextBlock' })));
    expect(running.value()).toEqual({ setting: 'checking' });
    await running.check.answer(notSet);
    expect(running.prepare.calls).toHaveLength(2);
    await running.prepare.answer(succeed({ prepared: lasting, sealed: null }));
    await running.submit.answer(fail(refusal({ when: 'nextBlock' })));
    expect(running.value()).toEqual({ setting: 'backingOff' });
  });
});

describe('machines / weightSetting beside other programs', () => {
  it('signs anew, unless weights stand, where the nonce of the bytes went to another extrinsic', async () => {
    const running = await submitted(fail({ ...unreachable, _tag: 'Unconfirmed' }));
    await running.find.answer(overtaken);
    expect(running.value()).toEqual({ setting: 'backingOff' });
    expect(running.context()).toMatchObject({ prepared: null, retryAtBlock: 401 });
    running.actor.send(block(401));
    await running.check.answer(notSet);
    expect(running.prepare.calls).toHaveLength(2);
  });

  it('gives up no bytes that live, because a node behind a balancer does not know their block yet', async () => {
    const running = await submitted(sent);
    await running.find.answer(fail({ ...pruned, message: 'UnknownBlock: Header was not found' }));
    expect(running.value()).toEqual(searching);
    running.actor.send(block(401));
    expect(running.find.calls.at(-1)).toMatchObject({ fromBlock: 400, toBlock: 401 });
    await running.find.answer(included);
    expect(running.prepare.calls).toHaveLength(1);
    expect(running.facts).toEqual([{ type: 'weights.confirmed', epoch: 7, block: 403 }]);
  });
});

describe('machines / weightSetting on another endpoint', () => {
  const refusedOnce = async (failure: SubmitFailure) => {
    const fakes = weightFakes();
    const running = start(fakes.machine);
    running.actor.send(block(400));
    running.actor.send(dueEvent());
    await fakes.check.answer(fail(failure));
    return { ...fakes, ...running };
  };

  it('asks again after it had given up, and after an endpoint that could not be reached', async () => {
    for (const failure of [refusal({ when: 'never' }), unreachable]) {
      const { actor, check, value } = await refusedOnce(failure);
      actor.send(opened);
      expect(value()).toEqual({ setting: 'checking' });
      expect(check.calls).toHaveLength(2);
    }
  });

  it('sets weights although an earlier endpoint named a block at 4e9', async () => {
    const running = await refusedOnce(unreachable);
    running.actor.send(opened);
    await running.check.answer(notSet);
    await running.prepare.answer(succeed({ prepared: lasting, sealed: null }));
    await running.submit.answer(sent);
    running.actor.send(block(4_000_000_000));
    await running.find.answer(missing);
    running.actor.send(opened);
    await running.submit.answer(succeed('alreadyKnown'));
    running.actor.send(block(401));
    expect(running.context().block).toBe(401);
    expect(running.facts.map(({ type }) => type)).toEqual(['weights.refused']);
    expect(running.find.calls.at(-1)).toMatchObject({ fromBlock: 400, toBlock: 401 });
    await running.find.answer(included);
    expect(running.facts.at(-1)).toEqual({ type: 'weights.confirmed', epoch: 7, block: 403 });
  });

  it('asks for LastUpdate where the state of its block is gone after a long downtime', async () => {
    const running = await submitted(sent);
    await running.find.answer(missing);
    running.actor.send(block(700));
    await running.find.answer(fail(pruned));
    expect(running.value()).toEqual({ setting: 'checking' });
    await running.check.answer(setAt(403));
    expect(running.facts).toEqual([{ type: 'weights.confirmed', epoch: 7, block: 403 }]);
  });
});
