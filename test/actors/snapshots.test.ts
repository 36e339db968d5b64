import * as Effect from 'effect/Effect';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AnyActorRef, createActor, setup } from 'xstate';

import { createObserver } from '#src/actors/observer.ts';
import { loadSnapshots, type RestorableSnapshot, restoring } from '#src/actors/snapshots.ts';
import { snapshotWriter } from '#src/actors/snapshotWriter.ts';
import { type EpochInput, epochMachine, type ScoreEpoch } from '#src/machines/epoch.machine.ts';
import { rootId } from '#src/machines/root.ts';
import { weightSettingMachine } from '#src/machines/weightSetting.machine.ts';
import type {
  CheckWeights,
  FindInclusion,
  PrepareWeights,
  SubmitWeights,
} from '#src/machines/weightSubmission.ts';
import { dataFolder, openValidatorLife, recordingLog, type ValidatorLife } from '#test/support/actors.ts';
import { fakeTask } from '#test/support/machines.ts';
import { until } from '#test/support/peers.ts';

const due = {
  type: 'weights.due',
  epoch: 7,
  vector: { uids: [1], values: [65_535] },
  lastEpochBlock: 90,
  endsAtBlock: 450,
} as const;
const { type: _, ...work } = due;

const prepared = {
  hex: '0x00',
  hash: `0x${'ab'.repeat(32)}`,
  nonce: 3,
  account: '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty',
  bornAtBlock: 100,
  expiresAtBlock: 132,
};

const epochInput: EpochInput = {
  epoch: 7,
  block: 100,
  lastEpochBlock: 90,
  endsAtBlock: 450,
  candidates: [],
  dueAfterFraction: 0.75,
  roundDeadlineMs: 1_000,
  roundIntervalMs: 1_000,
  holds: [],
};

const fits = (snapshot: RestorableSnapshot, input: unknown): boolean =>
  snapshot.context?.epoch === (input as EpochInput).epoch;

