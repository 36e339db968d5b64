import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hexToU8a, u8aConcat, u8aToHex } from '@polkadot/util';
import { blake2AsU8a, decodeAddress, xxhashAsU8a } from '@polkadot/util-crypto';
import * as Effect from 'effect/Effect';
import { beforeAll, describe, expect, it } from 'vitest';
import { commitmentCall } from '#src/chain/commitments.ts';
import { mechagraphSelection, metagraphSelection } from '#src/chain/metagraphFields.ts';
import { registrationCall } from '#src/chain/registration.ts';
import { makeRuntime, type Runtime } from '#src/chain/runtime.ts';
import { createRuntime, defaultPallets } from '#src/devnet/runtime.ts';
import { RECORDED_SPEC, recordedBytes, recordingsDir } from '#test/devnet/recording.ts';
import { address, genesisOf, NETUID, startState, subnetGenesis } from '#test/devnet/subtensorFixture.ts';

const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const ALICE_HEX = 'd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d';
const IP = 3_232_235_777;
const hexOf = (text: string): string => `0x${text.replaceAll(' ', '')}`;

/** Arguments of netuid 1, uids 1 and 2, weights 10 and 20, version key 0; then a commit of four bytes for round 1000. */
const VECTOR = '08 0100 0200 08 0a00 1400 0000000000000000';
const COMMIT = '10 deadbeef e803000000000000';
const ENDPOINT = '0100 509e9800 0101a8c0000000000000000000000000 9b1f 04 04 00 00';
/** Every call that the client makes, and its bytes: pallet, index of the call, arguments. */
const calls: readonly (readonly [name: string, args: readonly unknown[], bytes: string])[] = [
  ['set_weights', [1, [1, 2], [10, 20], 0], `07 00 0100 ${VECTOR}`],
  ['set_mechanism_weights', [1, 0, [1, 2], [10, 20], 0], `07 77 0100 00 ${VECTOR}`],
  ['commit_timelocked_weights', [1, '0xdeadbeef', 1000, 4], `07 71 0100 ${COMMIT} 0400`],
  ['commit_timelocked_mechanism_weights', [1, 0, '0xdeadbeef', 1000, 4], `07 76 0100 00 ${COMMIT} 0400`],
  ['commit_crv3_mechanism_weights', [1, 0, '0xdeadbeef', 1000], `07 75 0100 00 ${COMMIT}`],
  ['serve_axon', [1, 10_002_000, IP, 8_091, 4, 4, 0, 0], `07 04 ${ENDPOINT}`],
  ['burned_register', [1, ALICE], `07 07 0100 ${ALICE_HEX}`],
];
/** Not made, only recorded: the version of a commit is implied in it. */
const neverMade = new Set(['commit_crv3_mechanism_weights']);
/** A word of the client's own that is also a call, once of registration by proof of work. */
const otherWords = new Set(['register']);
/** Calls of the client that the recorded runtime is too old for. */
const laterCalls = ['register_limit'];

const netuid = '0100';
const hotkey = `${u8aToHex(blake2AsU8a(decodeAddress(ALICE), 128)).slice(2)}${ALICE_HEX}`;
const twox64 = (hex: string): string => `${u8aToHex(xxhashAsU8a(hexToU8a(`0x${hex}`), 64)).slice(2)}${hex}`;
type Item = readonly [item: string, args: readonly unknown[], key: string, absent: unknown];
const ofSubnet = (absent: { readonly [item: string]: unknown }): Item[] =>
  Object.entries(absent).map(([item, value]) => [item, [1], netuid, value]);
