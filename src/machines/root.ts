import type { AnyActorRef } from 'xstate';

/**
 * Children report facts to the root of their system, which is registered under this id. Looking the root up keeps
 * actor references out of contexts, which are persisted as plain JSON.
 */
export const rootId = 'root';

/** Target for `sendTo`. In a pure `transition()` there is no system: XState then falls back to the actor itself. */
export const root = ({ system }: { readonly system: AnyActorRef['system'] }): AnyActorRef =>
  system.get(rootId);

/** The done and error events of dynamic children, as a supervisor declares them in its event union. */
export type ChildEnded =
  | { readonly type: `xstate.done.actor.${string}`; readonly actorId: string; readonly output: unknown }
  | { readonly type: `xstate.error.actor.${string}`; readonly actorId: string; readonly error: unknown };
