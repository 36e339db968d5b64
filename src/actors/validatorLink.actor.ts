import * as Deferred from 'effect/Deferred';
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import type { EventObject } from 'xstate';

import type { LinkFailure } from '../domain/failures.ts';
import { type Outcome, succeed } from '../domain/outcome.ts';
import type { AcceptValidator, ValidatorSessionEvent } from '../machines/validatorSession.machine.ts';
import { type AdmissionRules, mayAsk } from '../machines/validatorSessions.ts';
import type { PeerConnection } from '../transport/connection.ts';
import { type Message, PROTOCOL_VERSION, type Tasks } from '../transport/protocol.ts';
import { type AnswerOutbox, AnswerOutboxes } from './answerOutbox.ts';
import { Arrivals } from './arrivals.ts';
import { type ActorRuntime, fromScoped, type Link } from './bridge.ts';
import { CurrentChain } from './currentChain.ts';
import { linkClosed } from './linkClosed.ts';
import type { Seat, TaskDesk } from './taskDesk.ts';
import type { TaskTraces } from './tracing/taskTraces.ts';
import { Traces } from './tracing/tracing.ts';

type Emit = (event: ValidatorSessionEvent) => void;
type TaskItem = (typeof Tasks.Type)['tasks'][number];

const gone = { _tag: 'Lost', message: 'the connection ended before a session took it' } as const;

/** Serves the tasks of one validator over one link. Answers are the outbox's, which outlives the link. */
const createServing = (options: {
  readonly peer: PeerConnection;
  readonly seat: Seat;
  readonly outbox: AnswerOutbox;
  readonly emit: Emit;
  /** Asked with each batch of tasks: a validator may lose its permit while its link lives. */
  readonly mayAsk: () => Outcome<void, string>;
  readonly onRevoked: (reason: string) => void;
  /** null: nothing is traced. */
  readonly traces: TaskTraces | null;
}) => {
  const { peer, seat, outbox, emit, traces } = options;
  const { hotkey } = peer.remote;
  let open = 0;
  let isRefusing = false;

  const answer = async ({ id, kind, request }: TaskItem, deadlineAt: number, receivedAtMs: number) => {
    const trace = traces?.begin({ id, kind, receivedAtMs }) ?? null;
    const startedMs = performance.now();
    const watching = trace === null ? {} : { onRun: trace.onRun };
    const result = await seat.answer({ kind, request, deadlineAt, ...watching });
    trace?.answered(result.ok ? null : result.error);
    if (!result.ok) return result;
    const elapsedMs = performance.now() - startedMs;
    const value = result.value as Record<string, never>;
    return succeed({ type: 'answer', v: PROTOCOL_VERSION, id, answer: value, elapsedMs } as const);
  };

  const take = (task: TaskItem, deadlineAtMs: number, receivedAtMs: number): void => {
    const { id, kind } = task;
    // What was admitted before is answered even while no new work is taken.
    if (isRefusing && !outbox.has(hotkey, id)) {
      peer.send({ type: 'refusal', v: PROTOCOL_VERSION, id, reason: 'busy' });
      return;
    }
    open += 1;
    if (open === 1) emit({ type: 'link.busy' });
    const work = (deadline: number) => answer(task, deadline, receivedAtMs);
    void outbox.take(hotkey, { id, kind, deadlineAtMs, work }).finally(() => {
      open -= 1;
      if (open === 0) emit({ type: 'link.idle' });
    });
  };

  return {
    onMessage: (message: Message, receivedAtMs: number): void => {
      if (message.type === 'ack' || message.type === 'unknown') {
        outbox.drop(hotkey, message.ids, message.type);
        traces?.acknowledged(message.ids);
      }
      if (message.type !== 'tasks') return;
      const allowed = options.mayAsk();
      if (!allowed.ok) {
        options.onRevoked(allowed.error);
        return;
      }
      for (const task of message.tasks) take(task, receivedAtMs + message.deadlineMs, receivedAtMs);
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
    const outbox = yield* AnswerOutboxes;
    const traces = (yield* Traces)?.tasks ?? null;
    const serving = createServing({
      peer,
      seat,
      outbox,
      traces,
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
    // What an earlier link of this validator left unacknowledged goes first.
    yield* Effect.acquireRelease(
      Effect.sync(() => outbox.attach(peer.remote.hotkey, (message) => peer.send(message).ok)),
      (detach) => Effect.sync(detach),
    );
    peer.listen(serving.onMessage);
    return yield* Effect.raceFirst(
      Deferred.await(revoked),
      Effect.flatMap(peer.closed, (failure) => Effect.fail(failure)),
    );
  });

/** One validator's link: its handshake, its tasks, its end. */
export const validatorLink = (
  runtime: ActorRuntime<Arrivals | CurrentChain | AnswerOutboxes>,
  serving: { readonly desk: TaskDesk; readonly rules: AdmissionRules },
): AcceptValidator =>
  fromScoped(runtime)(open(serving), (exit) => ({ type: 'link.closed' as const, failure: linkClosed(exit) }));