/** Every storage item that the client reads: arguments, the hashed part of its key, what an absent one reads as. */
const items: { readonly [pallet: string]: readonly Item[] } = {
  SubtensorModule: [
    ...ofSubnet({
      Tempo: 360,
      SubnetOwnerHotkey: '5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM',
      MinAllowedWeights: 1024,
      WeightsVersionKey: 0,
      WeightsSetRateLimit: 100,
      ActivityCutoff: 5000,
      MaxAllowedValidators: 128,
      SubnetworkN: 0,
      // 256 since; the recorded runtime had room for more.
      MaxAllowedUids: 4096,
      ImmunityPeriod: 4096,
      ServingRateLimit: 50,
      CommitRevealWeightsEnabled: true,
      ValidatorTrust: [],
      NetworksAdded: false,
      NetworkRegistrationAllowed: true,
      Burn: 100_000_000,
      MinBurn: 500_000,
      MaxBurn: 100_000_000_000,
    }),
    ['RevealPeriodEpochs', [1], twox64(netuid), 1],
    ['StakeThreshold', [], '', 0],
    ['CommitRevealWeightsVersion', [], '', 4],
    ['AdminFreezeWindow', [], '', 10],
    ['Uids', [1, ALICE], `${netuid}${hotkey}`, null],
    ['Axons', [1, ALICE], `${netuid}${hotkey}`, null],
    ['Owner', [ALICE], hotkey, '5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM'],
    ['Weights', [1, 2], `${netuid}0200`, []],
    ['TimelockedWeightCommits', [1, 7], `${twox64(netuid)}${twox64('0700000000000000')}`, []],
  ],
  Commitments: [['CommitmentOf', [1, ALICE], `${netuid}${twox64(ALICE_HEX)}`, null]],
  Drand: [
    ['LastStoredRound', [], '', 0],
    ['BeaconConfig', [], '', expect.objectContaining({ period: 3, genesisTime: 1_692_803_367 })],
  ],
  Timestamp: [['Now', [], '', 0]],
  System: [
    ['Account', [ALICE], hotkey, expect.objectContaining({ nonce: 0 })],
    ['Events', [], '', []],
  ],
};
/** Items of the client that the recorded runtime is too old for: stateful epochs, and the bound of immune uids. */
const laterItems = ['SubnetEpochIndex', 'LastEpochBlock', 'PendingEpochAt', 'MinNonImmuneUids'];

/** Words in quotes in the client's sources: names of items and calls are among them. */
const quotedInClient = (): ReadonlySet<string> => {
  const folder = join(import.meta.dirname, '..', '..', 'src', 'chain');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const sources = files.map((file) => readFileSync(join(folder, file), 'utf8'));
  return new Set(sources.flatMap((source) => [...source.matchAll(/'(\w+)'/g)].map(([, word]) => word ?? '')));
};

describe('chain / what the client asks of a runtime', () => {
  const quoted = quotedInClient();
  const named = (kind: 'calls' | 'storage'): string[] =>
    createRuntime({ blockTimeMs: 12_000, pallets: defaultPallets })
      .pallets.flatMap((pallet) => Object.keys(pallet[kind] ?? {}))
      .filter((name) => quoted.has(name) && !otherWords.has(name));

  it('is listed here in full', () => {
    const listedCalls = calls.map(([name]) => name).filter((name) => !neverMade.has(name));
    expect(new Set(named('calls'))).toEqual(new Set([...listedCalls, ...laterCalls, 'set_commitment']));
    const listedItems = Object.values(items).flatMap((list) => list.map(([item]) => item));
    expect(new Set([...named('storage'), 'Events'])).toEqual(new Set([...listedItems, ...laterItems]));
  });
});

