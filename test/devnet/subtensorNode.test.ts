/** The pallet as an unmodified @polkadot/api client sees it. */
import { ApiPromise, WsProvider } from '@polkadot/api';
import type { ApiOptions, SubmittableExtrinsic } from '@polkadot/api/types';
import { Keyring } from '@polkadot/keyring';
import type { KeyringPair } from '@polkadot/keyring/types';
import type { EventRecord } from '@polkadot/types/interfaces';
import { hexToU8a, stringToU8a, u8aToHex } from '@polkadot/util';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeGenesis } from '#src/devnet/genesis.ts';
import { type Devnet, startDevnet } from '#src/devnet/node.ts';
import { yumaInputOf } from '#src/devnet/subtensor/yumaRun.ts';
import { yumaEpoch } from '#src/domain/yuma.ts';

const NETUID = 86;
const TEMPO = 20;
const TAO = 1_000_000_000n;
const rao = (tao: number): string => String(BigInt(tao) * TAO);

const genesis = decodeGenesis({
  chain: 'subtensor test',
  blockTimeMs: 1000,
  accounts: [
    { address: '//Alice', free: rao(1000) },
    { address: '//Bob', free: rao(1000) },
  ],
  subnets: [
    {
      netuid: NETUID,
      tempo: TEMPO,
      ownerColdkey: '//Owner',
      ownerHotkey: '//OwnerHot',
      hyperparameters: {
        commitRevealWeightsEnabled: false,
        weightsSetRateLimit: 5,
        servingRateLimit: 5,
        stakeThreshold: '1000',
        weightsVersionKey: 2208,
      },
      neurons: [
        { hotkey: '//Validator1', coldkey: '//Cold1', stake: rao(300) },
        { hotkey: '//Validator2', coldkey: '//Cold2', stake: rao(100) },
      ],
    },
    {
      netuid: 2,
      tempo: 360,
      ownerColdkey: '//Owner',
      ownerHotkey: '//OwnerHot',
      neurons: [{ hotkey: '//Validator1', coldkey: '//Cold1', stake: rao(5) }],
    },
  ],
});

let node: Devnet;
let api: ApiPromise;
let pairs: { readonly [name: string]: KeyringPair };
const names = ['Alice', 'Bob', 'Validator1', 'Validator2', 'Miner1', 'Miner2', 'Stranger'];

beforeAll(async () => {
  await cryptoWaitReady();
  const keyring = new Keyring({ type: 'sr25519', ss58Format: 42 });
  pairs = Object.fromEntries(names.map((name) => [name, keyring.addFromUri(`//${name}`)]));
  node = await startDevnet({ genesis, sealing: 'manual' });
  // The provider's class does not fit its own interface under exactOptionalPropertyTypes.
  const provider = new WsProvider(node.url) as unknown as NonNullable<ApiOptions['provider']>;
  api = await ApiPromise.create({ provider, noInitWarn: true, throwOnConnect: true });
});
afterAll(async () => {
  await api.disconnect();
  await node.stop();
});

const pair = (name: string): KeyringPair => {
  const found = pairs[name];
  if (found === undefined) {
    throw new Error(`no key ${name}`);
  }
  return found;
};
type Tx = SubmittableExtrinsic<'promise'>;
const tx = (name: string, ...args: unknown[]): Tx => {
  const call = api.tx['subtensorModule']?.[name];
  if (call === undefined) {
    throw new Error(`the metadata has no call ${name}`);
  }
  return call(...args);
};
const query = async (name: string, ...keys: unknown[]): Promise<unknown> =>
  (await api.query['subtensorModule']?.[name]?.(...keys))?.toJSON();

/** Signs and sends with the next nonce; rejects with the pool's refusal. */
const submit = async (call: Tx, signer: string): Promise<void> => {
  await call.signAndSend(pair(signer), { nonce: -1 });
};
type Outcome = { readonly error: string | undefined; readonly events: string[] };
/** Sends, makes a block and gives the dispatch error and the events of the call. */
const include = async (call: Tx, signer: string): Promise<Outcome> => {
  await submit(call, signer);
  const block = node.seal();
  const at = await api.at(block.hash);
  const records = (await at.query['system']?.['events']?.()) as unknown as EventRecord[];
  const own = records.filter(({ phase }) => phase.isApplyExtrinsic && phase.asApplyExtrinsic.toNumber() > 0);
  const failed = own.find(({ event }) => event.method === 'ExtrinsicFailed');
  const reason = failed?.event.data[0] as { asModule?: { index: unknown; error: unknown } } | undefined;
  const error = reason === undefined ? undefined : api.registry.findMetaError(reason.asModule as never).name;
  return { error, events: own.map(({ event }) => `${event.section}.${event.method}`) };
};
const refusal = (call: Tx, signer: string): Promise<string> =>
  submit(call, signer).then(
    () => 'accepted',
    (error: Error) => error.message,
  );