describe('actors / snapshots', () => {
  let folder = dataFolder();
  let life: ValidatorLife;
  const ends: (() => void)[] = [];

  beforeEach(async () => {
    folder = dataFolder();
    life = await openValidatorLife(folder.dir);
  });
  afterEach(async () => {
    for (const end of ends.splice(0)) end();
    await life.end();
    folder.remove();
  });

  const load = () => life.runtime.runPromise(loadSnapshots);
  const save = (name: string, version: number, value: unknown) =>
    Effect.runPromise(life.store.saveSnapshot({ name, version, value: value as null }));

  const fakes = () => ({
    check: fakeTask<CheckWeights>(),
    prepare: fakeTask<PrepareWeights>(),
    submit: fakeTask<SubmitWeights>(),
    find: fakeTask<FindInclusion>(),
    score: fakeTask<ScoreEpoch>(),
  });

  /** One life of a parent with both persisted machines, over what the earlier life left on disk. */
  const start = async (input: EpochInput = epochInput) => {
    const tasks = fakes();
    const snapshots = await load();
    const weightSetting = restoring(
      weightSettingMachine.provide({
        actors: {
          checkWeights: tasks.check.logic,
          prepareWeights: tasks.prepare.logic,
          submitWeights: tasks.submit.logic,
          findInclusion: tasks.find.logic,
        },
      }),
      snapshots.get('weightSetting'),
      { fits: () => true, renew: () => ({ block: 0 }), onUnusable: (reason) => void unusable.push(reason) },
    );
    const epoch = restoring(
      epochMachine.provide({ actors: { scoreEpoch: tasks.score.logic } }),
      snapshots.get('epoch'),
      { fits, renew: (given) => given as EpochInput, onUnusable: (reason) => void unusable.push(reason) },
    );
    const heard: { readonly type: string }[] = [];
    const parent = setup({
      types: { input: {} as EpochInput, context: {} as { readonly given: EpochInput } },
      actors: { weightSetting, epoch },
    }).createMachine({
      context: ({ input: given }) => ({ given }),
      initial: 'alive',
      states: {
        alive: {
          invoke: [
            { id: 'weightSetting', src: 'weightSetting' },
            { id: 'epoch', src: 'epoch', input: ({ context }) => context.given },
          ],
          on: { again: { target: 'alive', reenter: true } },
        },
      },
      on: { '*': { actions: ({ event }) => void heard.push(event) } },
    });
    const { log } = recordingLog();
    const failures: unknown[] = [];
    const unusable: unknown[] = [];
    const writer = snapshotWriter({
      run: (effect) => life.runtime.runPromise(effect),
      onFailure: (failure) => void failures.push(failure),
    });
    const root = createActor(parent, {
      systemId: rootId,
      input,
      inspect: createObserver({ log, onTransition: writer.onTransition }),
    });
    root.subscribe({ error: (error) => void failures.push(error) });
    root.start();
    ends.push(() => root.stop());
    const child = (id: 'weightSetting' | 'epoch'): AnyActorRef => {
      const found = root.getSnapshot().children[id];
      if (found === undefined) throw new Error(`no child ${id}`);
      return found;
    };
    return {
      tasks,
      root,
      heard,
      failures,
      unusable,
      writer,
      weightSetting: () => child('weightSetting'),
      epoch: () => child('epoch'),
      /** Everything that is on its way to the disk arrives, then the process is gone. */
      end: async () => {
        await writer.flush();
        root.stop();
      },
    };
  };

  it('persists weight-setting as it moves, and the next life goes on in the same state', async () => {
    const first = await start();
    first.weightSetting().send({ type: 'block.finalized', block: 100 });
    first.weightSetting().send(due);
    expect(first.tasks.check.calls).toEqual([work]);
    await first.tasks.check.answer({
      ok: true,
      value: { setAtBlock: null, committed: null, isForeign: false },
    });
    expect(first.weightSetting().getSnapshot().value).toEqual({ setting: 'preparing' });
    await first.end();

    const second = await start();
    expect(second.weightSetting().getSnapshot().value).toEqual({ setting: 'preparing' });
    expect(second.weightSetting().getSnapshot().context).toMatchObject({ due: work, block: 0 });
    // The one-shot actor that was under way is asked again, with the same input.
    expect(second.tasks.prepare.calls).toEqual([work]);
    expect(second.tasks.check.calls).toEqual([]);
    await second.tasks.prepare.answer({ ok: true, value: { prepared, sealed: null } });
    await second.tasks.submit.answer({ ok: true, value: 'sent' });
    second.weightSetting().send({ type: 'block.finalized', block: 100 });
    expect(second.weightSetting().getSnapshot().value).toMatchObject({ setting: { confirming: 'looking' } });
    await second.end();

    const third = await start();
    expect(third.tasks.find.calls).toEqual([{ prepared, fromBlock: 100, toBlock: 100 }]);
    await third.tasks.find.answer({
      ok: true,
      value: { found: true, block: 100, blockHash: '0x0', outcome: { ok: true, value: null } },
    });
    expect(third.heard.map(({ type }) => type)).toContain('weights.confirmed');
    await third.end();

    const fourth = await start();
    expect(fourth.weightSetting().getSnapshot().context).toMatchObject({ confirmedEpoch: 7, behind: 0 });
    // Epoch 7 is done, whoever asks again.
    fourth.weightSetting().send(due);
    expect(fourth.weightSetting().getSnapshot().value).toBe('waiting');
    expect(fourth.failures).toEqual([]);
  });

  it('persists the epoch with its vector, and takes it up in the same epoch only', async () => {
    const first = await start();
    first.epoch().send({ type: 'block.finalized', block: 446 });
    await first.tasks.score.answer({ ok: true, value: { vector: due.vector, scored: 1 } });
    expect(first.epoch().getSnapshot().value).toEqual({ rounds: 'open', weights: 'scored' });
    await first.end();

    const same = await start();
    expect(same.epoch().getSnapshot().value).toEqual({ rounds: 'open', weights: 'scored' });
    expect(same.epoch().getSnapshot().context).toMatchObject({ vector: due.vector, block: 100 });
    same.epoch().send({ type: 'system.resumed' });
    expect(same.heard.filter(({ type }) => type === 'epoch.scored')).toHaveLength(1);
    await same.end();

    const next = await start({ ...epochInput, epoch: 8 });
    expect(next.epoch().getSnapshot().value).toEqual({ rounds: 'open', weights: 'waiting' });
    expect(next.epoch().getSnapshot().context).toMatchObject({ epoch: 8, vector: null, block: 100 });
  });

  it('starts from a snapshot once: what is spawned later starts afresh', async () => {
    const first = await start();
    first.weightSetting().send({ type: 'epoch.ended', epoch: 7 });
    await first.end();
    const second = await start();
    expect(second.weightSetting().getSnapshot().context).toMatchObject({ behind: 1, missedEpoch: 7 });
    second.root.send({ type: 'again' });
    expect(second.weightSetting().getSnapshot().context).toMatchObject({ behind: 0, missedEpoch: null });
  });

  it('does not persist an epoch in the middle of a round', async () => {
    const first = await start({
      ...epochInput,
      candidates: [{ uid: 1, hotkey: prepared.account, stake: 0 }],
    });
    await first.writer.flush();
    const before = await Effect.runPromise(life.store.loadSnapshot('machine.epoch'));
    first.epoch().send({ type: 'sessions.changed', ready: 1, dialing: 0 });
    expect(first.epoch().getSnapshot().value).toMatchObject({ rounds: { collecting: 'steady' } });
    await first.writer.flush();
    const after = await Effect.runPromise(life.store.loadSnapshot('machine.epoch'));
    expect(after?.revision).toBe(before?.revision);
  });

  const sound = {
    status: 'active',
    value: 'waiting',
    historyValue: {},
    children: {},
    context: { sinceEpoch: 1, confirmedEpoch: 5, missedEpoch: 9, behind: 4, resendAtBlock: 0, repeats: 0 },
  };

  it('takes the settings, the candidates and the block of this start into an epoch of the last one', async () => {
    const first = await start();
    first.epoch().send({ type: 'block.finalized', block: 200 });
    await first.end();
    const candidates = [{ uid: 1, hotkey: '5A', stake: 0 }];
    const renewed = { ...epochInput, block: 300, candidates, roundDeadlineMs: 7, roundIntervalMs: 8 };
    const second = await start({ ...renewed, dueAfterFraction: 0.9 });
    expect(second.epoch().getSnapshot().context).toMatchObject({ ...renewed, dueAfterFraction: 0.9 });
    expect(second.unusable).toEqual([]);
  });

  it('says once that a snapshot names a state that does not exist', async () => {
    await save('machine.weightSetting', 3, { ...sound, value: 'dreaming' });
    const { weightSetting, unusable } = await start();
    expect(weightSetting().getSnapshot().value).toBe('waiting');
    expect(unusable).toHaveLength(1);
  });

  it.each<readonly [string, number, unknown]>([
    ['of another version', 2, sound],
    ['that is none', 3, 'rubbish'],
    ['of a machine that has ended', 3, { ...sound, status: 'done' }],
    ['with a context of another shape', 3, { ...sound, context: { confirmedEpoch: 'five', behind: 4 } }],
    ['without a state', 3, { status: 'active', context: sound.context }],
    ['in a state that does not exist', 3, { ...sound, value: 'dreaming' }],
  ])('starts afresh over a snapshot %s', async (_what, version, value) => {
    await save('machine.weightSetting', version, value);
    const { weightSetting, tasks, failures, root } = await start();
    expect(root.getSnapshot().status).toBe('active');
    expect(weightSetting().getSnapshot().status).toBe('active');
    expect(weightSetting().getSnapshot().value).toBe('waiting');
    expect(weightSetting().getSnapshot().context).toMatchObject({ confirmedEpoch: null, behind: 0 });
    weightSetting().send(due);
    expect(tasks.check.calls).toHaveLength(1);
    expect(failures).toEqual([]);
  });

  it('finds nothing in a store that is new', async () => {
    expect((await load()).size).toBe(0);
  });

  it('keeps only the newest state of a machine while a write is under way, and flush waits for it', async () => {
    const gates: (() => void)[] = [];
    let writes = 0;
    const writer = snapshotWriter({
      run: (effect) => {
        writes += 1;
        return new Promise<void>((resolve) => gates.push(resolve)).then(() =>
          life.runtime.runPromise(effect),
        );
      },
      onFailure: () => {},
    });
    const root = createActor(weightSettingMachine, { id: 'weightSetting', systemId: rootId });
    ends.push(() => root.stop());
    root.start();
    root.subscribe(() => writer.onTransition(root));
    const openGate = async (): Promise<void> => {
      await until(() => gates.length > 0, 'a write');
      gates.shift()?.();
    };
    for (let epoch = 1; epoch <= 20; epoch += 1) root.send({ type: 'epoch.ended', epoch });
    expect(writes).toBe(1);
    let isFlushed = false;
    const flushed = writer.flush().then(() => {
      isFlushed = true;
    });
    await openGate();
    await openGate();
    expect(isFlushed).toBe(false);
    await flushed;
    expect(writes).toBe(2);
    const stored = await Effect.runPromise(life.store.loadSnapshot('machine.weightSetting'));
    expect(stored?.value).toMatchObject({ context: { behind: 20, missedEpoch: 20 } });
  });

  it('goes on writing after a write that failed', async () => {
    const failures: unknown[] = [];
    let attempt = 0;
    const writer = snapshotWriter({
      run: (effect) => {
        attempt += 1;
        if (attempt === 1) throw new Error('the runtime is gone');
        return attempt === 2
          ? Promise.reject(new Error('the disk is full'))
          : life.runtime.runPromise(effect);
      },
      onFailure: (failure) => void failures.push(String(failure)),
    });
    const root = createActor(weightSettingMachine, { id: 'weightSetting', systemId: rootId });
    ends.push(() => root.stop());
    root.start();
    for (let epoch = 1; epoch <= 3; epoch += 1) {
      root.send({ type: 'epoch.ended', epoch });
      writer.onTransition(root);
      await writer.flush();
    }
    expect(failures).toEqual(['Error: the runtime is gone', 'Error: the disk is full']);
    const stored = await Effect.runPromise(life.store.loadSnapshot('machine.weightSetting'));
    expect(stored?.value).toMatchObject({ context: { behind: 3 } });
  });
});
