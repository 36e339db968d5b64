import { networkFolder } from './dataDir.ts';

/** Version of the layout this release writes; a newer one is refused. */
export const REDIS_SCHEMA = 1;

/**
 * What the keys of one identity begin with, e.g. `finney:86:5F3s…:validator`. Networks given as URLs are reduced to
 * host, port and a hash, so that no credential of a provider becomes part of a key.
 */
export const redisNamespace = (identity: {
  readonly network: string;
  readonly netuid: number;
  readonly hotkey: string;
  readonly role: 'validator' | 'miner';
}): string => {
  const { network, netuid, hotkey, role } = identity;
  return `${networkFolder(network)}:${netuid}:${hotkey}:${role}`;
};

/** One character per type a key may have; the scripts know the same. */
export type KeyType = 'h' | 'x' | 'z' | 's' | 'l';

/**
 * Every key of one identity. The braces make all of them one slot of a cluster, so that one script may write several.
 * Names of logs and the like hold no ":" (see `nameProblem`).
 */
export const redisKeys = (namespace: string) => {
  const prefix = `miaoai:{${namespace}}:`;
  return {
    prefix,
    /** Hash: schema, owner, revision (the last one given), createdAtMs. */
    meta: `${prefix}meta`,
    /** Hash by writer: its last group, by which a repeated one is known. */
    writers: `${prefix}writers`,
    /** List of writers in the order of their coming; the oldest are forgotten. */
    writerOrder: `${prefix}writer-order`,
    /** Hash by log: sequence number of its last record. */
    logs: `${prefix}logs`,
    /** Hash by log: bytes of its keys and values. */
    bytes: `${prefix}bytes`,
    /** Hash by counter. */
    counters: `${prefix}counters`,
    /** Sets of names. */
    snapshots: `${prefix}snapshots`,
    idSets: `${prefix}id-sets`,
    leases: `${prefix}leases`,
    /** List of what was set aside, newest first, as JSON; bounded by `ASIDE_KEPT`. */
    aside: `${prefix}aside`,
    /** Stream with ids `<seq>-0` and the fields v (JSON) and k (key, where it has one). */
    log: (name: string) => `${prefix}log:${name}`,
    /** Hash by key: sequence number of its record. */
    keysOf: (name: string) => `${prefix}keys:${name}`,
    /** Hash: version, revision, savedAtMs, text. */
    snapshot: (name: string) => `${prefix}snapshot:${name}`,
    /** Sorted set with score 0, so in the order of the bytes of its ids. */
    ids: (name: string) => `${prefix}ids:${name}`,
    /** Hash: token, holder, beat. */
    lease: (name: string) => `${prefix}lease:${name}`,
    /** A key of a foreign type, renamed. */
    setAside: (mark: string) => `${prefix}set-aside:${mark}`,
    check: `${prefix}check`,
  } as const;
};

export type RedisKeys = ReturnType<typeof redisKeys>;
