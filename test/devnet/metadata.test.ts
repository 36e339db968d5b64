import { expandMetadata, Metadata, TypeRegistry } from '@polkadot/types';
import { describe, expect, it } from 'vitest';
import { createRuntime, defaultPallets } from '#src/devnet/runtime.ts';

const runtime = createRuntime({ blockTimeMs: 250, pallets: defaultPallets });
const decode = (version: 14 | 15) => {
  const registry = new TypeRegistry();
  const metadata = new Metadata(registry, runtime.metadata(version));
  registry.setMetadata(metadata, undefined, undefined, true);
  return { metadata, ...expandMetadata(registry, metadata) };
};

describe('devnet / metadata', () => {
  describe.each([14, 15] as const)('version %i', (version) => {
    const { metadata, tx, query, consts, registry } = decode(version);

    it('is decoded by an unmodified client without unknown types', () => {
      expect(metadata.version).toBe(version);
      expect(() => metadata.getUniqTypes(true)).not.toThrow();
    });

    it('numbers the pallets as spec 425 does', () => {
      const indices = metadata.asLatest.pallets.map(({ name, index }) => [name.toString(), index.toNumber()]);
      expect(indices).toEqual([
        ['System', 0],
        ['Timestamp', 2],
        ['Aura', 3],
        ['Balances', 5],
        ['TransactionPayment', 6],
        ['SubtensorModule', 7],
        ['Utility', 11],
        ['Sudo', 12],
        ['Commitments', 18],
        ['AdminUtils', 19],
        ['Drand', 26],
      ]);
    });

    it('encodes calls to the bytes of the real chain', () => {
      const weights = tx['subtensorModule']?.['setWeights']?.(1, [1, 2], [10, 20], 0);
      expect(weights?.toHex()).toBe('0x070001000801000200080a0014000000000000000000');
    });

    it('says where storage lies and what is there by default', () => {
      const tempo = query['subtensorModule']?.['tempo'];
      expect(Buffer.from(tempo?.(1).slice(1) ?? []).toString('hex')).toBe(
        '658faa385070e074c85bf6b568cf05557641384bb339f3758acddfd7053d33170100',
      );
      expect(tempo?.meta.modifier.isDefault).toBe(true);
      expect(tempo?.meta.fallback.toHex()).toBe('0x6801');
      expect(query['subtensorModule']?.['uids']?.meta.modifier.isOptional).toBe(true);
    });

    it('carries the constants from which clients read prefix, deposit and block time', () => {
      expect(consts['system']?.['ss58Prefix']?.toString()).toBe('42');
      expect(consts['balances']?.['existentialDeposit']?.toString()).toBe('500');
      expect(consts['aura']?.['slotDuration']?.toString()).toBe('250');
    });

    it('has the signed extensions of which only the known carry bytes', () => {
      expect(registry.signedExtensions).toHaveLength(13);
      expect([...metadata.asLatest.extrinsic.versions].map(Number)).toEqual([4]);
    });
  });

  it('describes the runtime APIs in version 15 only', () => {
    const names = (version: 14 | 15) =>
      decode(version).metadata.asLatest.apis.map(({ name }) => name.toString());
    expect(names(15)).toEqual(
      expect.arrayContaining(['Core', 'Metadata', 'AccountNonceApi', 'NeuronInfoRuntimeApi']),
    );
    expect(names(14)).toEqual([]);
  });

  it('enters every type once', () => {
    const { metadata } = decode(15);
    const types = metadata.asLatest.lookup.types.map(({ type }) => type.toHex());
    expect(new Set(types).size).toBe(types.length);
  });
});
