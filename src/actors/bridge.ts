import * as Context from 'effect/Context';
import * as Effect from 'effect/Effect';
import type * as Exit from 'effect/Exit';
import * as FiberSet from 'effect/FiberSet';
import * as Layer from 'effect/Layer';
import type * as ManagedRuntime from 'effect/ManagedRuntime';
import type * as Scope from 'effect/Scope';
import type { CallbackActorLogic, EventObject, PromiseActorLogic } from 'xstate';
import { fromCallback, fromPromise } from 'xstate';

import { fail, type Outcome, succeed } from '../domain/outcome.ts';

/**
 * The border between XState and Effect. An effect becomes an actor in one of two ways, and nowhere else:
 * `fromEffect` for one question with one answer, `fromScoped` for a resource that lives as long as a state.
 */

/** Owns every fiber an actor starts, so that disposing the runtime waits for their release. */
export class ActorFibers extends Context.Service<ActorFibers, FiberSet.FiberSet<void, never>>()(
  'actors/ActorFibers',
) {
  static readonly layer = Layer.effect(ActorFibers, FiberSet.make<void, never>());
}

export type ActorRuntime<R> = ManagedRuntime.ManagedRuntime<R | ActorFibers, never>;

/** One question, one answer. Expected failures resolve as data; only a defect rejects. */
export const fromEffect =
  <R>(runtime: ActorRuntime<R>) =>
  <Input, A, E>(run: (input: Input) => Effect.Effect<A, E, R>): PromiseActorLogic<Outcome<A, E>, Input> =>
    fromPromise<Outcome<A, E>, Input>(({ input, signal }) =>
      runtime.runPromise(
        Effect.match(run(input), {
          onSuccess: (value): Outcome<A, E> => succeed(value),
          onFailure: (error): Outcome<A, E> => fail(error),
        }),
        { signal },
      ),
    );

/** What a long-lived actor is given: events out by `emit`, events in through `receive`. */
export type Link<Input, In, Out> = {
  readonly input: Input;
  readonly emit: (event: Out) => void;
  readonly receive: (listener: (event: In) => void) => void;
};

/** A resource that lives as long as its state. `down` turns its end, however it came, into the last event. */
export const fromScoped =
  <R>(runtime: ActorRuntime<R>) =>
  <Input extends object, In extends EventObject, Out extends EventObject, A, E>(
    open: (link: Link<Input, In, Out>) => Effect.Effect<A, E, R | Scope.Scope>,
    down: (exit: Exit.Exit<A, E>, input: Input) => Out,
  ): CallbackActorLogic<In, Input> =>
    fromCallback<In, Input>(({ input, receive, sendBack }) => {
      let isLeft = false;
      // XState calls the clean-up before it counts the actor as stopped: a scope that closes at once would still be
      // heard, by a parent that has moved on and may hold the next link already.
      const emit = (event: Out): void => {
        if (!isLeft) sendBack(event);
      };
      const life = Effect.scoped(open({ input, emit, receive })).pipe(
        Effect.onExit((exit) => Effect.sync(() => emit(down(exit, input)))),
        Effect.exit,
        Effect.asVoid,
        // `Effect.scoped` removes `Scope` from a generic requirement, which the compiler cannot see.
      ) as Effect.Effect<void, never, R>;
      const fiber = runtime.runSync(Effect.flatMap(ActorFibers, (fibers) => FiberSet.run(fibers, life)));
      return () => {
        isLeft = true;
        fiber.interruptUnsafe();
      };
    });
