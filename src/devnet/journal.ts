/**
 * What each block wrote, appended and on disk before anybody hears of the block: together with the last snapshot it is
 * the whole chain, so that a process which is killed goes on from its last block. Files are taken in turns: each
 * snapshot begins a new one and makes the older ones needless.
 */
import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { Block } from './blockBuilder.ts';
import { blake2b256 } from './hashing.ts';
import type { StateVersion } from './state.ts';
import {
  blockFrom,
  type ChainSnapshot,
  copyOf,
  type NamedRuntime,
  type StoredBlock,
  storedFrom,
  withNames,
  withProfiles,
} from './storedChain.ts';

/** What a block adds to the snapshot of its parent. A number that was there before replaces that block and all later. */
export type BlockChange = Pick<ChainSnapshot, 'finalizedNumber' | 'runtimes' | 'upgrades'> & {
  readonly block: Block;
  /** Undefined for what it removed. */
  readonly written: readonly (readonly [key: string, value: Uint8Array | undefined])[];
};

/** Names of the files sort as their first records do. */
const FILE_NAME = /^chain\.journal\.(\d{12})$/;
const fileName = (firstSeq: number): string => `chain.journal.${String(firstSeq).padStart(12, '0')}`;
/** Length of the body, then its checksum, then the body. */
const LENGTH_BYTES = 4;
const CHECKSUM_BYTES = 32;

type Body = Omit<BlockChange, 'block' | 'runtimes' | 'upgrades'> & {
  readonly seq: number;
  readonly block: StoredBlock;
  readonly runtimes: readonly NamedRuntime[];
  readonly upgrades: readonly NamedRuntime[];
};

const encodeRecord = (seq: number, change: BlockChange): Uint8Array => {
  const body: Body = {
    seq,
    block: storedFrom(change.block),
    written: change.written,
    finalizedNumber: change.finalizedNumber,
    runtimes: withNames(change.runtimes),
    upgrades: withNames(change.upgrades),
  };
  const encoded = serialize(body);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(encoded.length);
  return Buffer.concat([length, blake2b256(encoded), encoded]);
};

/** The whole records of a file. The last one may be cut off: nobody heard of its block. */
const decodeRecords = (bytes: Buffer): readonly Body[] => {
  const records: Body[] = [];
  for (let at = 0; at + LENGTH_BYTES + CHECKSUM_BYTES <= bytes.length; ) {
    const bodyAt = at + LENGTH_BYTES + CHECKSUM_BYTES;
    const encoded = bytes.subarray(bodyAt, bodyAt + bytes.readUInt32LE(at));
    if (!bytes.subarray(at + LENGTH_BYTES, bodyAt).equals(blake2b256(encoded))) break;
    // Checked above: what this program wrote
    records.push(deserialize(encoded) as Body);
    at = bodyAt + encoded.length;
  }
  return records;
};

const changeFrom = (file: string, body: Body): BlockChange => ({
  block: blockFrom(body.block),
  written: body.written.map(([key, value]) => [key, value && copyOf(value)]),
  finalizedNumber: body.finalizedNumber,
  runtimes: withProfiles(file, body.runtimes),
  upgrades: withProfiles(file, body.upgrades),
});

/** Takes blocks and what they wrote back, from `number` on. */
const takeBack = (blocks: Block[], state: Map<string, StateVersion[]>, number: number): void => {
  while ((blocks.at(-1)?.number ?? 0) >= number) blocks.pop();
  for (const [key, versions] of state) {
    while ((versions.at(-1)?.block ?? -1) >= number) versions.pop();
    if (versions.length === 0) state.delete(key);
  }
};

/** A snapshot with the blocks that came after it. */
export const withChanges = (snapshot: ChainSnapshot, changes: readonly BlockChange[]): ChainSnapshot => {
  const last = changes.at(-1);
  if (last === undefined) return snapshot;
  const blocks = [...snapshot.blocks];
  const state = new Map([...snapshot.state].map(([key, versions]) => [key, [...versions]]));
  for (const { block, written } of changes) {
    if ((blocks.at(-1)?.number ?? 0) >= block.number) takeBack(blocks, state, block.number);
    blocks.push(block);
    for (const [key, value] of written) {
      const versions = state.get(key) ?? [];
      versions.push({ block: block.number, value });
      state.set(key, versions);
    }
  }
  const { finalizedNumber, runtimes, upgrades } = last;
  return { genesisHash: snapshot.genesisHash, blocks, finalizedNumber, runtimes, upgrades, state };
};

export type Journal = {
  /** Records after `seq` without a gap, in their order; what is appended goes on from there. */
  read(seq: number): readonly BlockChange[];
  /** On disk when it returns. A failed one is thrown; what comes after it is not read, up to the next snapshot. */
  append(change: BlockChange): void;
  /** Begins a new file and gives the number of the last record before it. */
  turn(): number;
  /** Removes the files before the one that is written. */
  forget(): void;
  /** Removes all: there is no snapshot that they belong to. */
  clear(): void;
  close(): void;
};

/** Names of a folder that were made or changed are on disk when it returns. */
export const syncFolder = (folder: string): void => {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
};

/** The journal of a folder that this process alone uses. */
export const openJournal = (folder: string): Journal => {
  const names = (): readonly string[] =>
    readdirSync(folder)
      .filter((name) => FILE_NAME.test(name))
      .sort();
  let file: { readonly handle: number; readonly name: string } | undefined;
  let seq = 0;
  const close = (): void => {
    if (file !== undefined) {
      const isEmpty = fstatSync(file.handle).size === 0;
      closeSync(file.handle);
      if (isEmpty) rmSync(join(folder, file.name), { force: true });
    }
    file = undefined;
  };
  const begin = (): { readonly handle: number; readonly name: string } => {
    close();
    const name = fileName(seq + 1);
    file = { handle: openSync(join(folder, name), 'w', 0o600), name };
    syncFolder(folder);
    return file;
  };
  const removeBefore = (end: string | undefined): void => {
    for (const name of names()) if (end === undefined || name < end) rmSync(join(folder, name));
  };
  return {
    read: (after) => {
      seq = after;
      const changes: BlockChange[] = [];
      for (const name of names()) {
        const path = join(folder, name);
        for (const record of decodeRecords(readFileSync(path))) {
          if (record.seq !== seq + 1) continue;
          seq = record.seq;
          changes.push(changeFrom(path, record));
        }
      }
      // Behind a gap: what is appended takes their numbers, and a later start must not go on with them
      for (const name of names()) if (name > fileName(seq)) rmSync(join(folder, name));
      return changes;
    },
    append: (change) => {
      const { handle } = file ?? begin();
      seq += 1;
      writeFileSync(handle, encodeRecord(seq, change));
      fdatasyncSync(handle);
    },
    turn: () => {
      begin();
      return seq;
    },
    forget: () => removeBefore(file?.name),
    clear: () => removeBefore(undefined),
    close,
  };
};
