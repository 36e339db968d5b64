import * as Context from 'effect/Context';
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import * as Layer from 'effect/Layer';
import * as ManagedRuntime from 'effect/ManagedRuntime';
import { describe, expect, it } from 'vitest';
import { createActor, type EventObject, type PromiseActorLogic, setup } from 'xstate';

import { ActorFibers, fromEffect, fromScoped, type Link } from '#src/actors/bridge.ts';
import type { Outcome } from '#src/domain/outcome.ts';
import { hostLink } from '#test/support/actors.ts';
import { until } from '#test/support/peers.ts';

/** A service with a release, in the place of a chain client. */
class Client extends Context.Service<Client, { readonly name: string }>()('test/Client') {}

/** A runtime over a client whose life is written down. */
const openRuntime = () => {
  const story: string[] = [];
  const client = Layer.effect(
    Client,
    Effect.acquireRelease(
      Effect.sync(() => ({ name: 'client' })),
      () => Effect.sync(() => story.push('client released')),
    ),
  );
  const runtime = ManagedRuntime.make(ActorFibers.layer.pipe(Layer.provideMerge(client)));
  return { runtime, story };
};

type Down = { readonly type: 'link.down'; readonly how: string; readonly name: string };

const down = (exit: Exit.Exit<unknown, string>, input: { readonly name: string }): Down => ({
  type: 'link.down',
  how: Exit.isSuccess(exit) ? 'ended' : 'failed',
  name: input.name,
});

type Input = { readonly name: string };
type Open = (link: Link<Input, EventObject, EventObject>) => Effect.Effect<unknown, string, never>;

/** The machine that asks one question and says in which way it was answered. */
const asking = <A, E>(logic: PromiseActorLogic<Outcome<A, E>, unknown>) => {
  const seen: { how: string; data: unknown }[] = [];
  const machine = setup({ actors: { question: logic } }).createMachine({
    initial: 'asking',
    states: {
      asking: {
        invoke: {
          src: 'question',
          input: () => ({}),
          onDone: {
            target: 'over',
            actions: ({ event }) => void seen.push({ how: 'done', data: event.output }),
          },
          onError: {
            target: 'over',
            actions: ({ event }) => void seen.push({ how: 'error', data: event.error }),
          },
        },
        on: { leave: 'over' },
      },
      over: {},
    },
  });
  const actor = createActor(machine);
  actor.start();
  return { actor, seen };
};

