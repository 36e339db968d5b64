import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

import { codeOf } from './systemError.ts';

/** One folder whose parent exists; nothing where it is there already. `mkdir` says `EEXIST` of a file in its place too. */
const makeOneFolder = async (folder: string, mode: number): Promise<void> => {
  try {
    await mkdir(folder, { mode });
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST') throw cause;
    if (!(await stat(folder)).isDirectory()) {
      throw Object.assign(new Error('is no folder'), { code: 'ENOTDIR' });
    }
  }
};

/**
 * Makes a folder and those above it that are missing. Not `recursive`: Node 24 tries for ever where a file system, as
 * /proc, takes none.
 *
 * @param mode of those that are made, less the mask of the process
 */
export const makeFolder = async (folder: string, mode: number): Promise<void> => {
  try {
    await makeOneFolder(folder, mode);
  } catch (cause) {
    if (codeOf(cause) !== 'ENOENT' || dirname(folder) === folder) throw cause;
    await makeFolder(dirname(folder), mode);
    await makeOneFolder(folder, mode);
  }
};
