import { afterEach, describe, expect, it } from 'vitest';
import { type Devnet, startDevnet } from '#src/devnet/node.ts';
import { notes, request, START_MS, testGenesis } from './nodeFixture.ts';

let node: Devnet | undefined;
afterEach(() => node?.stop());
const start = async (archive: boolean): Promise<Devnet> => {
  const base = { genesis: testGenesis, sealing: 'manual', startMs: START_MS, pallets: [notes] } as const;
  node = await startDevnet({ ...base, archive });
  node.sealBlocks(320);
  return node;
};
/** `Timestamp.Now`, which every block writes. */
const NOW = '0xf0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb';
const nowAt = async ({ url, chain }: Devnet, number: number): Promise<number> => {
  const hex = String(await request(url, 'state_getStorage', NOW, chain.blockByNumber(number)?.hash));
  return Number(Buffer.from(hex.slice(2), 'hex').readBigUInt64LE());
};

describe('devnet / archive', () => {
  it('reads the state of every block', async () => {
    const archive = await start(true);
    const times = await Promise.all([1, 19, 20, 319].map((number) => nowAt(archive, number)));
    expect(times).toEqual([1, 19, 20, 319].map((number) => START_MS + number * 12_000));
  });

  it('is what a pruning node is not: states before the last 300 blocks are gone, as a node words it', async () => {
    const pruning = await start(false);
    expect(await nowAt(pruning, 20)).toBe(START_MS + 20 * 12_000);
    const hash = pruning.chain.blockByNumber(19)?.hash;
    for (const [method, ...params] of [
      ['state_getStorage', NOW],
      ['state_getKeysPaged', '0x', 10, null],
      ['state_queryStorageAt', [NOW]],
      ['state_call', 'Core_version', '0x'],
      ['state_getRuntimeVersion'],
    ] as const)
      await expect(request(pruning.url, method, ...params, hash)).rejects.toThrow(
        `4003: Client error: UnknownBlock: State already discarded for ${hash}`,
      );
    await expect(request(pruning.url, 'state_getMetadata', hash)).rejects.toThrow(
      `4003: Client error: Api called for an unknown Block: State already discarded for ${hash}`,
    );
    expect(await request(pruning.url, 'chain_getHeader', hash)).toMatchObject({ number: '0x13' });
  });
});
