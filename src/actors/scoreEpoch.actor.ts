import * as Effect from 'effect/Effect';

import type { EpochScored } from '../domain/evidence.ts';
import type { StoreFailure } from '../domain/failures.ts';
import type { EpochIndex, Hotkey } from '../domain/ids.ts';
import type { SubnetSnapshot } from '../domain/metagraph.ts';
import { type Candidate, type ScoringPolicy, scoreEpoch as score } from '../domain/scoring.ts';
import type { Verdict } from '../domain/task.ts';
import { weightsFromScores } from '../domain/weights.ts';
import type { ScoreEpoch } from '../machines/epoch.machine.ts';
import type { StoreService } from '../store/store.ts';
import { type ActorRuntime, fromEffect } from './bridge.ts';
import { type CurrentChain, lastSubnet } from './currentChain.ts';
import { saveReadFrom } from './evidenceCursor.ts';
import { appendEvidence, lastEvidenceSeq, readEvidence } from './evidenceLog.ts';
import { RoundBook } from './roundBook.ts';

export type ScoringSettings = { readonly hotkey: Hotkey; readonly policy: ScoringPolicy };

/** Miners are the neurons that publish an axon, except ourselves. */
const candidatesOf = (subnet: SubnetSnapshot, ownHotkey: Hotkey): readonly Candidate[] =>
  subnet.neurons
    .filter(({ axon, hotkey }) => axon !== null && hotkey !== ownHotkey)
    .map(({ uid, hotkey, stake, blockAtRegistration }) => ({ uid, hotkey, stake, blockAtRegistration }));

/** The record of an epoch that was scored before, by this process or by one that died after writing it. */
const findScored = Effect.fn('epoch.findScored')(function* (epoch: EpochIndex, after: number, upTo: number) {
  let found: EpochScored | null = null;
  yield* readEvidence({
    after,
    upTo,
    onRecord: ({ record }) => {
      if (record.type === 'epoch.scored' && record.epoch === epoch) found = record;
    },
  });
  return found as EpochScored | null;
});

const verdictsBetween = Effect.fn('epoch.verdicts')(function* (fromSeq: number, cutSeq: number) {
  const verdicts: Verdict[] = [];
  yield* readEvidence({
    // Sequence numbers start at 1, cuts at 0.
    after: Math.max(0, fromSeq - 1),
    upTo: cutSeq - 1,
    onRecord: ({ record }) => {
      if (record.type === 'answer.judged') verdicts.push(record);
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
  const candidates = candidatesOf(subnet, settings.hotkey);
  const verdicts = yield* verdictsBetween(fromSeq, cutSeq);
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

/**
 * The weights of an epoch as a pure function of the evidence, recorded before they are used. Asked twice for one
 * epoch, it answers the recorded result.
 */
const scoreOnce = Effect.fn('epoch.score')(function* (settings: ScoringSettings, epoch: EpochIndex) {
  const book = yield* RoundBook;
  const end = yield* lastEvidenceSeq;
  const known = yield* findScored(epoch, Math.max(0, book.nextFromSeq - 1), end);
  const scored = known ?? (yield* computeEpoch(settings, epoch));
  book.trust = scored.trust;
  book.nextFromSeq = scored.cutSeq;
  book.scoredEpoch = scored.epoch;
  if (known === null) book.asked.clear();
  yield* saveReadFrom(scored.fromSeq);
  return { vector: scored.vector, scored: scored.scores.length };
});

export const scoreEpoch = (
  runtime: ActorRuntime<StoreService | RoundBook | CurrentChain>,
  settings: ScoringSettings,
): ScoreEpoch => fromEffect(runtime)(({ epoch }) => scoreOnce(settings, epoch));
