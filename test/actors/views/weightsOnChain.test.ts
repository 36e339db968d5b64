import * as Effect from 'effect/Effect';
import { describe, expect, it } from 'vitest';

import { type ChainView, CurrentChain } from '#src/actors/currentChain.ts';
import { childOf } from '#src/actors/views/liveTree.ts';
import { createValidatorView } from '#src/actors/views/validatorView.ts';
import type { ChainConnection } from '#src/chain/client.ts';
import { succeed } from '#src/domain/outcome.ts';
import type { CommittedWeights } from '#src/domain/reveals.ts';
import { maxWatched } from '#src/machines/weightReveals.ts';
import { commitOf, hashOf } from '#test/support/commits.ts';
import { settled } from '#test/support/machines.ts';
import { inRound, withMiners } from '#test/support/machinesValidator.ts';
import { viewParts } from '#test/support/views.ts';

/** Pictures are a quarter of a second old at most. */
const later = () => new Promise((resolve) => setTimeout(resolve, 260));

/** Whose row of weights is read, and how often; it gives all to the uid that stands there. */
const chainWith = () => {
  const chain = { reads: 0, uid: 1 };
  const connection = {
    finalizedHead: () => Effect.succeed({ block: 100, blockHash: '0x100' }),
    readWeights: () =>
      Effect.sync(() => {
        chain.reads += 1;
        return { uids: [chain.uid], values: [65_535] };
      }),
  } as unknown as ChainConnection;
  const view: ChainView = { connection, genesisHash: '0xab', head: null, subnet: null };
  const runPromise = <A, E>(effect: Effect.Effect<A, E, CurrentChain>) =>
    Effect.runPromise(Effect.provideService(effect, CurrentChain, view));
  return { chain, runtime: { runPromise } };
};

/** A validator whose chain delivers heads, with a view that can read its weights. */
const watched = async () => {
  const validator = await inRound();
  const { chain, runtime } = chainWith();
  const view = createValidatorView(viewParts());
  validator.actor.system.inspect((inspected) => view.onInspection(inspected));
  const live = { root: validator.actor, runtime, vitals: { pressure: () => ({ pendingRows: 0 }) } };
  view.attach(live as unknown as Parameters<typeof view.attach>[0]);
  validator.chain.newest().emit({ type: 'chain.opened', genesisHash: '0xab', specVersion: 425 });
  validator.chain.newest().emit({ type: 'head.finalized', head: { block: 100, blockHash: '0x100' } });
  await validator.read.answer(succeed(withMiners({ '5A': 1, '5B': 1 })));
  const stood = (commit: CommittedWeights): void =>
    validator.actor
      .getSnapshot()
      .children['weightReveal']?.send({ type: 'commit.stood', ...commit } as never);
  const reveal = async (block: number, commits: readonly CommittedWeights[]): Promise<void> => {
    validator.seeBlock(block);
    const verdicts = commits.map(({ plan }) => ({ commitHash: plan.commitHash, is: 'standing' as const }));
    await validator.reveals.answer(succeed({ block, recalled: null, verdicts }));
  };
  /** Shares on chain as a fresh picture shows them. */
  const shown = async () => {
    await later();
    view.slices();
    await settled();
    await later();
    return view.slices().weights.rows.map(({ uid, onChain }) => [uid, onChain]);
  };
  return { validator, view, chain, stood, reveal, shown };
};

describe('actors/views / weightsOnChain', () => {
  it('reads the weights in force after each reveal, though the machine keeps no more of them', async () => {
    const { validator, view, chain, stood, reveal, shown } = await watched();
    const commits = Array.from({ length: maxWatched + 1 }, (_, index) =>
      commitOf({ epoch: index + 1, plan: { ...commitOf().plan, commitHash: hashOf(index + 1) } }),
    );
    for (const commit of commits.slice(0, -1)) stood(commit);
    await reveal(600, commits.slice(0, -1));
    const reveals = () => childOf(validator.actor.getSnapshot(), 'weightReveal')?.context;
    expect(reveals()).toMatchObject({ watched: [], settled: { length: 128 } });
    expect(await shown()).toEqual([[1, 1]]);
    const { reads } = chain;

    chain.uid = 2;
    for (const commit of commits.slice(-1)) stood(commit);
    expect(await shown()).toEqual([[1, 1]]);
    expect(chain.reads).toBe(reads);
    await reveal(601, commits.slice(-1));
    expect(reveals()).toMatchObject({ watched: [], settled: { length: 128 } });
    expect(await shown()).toEqual([[2, 1]]);
    expect(chain.reads).toBe(reads + 1);
    expect(validator.errors).toEqual([]);
    view.close();
  });
});
