import * as Deferred from 'effect/Deferred';
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import type { EventObject } from 'xstate';

import type { LinkFailure } from '../domain/failures.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { AcceptValidator, ValidatorSessionEvent } from '../machines/validatorSession.machine.ts';
import { type AdmissionRules, mayAsk } from '../machines/validatorSessions.ts';
import type { PeerConnection } from '../transport/connection.ts';
import { type Message, PROTOCOL_VERSION, type Tasks } from '../transport/protocol.ts';
import { Arrivals } from './arrivals.ts';
import { type ActorRuntime, fromScoped, type Link } from './bridge.ts';
import { CurrentChain } from './currentChain.ts';
import { linkClosed } from './linkClosed.ts';
import type { RefusalReason, Seat, TaskDesk } from './taskDesk.ts';

type Emit = (event: ValidatorSessionEvent) => void;
type TaskItem = (typeof Tasks.Type)['tasks'][number];

const gone = { _tag: 'Lost', message: 'the connection ended before a session took it' } as const;

/** Serves the tasks of one validator over one link. */
const createServing = (options: {
  readonly peer: PeerConnection;
  readonly seat: Seat;
  readonly emit: Emit;
  /** Asked with each batch of tasks: a validator may lose its permit while its link lives. */
  readonly mayAsk: () => Outcome<void, string>;
  readonly onRevoked: (reason: string) => void;
}) => {
  const { peer, seat, emit } = options;
  let open = 0;
  let isRefusing = false;

  const refuse = (id: string, reason: RefusalReason): void => {
    peer.send({ type: 'refusal', v: PROTOCOL_VERSION, id, reason });
  };

  const work = async (task: TaskItem, deadlineAt: number): Promise<void> => {
    const startedMs = performance.now();
    const result = await seat.answer({ kind: task.kind, request: task.request, deadlineAt });
    if (!result.ok) {
      refuse(task.id, result.error);
      return;
    }
    const elapsedMs = performance.now() - startedMs;
    const answer = result.value as Record<string, never>;
    peer.send({ type: 'answer', v: PROTOCOL_VERSION, id: task.id, answer, elapsedMs });
  };

  const take = (task: TaskItem, deadlineAt: number): void => {
    if (isRefusing) {
      refuse(task.id, 'busy');
      return;
    }
    open += 1;
    if (open === 1) emit({ type: 'link.busy' });
    void work(task, deadlineAt)
      .catch(() => refuse(task.id, 'failed'))
      .finally(() => {
        open -= 1;
        if (open === 0) emit({ type: 'link.idle' });
      });
  };

  return {
    onMessage: (message: Message, receivedAtMs: number): void => {
      if (message.type !== 'tasks') return;
      const allowed = options.mayAsk();
      if (!allowed.ok) {
        options.onRevoked(allowed.error);
        return;
      }
      for (const task of message.tasks) take(task, receivedAtMs + message.deadlineMs);
    },
    refuseTasks: () => {
      isRefusing = true;
      if (open === 0) emit({ type: 'link.idle' });
    },
  };
};

const isDismissal = (
  event: EventObject,
): event is { readonly type: 'link.dismiss'; readonly reason: string } =>
  event.type === 'link.dismiss' && 'reason' in event;

const open = ({ desk, rules }: { readonly desk: TaskDesk; readonly rules: AdmissionRules }) =>
  Effect.fn('validatorLink.open')(function* (
    link: Link<{ readonly arrival: string }, EventObject, ValidatorSessionEvent>,
  ) {
    const arrivals = yield* Arrivals;
    const arrival = arrivals.get(link.input.arrival);
    arrivals.delete(link.input.arrival);
    if (arrival === undefined) return yield* Effect.fail(gone);
    const peer = yield* arrival.accept;
    const chain = yield* CurrentChain;
    const offer = (maxInFlight: number): void => {
      const [kinds, models] = [desk.kinds(), desk.models()];
      peer.send({ type: 'ready', v: PROTOCOL_VERSION, kinds, models, maxInFlight });
    };
    const seat = yield* Effect.acquireRelease(
      Effect.sync(() => desk.join(peer.remote.hotkey, offer)),
      ({ leave }) => Effect.sync(leave),
    );
    const revoked = yield* Deferred.make<never, LinkFailure>();
    const serving = createServing({
      peer,
      seat,
      emit: link.emit,
      mayAsk: () => mayAsk(chain.subnet, peer.remote.hotkey, rules),
      onRevoked: (message) => void Deferred.doneUnsafe(revoked, Exit.fail({ _tag: 'Refused', message })),
    });
    link.receive((event) => {
      if (event.type === 'link.refuseTasks') serving.refuseTasks();
      if (isDismissal(event)) peer.close(event.reason);
    });
    link.emit({ type: 'link.opened', hotkey: peer.remote.hotkey });
    offer(seat.share());
    peer.listen(serving.onMessage);
    return yield* Effect.raceFirst(
      Deferred.await(revoked),
      Effect.flatMap(peer.closed, (failure) => Effect.fail(failure)),
    );
  });

/** One validator's link: its handshake, its tasks, its end. */
export const validatorLink = (
  runtime: ActorRuntime<Arrivals | CurrentChain>,
  serving: { readonly desk: TaskDesk; readonly rules: AdmissionRules },
): AcceptValidator =>
  fromScoped(runtime)(open(serving), (exit) => ({ type: 'link.closed' as const, failure: linkClosed(exit) }));
