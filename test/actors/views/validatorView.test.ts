import { describe, expect, it } from 'vitest';
import { createValidatorView } from '#src/actors/views/validatorView.ts';
import { fail, succeed } from '#src/domain/outcome.ts';
import type { ViewPatch } from '#src/domain/view/stream.ts';
import { neuron, subnetAt } from '#test/support/machinesSubnet.ts';
import { inRound, runValidator, validating, withMiners } from '#test/support/machinesValidator.ts';
import { due, notSet, ready, refusal, sealed, sent } from '#test/support/machinesWeights.ts';
import {
  hotkeyOf,
  judged,
  memoryStore,
  planned,
  scored,
  secrets,
  settledRound,
  viewParts,
  watching,
  write,
} from '#test/support/views.ts';

const unreachable = {
  _tag: 'Unreachable',
  message: 'connection refused',
  retry: { when: 'reconnected' },
} as const;
const lostLink = { type: 'link.closed', failure: { _tag: 'Lost', message: 'gone' }, jitter: 0 } as const;

/** Whatever a page could be told of this view. */
const everythingOf = async (view: ReturnType<typeof watching>, uids: readonly number[] = [1, 2]) =>
  JSON.stringify([
    view.hello(),
    view.status(),
    await view.history(),
    await Promise.all(uids.map((uid) => view.sessionDetail(uid))),
  ]);

/** Pictures are a quarter of a second old at most. */
const later = () => new Promise((resolve) => setTimeout(resolve, 260));

const codesOf = async (view: ReturnType<typeof watching>): Promise<readonly string[]> => {
  await later();
  return view.slices().health.reasons.map(({ code }) => code);
};

/** A validator whose chain delivers heads. */
const following = async () => {
  const validator = await inRound();
  const view = watching(validator.actor);
  validator.chain.newest().emit({ type: 'chain.opened', genesisHash: '0xab', specVersion: 425 });
  validator.chain.newest().emit({ type: 'head.finalized', head: { block: 100, blockHash: '0x100' } });
  await validator.read.answer(succeed(withMiners({ '5A': 1, '5B': 1 })));
  return { validator, view };
};

