import { describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor, createMachine, sendTo, setup } from 'xstate';

import { createObserver } from '#src/actors/observer.ts';
import { createLogger, type Logger } from '#src/logging.ts';
import { root, rootId } from '#src/machines/root.ts';
import { recordingLog } from '#test/support/actors.ts';

const child = createMachine({
  id: 'child',
  initial: 'calm',
  states: {
    calm: { on: { stir: 'stirred' } },
    stirred: {
      entry: sendTo(root, {
        type: 'weights.missed',
        epoch: 7,
        behind: 2,
        token: 'never shown',
      }),
    },
  },
});

const parent = setup({ actors: { child } }).createMachine({
  id: 'parent',
  initial: 'alive',
  invoke: { id: 'child', src: 'child' },
  states: { alive: { on: { 'system.drain': 'over' } }, over: {} },
});

/** Runs a parent and its child under an observer. */
const run = (log: Logger, onTransition: (ref: AnyActorRef) => void = () => {}) => {
  const errors: unknown[] = [];
  const actor = createActor(parent, { systemId: rootId, inspect: createObserver({ log, onTransition }) });
  actor.subscribe({ error: (error) => void errors.push(error) });
  actor.start();
  const stir = (): void => actor.getSnapshot().children.child?.send({ type: 'stir' });
  return { actor, errors, stir };
};

describe('actors / observer', () => {
  it('writes facts that the root hears with their level, and transitions at debug', () => {
    const { log, lines } = recordingLog();
    const { stir, actor } = run(log);
    stir();
    actor.send({ type: 'system.drain', reason: 'SIGTERM' });
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'error', event: 'weights.missed', epoch: 7, behind: 2, token: '***' }),
    );
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'info', event: 'system.drain', reason: 'SIGTERM' }),
    );
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 'debug',
        event: 'machine.moved',
        actor: 'child',
        from: 'calm',
        to: 'stirred',
        by: 'stir',
      }),
    );
    expect(lines.filter(({ event }) => event === 'weights.missed')).toHaveLength(1);
  });

  it('tells no weights before they are public, only how many there are', () => {
    const { log, lines } = recordingLog();
    const { actor } = run(log);
    const vector = { uids: [3, 4], values: [23_457, 65_535] };
    const commit = { epoch: 7, committedAtBlock: 5, vector };
    for (const event of [
      { type: 'epoch.scored', epoch: 7, vector },
      { type: 'commit.stood', ...commit },
      { type: 'weights.committed', epoch: 7, block: 5 },
    ]) {
      actor.send(event);
    }
    expect(lines.filter(({ event }) => event === 'epoch.scored')).toMatchObject([{ epoch: 7, weights: 2 }]);
    expect(JSON.stringify(lines)).not.toContain('23457');
    actor.send({ type: 'weights.unrevealed', epoch: 7, vector } as { type: string });
    expect(lines.at(-1)).toMatchObject({ level: 'error', event: 'weights.unrevealed', vector });
  });

  it('is silent about events without a saying, whatever they are called', () => {
    const { log, lines } = recordingLog();
    const { actor } = run(log);
    const before = lines.length;
    for (const type of ['constructor', 'toString', '__proto__', 'nobody.knows']) actor.send({ type });
    expect(lines.slice(before)).toEqual([]);
  });

  it('tells of each transition with the actor in its new state', () => {
    const seen: unknown[] = [];
    const { stir } = run(recordingLog().log, (ref) => {
      if (ref.id === 'child') seen.push(ref.getSnapshot().value);
    });
    stir();
    expect(seen.at(-1)).toBe('stirred');
  });

  it.each<readonly [string, () => Logger, (ref: AnyActorRef) => void]>([
    [
      'a logger that throws',
      () =>
        createLogger({
          level: 'debug',
          format: 'json',
          role: 'test',
          hotkey: null,
          stream: {
            write: () => {
              throw new Error('no space left on device');
            },
          },
        }),
      () => {},
    ],
    [
      'a listener that throws',
      () => recordingLog().log,
      () => {
        throw new Error('a bug');
      },
    ],
  ])('keeps %s away from the system', (_what, logOf, onTransition) => {
    const { actor, errors, stir } = run(logOf(), onTransition);
    stir();
    actor.send({ type: 'system.drain', reason: 'SIGTERM' });
    expect(errors).toEqual([]);
    expect(actor.getSnapshot().status).toBe('active');
    expect(actor.getSnapshot().value).toBe('over');
    expect(actor.getSnapshot().children.child?.getSnapshot().value).toBe('stirred');
  });
});
