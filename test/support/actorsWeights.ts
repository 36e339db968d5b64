import { type AnyActorRef, createActor, sendTo, setup } from 'xstate';

import { readSubnet } from '#src/actors/chainSession.actor.ts';
import { createObserver } from '#src/actors/observer.ts';
import { readReveals } from '#src/actors/readReveals.actor.ts';
import { loadSnapshots, restoring } from '#src/actors/snapshots.ts';
import { snapshotWriter } from '#src/actors/snapshotWriter.ts';
import {
  checkWeights,
  findInclusion,
  prepareWeights,
  submitWeights,
} from '#src/actors/submitWeights.actor.ts';
import { decodeGenesis } from '#src/devnet/genesis.ts';
import { type Devnet, startDevnet } from '#src/devnet/node.ts';
import type { Outcome } from '#src/domain/outcome.ts';
import type { WeightVector } from '#src/domain/weightVector.ts';
import type { Logger } from '#src/logging.ts';
import { scheduleOf } from '#src/machines/epoch.machine.ts';
import { rootId } from '#src/machines/root.ts';
import { weightRevealMachine } from '#src/machines/weightReveal.machine.ts';
import { weightSettingMachine } from '#src/machines/weightSetting.machine.ts';
import type { ReadyWeights, WeightsDue } from '#src/machines/weightSubmission.ts';
import { askOnce, type ValidatorLife } from './actors.ts';
import { identityOfUri, NETUID, until } from './peers.ts';

/** Blocks of an epoch of `startCommitReveal`. */
export const tempo = 10;

/** Any time will do; the same one lets the tests of a file share the pulses of the beacon. */
const startMs = 1_790_000_000_000;

/** Alice (uid 0) validates, Bob (1) and Charlie (2) mine; weights go in as timelocked commits. */
export const startCommitReveal = (
  rules: Readonly<Record<string, number | boolean>> = {},
  epochBlocks = tempo,
  finalityLagBlocks = 0,
): Promise<Devnet> =>
  startDevnet({
    sealing: 'manual',
    startMs,
    finalityLagBlocks,
    genesis: decodeGenesis({
      chain: 'weight reveals test',
      blockTimeMs: 1_000,
      accounts: [{ address: '//Eve', free: '1000000000000' }],
      subnets: [
        {
          netuid: NETUID,
          tempo: epochBlocks,
          ownerColdkey: '//Eve',
          ownerHotkey: '//Ferdie',
          hyperparameters: {
            commitRevealWeightsEnabled: true,
            revealPeriodEpochs: 1,
            weightsSetRateLimit: 3,
            minAllowedWeights: 1,
            ...rules,
          },
          neurons: [
            { hotkey: '//Alice', coldkey: '//Dave', stake: '300000000000', validatorPermit: true },
            { hotkey: '//Bob', coldkey: '//Dave', stake: '0' },
            { hotkey: '//Charlie', coldkey: '//Dave', stake: '0' },
          ],
        },
      ],
    }),
  });

export const settings = { identity: identityOfUri('//Alice'), versionKey: 2_208 };

/** Number of extrinsics in the chain that bear a signature: the rest is the chain's own, such as time and pulses. */
export const signedExtrinsics = (devnet: Devnet): number => {
  let count = 0;
  for (let block = 0; block <= devnet.head().number; block += 1) {
    for (const bytes of devnet.chain.blockByNumber(block)?.extrinsics ?? []) {
      const prefix = [1, 2, 4][(bytes[0] ?? 0) & 3] ?? 4;
      if (((bytes[prefix] ?? 0) & 0x80) !== 0) count += 1;
    }
  }
  return count;
};

/** The schedule of the present epoch with a vector for it. */
export const dueOf = async (life: ValidatorLife, vector: WeightVector): Promise<WeightsDue> => {
  const { head } = life.chain;
  if (head === null) throw new Error('no head yet');
  const subnet = await askOnce(readSubnet(life.runtime), { head });
  if (!subnet.ok) throw new Error(subnet.error.message);
  return { ...scheduleOf(subnet.value), vector };
};

const valueIn = <A, E>(outcome: Outcome<A, E>): A => {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.value;
};

