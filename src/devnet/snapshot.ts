/** A chain on disk: one file that is replaced whole, so that a crash leaves the one before. */
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import type { Block } from './blockBuilder.ts';
import { header } from './chainTypes.ts';
import { blake2b256 } from './hashing.ts';
import { RUNTIME_PROFILES, type RuntimeProfile } from './profiles.ts';
import type { StateEntry } from './state.ts';

/** What a restarted chain needs; the pool is not part of it. */
export type ChainSnapshot = {
  readonly genesisHash: string;
  /** The best chain without block 0, oldest first; as many as eras reach back, or all. */
  readonly blocks: readonly Block[];
  readonly finalizedNumber: number;
  /** Runtimes by the block whose state has them first, past ones and scheduled ones. */
  readonly runtimes: readonly { readonly fromBlock: number; readonly profile: RuntimeProfile }[];
  readonly upgrades: readonly { readonly fromBlock: number; readonly profile: RuntimeProfile }[];
  readonly state: Iterable<StateEntry>;
};

/** A snapshot that cannot be used; the message names the file and says what to do. */
export class SnapshotError extends Error {
  constructor(file: string, problem: string) {
    super(
      `${file}: ${problem}, or move the file away, or choose another --data folder, to start a new chain`,
    );
  }
}

/** The first bytes of a file; the digit is the format's version. Then 32 bytes of checksum, then the body. */
const MAGIC = 'MIAOAI-DEVNET-1\n';
const CHECKSUM_BYTES = 32;
const FILE_NAME = 'chain.snapshot';
const LOCK_NAME = 'chain.lock';

type Body = Omit<ChainSnapshot, 'blocks' | 'runtimes' | 'upgrades' | 'state'> & {
  readonly blocks: readonly (Pick<Block, 'hash' | 'timestampMs' | 'extrinsics'> & {
    readonly header: Uint8Array;
  })[];
  readonly runtimes: readonly { readonly fromBlock: number; readonly name: string }[];
  readonly upgrades: readonly { readonly fromBlock: number; readonly name: string }[];
  readonly state: readonly StateEntry[];
};

const named = (changes: ChainSnapshot['runtimes']): Body['runtimes'] =>
  changes.map(({ fromBlock, profile }) => ({ fromBlock, name: profile.name }));

/** The bytes of a snapshot's file. */
export const encodeSnapshot = (snapshot: ChainSnapshot): Uint8Array => {
  const body: Body = {
    genesisHash: snapshot.genesisHash,
    finalizedNumber: snapshot.finalizedNumber,
    blocks: snapshot.blocks.map((block) => ({
      hash: block.hash,
      timestampMs: block.timestampMs,
      extrinsics: block.extrinsics,
      header: header.enc(block.header),
    })),
    runtimes: named(snapshot.runtimes),
    upgrades: named(snapshot.upgrades),
    state: [...snapshot.state],
  };
  const encoded = serialize(body);
  return Buffer.concat([Buffer.from(MAGIC), blake2b256(encoded), encoded]);
};

/** Of its own memory: what `deserialize` gives are windows on the whole file, which codecs do not expect. */
const copy = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);

/** @throws SnapshotError for bytes that are no whole snapshot of this version */
export const decodeSnapshot = (file: string, bytes: Uint8Array): ChainSnapshot => {
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
  const profiled = (changes: Body['runtimes']): ChainSnapshot['runtimes'] =>
    changes.map(({ fromBlock, name }) => {
      const profile = RUNTIME_PROFILES.find((candidate) => candidate.name === name);
      if (profile === undefined)
        throw new SnapshotError(file, `needs the runtime ${name}: use the version that has it`);
      return { fromBlock, profile };
    });
  return {
    genesisHash: body.genesisHash,
    finalizedNumber: body.finalizedNumber,
    blocks: body.blocks.map((block) => {
      const { hash, timestampMs } = block;
      const decoded = header.dec(copy(block.header));
      const extrinsics = block.extrinsics.map(copy);
      return { hash, timestampMs, extrinsics, number: decoded.number, header: decoded };
    }),
    runtimes: profiled(body.runtimes),
    upgrades: profiled(body.upgrades),
    state: body.state.map(([key, versions]) => [
      key,
      versions.map(({ block, value }) => ({ block, value: value && copy(value) })),
    ]),
  };
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
};

export type SnapshotStore = {
  readonly file: string;
  /** Undefined where there is none yet. */
  read(): Promise<ChainSnapshot | undefined>;
  /** Writes one after the other; while one is written, `take` is called for the last of those that wait only. */
  write(take: () => ChainSnapshot): Promise<void>;
  /** Waits for what is written and gives the folder free. */
  close(): Promise<void>;
};

/** The snapshot of a folder, which is made when it is missing. Rejects when another process uses it. */
export const openSnapshotStore = async (folder: string): Promise<SnapshotStore> => {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, FILE_NAME);
  const lockFile = join(folder, LOCK_NAME);
  await lock(lockFile);
  let writing: Promise<void> = Promise.resolve();
  let latest: (() => ChainSnapshot) | undefined;
  const writeLatest = async (): Promise<void> => {
    const take = latest;
    latest = undefined;
    if (take !== undefined) await replaceFile(file, encodeSnapshot(take()));
  };
  return {
    file,
    read: async () => {
      let bytes: Uint8Array;
      try {
        bytes = await readFile(file);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
      return decodeSnapshot(file, bytes);
    },
    write: (take) => {
      latest = take;
      // A write that failed was told to whom asked for it; the next one is tried all the same
      writing = writing.catch(() => undefined).then(writeLatest);
      return writing;
    },
    close: async () => {
      await writing.catch(() => undefined);
      await rm(lockFile, { force: true });
    },
  };
};
