/** A chain on disk: one file that is replaced whole, so that a crash leaves the one before, and a journal of what came since. */
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { makeFolder } from '../keys/folders.ts';
import { blake2b256 } from './hashing.ts';
import { type BlockChange, openJournal, syncFolder, withChanges } from './journal.ts';
import type { StateEntry } from './state.ts';
import {
  blockFrom,
  type ChainSnapshot,
  copyOf,
  type NamedRuntime,
  SnapshotError,
  type StoredBlock,
  storedFrom,
  withNames,
  withProfiles,
} from './storedChain.ts';

/** The first bytes of a file; the digit is the format's version. Then 32 bytes of checksum, then the body. */
const MAGIC = 'MIAOAI-DEVNET-1\n';
const CHECKSUM_BYTES = 32;
const FILE_NAME = 'chain.snapshot';
const LOCK_NAME = 'chain.lock';

type Body = Omit<ChainSnapshot, 'blocks' | 'runtimes' | 'upgrades' | 'state'> & {
  readonly blocks: readonly StoredBlock[];
  readonly runtimes: readonly NamedRuntime[];
  readonly upgrades: readonly NamedRuntime[];
  readonly state: readonly StateEntry[];
  /** Last record of the journal that is part of it; missing in files from before there was one. */
  readonly journalSeq?: number;
};

/** The bytes of a snapshot's file. */
export const encodeSnapshot = (snapshot: ChainSnapshot, journalSeq = 0): Uint8Array => {
  const body: Body = {
    genesisHash: snapshot.genesisHash,
    finalizedNumber: snapshot.finalizedNumber,
    blocks: snapshot.blocks.map(storedFrom),
    runtimes: withNames(snapshot.runtimes),
    upgrades: withNames(snapshot.upgrades),
    state: [...snapshot.state],
    journalSeq,
  };
  const encoded = serialize(body);
  return Buffer.concat([Buffer.from(MAGIC), blake2b256(encoded), encoded]);
};

export type DecodedSnapshot = { readonly snapshot: ChainSnapshot; readonly journalSeq: number };

/** @throws SnapshotError for bytes that are no whole snapshot of this version */
export const decodeSnapshot = (file: string, bytes: Uint8Array): DecodedSnapshot => {
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (input.toString('latin1', 0, MAGIC.length) !== MAGIC)
    throw new SnapshotError(
      file,
      'is no snapshot of the embedded chain, or of another version of it: use that one',
    );
  const bodyAt = MAGIC.length + CHECKSUM_BYTES;
  const encoded = input.subarray(bodyAt);
  if (!input.subarray(MAGIC.length, bodyAt).equals(blake2b256(encoded)))
    throw new SnapshotError(file, 'is damaged, its checksum does not fit: put a copy of it back');
  // Checked above: what this program wrote
  const body = deserialize(encoded) as Body;
  const snapshot: ChainSnapshot = {
    genesisHash: body.genesisHash,
    finalizedNumber: body.finalizedNumber,
    blocks: body.blocks.map(blockFrom),
    runtimes: withProfiles(file, body.runtimes),
    upgrades: withProfiles(file, body.upgrades),
    state: body.state.map(([key, versions]) => [
      key,
      versions.map(({ block, value }) => ({ block, value: value && copyOf(value) })),
    ]),
  };
  return { snapshot, journalSeq: body.journalSeq ?? 0 };
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};
/** Two chains that write one file would destroy it. A lock that a crash left is taken over. */
const lock = async (file: string): Promise<void> => {
  try {
    await writeFile(file, String(process.pid), { flag: 'wx' });
    return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const owner = Number(await readFile(file, 'utf8'));
  if (owner > 0 && isAlive(owner))
    throw new Error(`${file}: process ${owner} uses this folder: stop it, or choose another --data folder`);
  await writeFile(file, String(process.pid));
};

/** On disk before the old file is replaced. */
const replaceFile = async (file: string, bytes: Uint8Array): Promise<void> => {
  const temporary = `${file}.tmp`;
  const handle = await open(temporary, 'w', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  // Else a power cut could bring the old name back, after the journal that it needs is gone
  syncFolder(dirname(file));
};

export type SnapshotStore = {
  readonly file: string;
  /** The chain up to its last block; undefined where there is none yet. */
  read(): Promise<ChainSnapshot | undefined>;
  /** On disk when it returns. A failed one is thrown; what comes after it is safe with the next snapshot. */
  append(change: BlockChange): void;
  /** Writes one after the other; while one is written, `take` is called for the last of those that wait only. */
  write(take: () => ChainSnapshot): Promise<void>;
  /** Waits for what is written and gives the folder free. */
  close(): Promise<void>;
};

const readIfThere = async (file: string): Promise<Uint8Array | undefined> => {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

/** The snapshot of a folder, which is made when it is missing. Rejects when another process uses it. */
export const openSnapshotStore = async (folder: string): Promise<SnapshotStore> => {
  await makeFolder(folder, 0o700);
  const file = join(folder, FILE_NAME);
  const lockFile = join(folder, LOCK_NAME);
  await lock(lockFile);
  const journal = openJournal(folder);
  let writing: Promise<void> = Promise.resolve();
  let latest: (() => ChainSnapshot) | undefined;
  const writeLatest = async (): Promise<void> => {
    const take = latest;
    latest = undefined;
    if (take === undefined) return;
    const bytes = encodeSnapshot(take(), journal.turn());
    await replaceFile(file, bytes);
    journal.forget();
  };
  return {
    file,
    read: async () => {
      const bytes = await readIfThere(file);
      if (bytes === undefined) {
        journal.clear();
        return undefined;
      }
      const { snapshot, journalSeq } = decodeSnapshot(file, bytes);
      return withChanges(snapshot, journal.read(journalSeq));
    },
    append: journal.append,
    write: (take) => {
      latest = take;
      // A write that failed was told to whom asked for it; the next one is tried all the same
      writing = writing.catch(() => undefined).then(writeLatest);
      return writing;
    },
    close: async () => {
      await writing.catch(() => undefined);
      journal.close();
      await rm(lockFile, { force: true });
    },
  };
};
