// Writes the generated pages under docs/, or with --check says which of them are not what they would be.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { configurationPage } from './docs/configurationPage.ts';
import { machinePages } from './docs/machinePages.ts';
import { metricsSection } from './docs/metrics.ts';
import { protocolPage } from './docs/protocolPage.ts';

const repository = fileURLToPath(new URL('..', import.meta.url));
/** Holds generated pages only: a page whose machine is gone has to go as well. */
const ownFolder = 'docs/machines';

const readOrNull = (path: string): string | null => {
  try {
    return readFileSync(join(repository, path), 'utf8');
  } catch {
    return null;
  }
};

const strayPages = (pages: ReadonlyMap<string, string>): readonly string[] => {
  try {
    const present = readdirSync(join(repository, ownFolder)).map((name) => `${ownFolder}/${name}`);
    return present.filter((path) => !pages.has(path));
  } catch {
    return [];
  }
};

const check = (pages: ReadonlyMap<string, string>): number => {
  const stale = [...pages].filter(([path, text]) => readOrNull(path) !== text).map(([path]) => path);
  const wrong = [...stale, ...strayPages(pages)];
  if (wrong.length === 0) return 0;
  process.stderr.write(`not current: ${wrong.join(', ')}\nRun \`npm run docs\` and commit the result.\n`);
  return 1;
};

const write = (pages: ReadonlyMap<string, string>): number => {
  for (const [path, text] of pages) {
    if (readOrNull(path) === text) continue;
    mkdirSync(dirname(join(repository, path)), { recursive: true });
    writeFileSync(join(repository, path), text);
    process.stdout.write(`wrote ${path}\n`);
  }
  for (const path of strayPages(pages)) {
    rmSync(join(repository, path));
    process.stdout.write(`removed ${path}\n`);
  }
  return 0;
};

const unknown = process.argv.slice(2).filter((argument) => argument !== '--check');
if (unknown.length > 0) {
  process.stderr.write(`unknown argument ${unknown.join(' ')}\nusage: npm run docs -- [--check]\n`);
  process.exitCode = 2;
} else {
  const pages = new Map([
    ...(await machinePages()),
    ...protocolPage(),
    ...configurationPage(),
    ...metricsSection(),
  ]);
  process.exitCode = process.argv.includes('--check') ? check(pages) : write(pages);
}
