import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import * as Scope from 'effect/Scope';
import { createActor, enqueueActions, setup } from 'xstate';

import { cohort } from '#src/actors/cohort.actor.ts';
import { CurrentChain } from '#src/actors/currentChain.ts';
import { readEvidence } from '#src/actors/evidenceLog.ts';
import { type ValidatorRuntime, validatorRuntime } from '#src/actors/layers.ts';
import { minerLink } from '#src/actors/minerLink.actor.ts';
import { MinerLinks, type MinerLinkTable } from '#src/actors/minerLinks.ts';
import { createObserver } from '#src/actors/observer.ts';
import { planRound } from '#src/actors/planRound.actor.ts';
import type { AnswerJudged } from '#src/domain/evidence.ts';
import type { RequestTotals } from '#src/domain/requestAccount.ts';
import { defaultScoringPolicy } from '#src/domain/scoring.ts';
import { taskKindNames } from '#src/domain/tasks/kinds.ts';
import type { Identity } from '#src/keys/identity.ts';
import { createLogger } from '#src/logging.ts';
import { minerSessionMachine } from '#src/machines/minerSession.machine.ts';
import { rootId } from '#src/machines/root.ts';
import { roundMachine } from '#src/machines/round.machine.ts';
import { EmbeddedStore } from '#src/store/sqlite.ts';
import { defaultLinkLimits } from '#src/transport/limits.ts';
import { benchGenesisHash, benchNetuid, type ListeningMiner } from './benchLoad.ts';

/** The validator of the round benchmark: the daemon's sessions, rounds, links and store, without a chain. */

/** For all handshakes together; a session that fails is dialled again by its own machine. */
const linkPatienceMs = 60_000;

/** The epoch all rounds of the benchmark belong to. */
const epoch = 1;

const log = createLogger({ level: 'silent', format: 'json', role: 'validator', hotkey: null });

export type MeasuredRound = {
  readonly roundId: string;
  /** From the machine's step into `asking` until its last record is on disk. */
  readonly wallMs: number;
  readonly summary: RequestTotals;
  readonly verdicts: readonly AnswerJudged[];
};

export type BenchValidator = {
  readonly table: MinerLinkTable;
  readonly holdRound: (round: {
    readonly deadlineMs: number;
    readonly tasks: number;
  }) => Promise<MeasuredRound>;
  readonly close: () => Promise<void>;
};

type OpenSessions = { readonly type: 'sessions.open'; readonly miners: readonly ListeningMiner[] };

/** One session machine per miner, under the id the real root has. */
const sessionsMachine = (runtime: ValidatorRuntime, identity: Identity) =>
  setup({
    types: { events: {} as OpenSessions },
    actors: {
      minerSession: minerSessionMachine.provide({
        actors: {
          peerLink: minerLink(runtime, { identity, netuid: benchNetuid, limits: defaultLinkLimits }),
        },
      }),
    },
  }).createMachine({
    id: 'sessions',
    on: {
      'sessions.open': {
        actions: enqueueActions(({ enqueue, event }) => {
          for (const { hotkey, port } of event.miners) {
            const input = { hotkey, axon: { ip: '127.0.0.1', port } };
            enqueue.spawnChild('minerSession', { id: `session/${hotkey}`, input });
          }
        }),
      },
    },
  });

const linked = async (table: MinerLinkTable, miners: number): Promise<void> => {
  const deadlineAtMs = performance.now() + linkPatienceMs;
  while (table.links.size < miners) {
    if (performance.now() > deadlineAtMs) {
      throw new Error(`${table.links.size} of ${miners} links came up within ${linkPatienceMs} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

/** Holds one round as the daemon does, durable plan and evidence included, and times it. */
const holdRound = (options: {
  readonly runtime: ValidatorRuntime;
  readonly miners: readonly ListeningMiner[];
  readonly deadlineMs: number;
  readonly tasks: number;
}): Promise<Omit<MeasuredRound, 'verdicts'>> => {
  const { runtime, miners, deadlineMs, tasks } = options;
  const machine = roundMachine.provide({
    actors: {
      planRound: planRound(runtime, {
        tasksPerRound: tasks,
        cohortSize: miners.length,
        kinds: taskKindNames,
        policy: defaultScoringPolicy,
      }),
      cohort: cohort(runtime),
    },
  });
  const candidates = miners.map(({ index, hotkey }) => ({ uid: index, hotkey, stake: 0 }));
  const round = createActor(machine, {
    id: 'round',
    inspect: createObserver({ log, onTransition: () => undefined }),
    input: { epoch, block: 1, candidates, deadlineMs },
  });
  return new Promise((resolve, reject) => {
    let askedAtMs: number | null = null;
    round.subscribe({
      next: (snapshot) => {
        if (askedAtMs === null && snapshot.matches('asking')) askedAtMs = performance.now();
        if (snapshot.status !== 'done') return;
        const endedAtMs = performance.now();
        const { roundId, summary, failure } = snapshot.output;
        if (roundId === null || summary === null || askedAtMs === null) {
          reject(new Error(`the round failed: ${failure?.message ?? 'it was never asked'}`));
        } else resolve({ roundId, summary, wallMs: endedAtMs - askedAtMs });
      },
      error: reject,
    });
    round.start();
  });
};

const verdictsOf = (runtime: ValidatorRuntime, roundId: string): Promise<readonly AnswerJudged[]> => {
  const verdicts: AnswerJudged[] = [];
  const reading = readEvidence({
    after: 0,
    upTo: Number.MAX_SAFE_INTEGER,
    onRecord: ({ record }) => {
      if (record.type === 'answer.judged' && record.roundId === roundId) verdicts.push(record);
    },
  });
  return runtime.runPromise(Effect.as(reading, verdicts));
};

/** Opens a store in `dir`, dials every miner and waits until all links are proven. */
export const startValidator = async (given: {
  readonly dir: string;
  readonly identity: Identity;
  readonly miners: readonly ListeningMiner[];
}): Promise<BenchValidator> => {
  const { identity, miners } = given;
  const scope = Effect.runSync(Scope.make());
  const store = await Effect.runPromise(Scope.provide(EmbeddedStore.open({ dir: given.dir }), scope));
  const runtime = validatorRuntime({ store, vitals: store, log });
  const chain = await runtime.runPromise(CurrentChain);
  // Links read nothing of the chain but the hash that binds their handshake.
  chain.genesisHash = benchGenesisHash;
  const table = await runtime.runPromise(MinerLinks);
  const sessions = createActor(sessionsMachine(runtime, identity), {
    id: 'validator',
    systemId: rootId,
    inspect: createObserver({ log, onTransition: () => undefined }),
  });
  const close = async (): Promise<void> => {
    sessions.stop();
    await runtime.dispose();
    await Effect.runPromise(Scope.close(scope, Exit.void));
  };
  try {
    sessions.start();
    sessions.send({ type: 'sessions.open', miners });
    await linked(table, miners.length);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    table,
    close,
    holdRound: async ({ deadlineMs, tasks }) => {
      const round = await holdRound({ runtime, miners, deadlineMs, tasks });
      return { ...round, verdicts: await verdictsOf(runtime, round.roundId) };
    },
  };
};
