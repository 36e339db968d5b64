import * as Context from 'effect/Context';
import * as Effect from 'effect/Effect';
import type * as Exit from 'effect/Exit';
import * as Layer from 'effect/Layer';
import type { EventObject } from 'xstate';

import type { HoldReasons } from '../domain/workHold.ts';
import type { WorkGate, WorkGateEvent } from '../machines/minerLife.ts';
import { type ActorRuntime, fromScoped, type Link } from './bridge.ts';

/** Whether the desk of this process takes new tasks; the machine decides, the desk asks. */
export type GateState = { reasons: HoldReasons };

export class CurrentGate extends Context.Service<CurrentGate, GateState>()('actors/CurrentGate') {
  static readonly layer = Layer.sync(CurrentGate, (): GateState => ({ reasons: [] }));
}

const isHeld = (event: EventObject): event is Extract<WorkGateEvent, { type: 'work.held' }> =>
  event.type === 'work.held' && 'reasons' in event;

const open = Effect.fn('workGate.open')(function* (
  link: Link<Record<string, never>, EventObject, { readonly type: 'gate.closed' }>,
) {
  const gate = yield* CurrentGate;
  link.receive((event) => {
    if (isHeld(event)) gate.reasons = event.reasons;
  });
  return yield* Effect.never;
});

/** Carries what the machine decided to the desk: a task in a closed gate is refused as `busy`, and its link lives. */
export const workGate = (runtime: ActorRuntime<CurrentGate>): WorkGate =>
  fromScoped(runtime)(open, (_exit: Exit.Exit<never>) => ({ type: 'gate.closed' as const }));