describe('actors/views / validatorView', () => {
  it('says that it stands by, and behind whom, before it has a system', async () => {
    const view = createValidatorView(viewParts());
    expect(view.slices()).toMatchObject({
      root: { state: 'opening', actors: 0 },
      health: { level: 'starting', reasons: [{ code: 'daemon.starting' }] },
      about: { uid: null },
      epoch: null,
    });
    expect(view.ready()).toMatchObject({
      isWell: false,
      reasons: [expect.stringMatching(/daemon.starting/)],
    });
    expect(view.live()).toEqual({ isWell: true, reasons: [] });
    view.close();
  });

  it('projects the live system', async () => {
    const { validator, view } = await following();
    const { about, root, chain, store, epoch, weights } = view.slices();
    expect(about.uid).toBe(0);
    expect(root.state).toBe('running.validating');
    expect(root.actors).toBeGreaterThan(10);
    expect(chain).toMatchObject({
      state: 'following',
      finalizedBlock: 100,
      genesisHash: '0xab',
      specVersion: 425,
      metagraphBlock: 100,
      neurons: 3,
      registration: { uid: 0, hasPermit: true },
      endpoints: [{ url: 'ws://one', isCurrent: true, block: 100 }],
    });
    expect(store).toMatchObject({ state: 'well', backlog: 3 });
    expect(epoch).toMatchObject({ epoch: 7, endsAtBlock: 450, weightsDueAtBlock: 270, rounds: 0 });
    expect(epoch?.state).toBe('rounds.collecting.steady + weights.waiting');
    expect(weights).toMatchObject({ state: 'waiting', behind: 0, isCommitReveal: false });
    expect(view.rows().sessions).toMatchObject({
      0: { state: 'none', sessionId: null },
      1: { hotkey: '5A', state: 'ready', machineState: 'linked.ready', axon: '192.0.2.1:1' },
    });
    expect(validator.errors).toEqual([]);
    view.close();
  });

  it('follows a session through its states, with a timeline', async () => {
    const { validator, view } = await following();
    validator.linkTo('5A').emit({ type: 'link.busy' });
    validator.linkTo('5A').emit(lostLink);
    await later();
    expect(view.rows().sessions['1']).toMatchObject({
      state: 'cooling',
      attempt: 1,
      lastFailure: 'Lost: gone',
    });
    const detail = await view.sessionDetail(1);
    expect(detail?.timeline.map(({ state, by }) => [state, by])).toEqual([
      ['cooling', 'link.closed'],
      ['linked.busy', 'link.busy'],
    ]);
    expect(await view.sessionDetail(9)).toBeNull();
    view.close();
  });

  it('draws the phases of a round as it runs', async () => {
    const validator = await validating();
    const view = watching(validator.actor);
    const tapped = view.tap(memoryStore().store);
    validator.openLink('5A');
    validator.openLink('5B');
    await write(tapped, planned('r1'));
    await validator.planRound();
    validator.cohort.newest().emit({ type: 'cohort.dispatched', sent: 2, unreachable: 0 });
    await write(
      tapped,
      judged('r1', 1),
      judged('r1', 2, { outcome: 'missed', accuracy: 0, responseMs: null }),
    );
    await later();
    expect(view.slices().rounds).toMatchObject([
      {
        roundId: 'r1',
        state: 'collecting',
        endedAt: null,
        counts: { judged: 1, missed: 1 },
        failures: [{ count: 1 }],
      },
    ]);
    await write(tapped, settledRound('r1', { at: Date.now() }));
    validator.settleRound();
    await later();
    const [round] = view.slices().rounds;
    expect(round?.state).toBe('settled');
    expect(round?.phases.map(({ name }) => name)).toEqual(['sampling', 'dispatching', 'collecting']);
    expect(round?.phases.every(({ to }) => to !== null)).toBe(true);
    view.close();
  });

  it('tells a follower of what changes within a second, and of nothing else', async () => {
    const { validator, view } = await following();
    const patches: ViewPatch[] = [];
    const stop = view.subscribe((patch) => patches.push(patch));
    validator.linkTo('5B').emit(lostLink);
    await later();
    await later();
    stop();
    const rows = patches.flatMap((patch) => Object.keys(patch.rows['sessions'] ?? {}));
    expect(new Set(rows)).toEqual(new Set(['2']));
    expect(patches.some((patch) => 'rounds' in patch.slices)).toBe(false);
    expect(patches.some((patch) => 'health' in patch.slices)).toBe(true);
    view.close();
  });

  it('calls the chain lost as soon as its link is, and well again after', async () => {
    const { validator, view } = await following();
    validator.chain.newest().emit({ type: 'chain.closed', failure: unreachable, jitter: 0 });
    expect(await codesOf(view)).toContain('chain.lost');
    expect(view.slices().health.text).toMatch(/No connection to the chain.*connection refused/);
    expect(view.ready().isWell).toBe(false);
    expect(view.live().isWell).toBe(true);
    validator.clock.increment(1_000);
    expect(await codesOf(view)).toContain('chain.lost');
    validator.chain.newest().emit({ type: 'chain.opened', genesisHash: '0xab', specVersion: 425 });
    expect(await codesOf(view)).not.toContain('chain.lost');
    view.close();
  });

  it('says what the chain has against the weights', async () => {
    const { validator, view } = await following();
    validator.seeBlock(300);
    validator.actor.send({ type: 'epoch.scored', ...due });
    await validator.weights.check.answer(notSet);
    await validator.weights.prepare.answer(ready());
    await validator.weights.submit.answer(fail(refusal({ when: 'atBlock', block: 310 })));
    expect(await codesOf(view)).toEqual(expect.arrayContaining(['weights.refused']));
    expect(view.slices().weights.submissions).toMatchObject([
      { epoch: 7, kind: 'set', result: 'refused', error: 'too fast' },
    ]);
    view.close();
  });

  it('gives weights their time from when they became due, where the first round of an epoch ends late', async () => {
    const validator = runValidator();
    const view = watching(validator.actor);
    await validator.prepare.answer(succeed({ resumableRounds: 0, lostRounds: 0, unbalanced: [] }));
    validator.seeBlock(100);
    validator.seeSubnet(withMiners({}));
    // Epoch 7 has blocks 90 to 450: due at 270 with a round, at the last chance without.
    validator.seeBlock(300);
    expect(view.slices().epoch?.weightsDueAtBlock).toBe(430);
    validator.seeBlock(380);
    validator.seeSubnet(withMiners({ '5A': 1 }, { block: 380 }));
    validator.openLink('5A');
    await validator.planRound();
    validator.seeBlock(381);
    validator.settleRound();
    expect(await codesOf(view)).not.toContain('weights.late');
    expect(view.slices().epoch).toMatchObject({ rounds: 1, weightsDueAtBlock: 381 });
    validator.seeBlock(390);
    expect(await codesOf(view)).not.toContain('weights.late');
    validator.seeBlock(391);
    expect(await codesOf(view)).toContain('weights.late');
    expect(view.slices().health.reasons.find(({ code }) => code === 'weights.late')).toMatchObject({
      level: 'attention',
      text: expect.stringMatching(/due at block 381, 10 blocks ago/),
    });
    view.close();
  });

  it('calls weights late by the usual block where rounds were held before it', async () => {
    const { validator, view } = await following();
    validator.seeBlock(200);
    validator.settleRound();
    validator.seeBlock(269);
    validator.seeBlock(270);
    validator.seeBlock(279);
    expect(await codesOf(view)).not.toContain('weights.late');
    validator.seeBlock(280);
    expect(await codesOf(view)).toContain('weights.late');
    expect(view.slices().epoch?.weightsDueAtBlock).toBe(270);
    view.close();
  });

  it('names the miner that guesses, and only that one', async () => {
    const { validator, view } = await following();
    const tapped = view.tap(memoryStore().store);
    const answers = Array.from({ length: 80 }, (_, index) => [
      judged('r1', 1, { taskId: `t${index}`, hotkey: '5A', accuracy: index % 5 === 0 ? 1 : 0 }),
      judged('r1', 2, { taskId: `t${index}`, hotkey: '5B', accuracy: index % 5 === 0 ? 0 : 1 }),
    ]);
    await write(tapped, ...answers.flat());
    await later();
    const reason = view.slices().health.reasons.find(({ code }) => code === 'miner.guessing');
    expect(reason?.text).toMatch(
      /^uid 1 answers no better than guessing: 20 % right where chance is 25 %, over 80 answers\.$/,
    );
    expect(view.rows().sessions).toMatchObject({ 1: { isGuessing: true }, 2: { isGuessing: false } });
    expect(validator.errors).toEqual([]);
    view.close();
  });

  it('shows no key, no truth, no question and no answer', async () => {
    const { view } = await following();
    const tapped = view.tap(memoryStore().store);
    await write(tapped, planned('r1'), judged('r1', 1), settledRound('r1'), scored(7));
    await later();
    const told = await everythingOf(view);
    expect(told).toContain('r1');
    for (const secret of Object.values(secrets)) expect(told).not.toContain(secret);
    view.close();
  });

  it('does not show a vector before its weights are on chain', async () => {
    const { validator, view } = await following();
    const tapped = view.tap(memoryStore().store);
    validator.seeSubnet(
      subnetAt({ neurons: [neuron(0, '5Own', null), neuron(1, hotkeyOf(1), 1), neuron(2, hotkeyOf(2), 1)] }),
    );
    await write(tapped, scored(7));
    await later();
    expect(view.slices().weights).toMatchObject({
      scoredEpoch: 7,
      rows: [{ uid: 1, score: 0.5, toSet: null }, { uid: 2 }],
    });
    validator.actor.send({ type: 'epoch.scored', ...due });
    await validator.weights.check.answer(succeed({ setAtBlock: 300, committed: null, isForeign: false }));
    await later();
    const { rows, lastConfirmedEpoch } = view.slices().weights;
    expect(lastConfirmedEpoch).toBe(7);
    expect(rows.map(({ toSet }) => toSet)).toEqual([expect.closeTo(2 / 3, 3), expect.closeTo(1 / 3, 3)]);
    view.close();
  });

  it('keeps scores and vector of a commit to itself until the chain has opened it', async () => {
    const { validator, view } = await following();
    const tapped = view.tap(memoryStore().store);
    const hyperparameters = { ...subnetAt({}).hyperparameters, commitRevealWeightsEnabled: true };
    validator.seeSubnet(
      subnetAt({
        hyperparameters,
        neurons: [neuron(0, '5Own', null), neuron(1, hotkeyOf(1), 1), neuron(2, hotkeyOf(2), 1)],
      }),
    );
    await write(tapped, scored(7));
    await later();
    const hidden = { isCommitReveal: true, scoredEpoch: null, rows: [] };
    expect(view.slices().weights).toMatchObject(hidden);
    validator.actor.send({ type: 'epoch.scored', ...due });
    await validator.weights.check.answer(notSet);
    await validator.weights.prepare.answer(ready({}, sealed));
    await validator.weights.submit.answer(sent);
    validator.seeBlock(401);
    await validator.weights.find.answer(
      succeed({ found: true, block: 401, blockHash: '0x401', outcome: succeed(null) }),
    );
    await later();
    expect(view.slices().weights).toMatchObject({ ...hidden, lastConfirmedEpoch: 7 });
    expect(await view.history()).toEqual({ epochs: [], uids: [], scores: [] });
    expect((await view.sessionDetail(1))?.scores).toEqual([]);
    validator.seeBlock(460);
    const { commitHash } = sealed.plan;
    await validator.reveals.answer(
      succeed({ block: 460, recalled: null, verdicts: [{ commitHash, is: 'standing' }] }),
    );
    await later();
    expect(view.slices().weights).toMatchObject({
      scoredEpoch: 7,
      rows: [{ uid: 1, toSet: expect.closeTo(2 / 3, 3) }, { uid: 2 }],
    });
    expect((await view.history()).epochs).toEqual([7]);
    expect(view.slices().weights.submissions.map(({ kind, result }) => [kind, result])).toEqual([
      ['reveal', 'revealed'],
      ['commit', 'committed'],
    ]);
    view.close();
  });

  it('is cheap with 256 sessions that all change', async () => {
    const validator = runValidator();
    await validator.prepare.answer(succeed({ resumableRounds: 0, lostRounds: 0, unbalanced: [] }));
    const miners = Array.from({ length: 255 }, (_, index) => neuron(index + 1, hotkeyOf(index + 1), 1));
    validator.seeSubnet(subnetAt({ neurons: [neuron(0, '5Own', null), ...miners] }));
    const view = watching(validator.actor);
    const tapped = view.tap(memoryStore().store);
    const round = (number: number) =>
      miners.flatMap(({ uid }) =>
        Array.from({ length: 4 }, (_, task) => judged(`r${number}`, uid, { taskId: `t${number}-${task}` })),
      );
    for (let number = 0; number < 3; number += 1) await write(tapped, ...round(number));
    const times: number[] = [];
    for (let turn = 0; turn < 10; turn += 1) {
      await later();
      const fromMs = performance.now();
      view.rows();
      times.push(performance.now() - fromMs);
    }
    const median = times.toSorted((a, b) => a - b)[5] ?? 0;
    expect(Object.keys(view.rows().sessions)).toHaveLength(256);
    // About two milliseconds; a busy machine may take several times as long.
    expect(median).toBeLessThan(25);
    view.close();
  });
});
