import { randomBytes } from 'node:crypto';
import * as Effect from 'effect/Effect';

import type { RoundPlanned } from '../domain/evidence.ts';
import type { StoreFailure } from '../domain/failures.ts';
import { createRandom, type Random } from '../domain/random.ts';
import { roundId, sampleCohort, taskId } from '../domain/roundPlan.ts';
import type { ScoringPolicy } from '../domain/scoring.ts';
import { type TaskKind, taskKinds } from '../domain/tasks/kinds.ts';
import { hasHistory, trustOfPopulation } from '../domain/trust.ts';
import type { PlanRound, RoundInput } from '../machines/round.machine.ts';
import type { StoreService } from '../store/store.ts';
import { type ActorRuntime, fromEffect } from './bridge.ts';
import { appendOnce } from './evidenceLog.ts';
import { MinerLinks } from './minerLinks.ts';
import { drawRequestKey } from './requestIds.ts';
import { RoundBook, type RoundBookState } from './roundBook.ts';
import { Traces } from './tracing/tracing.ts';
import { keepUnfinished, takeUpRound } from './unfinishedRounds.ts';

export type RoundSettings = {
  /** Tasks each miner of the cohort is asked in one round. */
  readonly tasksPerRound: number;
  /** Most miners of one round. */
  readonly cohortSize: number;
  readonly kinds: readonly TaskKind[];
  readonly policy: ScoringPolicy;
};

const noFreeIds: StoreFailure = {
  _tag: 'StoreCorrupt',
  message:
    'the store says of every newly drawn round that it has another one of that name; run `miaoai store check` on it',
};

/** The same challenge set for the whole cohort; kinds take turns so that each is asked equally often. */
const drawTasks = (settings: RoundSettings, id: string, random: Random): RoundPlanned['tasks'] =>
  Array.from({ length: settings.tasksPerRound }, (_, index) => {
    const kind = settings.kinds[index % settings.kinds.length] ?? 'text_classification';
    const { request, truth } = taskKinds[kind].generate(random.fork(`task ${index}`));
    return { taskId: taskId(id, index), kind, request, truth };
  });

const drawCohort = (options: {
  readonly input: RoundInput;
  readonly settings: RoundSettings;
  readonly book: RoundBookState;
  readonly random: Random;
}): RoundPlanned['cohort'] => {
  const { input, settings, book } = options;
  const hotkeys = input.candidates.map(({ hotkey }) => hotkey);
  const trust = trustOfPopulation({ ledger: book.trust, hotkeys, policy: settings.policy });
  return sampleCohort({
    candidates: input.candidates.map((candidate) => ({
      ...candidate,
      trust: trust.get(candidate.hotkey) ?? 0,
      asked: book.asked.get(candidate.hotkey) ?? 0,
      isNew: !hasHistory(book.trust, candidate.hotkey),
    })),
    size: settings.cohortSize,
    random: options.random.fork('cohort'),
  }).map(({ uid, hotkey }) => ({ uid, hotkey }));
};

const draw = Effect.fn('round.draw')(function* (settings: RoundSettings, input: RoundInput) {
  const book = yield* RoundBook;
  // The seed never leaves this function: tasks can be guessed from it.
  const random = createRandom(randomBytes(32).toString('hex'));
  const id = roundId({ epoch: input.epoch, block: input.block, nonce: randomBytes(4).toString('hex') });
  const planned: RoundPlanned = {
    v: 1,
    type: 'round.planned',
    roundId: id,
    epoch: input.epoch,
    block: input.block,
    at: Date.now(),
    deadlineMs: input.deadlineMs,
    tasks: drawTasks(settings, id, random),
    cohort: drawCohort({ input, settings, book, random }),
    requestKey: drawRequestKey(),
  };
  return planned;
});

/**
 * Puts a plan on record; false: another round has its name, and so would its tasks. Where it is not known whether it
 * got there, it is kept and asked of the log again.
 */
const record = Effect.fn('round.record')(function* (planned: RoundPlanned) {
  const book = yield* RoundBook;
  const table = yield* MinerLinks;
  const foreign = yield* appendOnce([planned]).pipe(
    Effect.tapError((failure) =>
      Effect.sync(() => {
        if (failure._tag === 'StoreUnavailable') keepUnfinished({ book, table, plan: planned, attempts: 0 });
      }),
    ),
  );
  if (foreign.length > 0) return false;
  book.plans.set(planned.roundId, planned);
  for (const { hotkey } of planned.cohort) {
    book.asked.set(hotkey, (book.asked.get(hotkey) ?? 0) + planned.tasks.length);
  }
  return true;
});

/** A name of four random bytes beside epoch and block is taken once in a very long time, and never twice in a row. */
const maxDraws = 4;

const drawRecorded = Effect.fn('round.drawRecorded')(function* (settings: RoundSettings, input: RoundInput) {
  for (let attempt = 0; attempt < maxDraws; attempt += 1) {
    const planned = yield* draw(settings, input);
    if (yield* record(planned)) return planned;
  }
  return yield* Effect.fail(noFreeIds);
});

/** A round that was cut short comes before a new one: its requests are still to be ended. */
const plan = Effect.fn('round.plan')(function* (settings: RoundSettings, input: RoundInput) {
  const traces = yield* Traces;
  const fromMs = performance.now();
  const taken = yield* takeUpRound(yield* RoundBook, yield* MinerLinks);
  const planned = taken ?? (yield* drawRecorded(settings, input));
  traces?.rounds.planned(planned.roundId, fromMs);
  return { roundId: planned.roundId, cohort: planned.cohort.length, tasks: planned.tasks.length };
});

export const planRound = (
  runtime: ActorRuntime<StoreService | RoundBook | MinerLinks>,
  settings: RoundSettings,
): PlanRound => fromEffect(runtime)((input) => plan(settings, input));
