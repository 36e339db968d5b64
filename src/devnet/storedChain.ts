/** The form in which a chain is stored, whole or block by block. */
import type { Block } from './blockBuilder.ts';
import { header } from './chainTypes.ts';
import { RUNTIME_PROFILES } from './profiles.ts';
import type { RuntimeChange } from './runtimeTimeline.ts';
import type { StateEntry } from './state.ts';

/** What a restarted chain needs; the pool is not part of it. */
export type ChainSnapshot = {
  readonly genesisHash: string;
  /** The best chain without block 0, oldest first; as many as eras reach back, or all. */
  readonly blocks: readonly Block[];
  readonly finalizedNumber: number;
  /** Runtimes by the block whose state has them first, past ones and scheduled ones. */
  readonly runtimes: readonly RuntimeChange[];
  readonly upgrades: readonly RuntimeChange[];
  readonly state: Iterable<StateEntry>;
};

/** A file that cannot be used; the message names it and says what to do. */
export class SnapshotError extends Error {
  constructor(file: string, problem: string) {
    super(
      `${file}: ${problem}, or move the file away, or choose another --data folder, to start a new chain`,
    );
  }
}

export type StoredBlock = Pick<Block, 'hash' | 'timestampMs' | 'extrinsics'> & {
  /** Encoded. */
  readonly header: Uint8Array;
};
export type NamedRuntime = { readonly fromBlock: number; readonly name: string };

/** Of its own memory: what `deserialize` gives are windows on the whole file, which codecs do not expect. */
export const copyOf = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);

export const storedFrom = ({ hash, timestampMs, extrinsics, header: decoded }: Block): StoredBlock => ({
  hash,
  timestampMs,
  extrinsics,
  header: header.enc(decoded),
});

export const blockFrom = ({ hash, timestampMs, extrinsics, header: encoded }: StoredBlock): Block => {
  const decoded = header.dec(copyOf(encoded));
  return { hash, timestampMs, extrinsics: extrinsics.map(copyOf), number: decoded.number, header: decoded };
};

export const withNames = (changes: readonly RuntimeChange[]): readonly NamedRuntime[] =>
  changes.map(({ fromBlock, profile }) => ({ fromBlock, name: profile.name }));

/** @throws SnapshotError for a runtime that this version does not have */
export const withProfiles = (file: string, changes: readonly NamedRuntime[]): readonly RuntimeChange[] =>
  changes.map(({ fromBlock, name }) => {
    const profile = RUNTIME_PROFILES.find((candidate) => candidate.name === name);
    if (profile === undefined)
      throw new SnapshotError(file, `needs the runtime ${name}: use the version that has it`);
    return { fromBlock, profile };
  });
