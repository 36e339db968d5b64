import { describe, expect, it } from 'vitest';
import { assign, createActor, fromCallback, fromPromise, setup, spawnChild, stopChild } from 'xstate';

import type { InspectionEntry } from '#src/domain/view/inspection.ts';
import { createInspection } from '#src/inspector/inspection.ts';

type Event =
  | { readonly type: 'go'; readonly far: number; readonly hidden: string }
  | { readonly type: 'back' }
  | { readonly type: 'fill'; readonly secret: string };

const child = setup({
  types: { events: {} as { readonly type: 'ping' } },
}).createMachine({
  id: 'child',
  initial: 'waiting',
  states: { waiting: { on: { ping: 'over' } }, over: { type: 'final' } },
});

const sample = setup({
  types: { context: {} as { count: number; hidden: string }, events: {} as Event },
  actors: {
    child,
    link: fromCallback(() => {}),
    work: fromPromise<number>(() => Promise.resolve(1)),
  },
  guards: { never: () => false },
}).createMachine({
  id: 'sample',
  context: { count: 0, hidden: 'mine' },
  initial: 'idle',
  states: {
    idle: {
      on: {
        go: { target: 'busy', actions: assign({ count: ({ event }) => event.far }) },
        back: { guard: 'never', target: 'busy' },
      },
    },
    busy: {
      type: 'parallel',
      invoke: { id: 'link', src: 'link' },
      on: { back: 'idle' },
      states: {
        left: { initial: 'one', states: { one: { always: 'two' }, two: {} } },
        right: { invoke: { id: 'kid', src: 'child' }, initial: 'only', states: { only: {} } },
      },
    },
  },
});

const shown = { context: { sample: ['count'] }, events: { go: ['far'] } };

const run = (options: { readonly capacity?: number } = {}) => {
  const inspection = createInspection({ role: 'test', shown, now: () => 7, ...options });
  inspection.subscribe(() => {});
  const actor = createActor(sample, { inspect: inspection.observe, systemId: 'root' });
  return { inspection, actor };
};

const byKind = <Kind extends InspectionEntry['kind']>(entries: readonly InspectionEntry[], kind: Kind) =>
  entries.filter((entry): entry is Extract<InspectionEntry, { kind: Kind }> => entry.kind === kind);

describe('inspector / inspection', () => {
  it('tells births, events, moves and ends, in order and numbered', () => {
    const { inspection, actor } = run();
    actor.start();
    actor.send({ type: 'go', far: 3, hidden: 'x' });
    actor.send({ type: 'back' });
    const { entries, dropped } = inspection.hello();
    expect(dropped).toBe(0);
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));
    const moved = byKind(entries, 'moved').filter(({ actor: id }) => id === actor.sessionId);
    expect(
      moved.map(({ by, transitions, states, context }) => ({ by, transitions, states, context })),
    ).toEqual([
      {
        by: 'go',
        transitions: ['sample.idle~0', 'sample.busy.left.one~0'],
        states: [
          'sample.busy',
          'sample.busy.left',
          'sample.busy.left.two',
          'sample.busy.right',
          'sample.busy.right.only',
        ],
        context: { count: 3 },
      },
      { by: 'back', transitions: ['sample.busy~0'], states: ['sample.idle'], context: null },
    ]);
    expect(byKind(entries, 'event').map(({ event, detail }) => [event, detail])).toEqual([
      ['go', { far: 3 }],
      ['back', {}],
    ]);
    expect(byKind(entries, 'ended').map(({ status }) => status)).toEqual(['stopped', 'stopped']);
    expect(inspection.sizes().failures).toBe(0);
  });
});

const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 70));

