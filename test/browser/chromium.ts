import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { build } from 'vite';

/** Debian's; playwright-core brings none of its own. */
const executablePath = '/usr/bin/chromium';

/** Why tests in a browser are skipped on this machine; null where they run. */
export const noBrowser = existsSync(executablePath)
  ? null
  : `no ${executablePath}: apt-get install chromium, to run the tests of the page`;

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });

export type BuiltPage = { readonly dir: string; readonly remove: () => Promise<void> };

/** The page as it is in the tree now, built into a folder of its own. */
export const buildPage = async (): Promise<BuiltPage> => {
  const dir = await mkdtemp(join(tmpdir(), 'miaoai-page-'));
  const configFile = fileURLToPath(new URL('../../ui/vite.config.ts', import.meta.url));
  await build({ configFile, logLevel: 'error', build: { outDir: dir, emptyOutDir: true } });
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) };
};
