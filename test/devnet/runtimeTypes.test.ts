import { metadata as metadataCodec } from '@polkadot-api/substrate-bindings';
import { describe, expect, it } from 'vitest';
import { createRuntime, defaultPallets } from '#src/devnet/runtime.ts';

const lookupOf = (version: 14 | 15) => {
  const runtime = createRuntime({ blockTimeMs: 12_000, pallets: defaultPallets });
  const decoded = metadataCodec.dec(runtime.metadata(version)).metadata;
  if (decoded.tag !== 'v14' && decoded.tag !== 'v15') throw new Error(`metadata ${decoded.tag}`);
  return decoded.value;
};

describe.each([14, 15] as const)('devnet / runtime types in metadata of version %i', (version) => {
  const { lookup, pallets } = lookupOf(version);

  it('has every outer type once, so that clients that go by its number find all its uses', () => {
    for (const name of ['RuntimeCall', 'RuntimeEvent', 'RuntimeError']) {
      const found = lookup.filter(({ path }) => path.at(-1) === name);
      expect([name, found.length]).toEqual([name, version === 14 && name === 'RuntimeError' ? 0 : 1]);
    }
  });

  it('has accounts as type 0, and types under their own numbers', () => {
    expect(lookup[0]?.path).toEqual(['sp_core', 'crypto', 'AccountId32']);
    expect(lookup.map(({ id }) => id)).toEqual(lookup.map((_, index) => index));
  });

  it('lists errors without gaps and says what each means, since clients count them and show the words', () => {
    for (const { name, errors } of pallets) {
      const def = lookup.find(({ id }) => id === errors)?.def;
      if (def?.tag !== 'variant') continue;
      expect([name, def.value.map(({ index }) => index)]).toEqual([name, def.value.map((_, index) => index)]);
      for (const error of def.value) expect(error.docs.join('')).toMatch(/^[A-Z]/);
    }
  });
});