describe('inspector / inspection and its viewers', () => {
  it('tells a late viewer of all actors and of what happened last, though nobody looked', () => {
    const inspection = createInspection({ role: 'test', shown });
    const actor = createActor(sample, { inspect: inspection.observe, systemId: 'root' });
    actor.start();
    actor.send({ type: 'go', far: 3, hidden: 'x' });
    expect(inspection.sizes()).toEqual({ living: 0, ended: 0, failures: 0 });
    const { actors, entries } = inspection.hello();
    expect(actors.map(({ id, chart, parent, systemId }) => [id, chart, parent, systemId])).toEqual([
      [actor.id, 'sample', null, 'root'],
      ['link', null, actor.sessionId, null],
      ['kid', 'child', actor.sessionId, null],
    ]);
    expect(actors[0]).toMatchObject({
      context: { count: 3 },
      events: 1,
      lastTransitions: ['sample.idle~0', 'sample.busy.left.one~0'],
    });
    expect(byKind(entries, 'moved').at(-1)).toMatchObject({ by: 'go', context: { count: 3 } });
    const again = inspection.hello();
    expect(again.entries).toEqual(entries);
    expect(again.actors).toEqual(actors);
  });

  it('takes up a system that runs already', () => {
    const actor = createActor(sample, { systemId: 'root' }).start();
    actor.send({ type: 'go', far: 3, hidden: 'x' });
    const inspection = createInspection({ role: 'test', shown });
    inspection.attach(actor);
    expect(inspection.hello().actors.map(({ id }) => id)).toEqual([actor.id, 'link', 'kid']);
  });

  it('delivers in batches, each entry once, and nothing that a greeting had already', async () => {
    const { inspection, actor } = run();
    const batches: (readonly InspectionEntry[])[] = [];
    const end = inspection.subscribe((entries) => void batches.push(entries));
    actor.start();
    for (let far = 0; far < 50; far += 1) {
      actor.send({ type: 'go', far, hidden: 'x' });
      actor.send({ type: 'back' });
    }
    expect(batches).toHaveLength(0);
    await tick();
    expect(batches).toHaveLength(1);
    const seqs = batches.flat().map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    end();
    actor.send({ type: 'go', far: 1, hidden: 'x' });
    await tick();
    expect(batches).toHaveLength(1);
    inspection.close();
  });

  it('goes on when a viewer throws, and when it is closed', async () => {
    const { inspection, actor } = run();
    const got: InspectionEntry[] = [];
    inspection.subscribe(() => {
      throw new Error('the socket is closed');
    });
    inspection.subscribe((entries) => void got.push(...entries));
    actor.start();
    await tick();
    expect(got.length).toBeGreaterThan(0);
    inspection.close();
    actor.send({ type: 'go', far: 1, hidden: 'x' });
    expect(actor.getSnapshot().status).toBe('active');
    inspection.subscribe(() => {})();
  });

  it('holds no more entries than asked for, and says how many made room', () => {
    const { inspection, actor } = run({ capacity: 10 });
    actor.start();
    for (let far = 0; far < 20; far += 1) {
      actor.send({ type: 'go', far, hidden: 'x' });
      actor.send({ type: 'back' });
    }
    const { entries, dropped } = inspection.hello();
    expect(entries).toHaveLength(10);
    expect(dropped).toBe((entries[0]?.seq ?? 0) - 1);
    expect(inspection.session()).toMatchObject({ format: 'miaoai.inspection', version: 1, role: 'test' });
  });

  it('counts events that no state knows, and not those whose condition fails', () => {
    const { inspection, actor } = run();
    actor.start();
    actor.send({ type: 'fill', secret: 'seed phrase' });
    actor.send({ type: 'back' });
    const { entries } = inspection.hello();
    expect(byKind(entries, 'unknown').map(({ event }) => event)).toEqual(['fill']);
    expect(JSON.stringify(entries)).not.toContain('seed phrase');
  });

  it('shows nothing that is not allowed, and secrets not even below what is', () => {
    const wide = { context: { sample: ['count', 'all'] }, events: { go: ['far', 'nested'] } };
    const inspection = createInspection({ role: 'test', shown: wide });
    inspection.subscribe(() => {});
    const actor = createActor(sample, { inspect: inspection.observe }).start();
    const nested = { vector: [1], truth: 'cat', deep: { requestKey: 'abc', kept: 1 } };
    actor.send(Object.assign({ type: 'go' as const, far: 1, hidden: 'x' }, { nested }));
    const text = JSON.stringify(inspection.hello());
    expect(text).toContain('"deep":{"kept":1}');
    for (const word of ['mine', 'vector', 'cat', 'abc', 'requestKey']) expect(text).not.toContain(word);
  });

  it('never throws into the system, whatever events and contexts do when they are read', () => {
    const poisoned: object = new Proxy(
      {},
      {
        get: () => {
          throw new Error('do not touch');
        },
        ownKeys: () => {
          throw new Error('do not list');
        },
        getPrototypeOf: () => {
          throw new Error('do not ask');
        },
      },
    );
    const circular: { self?: unknown; toJSON: () => never } = {
      toJSON: () => {
        throw new Error('do not write');
      },
    };
    circular.self = circular;
    const inspection = createInspection({
      role: 'test',
      shown: { context: { keeper: ['held', 'held.deeper'] }, events: { keep: ['held', 'held.deeper'] } },
    });
    inspection.subscribe(() => {});
    const keeper = setup({
      types: { context: {} as { held: unknown }, events: {} as { type: 'keep'; held: unknown } },
    }).createMachine({
      id: 'keeper',
      context: { held: null },
      on: { keep: { actions: assign({ held: ({ event }) => event.held }) } },
    });
    const actor = createActor(keeper, { inspect: inspection.observe }).start();
    const getter = Object.defineProperty({}, 'deeper', {
      enumerable: true,
      get: () => {
        throw new Error('no');
      },
    });
    for (const held of [
      poisoned,
      circular,
      getter,
      () => 1,
      Symbol('s'),
      10n,
      Number.NaN,
      new Map(),
      'x'.repeat(9_999),
    ]) {
      actor.send({ type: 'keep', held });
      expect(actor.getSnapshot().status).toBe('active');
      expect(() => JSON.stringify(inspection.session())).not.toThrow();
    }
    expect(inspection.sizes().failures).toBe(0);
    expect(JSON.stringify(inspection.hello()).length).toBeLessThan(20_000);
  });

  it('tells an actor that failed from one that is done', async () => {
    const failing = setup({
      actors: { bad: fromPromise(() => Promise.reject(new Error('no luck'))) },
    }).createMachine({ id: 'failing', invoke: { id: 'bad', src: 'bad', onError: {} } });
    const inspection = createInspection({ role: 'test', shown });
    inspection.subscribe(() => {});
    createActor(failing, { inspect: inspection.observe }).start();
    await tick();
    const { actors, entries } = inspection.hello();
    expect(actors.find(({ id }) => id === 'bad')).toMatchObject({ status: 'error', chart: null });
    expect(byKind(entries, 'ended').map(({ status }) => status)).toEqual(['error']);
  });

  it('forgets actors that ended, however many there were', () => {
    const ids = Array.from({ length: 4 }, (_, index) => `kid${index}`);
    const brood = setup({ actors: { child } }).createMachine({
      id: 'brood',
      on: {
        spawn: { actions: ids.map((id) => spawnChild('child', { id })) },
        stop: { actions: ids.map((id) => stopChild(id)) },
      },
    });
    const { watched, dozing } = {
      watched: createInspection({ role: 'test', shown }),
      dozing: createInspection({ role: 'test', shown }),
    };
    watched.subscribe(() => {});
    const actor = createActor(brood, {
      inspect: (event) => {
        watched.observe(event);
        dozing.observe(event);
      },
    }).start();
    for (let born = 0; born < 20_000; born += ids.length) {
      actor.send({ type: 'spawn' });
      actor.send({ type: 'stop' });
    }
    for (const inspection of [watched, dozing]) {
      const { actors, entries } = inspection.hello();
      expect(actors.length).toBeLessThanOrEqual(1 + 256);
      expect(entries.length).toBeLessThanOrEqual(5_000);
      expect(inspection.sizes()).toMatchObject({ living: 1, failures: 0 });
    }
  });
});
