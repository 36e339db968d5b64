import * as Effect from 'effect/Effect';

import type { AnswerJudged, EpochScored } from '../domain/evidence.ts';
import type { StoreFailure } from '../domain/failures.ts';
import type { EpochIndex, Hotkey } from '../domain/ids.ts';
import type { SubnetSnapshot } from '../domain/metagraph.ts';
import { minersInTurn, minersOf } from '../domain/population.ts';
import { type Candidate, type ScoringPolicy, scoreEpoch as score } from '../domain/scoring.ts';
import type { Verdict } from '../domain/task.ts';
import { weightsFromScores } from '../domain/weights.ts';
import type { ScoreEpoch } from '../machines/epoch.machine.ts';
import type { StoreService } from '../store/store.ts';
import { type ActorRuntime, fromEffect } from './bridge.ts';
import { type CurrentChain, lastSubnet } from './currentChain.ts';
import { saveReadFrom } from './evidenceCursor.ts';
import { appendEvidence, findScoredEpoch, lastEvidenceSeq, readEvidence } from './evidenceLog.ts';
import { RoundBook, type RoundBookState } from './roundBook.ts';

export type ScoringSettings = {
  readonly hotkey: Hotkey;
  readonly policy: ScoringPolicy;
  /** Most miners that are asked in one epoch; beyond that their turn goes round. */
  readonly maxMiners: number;
};

/**
 * The miners whose turn it was, and those who were asked although it is not, because the population changed meanwhile
 * or a round outlasted its epoch. Nobody is scored who could not be asked.
 */
const candidatesOf = (options: {
  readonly settings: ScoringSettings;
  readonly subnet: SubnetSnapshot;
  readonly epoch: EpochIndex;
  readonly verdicts: readonly Verdict[];
}): readonly Candidate[] => {
  const { settings, subnet, epoch, verdicts } = options;
  const { hotkey: ownHotkey, maxMiners } = settings;
  const turn = minersInTurn({ subnet, ownHotkey, epoch, maxMiners });
  const known = new Set([...turn, ...verdicts].map(({ hotkey }) => hotkey));
  return minersOf(subnet, ownHotkey)
    .filter(({ hotkey }) => known.has(hotkey))
    .map(({ uid, hotkey, stake, blockAtRegistration }) => ({ uid, hotkey, stake, blockAtRegistration }));
};

/** What scoring needs of an answer. The answers themselves are most of an epoch's evidence, and are not held. */
const verdictOf = (record: AnswerJudged): Verdict => {
  const { kind, uid, hotkey, outcome, responseMs, chance, accuracy, brier } = record;
  return { kind, uid, hotkey, outcome, responseMs, chance, accuracy, brier };
};

const verdictsBetween = Effect.fn('epoch.verdicts')(function* (fromSeq: number, cutSeq: number) {
  const verdicts: Verdict[] = [];
  yield* readEvidence({
    // Sequence numbers start at 1, cuts at 0.
    after: Math.max(0, fromSeq - 1),
    upTo: cutSeq - 1,
    onRecord: ({ record }) => {
      // What this validator lost is no reason to score anybody.
      if (record.type === 'answer.judged' && record.outcome !== 'lost') verdicts.push(verdictOf(record));
    },
  });
  return verdicts;
});

const missingMetagraph: StoreFailure = {
  _tag: 'StoreUnavailable',
  message: 'the metagraph has not been read yet, so nobody can be scored',
};

const computeEpoch = Effect.fn('epoch.compute')(function* (settings: ScoringSettings, epoch: EpochIndex) {
  const book = yield* RoundBook;
  const subnet = yield* Effect.mapError(lastSubnet, () => missingMetagraph);
  const fromSeq = book.nextFromSeq;
  const cutSeq = (yield* lastEvidenceSeq) + 1;
  const verdicts = yield* verdictsBetween(fromSeq, cutSeq);
  const candidates = candidatesOf({ settings, subnet, epoch, verdicts });
  const { scores, trust } = score({ verdicts, candidates, trust: book.trust, policy: settings.policy });
  const ownerUid = subnet.neurons.find(({ hotkey }) => hotkey === subnet.ownerHotkey)?.uid ?? null;
  const scored: EpochScored = {
    v: 1,
    type: 'epoch.scored',
    epoch,
    block: subnet.block,
    blockHash: subnet.blockHash,
    fromSeq,
    cutSeq,
    candidates,
    ownerUid,
    policy: settings.policy,
    scores,
    trust,
    vector: weightsFromScores({ scores, ownerUid, burnShare: settings.policy.burnShare }),
    at: Date.now(),
  };
  yield* appendEvidence([scored]);
  return scored;
});

/** Whether a round without an end may be older than the last epoch: the next start still has to read its plan. */
const hasOldRounds = ({ unfinished, resumed, leftToNextStart }: RoundBookState): boolean =>
  unfinished.size > 0 || resumed.size > 0 || leftToNextStart > 0;

/**
 * The weights of an epoch as a pure function of the evidence, recorded before they are used. Asked twice for one
 * epoch, it answers the recorded result.
 */
const scoreOnce = Effect.fn('epoch.score')(function* (settings: ScoringSettings, epoch: EpochIndex) {
  const book = yield* RoundBook;
  const known = yield* findScoredEpoch(epoch);
  const scored = known ?? (yield* computeEpoch(settings, epoch));
  // Asked late about an epoch of before, the book does not go back.
  if (scored.epoch >= (book.scoredEpoch ?? 0)) {
    book.trust = scored.trust;
    book.nextFromSeq = scored.cutSeq;
    book.scoredEpoch = scored.epoch;
    if (known === null) book.asked.clear();
    if (!hasOldRounds(book)) yield* saveReadFrom(scored.fromSeq);
  }
  return { vector: scored.vector, scored: scored.scores.length };
});

export const scoreEpoch = (
  runtime: ActorRuntime<StoreService | RoundBook | CurrentChain>,
  settings: ScoringSettings,
): ScoreEpoch => fromEffect(runtime)(({ epoch }) => scoreOnce(settings, epoch));
