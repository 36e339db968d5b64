import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AnyStateMachine } from 'xstate';

import { type Chart, chartOf } from '../../src/inspector/chart.ts';
import type { Layout } from '../../src/inspector/layout.ts';

export type LaidOut = { readonly chart: Chart; readonly layout: Layout };

const here = fileURLToPath(new URL('.', import.meta.url));
const cacheDir = fileURLToPath(new URL('../../node_modules/.cache/miaoai-charts/', import.meta.url));

/** All that a layout depends on beside its chart: the code of these files, and ELK. */
const recipe = (): string => {
  const files = [
    ...readdirSync(here).map((name) => join(here, name)),
    fileURLToPath(new URL('../../src/inspector/layout.ts', import.meta.url)),
    fileURLToPath(new URL('../../node_modules/elkjs/package.json', import.meta.url)),
  ];
  const hash = createHash('sha256');
  for (const file of files.toSorted()) hash.update(readFileSync(file));
  return hash.digest('hex');
};

const keyOf = (chart: Chart, ofRecipe: string): string =>
  createHash('sha256').update(ofRecipe).update(JSON.stringify(chart)).digest('hex').slice(0, 32);

const cached = (path: string): Layout | null => {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Layout;
  } catch {
    return null;
  }
};

/** Several scripts may do this at once: each file appears whole. A cache that cannot be written is done without. */
const keep = (path: string, layout: Layout): void => {
  try {
    mkdirSync(cacheDir, { recursive: true });
    const draft = `${path}.${process.pid}`;
    writeFileSync(draft, JSON.stringify(layout));
    renameSync(draft, path);
  } catch {
    // A read-only folder, a full disk: the next run lays it out again.
  }
};

/** Charts with their layouts, in the order given. ELK, which takes a second to load, only runs for what has changed. */
export const laidOut = async (machines: readonly AnyStateMachine[]): Promise<readonly LaidOut[]> => {
  const ofRecipe = recipe();
  const results: LaidOut[] = [];
  for (const machine of machines) {
    const chart = chartOf(machine);
    const path = join(cacheDir, `${keyOf(chart, ofRecipe)}.json`);
    const before = cached(path);
    const layout = before ?? (await (await import('./elkLayout.ts')).layOut(chart));
    if (before === null) keep(path, layout);
    results.push({ chart, layout });
  }
  return results;
};
