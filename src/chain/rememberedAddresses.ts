import type { TypeRegistry } from '@polkadot/types/create';
import { GenericAccountId } from '@polkadot/types/generic';

/**
 * Each metagraph names the same hotkeys and coldkeys as the one before, and base58 with its checksum is half of what
 * reading one costs. Several subnets of 256 fit.
 */
const MAX_ADDRESSES = 8_192;

const addresses = new Map<string, string>();

/** An account whose address is computed once for as long as it is remembered. Addresses are public and never change. */
class RememberedAccountId extends GenericAccountId {
  override toString(): string {
    const prefix = this.registry.chainSS58 ?? '';
    const key = `${prefix}:${Buffer.from(this.buffer, this.byteOffset, this.length).toString('latin1')}`;
    const known = addresses.get(key);
    if (known !== undefined) return known;
    const address = super.toString();
    if (addresses.size >= MAX_ADDRESSES) addresses.clear();
    addresses.set(key, address);
    return address;
  }
}

/** Makes every account that this registry decodes remember its address. */
export const rememberAddresses = (registry: TypeRegistry): void =>
  registry.register({ AccountId: RememberedAccountId, AccountId32: RememberedAccountId });
