/** Runtimes of the past, for clients that meet them. */
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { decodeGenesis } from '#src/devnet/genesis.ts';
import { SPEC_320, SPEC_343, SPEC_425 } from '#src/devnet/profiles.ts';
import { createRuntime } from '#src/devnet/runtime.ts';
import { subtensorModule } from '#src/devnet/subtensor/pallet.ts';
import { request, startTestNode, type TestNode } from './nodeFixture.ts';
import { recordedBytes, recordingsDir, shapeOf } from './recording.ts';

const TEMPO = 4;
const NETUID = 3;
const genesis = decodeGenesis({
  chain: 'old chain',
  accounts: [{ address: '//Alice', free: '1000000000000' }],
  subnets: [
    {
      netuid: NETUID,
      tempo: TEMPO,
      ownerColdkey: '//Alice',
      ownerHotkey: '//Alice//owner',
      neurons: [{ hotkey: '//Alice//hot', coldkey: '//Alice', stake: '5000000000000' }],
    },
  ],
});
let test: TestNode | undefined;
const start = async (profile = SPEC_343): Promise<TestNode> => {
  test = await startTestNode({ genesis, profile, pallets: [subtensorModule], finalityLagBlocks: 5 });
  return test;
};
beforeAll(async () => {
  await cryptoWaitReady();
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});
afterEach(async () => {
  await test?.stop();
  test = undefined;
});

/** `SubtensorModule.LastEpochBlock` of netuid 3, where the real chain has it. */
const LAST_EPOCH_KEY = '0x658faa385070e074c85bf6b568cf055590010c37124c14146041452f9ffba0df0300';
const epochsIn = async ({ node, api }: TestNode, blocks: number): Promise<number[]> => {
  const found: number[] = [];
  for (let made = 0; made < blocks; made += 1) {
    const { number } = node.seal();
    const step = await api.query['subtensorModule']?.['lastMechansimStepBlock']?.(NETUID);
    if (step?.toJSON() === number) found.push(number);
  }
  return found;
};

describe('devnet / oldRuntime', () => {
  it('lacks in metadata, state and runtime APIs what came later', async () => {
    const { node, api } = await start();
    node.sealBlocks(6);
    expect(api.runtimeVersion.specVersion.toNumber()).toBe(343);
    expect(api.query['subtensorModule']?.['tempo']).toBeDefined();
    expect(api.query['subtensorModule']?.['lastEpochBlock']).toBeUndefined();
    expect(api.tx['subtensorModule']?.['registerLimit']).toBeUndefined();
    expect(api.call['subnetInfoRuntimeApi']?.['getNextEpochStartBlock']).toBeUndefined();
    expect(await request(node.url, 'state_getStorage', LAST_EPOCH_KEY)).toBeNull();
    const epoch = 'SubnetInfoRuntimeApi_get_next_epoch_start_block';
    await expect(request(node.url, 'state_call', epoch, '0x0300')).rejects.toThrow(`${epoch} is not found`);
    const cutoff = await api.query['subtensorModule']?.['activityCutoff']?.(NETUID);
    expect(cutoff?.toJSON()).toBe(5000);
    expect(api.registry.signedExtensions).not.toContain('SudoTransactionExtension');
  });

  it('fires epochs by the modulo of the block number', async () => {
    // (block + netuid + 1) mod (tempo + 1) = tempo
    expect(await epochsIn(await start(), 16)).toEqual([5, 10, 15]);
  });

  it('goes over to stored epochs with an upgrade, in step with the last one', async () => {
    const started = await start();
    const { node, api } = started;
    node.upgradeRuntime({ profile: SPEC_425, atBlock: 7 });
    expect(await epochsIn(started, 7)).toEqual([5]);
    await vi.waitFor(() => expect(api.runtimeVersion.specVersion.toNumber()).toBe(425));
    // from the epoch in block 5 on every 4 blocks, no longer 5
    expect(await epochsIn(started, 10)).toEqual([9, 13, 17]);
    const last = await api.query['subtensorModule']?.['lastEpochBlock']?.(NETUID);
    expect(last?.toJSON()).toBe(17);
  });

  it('names mechagraph calls only where there were mechanisms', async () => {
    const methods = (profile: typeof SPEC_343) => {
      const runtime = createRuntime({ blockTimeMs: 12_000, pallets: [subtensorModule], profile });
      return ['get_selective_metagraph', 'get_selective_mechagraph'].map(
        (name) => runtime.api(`SubnetInfoRuntimeApi_${name}`) !== undefined,
      );
    };
    expect([methods(SPEC_320), methods(SPEC_343)]).toEqual([
      [true, false],
      [true, true],
    ]);
  });

  it.skipIf(recordingsDir === undefined)(
    'numbers errors and lists extensions as recorded from finney (needs FINNEY_METADATA_DIR)',
    () => {
      const runtime = createRuntime({ blockTimeMs: 12_000, pallets: [subtensorModule], profile: SPEC_343 });
      const ours = shapeOf(runtime.metadata(15));
      const recorded = shapeOf(recordedBytes(15));
      expect(ours.extensions).toEqual(recorded.extensions);
      const [mine, real] = [ours, recorded].map((shape) => shape.pallets.get('SubtensorModule'));
      expect(mine?.errors).toEqual(real?.errors);
      for (const kind of ['storage', 'calls', 'events'] as const) {
        const beyond = [...(mine?.[kind].keys() ?? [])].filter(
          (name) => real?.[kind].has(name) !== true && !name.startsWith('Devnet'),
        );
        expect([kind, beyond]).toEqual([kind, []]);
      }
    },
  );
});
