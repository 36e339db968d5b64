import * as Effect from 'effect/Effect';
import * as Scope from 'effect/Scope';

import { fail, succeed } from '#src/domain/outcome.ts';
import type { Distribution, TaskDefinition } from '#src/domain/tasks/definition.ts';
import { decodeRequest, isTaskKind, taskKindNames, taskKinds } from '#src/domain/tasks/kinds.ts';
import { keysReady } from '#src/keys/identity.ts';
import type { PeerConnection } from '#src/transport/connection.ts';
import { defaultLinkLimits } from '#src/transport/limits.ts';
import { PROTOCOL_VERSION, type Tasks } from '#src/transport/protocol.ts';
import { listen } from '#src/transport/server.ts';
import {
  benchGenesisHash,
  benchIdentity,
  benchNetuid,
  drawMiners,
  type MinersOrder,
  type MinersReport,
  type SimulatedMiner,
  type Sleep,
} from './benchLoad.ts';

/**
 * Child process of the round benchmark: many miners, each with its own key and its own listening socket. They speak
 * the real protocol over `src/transport`; only the model is a timer.
 */

/** The process ends by itself after this, should its parent hang. */
const maxLifeMs = 240_000;

type AnyDefinition = TaskDefinition<string, unknown, Record<string, never>, unknown>;
type TasksFrame = typeof Tasks.Type;

/** A model that is undecided; its answers are well-formed, so that the validator grades them like any other. */
const undecided: Distribution = [
  { label: 'positive', probability: 0.5 },
  { label: 'negative', probability: 0.5 },
];

const answerTo = ({ kind, request }: TasksFrame['tasks'][number]): Record<string, never> | null => {
  if (!isTaskKind(kind)) return null;
  const decoded = decodeRequest(kind, request);
  // The request was decoded by the schema of this very kind, which the compiler cannot see.
  const definition = taskKinds[kind] as unknown as AnyDefinition;
  return decoded.ok ? definition.answerFrom({ request: decoded.value, distribution: undecided }) : null;
};

let sleeps: Sleep[] = [];

/** Answers the tasks of a frame together, as a batching model does, after the miner's latency. */
const work = (peer: PeerConnection, miner: SimulatedMiner, frame: TasksFrame): void => {
  const { index, latencyMs } = miner;
  if (latencyMs === null) return;
  const startedMs = performance.now();
  const answers = frame.tasks.map((task) => ({ id: task.id, answer: answerTo(task) }));
  setTimeout(() => {
    // Measured, not assumed: a timer of a busy process fires late, and that time is the miner's.
    const sleptMs = performance.now() - startedMs;
    sleeps.push({ index, round: frame.round, sleptMs });
    for (const { id, answer } of answers) {
      if (answer === null) peer.send({ type: 'refusal', v: PROTOCOL_VERSION, id, reason: 'invalid' });
      else peer.send({ type: 'answer', v: PROTOCOL_VERSION, id, answer, elapsedMs: sleptMs });
    }
  }, latencyMs);
};

const serve = (miner: SimulatedMiner, validatorHotkey: string) =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope;
    const identity = benchIdentity(`miner ${miner.index}`);
    const listener = yield* listen({
      genesisHash: benchGenesisHash,
      netuid: benchNetuid,
      identity,
      role: 'miner',
      limits: defaultLinkLimits,
      host: '127.0.0.1',
      port: 0,
      authorise: ({ hotkey }) => (hotkey === validatorHotkey ? succeed(undefined) : fail('a stranger')),
      maxPending: 4,
      maxPendingPerAddress: 4,
      maxConnections: 4,
      maxPerAddressPerMinute: 120,
      onArrival: (arrival) => {
        const greet = Effect.map(arrival.accept, (peer) => {
          const ready = { kinds: taskKindNames, models: [], maxInFlight: 512 };
          peer.send({ type: 'ready', v: PROTOCOL_VERSION, ...ready });
          peer.listen((message) => {
            if (message.type === 'tasks') work(peer, miner, message);
          });
        });
        // A handshake that fails shows at the dialing side, which counts its links.
        Effect.runFork(Effect.ignore(Effect.provideService(greet, Scope.Scope, scope)));
      },
    });
    return { index: miner.index, hotkey: identity.hotkey, port: listener.port };
  });

const tell = (report: MinersReport): void => {
  process.send?.(report);
};

const start = (order: Extract<MinersOrder, { type: 'start' }>): void => {
  const mine = drawMiners(order).filter(({ index }) => index % order.parts === order.part);
  const life = Effect.gen(function* () {
    yield* Effect.promise(keysReady);
    const miners = yield* Effect.forEach(mine, (miner) => serve(miner, order.validatorHotkey));
    tell({ type: 'listening', miners });
    return yield* Effect.never;
  });
  Effect.runPromise(Effect.scoped(life)).catch((error: unknown) => {
    process.stderr.write(`simulated miners: ${error}\n`);
    process.exit(1);
  });
};

process.on('message', (order: MinersOrder) => {
  if (order.type === 'start') start(order);
  else {
    tell({ type: 'slept', sleeps });
    sleeps = [];
  }
});
process.on('disconnect', () => process.exit(0));
setTimeout(() => process.exit(1), maxLifeMs).unref();
