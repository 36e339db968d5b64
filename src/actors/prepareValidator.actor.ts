import * as Effect from 'effect/Effect';

import { prepareTimelock } from '../chain/timelock.ts';
import type { EpochScored } from '../domain/evidence.ts';
import type { PrepareValidator } from '../machines/validatorLife.ts';
import type { StoreService } from '../store/store.ts';
import type { ActorRuntime } from './bridge.ts';
import { fromEffect } from './bridge.ts';
import { loadReadFrom } from './evidenceCursor.ts';
import { appendEvidence, lastEvidenceSeq, readEvidence } from './evidenceLog.ts';
import { RoundBook } from './roundBook.ts';

/**
 * Takes up what an earlier life left: the trust ledger and cut of the last scored epoch, the count of tasks asked
 * since, and rounds that were planned but never ended. Those are abandoned: their undecided pairs count against
 * nobody, what was judged stays evidence. What the first commit of weights would otherwise hold up rounds with is done
 * here as well.
 */
const prepare = Effect.fn('validator.prepare')(function* (at: number) {
  const book = yield* RoundBook;
  const readFrom = yield* loadReadFrom;
  const end = yield* lastEvidenceSeq;
  const open = new Map<string, number>();
  let scored: EpochScored | null = null;
  yield* readEvidence({
    after: Math.max(0, readFrom - 1),
    upTo: end,
    onRecord: ({ record }) => {
      if (record.type === 'round.planned') open.set(record.roundId, record.epoch);
      if (record.type === 'round.settled' || record.type === 'round.abandoned') open.delete(record.roundId);
      if (record.type === 'epoch.scored') {
        scored = record;
        book.asked.clear();
      }
      if (record.type === 'answer.judged') {
        book.asked.set(record.hotkey, (book.asked.get(record.hotkey) ?? 0) + 1);
      }
    },
  });
  const last = scored as EpochScored | null;
  if (last !== null) {
    book.trust = last.trust;
    book.nextFromSeq = last.cutSeq;
    book.scoredEpoch = last.epoch;
  }
  const abandoned = [...open].map(([roundId, epoch]) => ({
    v: 1 as const,
    type: 'round.abandoned' as const,
    roundId,
    epoch,
    reason: 'the validator ended while the round was under way',
    at,
  }));
  if (abandoned.length > 0) yield* appendEvidence(abandoned);
  yield* Effect.sync(prepareTimelock);
  return { abandonedRounds: abandoned.length };
});

export const prepareValidator = (runtime: ActorRuntime<StoreService | RoundBook>): PrepareValidator =>
  fromEffect(runtime)(() => Effect.suspend(() => prepare(Date.now())));
