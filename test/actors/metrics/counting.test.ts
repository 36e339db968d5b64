import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { describe, expect, it } from 'vitest';
import { createActor, createMachine, enqueueActions, setup } from 'xstate';

import { createCounting } from '#src/actors/metrics/counting.ts';
import { rootId } from '#src/machines/root.ts';

const broken = (): never => {
  throw new Error('a bug');
};

const session = createMachine({
  id: 'minerSession',
  initial: 'linked',
  states: { linked: { on: { 'link.opened': { actions: broken } } } },
});

/** A root that begins sessions, and takes one that has a defect out of its children. */
const validator = setup({ actors: { session } }).createMachine({
  id: 'validator',
  on: {
    'session.begin': {
      actions: enqueueActions(({ enqueue }) => enqueue.spawnChild('session', { id: 'session/5A' })),
    },
    'xstate.error.actor.*': {
      actions: enqueueActions(({ enqueue, event }) => {
        if ('actorId' in event) enqueue.stopChild(String(event['actorId']));
      }),
    },
  },
});

const collectGarbage = async (): Promise<void> => {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  // A weak reference is kept alive until its turn of the event loop is over.
  await new Promise((resolve) => setImmediate(resolve));
  if (typeof gc === 'function') gc();
};

describe('actors/metrics / counting', () => {
  it('does not hold on to sessions that ended by a defect, though nobody ever reads the counters', async () => {
    const counting = createCounting('validator');
    const actor = createActor(validator, { systemId: rootId, inspect: counting.onInspection }).start();
    const begun: WeakRef<object>[] = [];
    for (let index = 0; index < 2_000; index += 1) {
      actor.send({ type: 'session.begin' });
      const ref = actor.getSnapshot().children['session/5A'];
      if (ref !== undefined) begun.push(new WeakRef(ref));
      ref?.send({ type: 'link.opened' });
    }
    expect(begun).toHaveLength(2_000);
    expect(actor.getSnapshot().children).toEqual({});
    await collectGarbage();
    expect(begun.filter((ref) => ref.deref() !== undefined).length).toBeLessThan(600);
    expect(counting.readings().filter(({ name }) => name === 'session_state')).toEqual([]);
    actor.stop();
  });
});
