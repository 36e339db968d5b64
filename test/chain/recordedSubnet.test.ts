import { TypeRegistry } from '@polkadot/types/create';
import { Metadata } from '@polkadot/types/metadata';
import { expandMetadata } from '@polkadot/types/metadata/decorate';
import { u8aToHex } from '@polkadot/util';
import * as Effect from 'effect/Effect';
import { beforeAll, describe, expect, it } from 'vitest';

import { readSubnet } from '#src/chain/metagraph.ts';
import type { Rpc } from '#src/chain/rpc.ts';
import { makeRuntime, type Runtime } from '#src/chain/runtime.ts';
import { RECORDED_SPEC, recordedBytes, recordingsDir } from '#test/devnet/recording.ts';

const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const BOB = '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty';
const NETUID = 1;
const BLOCK = 1_000;
const blockHash = `0x${'ab'.repeat(32)}`;

/** Fields of a metagraph that this program reads, under the names of the recorded types. */
const fields = {
  netuid: NETUID,
  owner_hotkey: BOB,
  block: BLOCK,
  tempo: 360,
  min_allowed_weights: 3,
  weights_version: 2_208,
  weights_rate_limit: 100,
  activity_cutoff: 5_000,
  max_validators: 64,
  num_uids: 2,
  max_uids: 256,
  immunity_period: 4_096,
  serving_rate_limit: 50,
  commit_reveal_weights_enabled: true,
  commit_reveal_period: 1,
  hotkeys: [ALICE, BOB],
  coldkeys: [BOB, BOB],
  axons: [
    { block: 0, version: 0, ip: 0, port: 0, ip_type: 0, protocol: 0, placeholder1: 0, placeholder2: 0 },
    { block: 9, version: 1, ip: 3_232_235_777, port: 8_091, ip_type: 4, protocol: 4 },
  ],
  active: [true, false],
  validator_permit: [true, false],
  last_update: [990, 10],
  emission: [5_000_000_000, 7],
  dividends: [65_535, 0],
  incentives: [0, 65_535],
  consensus: [0, 32_768],
  block_at_registration: [1, 10],
  total_stake: [1_500_000_000_000, 0],
};

describe.skipIf(recordingsDir === undefined)(
  `chain / the subnet of a runtime of spec ${RECORDED_SPEC} (needs FINNEY_METADATA_DIR)`,
  () => {
    let runtime: Runtime;
    let registry: TypeRegistry;
    let answers: Readonly<Record<string, string>>;
    let stored: ReadonlyMap<string, string>;

    beforeAll(async () => {
      const spec = { specName: 'node-subtensor', specVersion: RECORDED_SPEC, transactionVersion: 1 };
      runtime = await Effect.runPromise(makeRuntime(spec, recordedBytes(15)));
      registry = new TypeRegistry();
      const metadata = new Metadata(registry, recordedBytes(15));
      registry.setMetadata(metadata, undefined, undefined, true);
      const encode = (method: string, value: unknown): string => {
        const api = metadata.asV15.apis.find(({ name }) => name.toString() === 'SubnetInfoRuntimeApi');
        const output = api?.methods.find(({ name }) => name.toString() === method)?.output;
        if (output === undefined) throw new Error(`the recording has no ${method}`);
        return u8aToHex(registry.createTypeUnsafe(registry.createLookupType(output), [value]).toU8a());
      };
      answers = Object.fromEntries(
        ['get_selective_mechagraph', 'get_selective_metagraph', 'get_metagraph'].map((method) => [
          `SubnetInfoRuntimeApi_${method}`,
          encode(method, fields),
        ]),
      );
      const key = (item: string, args: readonly unknown[]) =>
        Effect.runPromise(runtime.storageKey('SubtensorModule', item, args));
      expandMetadata(registry, metadata);
      stored = new Map([
        [await key('StakeThreshold', []), u8aToHex(registry.createType('u64', 4_000_000_000_000).toU8a())],
        [
          await key('ValidatorTrust', [NETUID]),
          u8aToHex(registry.createType('Vec<u16>', [65_535, 0]).toU8a()),
        ],
      ]);
    });

    const readWithout = (lacks: readonly string[]) => {
      const asked: string[] = [];
      const rpc: Rpc = {
        endpoint: 'ws://recorded',
        call: (method, params) => {
          asked.push(method === 'state_call' ? String(params[0]) : method);
          if (method === 'state_call') return Effect.succeed(answers[String(params[0])]);
          const changes = (params[0] as string[]).map((key) => [key, stored.get(key) ?? null]);
          return Effect.succeed([{ block: blockHash, changes }]);
        },
        subscribe: () => Effect.void,
        lost: Effect.never,
      };
      const older: Runtime = {
        ...runtime,
        hasApi: (api, method) => !lacks.includes(method) && runtime.hasApi(api, method),
      };
      const head = { block: BLOCK, blockHash };
      return Effect.map(readSubnet({ rpc, runtime: older, netuid: NETUID, head }), (subnet) => ({
        subnet,
        asked,
      }));
    };

    it.each([
      [[], 'get_selective_mechagraph'],
      [['get_selective_mechagraph'], 'get_selective_metagraph'],
      [['get_selective_mechagraph', 'get_selective_metagraph'], 'get_metagraph'],
    ])('is read without %j by %s, with the rules of its time', async (lacks, method) => {
      const { subnet, asked } = await Effect.runPromise(readWithout(lacks));
      expect(asked.toSorted()).toEqual([`SubnetInfoRuntimeApi_${method}`, 'state_queryStorageAt']);
      expect(subnet).toMatchObject({
        netuid: NETUID,
        block: BLOCK,
        specVersion: RECORDED_SPEC,
        // No stateful epochs: the example of the old rule.
        epochIndex: 2,
        lastEpochBlock: 719,
        nextEpochBlock: 1_080,
        ownerHotkey: BOB,
      });
      expect(subnet.hyperparameters).toEqual({
        tempo: 360,
        weightsVersionKey: 2_208,
        weightsSetRateLimitBlocks: 100,
        minAllowedWeights: 3,
        commitRevealWeightsEnabled: true,
        commitRevealVersion: 4,
        revealPeriodEpochs: 1,
        activityCutoffBlocks: 5_000,
        immunityPeriodBlocks: 4_096,
        maxAllowedUids: 256,
        minNonImmuneUids: 0,
        adminFreezeWindowBlocks: 10,
        maxAllowedValidators: 64,
        servingRateLimitBlocks: 50,
        stakeThreshold: 4_000,
      });
      expect(subnet.neurons).toEqual([
        {
          uid: 0,
          hotkey: ALICE,
          coldkey: BOB,
          axon: null,
          active: true,
          validatorPermit: true,
          lastUpdate: 990,
          blockAtRegistration: 1,
          stake: 1_500,
          incentive: 0,
          dividends: 1,
          consensus: 0,
          validatorTrust: 1,
          emissionRao: 5_000_000_000,
        },
        {
          uid: 1,
          hotkey: BOB,
          coldkey: BOB,
          axon: { ip: '192.168.1.1', port: 8_091 },
          active: false,
          validatorPermit: false,
          lastUpdate: 10,
          blockAtRegistration: 10,
          stake: 0,
          incentive: 1,
          dividends: 0,
          consensus: 32_768 / 65_535,
          validatorTrust: 0,
          emissionRao: 7,
        },
      ]);
    });
  },
);