describe.skipIf(recordingsDir === undefined).each([14, 15] as const)(
  `chain / runtime from the recording of spec ${RECORDED_SPEC}, version %i (needs FINNEY_METADATA_DIR)`,
  (version) => {
    let runtime: Runtime;
    beforeAll(async () => {
      const spec = { specName: 'node-subtensor', specVersion: RECORDED_SPEC, transactionVersion: 1 };
      runtime = await Effect.runPromise(makeRuntime(spec, recordedBytes(version)));
    });
    const encode = async (pallet: string, name: string, args: readonly unknown[]): Promise<string> =>
      u8aToHex(await Effect.runPromise(runtime.encodeCall(pallet, name, args)));
    const decode = (pallet: string, item: string, value: string | null): Promise<unknown> =>
      Effect.runPromise(runtime.decodeStorage(pallet, item, value));

    it.each(calls)('encodes %s', async (name, args, bytes) => {
      expect(await encode('SubtensorModule', name, args)).toBe(hexOf(bytes));
    });

    it('encodes set_commitment as the client composes it', async () => {
      const call = commitmentCall(1, new TextEncoder().encode('hello'));
      if (!call.ok) throw new Error(call.error.message);
      const { pallet, name, args } = call.value;
      expect(await encode(pallet, name, args)).toBe(hexOf('12 00 0100 04 06 68656c6c6f'));
    });

    it('has no register_limit yet, so that registrations are burned_register', () => {
      expect(laterCalls.filter((name) => runtime.hasCall('SubtensorModule', name))).toEqual([]);
      const request = { hotkey: ALICE, coldkey: ALICE, maxPriceRao: 1n };
      expect(registrationCall(runtime, 1, request)).toMatchObject({
        name: 'burned_register',
        args: [1, ALICE],
      });
    });

    it.each(Object.entries(items))(
      'finds the storage of %s, and what absent items read as',
      async (pallet, list) => {
        for (const [item, args, key, absent] of list) {
          const prefix = u8aToHex(u8aConcat(xxhashAsU8a(pallet, 128), xxhashAsU8a(item, 128)));
          const found = await Effect.runPromise(runtime.storageKey(pallet, item, args));
          expect([item, found]).toEqual([item, `${prefix}${key}`]);
          expect([item, await decode(pallet, item, null)]).toEqual([item, absent]);
        }
      },
    );

    it('has the key of Tempo that is known from elsewhere, and lacks what later runtimes brought', async () => {
      const known = hexOf('658faa385070e074c85bf6b568cf0555 7641384bb339f3758acddfd7053d3317 0100');
      expect(await Effect.runPromise(runtime.storageKey('SubtensorModule', 'Tempo', [1]))).toBe(known);
      expect(laterItems.filter((item) => runtime.hasStorage('SubtensorModule', item))).toEqual([]);
    });

    it('decodes the endpoint of a neuron', async () => {
      const bytes = hexOf('6400000000000000 509e9800 0101a8c0000000000000000000000000 9b1f 04 04 00 00');
      expect(await decode('SubtensorModule', 'Axons', bytes)).toEqual({
        block: 100,
        version: 10_002_000,
        ip: IP,
        port: 8_091,
        ipType: 4,
        protocol: 4,
        placeholder1: 0,
        placeholder2: 0,
      });
    });

    it('decodes weights, waiting commits and commitments', async () => {
      const row = hexOf('08 0100 0a00 0200 ffff');
      expect(await decode('SubtensorModule', 'Weights', row)).toEqual([
        [1, 10],
        [2, 65_535],
      ]);
      const queue = hexOf(`04 ${ALICE_HEX} 6400000000000000 10 deadbeef e803000000000000`);
      expect(await decode('SubtensorModule', 'TimelockedWeightCommits', queue)).toEqual([
        [ALICE, 100, '0xdeadbeef', 1000],
      ]);
      const commitment = hexOf('0000000000000000 64000000 04 06 68656c6c6f');
      expect(await decode('Commitments', 'CommitmentOf', commitment)).toMatchObject({
        block: 100,
        info: { fields: [{ raw5: 'hello' }] },
      });
    });

    it('knows the extensions, of which those it must fill in are the known ones', () => {
      expect(runtime.extrinsicVersions).toEqual([4]);
      expect(runtime.extensions.filter(({ isEmpty }) => !isEmpty).map(({ name }) => name)).toEqual([
        'CheckSpecVersion',
        'CheckTxVersion',
        'CheckGenesis',
        'CheckMortality',
        'CheckNonce',
        'ChargeTransactionPayment',
        'CheckMetadataHash',
      ]);
    });

    it('decodes metagraphs, whose methods version 15 describes', async () => {
      const api = 'SubnetInfoRuntimeApi';
      expect(runtime.hasApi(api, 'get_selective_mechagraph')).toBe(version === 15);
      if (version === 14) return;
      const state = startState(genesisOf(subnetGenesis()));
      const read = (name: string, args: { readonly [name: string]: unknown }): string => {
        const method = state.runtime.api(`${api}_${name}`);
        if (method === undefined) throw new Error(`no ${name}`);
        return u8aToHex(method.returns.enc(method.handle(state.read(), args)));
      };
      const asked = { netuid: NETUID, subid: 0, metagraphIndexes: [0, 8, 28, 30, 52] };
      const bytes = read('get_selective_mechagraph', asked);
      const decoded = await Effect.runPromise(
        runtime.decodeApiResult(api, 'get_selective_mechagraph', bytes),
      );
      // The cutoff in blocks is wider since; its compact bytes are the same.
      expect(decoded).toMatchObject({
        netuid: NETUID,
        tempo: 10,
        activityCutoff: 138,
        numUids: 4,
        hotkeys: [1, 2, 3, 4].map(address),
      });
      const whole = await Effect.runPromise(
        runtime.decodeApiResult(api, 'get_metagraph', read('get_metagraph', { netuid: NETUID })),
      );
      expect(whole).toMatchObject({ netuid: NETUID, numUids: 4 });
    });
  },
);

describe('chain / arguments of runtime APIs', () => {
  it('are netuid, mechanism and a list of indices, which begins with the netuid', () => {
    expect(u8aToHex(metagraphSelection(2))).toMatch(/^0x0200[0-9a-f]{2}0000/);
    expect(u8aToHex(mechagraphSelection(2))).toMatch(/^0x020000[0-9a-f]{2}0000/);
    expect(u8aToHex(mechagraphSelection(2)).slice(8)).toBe(u8aToHex(metagraphSelection(2)).slice(6));
  });
});
