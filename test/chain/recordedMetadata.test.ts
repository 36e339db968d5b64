import { u8aToHex } from '@polkadot/util';
import * as Effect from 'effect/Effect';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeRuntime, type Runtime } from '#src/chain/runtime.ts';
import { RECORDED_SPEC, recordedBytes, recordingsDir } from '#test/devnet/recording.ts';

const IP = 3_232_235_777;
const hexOf = (text: string): string => `0x${text.replaceAll(' ', '')}`;
const setWeights = hexOf('0700 0100 08 0100 0200 08 0a00 1400 0000000000000000');
const serveAxon = hexOf('0704 0100 509e9800 0101a8c0000000000000000000000000 9b1f 04 04 00 00');
const tempoKey = hexOf('658faa385070e074c85bf6b568cf0555 7641384bb339f3758acddfd7053d3317 0100');
const axonInfo = hexOf('6400000000000000 509e9800 0101a8c0000000000000000000000000 9b1f 04 04 00 00');

describe.skipIf(recordingsDir === undefined).each([14, 15] as const)(
  `chain / runtime from the recording of spec ${RECORDED_SPEC}, version %i (needs FINNEY_METADATA_DIR)`,
  (version) => {
    let runtime: Runtime;
    beforeAll(async () => {
      const spec = { specName: 'node-subtensor', specVersion: RECORDED_SPEC, transactionVersion: 1 };
      runtime = await Effect.runPromise(makeRuntime(spec, recordedBytes(version)));
    });
    const callHex = async (name: string, args: readonly unknown[]) =>
      u8aToHex(await Effect.runPromise(runtime.encodeCall('SubtensorModule', name, args)));

    it('encodes calls', async () => {
      expect(await callHex('set_weights', [1, [1, 2], [10, 20], 0])).toBe(setWeights);
      expect(await callHex('serve_axon', [1, 10_002_000, IP, 8_091, 4, 4, 0, 0])).toBe(serveAxon);
    });

    it('finds storage, and its defaults', async () => {
      const key = await Effect.runPromise(runtime.storageKey('SubtensorModule', 'Tempo', [1]));
      expect(key).toBe(tempoKey);
      expect(await Effect.runPromise(runtime.decodeStorage('SubtensorModule', 'Tempo', null))).toBe(360);
      expect(await Effect.runPromise(runtime.decodeStorage('SubtensorModule', 'Axons', null))).toBeNull();
    });

    it('decodes the endpoint of a neuron', async () => {
      expect(await Effect.runPromise(runtime.decodeStorage('SubtensorModule', 'Axons', axonInfo))).toEqual({
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
  },
);