/** The four one-shot actors of a submission by Alice, in whatever life is lived when they are asked. */
export const weightSteps = (world: () => { readonly life: ValidatorLife; readonly devnet: Devnet }) => {
  const runtime = () => world().life.runtime;
  const prepare = (due: WeightsDue) => askOnce(prepareWeights(runtime(), settings), due);
  return {
    check: (due: WeightsDue) => askOnce(checkWeights(runtime(), settings), due),
    prepare,
    ready: async (due: WeightsDue): Promise<ReadyWeights> => valueIn(await prepare(due)),
    submit: ({ prepared }: Pick<ReadyWeights, 'prepared'>) => askOnce(submitWeights(runtime()), { prepared }),
    /** In all blocks of the chain since the bytes were signed. */
    find: ({ prepared }: ReadyWeights) =>
      askOnce(findInclusion(runtime()), {
        prepared,
        fromBlock: prepared.bornAtBlock,
        toBlock: world().devnet.head().number,
      }),
    valueIn,
  };
};

/** Both machines over real actors, as the validator has them. */
const machinesOf = async ({ runtime }: ValidatorLife) => {
  const snapshots = await runtime.runPromise(loadSnapshots);
  const onUnusable = (reason: unknown): void => {
    throw new Error(String(reason));
  };
  const weightSetting = restoring(
    weightSettingMachine.provide({
      actors: {
        checkWeights: checkWeights(runtime, settings),
        prepareWeights: prepareWeights(runtime, settings),
        submitWeights: submitWeights(runtime),
        findInclusion: findInclusion(runtime),
      },
    }),
    snapshots.get('weightSetting'),
    { fits: () => true, renew: () => ({ block: 0 }), onUnusable },
  );
  const weightReveal = restoring(
    weightRevealMachine.provide({ actors: { readReveals: readReveals(runtime, settings.identity) } }),
    snapshots.get('weightReveal'),
    { fits: () => true, renew: () => ({ block: 0, isRecalled: false }), onUnusable },
  );
  return { weightSetting, weightReveal };
};

type Fact = { readonly type: string; readonly [field: string]: unknown };

const asking = ['checking', 'preparing', 'submitting', 'looking', 'resending', 'reading'];

/**
 * One life of weight-setting and its reveals under a root that hands commits over, as the validator does.
 *
 * @param options.persisted which machines reach the disk: a process may die between two writes
 */
export const startWeights = async (options: {
  readonly life: ValidatorLife;
  readonly log: Logger;
  readonly persisted?: readonly string[];
}) => {
  const { life, log, persisted = ['weightSetting', 'weightReveal'] } = options;
  const facts: Fact[] = [];
  const failures: unknown[] = [];
  const parent = setup({ actors: await machinesOf(life) }).createMachine({
    invoke: [
      { id: 'weightSetting', src: 'weightSetting' },
      { id: 'weightReveal', src: 'weightReveal' },
    ],
    on: {
      'commit.stood': { actions: sendTo('weightReveal', ({ event }) => event) },
      '*': {},
    },
  });
  const writer = snapshotWriter({
    run: (effect) => life.runtime.runPromise(effect),
    onFailure: (failure) => void failures.push(failure),
  });
  const observe = createObserver({
    log,
    onTransition: (ref) => {
      if (persisted.includes(ref.id)) writer.onTransition(ref);
    },
  });
  const root = createActor(parent, {
    systemId: rootId,
    inspect: (inspected) => {
      observe(inspected);
      if (inspected.type === '@xstate.event' && inspected.actorRef === root) {
        if (inspected.event.type.startsWith('weights.')) facts.push(inspected.event);
      }
    },
  });
  root.subscribe({ error: (error) => void failures.push(error) });
  root.start();
  const child = (id: 'weightSetting' | 'weightReveal'): AnyActorRef => {
    const found = root.getSnapshot().children[id];
    if (found === undefined) throw new Error(`no child ${id}`);
    return found;
  };
  const isAsking = (): boolean =>
    (['weightSetting', 'weightReveal'] as const).some((id) => {
      const value = JSON.stringify(child(id).getSnapshot().value);
      return asking.some((state) => value.includes(state));
    });
  const settle = (): Promise<void> => until(() => !isAsking(), 'the machines rest');
  return {
    facts,
    failures,
    settle,
    weightSetting: () => child('weightSetting'),
    weightReveal: () => child('weightReveal'),
    due: async (due: WeightsDue) => {
      child('weightSetting').send({ type: 'weights.due', ...due });
      await settle();
    },
    /** A finalized block that both machines have dealt with. */
    see: async (block: number) => {
      for (const id of ['weightSetting', 'weightReveal'] as const) {
        child(id).send({ type: 'block.finalized', block });
      }
      await settle();
    },
    stop: async () => {
      await writer.flush();
      root.stop();
    },
  };
};

export type Weights = Awaited<ReturnType<typeof startWeights>>;
