import * as Effect from 'effect/Effect';

import { minerLink } from '#src/actors/minerLink.actor.ts';
import { drawRequestKey } from '#src/actors/requestIds.ts';
import type { AnswerJudged, RoundPlanned } from '#src/domain/evidence.ts';
import { createRandom } from '#src/domain/random.ts';
import { roundId, taskId } from '#src/domain/roundPlan.ts';
import { type TaskKind, taskKinds } from '#src/domain/tasks/kinds.ts';
import type { Store } from '#src/store/store.ts';
import type { PeerConnection } from '#src/transport/connection.ts';
import type { Message, Tasks } from '#src/transport/protocol.ts';
import { type Host, hostLink, type ValidatorLife } from '#test/support/actors.ts';
import { identityOfUri, NETUID, startListener, testLimits, validatorIdentity } from '#test/support/peers.ts';

/** Miners whose answers the test decides, over real links on loopback. */

export type PlannedTask = RoundPlanned['tasks'][number];

/** The planned task behind the request at a place of the frame. */
export const taskAt = (plan: RoundPlanned, index: number): PlannedTask => {
  const task = plan.tasks[index];
  if (task === undefined) throw new Error(`task ${index} was not planned`);
  return task;
};

/** The answer a perfect model would give, with full confidence. */
export const rightAnswer = (task: PlannedTask): Record<string, string | number> => {
  const truth = task.truth as { readonly class_id?: string; readonly label?: string };
  return task.kind === 'sentiment_analysis'
    ? { sentiment_score: truth.label === 'Positive' ? 1 : 0, confidence: 1 }
    : { class_id: truth.class_id ?? '', confidence: 1 };
};

export const wrongAnswer = (task: PlannedTask): Record<string, string | number> => {
  const truth = task.truth as { readonly label?: string };
  return task.kind === 'sentiment_analysis'
    ? { sentiment_score: truth.label === 'Positive' ? 0 : 1, confidence: 1 }
    : { class_id: 'no such class', confidence: 1 };
};

type TasksMessage = typeof Tasks.Type;

export type ScriptedMiner = {
  readonly hotkey: string;
  readonly host: Host;
  /** All `tasks` messages so far. */
  readonly asked: readonly TasksMessage[];
  /** Ids that were acknowledged. */
  readonly acked: ReadonlySet<string>;
  /** Ids of answers that need not be kept, as often as that was said. */
  readonly unwanted: readonly string[];
  /** Everything that came over the link. */
  readonly messages: readonly Message[];
  /** What to do with the next messages. */
  onTasks: (message: TasksMessage) => void;
  readonly answer: (id: string, answer: Record<string, never> | object) => void;
  readonly refuse: (id: string) => void;
  readonly peer: PeerConnection;
  /** Ends the miner as a process that dies. */
  readonly vanish: () => Promise<void>;
};

/** A miner on a port of its own, and the validator's link actor to it, open. */
export const linkMiner = async (life: ValidatorLife, uri: string): Promise<ScriptedMiner> => {
  const identity = identityOfUri(uri);
  const genesisHash = life.chain.connection?.genesisHash ?? '';
  const listener = await startListener({ identity, genesisHash });
  const accepting = listener.acceptNext();
  const logic = minerLink(life.runtime, { identity: validatorIdentity, netuid: NETUID, limits: testLimits });
  const host = hostLink(logic, {
    hotkey: identity.hotkey,
    axon: { ip: '127.0.0.1', port: listener.port },
  });
  const peer = await accepting;
  const asked: TasksMessage[] = [];
  const acked = new Set<string>();
  const unwanted: string[] = [];
  const messages: Message[] = [];
  const miner: ScriptedMiner = {
    hotkey: identity.hotkey,
    host,
    asked,
    acked,
    unwanted,
    messages,
    onTasks: () => {},
    answer: (id, answer) => {
      peer.send({ type: 'answer', v: 1, id, answer: answer as Record<string, never>, elapsedMs: 1 });
    },
    refuse: (id) => {
      peer.send({ type: 'refusal', v: 1, id, reason: 'busy' });
    },
    peer,
    vanish: listener.close,
  };
  peer.listen((message: Message) => {
    messages.push(message);
    if (message.type === 'ack') for (const id of message.ids) acked.add(id);
    if (message.type === 'unknown') unwanted.push(...message.ids);
    if (message.type !== 'tasks') return;
    asked.push(message);
    miner.onTasks(message);
  });
  peer.send({ type: 'ready', v: 1, kinds: ['sentiment_analysis'], models: [], maxInFlight: 64 });
  await host.event('link.opened');
  return miner;
};

