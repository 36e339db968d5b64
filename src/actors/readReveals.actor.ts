import * as Effect from 'effect/Effect';

import { toChainFailure } from '../chain/errors.ts';
import type { Hotkey } from '../domain/ids.ts';
import { type CommittedWeights, judgeReveals, type RevealVerdict } from '../domain/reveals.ts';
import type { SubmissionFacts } from '../domain/submissionFacts.ts';
import type { Commits, ReadReveals } from '../machines/weightReveals.ts';
import type { StoreService } from '../store/store.ts';
import { type ActorRuntime, fromEffect } from './bridge.ts';
import { type CurrentChain, connection } from './currentChain.ts';
import { keepUnrevealed, loadUnrevealed } from './unrevealed.ts';
import { loadIntent } from './weightIntent.ts';
import { standingCommit } from './weightStanding.ts';

const hashOf = ({ plan }: CommittedWeights): string => plan.commitHash;

/** A commit on chain that is neither watched nor decided: its process died between finding it and handing it over. */
const recall = Effect.fn('reveals.recall')(function* ({ watched, settled }: Commits, facts: SubmissionFacts) {
  const commit = standingCommit(yield* loadIntent, facts);
  if (commit === null) return null;
  const lost = yield* loadUnrevealed;
  const known = [...watched.map(hashOf), ...settled, ...lost.map(hashOf)];
  return known.includes(hashOf(commit)) ? null : commit;
});

const lostAmong = (
  commits: readonly CommittedWeights[],
  verdicts: readonly RevealVerdict[],
): readonly CommittedWeights[] => {
  const lost = new Set(verdicts.filter(({ is }) => is === 'lost').map(({ commitHash }) => commitHash));
  return commits.filter((commit) => lost.has(hashOf(commit)));
};

/** Queue and row are read at the newest finalized head of this connection, both in the state of that one block. */
const read = (hotkey: Hotkey) =>
  Effect.fn('reveals.read')(function* (commits: Commits) {
    const live = yield* connection;
    const head = yield* Effect.mapError(live.finalizedHead(), toChainFailure);
    const facts = yield* Effect.mapError(live.readSubmissionFacts({ head, hotkey }), toChainFailure);
    const uid = facts.subnet.neurons.find((neuron) => neuron.hotkey === hotkey)?.uid;
    const row =
      uid === undefined
        ? { uids: [], values: [] }
        : yield* Effect.mapError(live.readWeights({ head, uid }), toChainFailure);
    const recalled = yield* recall(commits, facts);
    const all = recalled === null ? commits.watched : [...commits.watched, recalled];
    const verdicts = judgeReveals(all, { facts, row });
    yield* keepUnrevealed(lostAmong(all, verdicts));
    return { block: head.block, recalled, verdicts };
  });

export const readReveals = (
  runtime: ActorRuntime<CurrentChain | StoreService>,
  { hotkey }: { readonly hotkey: Hotkey },
): ReadReveals => fromEffect(runtime)(read(hotkey));
