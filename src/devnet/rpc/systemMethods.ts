/** `system_*`: what the node is called and how it is. */
import { decodeAddress } from '@polkadot/util-crypto';
import { toHex } from '../hashing.ts';
import { accountOf, SS58_PREFIX } from '../system.ts';
import type { Method, Methods } from './methods.ts';
import { INVALID_PARAMS, RpcFailure, textParam } from './protocol.ts';

/** A peer id in form only: the node has no peers. */
const LOCAL_PEER_ID = '12D3KooWDevnetDevnetDevnetDevnetDevnetDevnetDevnetDev';

const accountNextIndex: Method = ({ chain }, params) => {
  const address = textParam(params, 0);
  let account: Uint8Array;
  try {
    account = decodeAddress(address);
  } catch {
    throw new RpcFailure(INVALID_PARAMS, 'Invalid params', `${address} is no SS58 address`);
  }
  const { nonce } = accountOf(chain.contextAt(chain.head()), account);
  return chain.pool.nextNonce(toHex(account), nonce);
};

export const systemMethods: Methods = {
  system_name: () => 'miaoai-devnet',
  system_version: ({ chain }) => `0.1.0-spec${chain.runtime.version.specVersion}`,
  system_chain: ({ chainName }) => chainName,
  system_chainType: () => 'Development',
  system_health: () => ({ peers: 0, isSyncing: false, shouldHavePeers: false }),
  system_properties: () => ({ ss58Format: SS58_PREFIX, tokenDecimals: 9, tokenSymbol: 'TAO' }),
  system_localPeerId: () => LOCAL_PEER_ID,
  system_peers: () => [],
  system_nodeRoles: () => ['Authority'],
  system_syncState: ({ chain }) => {
    const { number } = chain.head();
    return { startingBlock: 0, currentBlock: number, highestBlock: number };
  },
  system_accountNextIndex: accountNextIndex,
  account_nextIndex: accountNextIndex,
};
