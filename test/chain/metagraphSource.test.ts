import * as Effect from 'effect/Effect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type ChainError, toChainFailure } from '#src/chain/errors.ts';
import { readSubnet } from '#src/chain/metagraph.ts';
import { openRpc, type Rpc } from '#src/chain/rpc.ts';
import type { Runtime } from '#src/chain/runtime.ts';
import { makeRuntimes } from '#src/chain/runtimes.ts';
import type { Devnet } from '#src/devnet/node.ts';
import type { SubnetSnapshot } from '#src/domain/metagraph.ts';
import { DEADLINES, NETUID, startSubnet } from './devnetFixture.ts';

/** A runtime that lacks some of what this one has. */
const without = (
  runtime: Runtime,
  lacks: { readonly apis?: readonly string[]; readonly items?: readonly string[] },
): Runtime => ({
  ...runtime,
  hasApi: (api, method) => !lacks.apis?.includes(method) && runtime.hasApi(api, method),
  hasStorage: (pallet, item) => !lacks.items?.includes(item) && runtime.hasStorage(pallet, item),
});
const selective = ['get_selective_mechagraph', 'get_selective_metagraph'];
const metagraphs = [...selective, 'get_metagraph'];

describe('chain / metagraphSource', () => {
  let devnet: Devnet;
  beforeAll(async () => {
    devnet = await startSubnet({ sealing: 'manual' });
    devnet.sealBlocks(120);
  });
  afterAll(() => devnet.stop());

  type Asked = { readonly method: string; readonly params: readonly unknown[] };
  /** Reads the subnet at the head as a runtime with less would be read; also tells which calls that took. */
  const read = (
    change: (runtime: Runtime) => Runtime,
    spoil: (asked: Asked, answer: unknown) => unknown = (_, answer) => answer,
  ) =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const open = yield* openRpc({ endpoint: devnet.url, ...DEADLINES });
          const asked: Asked[] = [];
          const rpc: Rpc = {
            ...open,
            call: (method, params) => {
              asked.push({ method, params });
              return Effect.map(open.call(method, params), (answer) => spoil({ method, params }, answer));
            },
          };
          const { number, hash } = devnet.head();
          const runtime = change(yield* makeRuntimes(open).at(hash));
          const source = { rpc, runtime, netuid: NETUID, head: { block: number, blockHash: hash } };
          const subnet = yield* Effect.result(readSubnet(source));
          const again = yield* Effect.result(readSubnet(source));
          const calls = asked.flatMap(({ method, params }) =>
            method === 'state_call' ? [String(params[0])] : [],
          );
          return { subnet, again, calls, asked };
        }),
      ),
    );
  const succeeded = (result: {
    readonly _tag: string;
    readonly success?: SubnetSnapshot;
  }): SubnetSnapshot => {
    if (result.success === undefined) throw new Error('the read failed');
    return result.success;
  };
  const failed = (result: { readonly _tag: string; readonly failure?: ChainError }) => {
    if (result.failure === undefined) throw new Error('the read succeeded');
    return toChainFailure(result.failure);
  };

  it.each([
    [[], ['SubnetInfoRuntimeApi_get_selective_mechagraph']],
    [['get_selective_mechagraph'], ['SubnetInfoRuntimeApi_get_selective_metagraph']],
    [selective, ['SubnetInfoRuntimeApi_get_metagraph']],
    [metagraphs, ['SubnetInfoRuntimeApi_get_subnet_state', 'NeuronInfoRuntimeApi_get_neurons_lite']],
  ])('reads the same subnet without %j', async (apis, calls) => {
    const now = await read((runtime) => runtime);
    const older = await read((runtime) => without(runtime, { apis }));
    const { activityCutoffBlocks, ...rules } = succeeded(older.subnet).hyperparameters;
    const expected = succeeded(now.subnet);
    expect(expected.neurons).toHaveLength(3);
    // The item of storage was superseded; a runtime of that time has the value in force there.
    const { activityCutoffBlocks: inForce, ...expectedRules } = expected.hyperparameters;
    if (apis.length < metagraphs.length) expect(activityCutoffBlocks).toBe(inForce);
    expect(rules).toEqual(expectedRules);
    expect({ ...succeeded(older.subnet), hyperparameters: null }).toEqual({
      ...expected,
      hyperparameters: null,
    });
    expect(older.calls).toEqual(calls);
  });

  it('names a runtime that has no way to read a subnet with its stake', async () => {
    const { subnet, calls } = await read((runtime) =>
      without(runtime, { apis: [...metagraphs, 'get_subnet_state'] }),
    );
    expect(failed(subnet)).toMatchObject({ _tag: 'Unsupported', retry: { when: 'never' } });
    expect(failed(subnet).message).toContain('425');
    expect(calls).toEqual([]);
  });

  it('goes by the modulo of the block number where epochs are not stateful', async () => {
    const stateful = ['LastEpochBlock', 'PendingEpochAt', 'SubnetEpochIndex'];
    const { subnet } = await read((runtime) => without(runtime, { items: stateful }));
    const { block, epochIndex, lastEpochBlock, nextEpochBlock } = succeeded(subnet);
    expect(block).toBe(120);
    // Tempo 50, period 51: (block + 86 + 1) mod 51 = 50.
    expect({ epochIndex, lastEpochBlock, nextEpochBlock }).toEqual({
      epochIndex: 4,
      lastEpochBlock: 116,
      nextEpochBlock: 167,
    });
  });

  it('fails where only a part of the stateful schedule is gone', async () => {
    const half = (runtime: Runtime): Runtime => ({
      ...without(runtime, { items: ['SubnetEpochIndex'] }),
      storageKey: (pallet, item, args) =>
        runtime.storageKey(pallet, item === 'SubnetEpochIndex' ? 'Gone' : item, args),
    });
    expect(failed((await read(half)).subnet)._tag).toBe('Unsupported');
  });

  it('knows what older runtimes stand for where they lack an item', async () => {
    const items = [
      'StakeThreshold',
      'ValidatorTrust',
      'CommitRevealWeightsVersion',
      'MinNonImmuneUids',
      'AdminFreezeWindow',
    ];
    const { subnet, asked } = await read((runtime) => ({
      ...without(runtime, { items }),
      hasCall: (_, call) => call === 'commit_timelocked_weights',
    }));
    expect(succeeded(subnet).hyperparameters).toMatchObject({
      stakeThreshold: 0,
      commitRevealVersion: 4,
      minNonImmuneUids: 0,
      adminFreezeWindowBlocks: 0,
    });
    const keys = asked.flatMap(({ method, params }) =>
      method === 'state_queryStorageAt' ? [params[0]] : [],
    );
    expect(keys).toEqual([expect.objectContaining({ length: 3 })]);
    const beforeTimelocks = await read((runtime) => ({
      ...without(runtime, { items }),
      hasCall: () => false,
    }));
    expect(succeeded(beforeTimelocks.subnet).hyperparameters.commitRevealVersion).toBe(3);
  });

  it('reads a block once on a connection, and gives the same again for nothing', async () => {
    const { subnet, again, calls } = await read((runtime) => runtime);
    expect(calls).toHaveLength(1);
    expect(succeeded(again)).toBe(succeeded(subnet));
  });

  it('does not keep a failure', async () => {
    let isSpoiling = true;
    const { subnet, again } = await read(
      (runtime) => runtime,
      ({ method }, answer) => {
        if (method !== 'state_call' || !isSpoiling) return answer;
        isSpoiling = false;
        return '0x01';
      },
    );
    expect(failed(subnet)._tag).toBe('Malformed');
    expect(succeeded(again).neurons).toHaveLength(3);
  });

  it('refuses neurons that are not those of the lists', async () => {
    const swapped = (runtime: Runtime): Runtime => ({
      ...without(runtime, { apis: metagraphs }),
      decodeApiResult: (api, method, value) =>
        Effect.map(runtime.decodeApiResult(api, method, value), (decoded) =>
          method === 'get_neurons_lite' && Array.isArray(decoded) ? decoded.toReversed() : decoded,
        ),
    });
    expect(failed((await read(swapped)).subnet)).toMatchObject({ _tag: 'Malformed' });
  });

  it.each([
    ['another subnet', (fields: object) => ({ ...fields, netuid: 85 }), 'subnet 85'],
    ['a newtype with a name', (fields: object) => ({ ...fields, tempo: { blocks: 50 } }), 'tempo'],
    ['a new kind of enum', (fields: object) => ({ ...fields, active: ['Yes', 'No', 'Yes'] }), 'active'],
    [
      'the same hotkey twice',
      (fields: object) => ({
        ...fields,
        hotkeys: Array.from({ length: 3 }, () => '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY'),
      }),
      'two uids',
    ],
  ])('turns %s into a named failure, never into numbers', async (_name, change, named) => {
    const changed = (runtime: Runtime): Runtime => ({
      ...runtime,
      decodeApiResult: (api, method, value) =>
        Effect.map(runtime.decodeApiResult(api, method, value), (decoded) => change(decoded as object)),
    });
    const failure = failed((await read(changed)).subnet);
    expect(failure).toMatchObject({ _tag: 'Malformed', retry: { when: 'nextBlock' } });
    expect(failure.message).toContain(named);
  });
});
