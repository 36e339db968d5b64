import { TypeRegistry } from '@polkadot/types/create';
import type { GenericChainProperties } from '@polkadot/types/generic';
import { encodeAddress } from '@polkadot/util-crypto';
import { describe, expect, it } from 'vitest';
import { rememberAddresses } from '#src/chain/rememberedAddresses.ts';

const account = (index: number): Uint8Array => {
  const bytes = Buffer.alloc(32, 9);
  bytes.writeUInt32LE(index);
  return bytes;
};

const registryWith = (ss58Format: number): TypeRegistry => {
  const registry = new TypeRegistry();
  rememberAddresses(registry);
  const properties = registry.createTypeUnsafe<GenericChainProperties>('ChainProperties', [{ ss58Format }]);
  registry.setChainProperties(properties);
  return registry;
};

describe('chain / rememberedAddresses', () => {
  it('gives the address of each account, whether it is new, known or forgotten again', () => {
    const registry = registryWith(42);
    const read = (index: number) => registry.createType('AccountId32', account(index)).toPrimitive();
    for (const index of [0, 1, 0, 1]) expect(read(index)).toBe(encodeAddress(account(index), 42));
    // More than are remembered.
    for (let index = 0; index < 8_300; index += 1) read(index);
    for (const index of [0, 8_299]) expect(read(index)).toBe(encodeAddress(account(index), 42));
  });

  it('keeps the prefixes of two chains apart', () => {
    const texts = [42, 0].map((prefix) =>
      registryWith(prefix).createType('AccountId', account(5)).toString(),
    );
    expect(texts).toEqual([encodeAddress(account(5), 42), encodeAddress(account(5), 0)]);
  });
});
