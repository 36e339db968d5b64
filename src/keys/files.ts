import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { makeFolder } from './folders.ts';

/** Reading and writing of small secret files. Promises, because the callers name the file and the advice. */

/** A keyfile is below 1 KiB, a password file below one line; anything larger is some other file. */
export const MAX_SECRET_FILE_BYTES = 64 * 1_024;
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
/** Bits by which somebody other than the owner can read or change a file. */
const OTHERS_MASK = 0o077;

export type SecretFile = {
  /** null: larger than `MAX_SECRET_FILE_BYTES`. */
  readonly bytes: Buffer | null;
  /** Permission bits, and whether some are set for others than the owner. */
  readonly mode: number;
  readonly isOpenToOthers: boolean;
};

/** Reads to the end or one byte beyond the limit: a pipe gives what it has in pieces. */
const readBounded = async (handle: FileHandle): Promise<Buffer | null> => {
  const buffer = Buffer.alloc(MAX_SECRET_FILE_BYTES + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
    if (bytesRead === 0) return buffer.subarray(0, length);
    length += bytesRead;
  }
  return null;
};

/**
 * Content of a regular file, bounded in size; a device, a socket or a pipe is refused with the code `EINVAL`, without
 * waiting for it. `allowPipe` is for `<(…)` of a shell, whose writer is known to be there.
 */
export const readSecretFile = async (
  file: string,
  { allowPipe = false }: { readonly allowPipe?: boolean } = {},
): Promise<SecretFile> => {
  // Opening a pipe without a writer would wait for ever, hence O_NONBLOCK.
  await using handle = await open(file, constants.O_RDONLY | (allowPipe ? 0 : constants.O_NONBLOCK));
  const info = await handle.stat();
  if (info.isDirectory()) throw Object.assign(new Error('is a folder'), { code: 'EISDIR' });
  if (!info.isFile() && !(allowPipe && info.isFIFO())) {
    throw Object.assign(new Error('no regular file'), { code: 'EINVAL' });
  }
  const mode = info.mode & 0o777;
  const isOpenToOthers = info.isFile() && (mode & OTHERS_MASK) !== 0;
  return { bytes: await readBounded(handle), mode, isOpenToOthers };
};

const syncFolder = async (folder: string): Promise<void> => {
  await using handle = await open(folder, 'r');
  await handle.sync();
};

/** Gives a complete file its name. A hard link, unlike a rename, fails where the name is taken. */
const nameFile = async (temporary: string, file: string, overwrite: boolean): Promise<void> => {
  if (overwrite) return rename(temporary, file);
  await link(temporary, file);
  await unlink(temporary);
};

/**
 * Writes a file of mode 0600 whole or not at all, in folders of mode 0700, and on disk when this resolves. Fails with
 * `EEXIST` where the file exists, unless `overwrite`; a symbolic link in its place is replaced, never followed.
 */
export const writeSecretFile = async (
  file: string,
  content: string | Uint8Array,
  { overwrite }: { readonly overwrite: boolean },
): Promise<void> => {
  const folder = dirname(file);
  await makeFolder(folder, FOLDER_MODE);
  const temporary = join(folder, `.${randomBytes(8).toString('hex')}.tmp`);
  try {
    {
      await using handle = await open(temporary, 'wx', FILE_MODE);
      await handle.writeFile(content);
      await handle.sync();
    }
    await nameFile(temporary, file, overwrite);
  } catch (cause) {
    await unlink(temporary).catch(() => undefined);
    throw cause;
  }
  await syncFolder(folder);
};