describe('actors / bridge', () => {
  it('brings an answer and an expected failure as data of onDone', async () => {
    const { runtime } = openRuntime();
    const answered = asking(fromEffect(runtime)(() => Effect.map(Client, ({ name }) => name)));
    const failed = asking(fromEffect(runtime)(() => Effect.fail({ _tag: 'Refused' })));
    await until(() => answered.seen.length + failed.seen.length === 2, 'both answers');
    expect(answered.seen).toEqual([{ how: 'done', data: { ok: true, value: 'client' } }]);
    expect(failed.seen).toEqual([{ how: 'done', data: { ok: false, error: { _tag: 'Refused' } } }]);
    await runtime.dispose();
  });

  it('brings a defect to onError', async () => {
    const { runtime } = openRuntime();
    const { seen } = asking(fromEffect(runtime)(() => Effect.die(new TypeError('a bug'))));
    await until(() => seen.length === 1, 'the defect');
    expect(seen[0]?.how).toBe('error');
    expect(String(seen[0]?.data)).toContain('a bug');
    await runtime.dispose();
  });

  it('interrupts a question that nobody waits for any more, and drops its answer', async () => {
    const { runtime } = openRuntime();
    const story: string[] = [];
    const { actor, seen } = asking(
      fromEffect(runtime)(() =>
        Effect.onInterrupt(Effect.sleep(60_000), () => Effect.sync(() => story.push('interrupted'))),
      ),
    );
    actor.send({ type: 'leave' });
    await until(() => story.length === 1, 'the interruption');
    expect(seen).toEqual([]);
    expect(actor.getSnapshot().value).toBe('over');
    await runtime.dispose();
  });

  it.each<readonly [string, Open, string]>([
    ['it ends', () => Effect.void, 'ended'],
    ['it fails', () => Effect.fail('broken'), 'failed'],
    ['it dies', () => Effect.die(new Error('a bug')), 'failed'],
  ])('says exactly once that a link is down, after its release: %s', async (_how, open, how) => {
    const { runtime, story } = openRuntime();
    const logic = fromScoped(runtime)(
      (link: Link<Input, EventObject, EventObject>) =>
        Effect.andThen(
          Effect.addFinalizer(() => Effect.sync(() => story.push('link released'))),
          open(link),
        ),
      (exit: Exit.Exit<unknown, string>, input: Input) => {
        story.push('down');
        return down(exit, input);
      },
    );
    const host = hostLink(logic, { name: 'one' });
    await host.event('link.down');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(host.events).toEqual([{ type: 'link.down', how, name: 'one' }]);
    expect(story).toEqual(['link released', 'down']);
    expect(host.errors).toEqual([]);
    await runtime.dispose();
  });

  it('carries events both ways while the link lives, and none after its state was left', async () => {
    const { runtime } = openRuntime();
    const story: string[] = [];
    let say: (event: EventObject) => void = () => {};
    const logic = fromScoped(runtime)(
      ({ emit, receive }: Link<Input, EventObject, EventObject>) =>
        Effect.gen(function* () {
          yield* Effect.addFinalizer(() => Effect.sync(() => story.push('released')));
          receive(({ type }) => emit({ type: `heard.${type}` }));
          say = emit;
          emit({ type: 'link.opened' });
          return yield* Effect.never;
        }),
      down,
    );
    const host = hostLink(logic, { name: 'one' });
    host.tell({ type: 'hello' });
    expect(host.types()).toEqual(['link.opened', 'heard.hello']);
    host.leave();
    await until(() => story.length === 1, 'the release');
    say({ type: 'too.late' });
    await new Promise((resolve) => setTimeout(resolve, 20));
    // Whoever left the state does not want to know: not even that the link is down.
    expect(host.types()).toEqual(['link.opened', 'heard.hello']);
    await runtime.dispose();
  });

  it('lets a defect of one link leave the others alone', async () => {
    const { runtime } = openRuntime();
    const steady = fromScoped(runtime)(({ emit, receive }: Link<Input, EventObject, EventObject>) => {
      receive(({ type }) => emit({ type }));
      return Effect.never;
    }, down);
    const broken = fromScoped(runtime)(() => Effect.die(new Error('a bug')), down);
    const first = hostLink(steady, { name: 'first' });
    const second = hostLink(broken, { name: 'second' });
    await second.event('link.down');
    first.tell({ type: 'still.here' });
    expect(first.types()).toEqual(['still.here']);
    await runtime.dispose();
  });

  it('releases links before what they use, and disposing waits for all of it', async () => {
    const { runtime, story } = openRuntime();
    const logic = fromScoped(runtime)(
      ({ input, emit }: Link<Input, EventObject, EventObject>) =>
        Effect.gen(function* () {
          const { name } = yield* Client;
          yield* Effect.addFinalizer(() =>
            Effect.andThen(
              Effect.sleep(50),
              Effect.sync(() => story.push(`${input.name} released, ${name} still there`)),
            ),
          );
          emit({ type: 'link.opened' });
          return yield* Effect.never;
        }),
      down,
    );
    const left = hostLink(logic, { name: 'left' });
    hostLink(logic, { name: 'open' });
    expect(left.types()).toEqual(['link.opened']);
    left.leave();
    expect(story).toEqual([]);
    await runtime.dispose();
    expect(story.toSorted()).toEqual(
      [
        'client released',
        'left released, client still there',
        'open released, client still there',
      ].toSorted(),
    );
    expect(story.at(-1)).toBe('client released');
  });

  it('refuses to open a link on a runtime that is gone, where its machine can see it', async () => {
    const { runtime } = openRuntime();
    await runtime.runPromise(Client);
    await runtime.dispose();
    const host = hostLink(
      fromScoped(runtime)(() => Effect.never, down),
      { name: 'late' },
    );
    await until(() => host.errors.length === 1, 'the error');
    expect(host.events).toEqual([]);
  });
});
