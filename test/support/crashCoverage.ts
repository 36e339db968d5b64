import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { repository } from './systemBuild.ts';

const operations = [
  'append',
  'saveSnapshot',
  'useIds',
  'addTo',
  'dropRecords',
  'takeLease',
  'renewLease',
  'releaseLease',
] as const;

/** What runs in a validator and is given a store: everything but the commands and the miner. */
const sources = ['src/actors/**/*.ts', 'src/validatorDaemon.ts', 'src/writership.ts'];

/** Writing operations of the store's contract that a validator's sources call. */
export const usedOperations = (): readonly string[] => {
  const text = globSync(sources, { cwd: repository })
    .map((path) => readFileSync(join(repository, path), 'utf8'))
    .join('\n');
  return operations.filter((operation) => text.includes(`.${operation}(`));
};

/** Those of them, and the archive, of which a list of points has not both sides. */
export const uncoveredOperations = (points: readonly string[]): readonly string[] =>
  [...usedOperations(), 'archive'].flatMap((operation) =>
    ['before', 'after']
      .filter((side) => !points.some((point) => point.startsWith(`${operation}/`) && point.endsWith(side)))
      .map((side) => `${operation} (${side})`),
  );
