import { basename } from 'node:path';

import { readStaticFiles, type StaticFile } from './staticFiles.ts';

/** Charts of the machines by their id, read when the first one is asked for; none where they were not built. */
export const createCharts = (dir: string): (() => ReadonlyMap<string, StaticFile>) => {
  let charts: ReadonlyMap<string, StaticFile> | null = null;
  return () => {
    charts ??= new Map(
      [...readStaticFiles(dir)]
        .filter(([path]) => /^[A-Za-z0-9_-]{1,64}\.json$/.test(path))
        .map(([path, file]) => [basename(path, '.json'), file]),
    );
    return charts;
  };
};
