/**
 * `node scripts/build.ts`: everything in `dist/`: the programs, the layouts of the statecharts, the page. Each part
 * leaves those of the others alone.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as buildPrograms } from 'rolldown';
import { build as buildPage } from 'vite';

import { bundle } from '../rolldown.config.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');

/** Chunks of an earlier build, whose names hold a hash. */
const removePrograms = (): void => {
  if (!existsSync(dist)) return;
  for (const entry of readdirSync(dist, { withFileTypes: true })) {
    if (entry.isFile()) rmSync(join(dist, entry.name));
  }
};

const layOutCharts = (): void => {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts', 'charts.ts')], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('the statecharts could not be laid out');
};

removePrograms();
await buildPrograms({ ...bundle({ dir: 'dist', isTestBuild: false }), cwd: root, logLevel: 'warn' });
if (existsSync(join(root, 'scripts', 'charts.ts'))) layOutCharts();
const page = join(root, 'ui', 'vite.config.ts');
if (existsSync(page)) await buildPage({ configFile: page, logLevel: 'warn' });
