import * as Effect from 'effect/Effect';
import { describe, expect, it } from 'vitest';
import { ChainUnsupported } from '#src/chain/errors.ts';
import { planWeights } from '#src/chain/weightCalls.ts';
import type { SubmissionFacts } from '#src/domain/submissionFacts.ts';

const publicKey = new Uint8Array(32).fill(1);
const vector = { uids: [1, 2], values: [32_768, 65_535] };
const versionKey = 2_208;
const PLAIN = ['set_weights'];
const TIMELOCKED = ['commit_timelocked_weights'];
const MECHANISMS = ['set_mechanism_weights', 'commit_timelocked_mechanism_weights'];

const runtimeWith = (calls: readonly string[], items: readonly string[] = ['LastEpochBlock']) => ({
  hasCall: (pallet: string, call: string) => pallet === 'SubtensorModule' && calls.includes(call),
  hasStorage: (_pallet: string, item: string) => items.includes(item),
  constant: (pallet: string, name: string) =>
    pallet === 'Timestamp' && name === 'MinimumPeriod'
      ? Effect.succeed(6_000)
      : Effect.fail(new ChainUnsupported({ message: `no ${pallet}.${name}` })),
});
const factsWith = (commitRevealWeightsEnabled: boolean): SubmissionFacts => ({
  hotkey: '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY',
  waitingCommits: [],
  blockTimeMs: 1_750_000_000_000,
  beacon: {
    publicKey:
      '0x83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a',
    genesisTimeS: 1_692_803_367,
    periodS: 3,
    lastStoredRound: 0,
  },
  subnet: {
    netuid: 86,
    block: 1_000,
    blockHash: `0x${'11'.repeat(32)}`,
    specVersion: 425,
    epochIndex: 7,
    lastEpochBlock: 900,
    nextEpochBlock: 1_260,
    ownerHotkey: null,
    neurons: [],
    hyperparameters: {
      tempo: 360,
      weightsVersionKey: 0,
      weightsSetRateLimitBlocks: 100,
      minAllowedWeights: 1,
      commitRevealWeightsEnabled,
      commitRevealVersion: 4,
      revealPeriodEpochs: 2,
      activityCutoffBlocks: 5_000,
      immunityPeriodBlocks: 5_000,
      maxAllowedUids: 256,
      minNonImmuneUids: 10,
      adminFreezeWindowBlocks: 10,
      maxAllowedValidators: 64,
      servingRateLimitBlocks: 50,
      stakeThreshold: 0,
    },
  },
});
const plan = (isCommitReveal: boolean, runtime: ReturnType<typeof runtimeWith>) =>
  Effect.runPromise(
    planWeights(runtime, { facts: factsWith(isCommitReveal), publicKey, vector, versionKey }),
  );

describe('chain / weightCalls', () => {
  it('sets the weights of mechanism 0 where the runtime has mechanisms, of the subnet before', async () => {
    const recent = await plan(false, runtimeWith([...PLAIN, ...TIMELOCKED, ...MECHANISMS]));
    expect(recent).toEqual({
      reveal: null,
      call: {
        pallet: 'SubtensorModule',
        name: 'set_mechanism_weights',
        args: [86, 0, vector.uids, vector.values, versionKey],
      },
    });
    const older = await plan(false, runtimeWith(PLAIN));
    expect(older.call).toMatchObject({
      name: 'set_weights',
      args: [86, vector.uids, vector.values, versionKey],
    });
  });

  it('commits them the same way, locked to the round of the reveal epoch', async () => {
    const sealed = expect.stringMatching(/^0x[0-9a-f]{590}$/);
    const recent = await plan(true, runtimeWith([...PLAIN, ...TIMELOCKED, ...MECHANISMS]));
    // 620 blocks away, of which 3.1 may come late: two rounds after the one of the SDK.
    const revealRound = 19_066_596 + (360 * 12) / 3 + 2;
    expect(recent.call).toMatchObject({
      name: 'commit_timelocked_mechanism_weights',
      args: [86, 0, sealed, revealRound, 4],
    });
    expect(recent.reveal).toEqual({
      commitEpoch: 7,
      revealsFromBlock: 1_620,
      revealRound,
      commitHash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
    });
    const older = await plan(true, runtimeWith([...PLAIN, ...TIMELOCKED]));
    expect(older.call).toMatchObject({
      name: 'commit_timelocked_weights',
      args: [86, sealed, revealRound, 4],
    });
  });

  it('counts epochs by the older rule where they are not stateful', async () => {
    const { reveal } = await plan(true, runtimeWith(TIMELOCKED, []));
    expect(reveal?.revealsFromBlock).toBe(1_260 + 361);
  });

  it('says what is missing where the runtime has no timelocked commits', async () => {
    await expect(plan(true, runtimeWith(PLAIN))).rejects.toThrow(/no commit_timelocked_weights: update/);
  });
});
