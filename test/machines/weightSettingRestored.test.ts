import { describe, expect, it } from 'vitest';

import { succeed } from '#src/domain/outcome.ts';
import { isPlainJson, settled, start, throughJson } from '#test/support/machines.ts';
import {
  block,
  dueEvent,
  ended,
  included,
  missing,
  notSet,
  prepared,
  ready,
  sent,
  setAt,
  waysToSet,
  weightFakes,
} from '#test/support/machinesWeights.ts';

/** The machine killed in a state and started again from what was written, with actors that know nothing. */
const restarted = async (state: string) => {
  const before = weightFakes();
  const first = start(before.machine);
  first.actor.send(block(400));
  first.actor.send(dueEvent());
  await waysToSet[state]?.(before, first.actor);
  expect(isPlainJson(first.context())).toBe(true);
  const snapshot = throughJson(first.actor);
  const value = first.value();
  first.actor.stop();
  const fakes = weightFakes();
  return { before: value, ...fakes, ...start(fakes.machine, { snapshot }) };
};

type Restarted = Awaited<ReturnType<typeof restarted>>;

/** Answers whatever the machine asks, block after block. */
const live = async ({ actor, value, check, prepare, submit, find }: Restarted, toBlock: number) => {
  const answers = {
    checking: () => check.answer(notSet),
    preparing: () => prepare.answer(ready()),
    submitting: () => submit.answer(succeed('alreadyKnown')),
    resending: () => submit.answer(succeed('alreadyKnown')),
    looking: () => find.answer(find.calls.at(-1)?.toBlock === toBlock ? included : missing),
  };
  for (let height = 401; height <= toBlock; height += 1) {
    actor.send(block(height));
    for (let step = 0; step < 5; step += 1) {
      const asked = Object.entries(answers).find(([state]) => JSON.stringify(value()).includes(state));
      await asked?.[1]();
      await settled();
    }
  }
};

describe('machines / weightSetting restored', () => {
  it('is in the state it was killed in, with its context', async () => {
    for (const state of Object.keys(waysToSet)) {
      const { before, value, context, errors } = await restarted(state);
      expect(value(), state).toEqual(before);
      expect(context()).toMatchObject({ block: 400, due: { epoch: 7 } });
      expect(errors).toEqual([]);
    }
  });

  it('asks again what it had asked, and only that', async () => {
    const asked = {
      checking: 0,
      preparing: 1,
      submitting: 2,
      'confirming.looking': 3,
      'confirming.resending': 2,
    };
    for (const [state, index] of Object.entries(asked)) {
      const { check, prepare, submit, find } = await restarted(state);
      const calls = [check, prepare, submit, find].map((task) => task.calls.length);
      expect(calls, state).toEqual([0, 1, 2, 3].map((at) => (at === index ? 1 : 0)));
    }
  });

  it('comes to confirmed weights from every state while blocks go on', async () => {
    for (const state of Object.keys(waysToSet).filter((name) => name !== 'givenUp')) {
      const toBlock = state === 'backingOff' ? 421 : 405;
      const running = await restarted(state);
      const eraLives = { ...prepared, expiresAtBlock: 448 };
      await live(
        {
          ...running,
          prepare: {
            ...running.prepare,
            answer: () => running.prepare.answer(succeed({ prepared: eraLives, sealed: null })),
          },
        },
        toBlock,
      );
      const confirmed = running.facts.filter(({ type }) => type === 'weights.confirmed');
      expect(confirmed, state).toEqual([{ type: 'weights.confirmed', epoch: 7, block: 403 }]);
    }
  });

  it('misses the epoch once from every state when nothing is ever found', async () => {
    for (const state of Object.keys(waysToSet)) {
      const running = await restarted(state);
      running.actor.send(ended(7));
      for (const height of [409, 410, 450]) {
        running.actor.send(block(height));
        if (JSON.stringify(running.value()).includes('resending')) await running.submit.answer(sent);
        if (JSON.stringify(running.value()).includes('looking')) await running.find.answer(missing);
      }
      running.actor.send(ended(7));
      const missed = running.facts.filter(({ type }) => type === 'weights.missed');
      expect(missed, state).toEqual([{ type: 'weights.missed', epoch: 7, behind: 1 }]);
    }
  });

  it('sends no weights of an epoch that ended while it was down, but confirms those that stand', async () => {
    const late = await restarted('checking');
    late.actor.send(block(460));
    await late.check.answer(notSet);
    expect(late.facts).toEqual([{ type: 'weights.missed', epoch: 7, behind: 1 }]);
    expect(late.prepare.calls).toEqual([]);
    const standing = await restarted('checking');
    standing.actor.send(block(460));
    await standing.check.answer(setAt(403));
    expect(standing.facts).toEqual([{ type: 'weights.confirmed', epoch: 7, block: 403 }]);
  });

  it('keeps what it has confirmed', async () => {
    const fakes = weightFakes();
    const first = start(fakes.machine);
    first.actor.send(dueEvent());
    await fakes.check.answer(setAt(403));
    const again = weightFakes();
    const { actor, facts } = start(again.machine, { snapshot: throughJson(first.actor) });
    actor.send(dueEvent());
    actor.send(ended(7));
    expect(again.check.calls).toEqual([]);
    expect(facts).toEqual([]);
  });
});
