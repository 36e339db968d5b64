import { DedotClient, type ISubstrateClient, LegacyClient, WsProvider } from 'dedot';
import type { GenericSubstrateApi } from 'dedot/types';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Devnet } from '#src/devnet/node.ts';
import { storage } from '#src/devnet/subtensor/storage.ts';
import { addressOf, keyring, MINER, NETUID, startChain, TAO, TEMPO, VALIDATOR } from './chain.ts';

/** dedot has types for no chain with subtensor's pallets: the general ones, checked by what they give. */
type Client = ISubstrateClient<GenericSubstrateApi>;
type Pallets = {
  readonly [pallet: string]: { readonly [name: string]: (...args: unknown[]) => Promise<unknown> };
};
const query = (client: Client) => client.query as unknown as Pallets;
const runtimeApi = (client: Client) => client.call as unknown as Pallets;

const clients: readonly (readonly [name: string, connect: (url: string) => Promise<Client>])[] = [
  ['LegacyClient, over the older RPC', (url) => LegacyClient.new<GenericSubstrateApi>(new WsProvider(url))],
  [
    'DedotClient, over chainHead_v1',
    (url) => DedotClient.new<GenericSubstrateApi>({ provider: new WsProvider(url), rpcVersion: 'v2' }),
  ],
];

/** An account, whatever class dedot wraps it in. */
const textOf = (account: unknown): string => (account as { address(): string }).address();

describe.each(clients)('interop / dedot: %s', (_name, connect) => {
  let devnet: Devnet;
  let client: Client;
  beforeAll(async () => {
    devnet = await startChain();
    client = await connect(devnet.url);
  });
  afterAll(async () => {
    await client?.disconnect();
    await devnet?.stop();
  });

  it('knows the chain and its runtime', async () => {
    const { genesis, runtime } = devnet.chain;
    expect(await client.chainSpec.genesisHash()).toBe(genesis.hash);
    expect(await client.getRuntimeVersion()).toMatchObject({
      specName: 'node-subtensor',
      specVersion: runtime.version.specVersion,
    });
  });

  it('reads storage: plain values, maps of one and two keys, an account', async () => {
    const { subtensorModule, system } = query(client);
    expect(await subtensorModule?.['tempo']?.(NETUID)).toBe(TEMPO);
    expect(await subtensorModule?.['uids']?.([NETUID, addressOf(MINER.hotkey)])).toBe(1);
    expect(await subtensorModule?.['uids']?.([NETUID, addressOf('//Nobody')])).toBeUndefined();
    expect(textOf(await subtensorModule?.['keys']?.([NETUID, 0]))).toBe(addressOf(VALIDATOR.hotkey));
    expect(await system?.['account']?.(addressOf('//Alice'))).toMatchObject({ data: { free: 1_000n * TAO } });
  });

  it('calls runtime APIs', async () => {
    const { subnetInfoRuntimeApi, neuronInfoRuntimeApi } = runtimeApi(client);
    const metagraph = await subnetInfoRuntimeApi?.['getSelectiveMechagraph']?.(NETUID, 0, [0, 8, 30, 52]);
    expect(metagraph).toMatchObject({ netuid: NETUID, tempo: TEMPO, numUids: 2, hotkeys: { length: 2 } });
    expect(await neuronInfoRuntimeApi?.['getNeuronsLite']?.(NETUID)).toHaveLength(2);
    expect(await subnetInfoRuntimeApi?.['getNextEpochStartBlock']?.(NETUID)).toBeTypeOf('bigint');
  });

  // Before weights are set: after that miners have stake, and from the next epoch on a permit.
  it('names the error of a call that fails in its block', async () => {
    const miner = keyring.addFromUri(MINER.hotkey);
    const weights = client.tx['subtensorModule']?.['setMechanismWeights'];
    if (weights === undefined) throw new Error('no call setMechanismWeights');
    const result = await weights(NETUID, 0, [0], [1], 0n).signAndSend(miner).untilFinalized();
    const { dispatchError } = result;
    if (dispatchError === undefined) throw new Error('the call did not fail');
    expect(client.registry.findErrorMeta(dispatchError)).toMatchObject({
      pallet: 'SubtensorModule',
      name: 'NeuronNoValidatorPermit',
    });
  });

  it('sets weights, signed by a keyring of polkadot-js', async () => {
    const validator = keyring.addFromUri(VALIDATOR.hotkey);
    const weights = client.tx['subtensorModule']?.['setMechanismWeights'];
    if (weights === undefined) throw new Error('no call setMechanismWeights');
    const result = await weights(NETUID, 0, [0, 1], [1, 2], 0n).signAndSend(validator).untilFinalized();
    expect(result.dispatchError).toBeUndefined();
    const ctx = devnet.chain.contextAt(devnet.head());
    // Scaled so that the largest is 65535.
    expect(ctx.get(storage.Weights, NETUID, 0)).toEqual([
      [0, 32_768],
      [1, 65_535],
    ]);
    expect(ctx.get(storage.LastUpdate, NETUID)[0]).toBeGreaterThan(0n);
  });
});
