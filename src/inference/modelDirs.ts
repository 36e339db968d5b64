import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** A setting may name model folders or folders of such folders, as `models/` of this repository is one. */
export const expandModelDirs = (dirs: readonly string[]): readonly string[] =>
  dirs.flatMap((dir) => {
    if (!existsSync(dir) || existsSync(join(dir, 'config.json'))) return [dir];
    return readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && existsSync(join(dir, entry.name, 'config.json')))
      .map((entry) => join(dir, entry.name))
      .toSorted();
  });