let rounds = 0;

/** A plan of generated tasks, in the book as if it had just been planned; `record` puts it into the evidence. */
export const planFor = (options: {
  readonly hotkeys: readonly string[];
  readonly tasks?: number;
  readonly deadlineMs?: number;
  readonly epoch?: number;
}): RoundPlanned => {
  rounds += 1;
  const { hotkeys, tasks = 2, deadlineMs = 5_000, epoch = 7 } = options;
  const id = roundId({ epoch, block: 100, nonce: rounds.toString(16).padStart(8, '0') });
  const kinds: readonly TaskKind[] = ['text_classification', 'sentiment_analysis'];
  return {
    v: 1,
    type: 'round.planned',
    roundId: id,
    epoch,
    block: 100,
    at: Date.now(),
    deadlineMs,
    tasks: Array.from({ length: tasks }, (_, index) => {
      const kind = kinds[index % kinds.length] ?? 'text_classification';
      return { taskId: taskId(id, index), kind, ...taskKinds[kind].generate(createRandom(`${id} ${index}`)) };
    }),
    cohort: hotkeys.map((hotkey, index) => ({ uid: index + 1, hotkey })),
    requestKey: drawRequestKey(),
  };
};

/** A store that the test can slow down: appends wait at the gate, everything else passes. */
export const gated = () => {
  let gate: Promise<void> = Promise.resolve();
  return {
    wrap: (store: Store): Store => ({
      ...store,
      append: (log, records) =>
        Effect.andThen(
          Effect.promise(() => gate),
          store.append(log, records),
        ),
    }),
    shut: (): (() => void) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return resolve;
    },
  };
};

/** What a miner does with one task. */
export type Reply = 'right' | 'wrong' | 'shapeless' | 'refuse' | 'silent' | 'twice' | 'foreign';
export const replies: readonly Reply[] = [
  'right',
  'wrong',
  'shapeless',
  'refuse',
  'silent',
  'twice',
  'foreign',
];

/** What each of them has to count as. */
export const outcomeOf: Readonly<Record<Reply, AnswerJudged['outcome']>> = {
  right: 'judged',
  wrong: 'judged',
  shapeless: 'invalid',
  refuse: 'refused',
  silent: 'missed',
  twice: 'judged',
  // Answered by somebody else, which counts for nobody.
  foreign: 'missed',
};

/** Lets a miner answer one task its way; `other` is who answers in its place when it is `foreign`. */
export const respondTo = (given: {
  readonly of: ScriptedMiner;
  readonly other: ScriptedMiner;
  readonly id: string;
  readonly task: PlannedTask;
  readonly reply: Reply;
}): void => {
  const { of, other, id, task, reply } = given;
  if (reply === 'right' || reply === 'twice') of.answer(id, rightAnswer(task));
  if (reply === 'twice') of.answer(id, rightAnswer(task));
  if (reply === 'wrong') of.answer(id, wrongAnswer(task));
  if (reply === 'shapeless') of.answer(id, { confidence: 'very' });
  if (reply === 'refuse') of.refuse(id);
  if (reply === 'foreign') other.answer(id, rightAnswer(task));
};
