/**
 * Entry points per network name, tried in order. Both of finney are run by the network's own foundation
 * (opentensor/bittensor bittensor/core/settings.py).
 */
const endpoints: { readonly [network: string]: readonly string[] } = {
  finney: ['wss://entrypoint-finney.opentensor.ai:443', 'wss://archive.chain.opentensor.ai:443'],
  test: ['wss://test.finney.opentensor.ai:443'],
  local: ['ws://127.0.0.1:9944'],
};

/**
 * Genesis hashes that are known for certain (`bittensor` in @polkadot/networks defaults/genesis.js). A daemon that is
 * told to join such a network takes no other chain for it, not even at its very first connection.
 */
const genesisHashes: { readonly [network: string]: string } = {
  finney: '0x2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03',
};

/** Genesis hash of a network by its name; null where it is not known, and the first chain seen has to be believed. */
export const genesisOf = (network: string): string | null =>
  Object.hasOwn(genesisHashes, network) ? (genesisHashes[network] ?? null) : null;

/** Hosts that lead to finney by other names. */
const FINNEY_HOSTS = [
  'entrypoint-finney.opentensor.ai',
  'archive.chain.opentensor.ai',
  'lite.sub.latent.to',
] as const;

export const networkNames: readonly string[] = Object.keys(endpoints);

/** Whether a text is the URL of a node, `ws://` or `wss://`, without a fragment. */
export const isNodeUrl = (given: string): boolean => {
  if (given.length > 512 || !URL.canParse(given)) return false;
  const url = new URL(given);
  return (url.protocol === 'ws:' || url.protocol === 'wss:') && url.hostname !== '' && url.hash === '';
};

/** Endpoints of a network name; a URL is its own only endpoint. */
export const endpointsOf = (network: string): readonly string[] =>
  Object.hasOwn(endpoints, network) ? (endpoints[network] ?? []) : [network];

/** Whether any of the endpoints is known to lead to the main network. */
export const leadsToFinney = (urls: readonly string[]): boolean =>
  urls.some((url) => FINNEY_HOSTS.some((host) => new URL(url).hostname === host));
