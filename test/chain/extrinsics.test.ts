import { describe, expect, it } from 'vitest';
import { mortalEra } from '#src/chain/extrinsics.ts';

/** Vectors of sp_runtime generic/era.rs. */
describe('chain / extrinsics', () => {
  it('encodes eras as the runtime does', () => {
    // Era::mortal(64, 42) and Era::mortal(32768, 20000).
    expect([...mortalEra(42, 64).bytes]).toEqual([5 + (42 % 16) * 16, Math.floor(42 / 16)]);
    expect([...mortalEra(20_000, 32_768).bytes]).toEqual([
      14 + (Math.floor(2_500) % 16) * 16,
      Math.floor(2_500 / 16),
    ]);
  });

  it('starts at the given block and ends a period later', () => {
    for (const block of [0, 1, 63, 64, 12_345_678]) {
      expect(mortalEra(block, 128)).toMatchObject({ birth: block, death: block + 128 });
    }
  });

  it('rounds the period up to a power of two within the format', () => {
    expect(mortalEra(10, 100)).toMatchObject({ birth: 10, death: 138 });
    expect(mortalEra(10, 1)).toMatchObject({ birth: 10, death: 14 });
    expect(mortalEra(131_072, 1_000_000)).toMatchObject({ birth: 131_072, death: 131_072 + 65_536 });
  });
});