const runtimeCall = async (name: string, method: string, ...args: unknown[]): Promise<unknown> =>
  (await api.call[name]?.[method]?.(...args))?.toJSON();

const weights = (overrides: Record<string, unknown> = {}) => {
  const args = { netuid: NETUID, mecid: 0, dests: [2, 3], weights: [1, 3], key: 2208, ...overrides };
  return tx('setMechanismWeights', args.netuid, args.mecid, args.dests, args.weights, args.key);
};
const axon = (overrides: Record<string, unknown> = {}) => {
  const args = { netuid: NETUID, version: 10_002_000, ip: '3232235777', port: 8091, ipType: 4, ...overrides };
  return tx('serveAxon', args.netuid, args.version, args.ip, args.port, args.ipType, 4, 0, 0);
};

describe('devnet / subtensor / through @polkadot/api', () => {
  it('encodes the calls as the real chain does', () => {
    expect(tx('setWeights', 1, [1, 2], [10, 20], 0).method.toHex()).toBe(
      '0x070001000801000200080a0014000000000000000000',
    );
    expect(axon({ netuid: 1 }).method.toHex()).toBe(
      '0x07040100509e98000101a8c00000000000000000000000009b1f04040000',
    );
  });

  it('reads the genesis', async () => {
    expect(await query('tempo', NETUID)).toBe(TEMPO);
    expect(await query('networksAdded', NETUID)).toBe(true);
    expect(await query('uids', NETUID, pair('Validator2').address)).toBe(1);
    expect(await query('commitRevealWeightsEnabled', 2)).toBe(true);
    expect(await query('keys', NETUID, 0)).toBe(pair('Validator1').address);
    const keys = (await api.query['subtensorModule']?.['uids']?.entries(NETUID)) ?? [];
    expect(keys).toHaveLength(2);
  });

  it('registers two neurons, who serve an endpoint', async () => {
    const first = await include(tx('burnedRegister', NETUID, pair('Miner1').address), 'Alice');
    expect(first.error).toBeUndefined();
    expect(first.events).toContain('subtensorModule.NeuronRegistered');
    expect((await include(tx('burnedRegister', NETUID, pair('Miner1').address), 'Bob')).error).toBe(
      'HotKeyAlreadyRegisteredInSubNet',
    );
    expect(
      (await include(tx('burnedRegister', NETUID, pair('Miner2').address), 'Bob')).error,
    ).toBeUndefined();
    expect(await query('uids', NETUID, pair('Miner2').address)).toBe(3);

    // An unfunded hotkey serves for nothing.
    const served = await include(axon(), 'Miner1');
    expect(served.error).toBeUndefined();
    expect(served.events).toContain('subtensorModule.AxonServed');
    expect(await query('axons', NETUID, pair('Miner1').address)).toEqual({
      block: node.head().number,
      version: 10_002_000,
      ip: 3_232_235_777,
      port: 8091,
      ipType: 4,
      protocol: 4,
      placeholder1: 0,
      placeholder2: 0,
    });
  });

  it('refuses endpoints in the pool with the numbers of the chain', async () => {
    expect(await refusal(axon(), 'Stranger')).toMatch(/1010.*Custom error: 10$/);
    expect(await refusal(axon({ ipType: 5 }), 'Miner2')).toMatch(/Custom error: 255$/);
    expect(await refusal(axon({ ip: 0x7f000001 }), 'Miner2')).toMatch(/Custom error: 11$/);
    expect(await refusal(axon(), 'Miner1')).toMatch(/Custom error: 12$/);
    expect(await refusal(axon({ port: 0 }), 'Miner2')).toMatch(/Custom error: 13$/);
    expect((await include(axon({ ip: 0x7f000002 }), 'Miner2')).error).toBeUndefined();
  });

  it('names dispatch errors of weights through the metadata', async () => {
    const plain = tx('setWeights', 2, [0], [1], 0);
    expect((await include(plain, 'Validator1')).error).toBe('CommitRevealEnabled');
    expect((await include(weights({ key: 2207 }), 'Validator1')).error).toBe('IncorrectWeightVersionKey');
    expect((await include(weights({ mecid: 1 }), 'Validator1')).error).toBe('MechanismDoesNotExist');
    expect((await include(weights({ dests: [2, 2] }), 'Validator1')).error).toBe('DuplicateUids');
    expect(await refusal(weights(), 'Miner1')).toMatch(/Custom error: 1$/);
  });

  it('sets weights, runs the epoch on its block and shows what Yuma gives', async () => {
    const set = await include(weights(), 'Validator1');
    expect(set.error).toBeUndefined();
    expect(set.events).toContain('subtensorModule.WeightsSet');
    expect(await refusal(weights(), 'Validator1')).toMatch(/Custom error: 6$/);
    expect((await include(weights({ weights: [1, 1] }), 'Validator2')).error).toBeUndefined();
    expect(await query('weights', NETUID, 0)).toEqual([
      [2, 21_845],
      [3, 65_535],
    ]);

    expect(await runtimeCall('subnetInfoRuntimeApi', 'getNextEpochStartBlock', NETUID)).toBe(TEMPO);
    node.sealBlocks(TEMPO - 1 - node.head().number);
    expect(await query('subnetEpochIndex', NETUID)).toBe(0);
    const before = node.chain.contextAt(node.head());
    const input = yumaInputOf(before, { netuid: NETUID, mechanism: 0 }, 0n);
    node.seal();
    expect(await query('subnetEpochIndex', NETUID)).toBe(1);
    expect(await query('lastEpochBlock', NETUID)).toBe(TEMPO);
    expect(await runtimeCall('subnetInfoRuntimeApi', 'getNextEpochStartBlock', NETUID)).toBe(2 * TEMPO);

    const cut = (TAO * 11_796n) / 65_535n;
    const expected = yumaEpoch({ ...input, block: TEMPO, emissionRao: BigInt(TEMPO) * (TAO - cut) });
    const selected = await runtimeCall(
      'subnetInfoRuntimeApi',
      'getSelectiveMetagraph',
      NETUID,
      [0, 7, 8, 56, 57, 59, 60, 61, 62, 63],
    );
    expect(selected).toMatchObject({
      netuid: NETUID,
      block: TEMPO,
      tempo: TEMPO,
      active: expected.active,
      validatorPermit: expected.validatorPermits,
      incentives: expected.incentive,
      dividends: expected.dividends,
      consensus: expected.consensus,
      emission: expected.emissionRao.map(Number),
      hotkeys: null,
    });
    expect(expected.incentive[3]).toBeGreaterThan(expected.incentive[2] ?? 0);
  });

  it('answers the other runtime APIs with what is stored', async () => {
    const metagraph = await runtimeCall('subnetInfoRuntimeApi', 'getMetagraph', NETUID);
    const hotkeys = ['Validator1', 'Validator2', 'Miner1', 'Miner2'].map((name) => pair(name).address);
    expect(metagraph).toMatchObject({
      netuid: NETUID,
      numUids: 4,
      weightsVersion: 2208,
      hotkeys,
      incentives: await query('incentive', NETUID),
      lastUpdate: await query('lastUpdate', NETUID),
      pruningScore: [],
      symbol: [...stringToU8a('\u{1D70F}')],
    });
    expect(await runtimeCall('subnetInfoRuntimeApi', 'getMetagraph', 9)).toBeNull();
    expect(
      await runtimeCall('subnetInfoRuntimeApi', 'getSelectiveMechagraph', NETUID, 0, [0, 52]),
    ).toMatchObject({
      hotkeys,
      tempo: null,
    });

    const neurons = await runtimeCall('neuronInfoRuntimeApi', 'getNeuronsLite', NETUID);
    const miner = await runtimeCall('neuronInfoRuntimeApi', 'getNeuronLite', NETUID, 2);
    expect(neurons).toHaveLength(4);
    expect(miner).toEqual((neurons as unknown[])[2]);
    expect(miner).toMatchObject({
      hotkey: pair('Miner1').address,
      coldkey: pair('Alice').address,
      axonInfo: { port: 8091 },
      incentive: ((await query('incentive', NETUID)) as number[])[2],
      pruningScore: 65_535,
    });
    const full = await runtimeCall('neuronInfoRuntimeApi', 'getNeuron', NETUID, 0);
    expect(full).toMatchObject({
      weights: await query('weights', NETUID, 0),
      bonds: await query('bonds', NETUID, 0),
    });
  });

  it('lists hyperparameters by name', async () => {
    const list = (await runtimeCall('subnetInfoRuntimeApi', 'getSubnetHyperparamsV3', NETUID)) as {
      readonly name: string;
      readonly value: unknown;
    }[];
    const values = new Map(list.map(({ name, value }) => [new TextDecoder().decode(hexToU8a(name)), value]));
    expect(values.size).toBe(33);
    expect(values.get('tempo')).toEqual({ u16: TEMPO });
    expect(values.get('weights_rate_limit')).toEqual({ u64: 5 });
    expect(values.get('commit_reveal_weights_enabled')).toEqual({ bool: false });
    expect(values.get('yuma_version')).toEqual({ u16: 3 });
    expect(values.get('burn_increase_mult')).toMatchObject({ u64f64: { bits: expect.anything() } });
  });

  it('answers a raw state_call with the layout of the chain', async () => {
    const method = 'SubnetInfoRuntimeApi_get_selective_mechagraph';
    const raw = await api.rpc.state.call(method, '0x5600000800000800');
    // Some, compact 86, seven absent fields, Some(compact 20), then the rest absent.
    expect(u8aToHex(raw.toU8a(true).slice(0, 12))).toBe('0x015901000000000000000150');
  });
});
