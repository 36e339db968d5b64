/**
 * `node scripts/charts.ts [--out <dir>]`: the statechart of every machine with its layout, one JSON file each, into
 * `dist/charts`. The daemons serve them as they are and know nothing of how they were made.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { laidOut } from './charts/laidOut.ts';
import { documentedMachines } from './docs/machinePages.ts';

const { values } = parseArgs({
  options: { out: { type: 'string', default: fileURLToPath(new URL('../dist/charts', import.meta.url)) } },
});

const isCurrent = (path: string, text: string): boolean => {
  try {
    return readFileSync(path, 'utf8') === text;
  } catch {
    return false;
  }
};

mkdirSync(values.out, { recursive: true });
const files = new Map(
  (await laidOut(documentedMachines)).map((one) => [`${one.chart.id}.json`, `${JSON.stringify(one)}\n`]),
);
for (const name of readdirSync(values.out)) {
  // A machine that is gone.
  if (!files.has(name)) rmSync(join(values.out, name), { recursive: true });
}
for (const [name, text] of files) {
  const path = join(values.out, name);
  if (!isCurrent(path, text)) writeFileSync(path, text);
}
