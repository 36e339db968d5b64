import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';

export type Theme = 'light' | 'dark';

/** A page whose complaints and addresses are written down from its first byte on. */
export type WatchedPage = {
  readonly page: Page;
  /** Errors of the console, exceptions, and answers that a page of ours must not get. */
  readonly complaints: readonly string[];
  /** Hosts with their ports. */
  readonly hosts: ReadonlySet<string>;
  readonly close: () => Promise<void>;
};

export const openWatchedPage = async (
  browser: Browser,
  options: { readonly theme: Theme; readonly width?: number; readonly height?: number },
): Promise<WatchedPage> => {
  const { theme, width = 1_280, height = 800 } = options;
  const context = await browser.newContext({ colorScheme: theme, viewport: { width, height } });
  const page = await context.newPage();
  const complaints: string[] = [];
  const hosts = new Set<string>();
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => hosts.add(new URL(request.url()).host));
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()} ${response.url()}`);
  });
  return { page, complaints, hosts, close: () => context.close() };
};

type Violation = {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string }[];
};

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds of serious or critical impact, one line each. */
export const seriousFindings = async (page: Page): Promise<readonly string[]> => {
  await page.evaluate(axeSource);
  const violations = (await page.evaluate(
    `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
      violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.slice(0, 3).map(({ html }) => ({ html })) })))`,
  )) as readonly Violation[];
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`);
};

/** Pictures are kept where a folder is named for them: `MIAOAI_SCREENSHOTS=<folder> npm run test:browser`. */
export const takePicture = async (page: Page, name: string): Promise<void> => {
  const folder = process.env['MIAOAI_SCREENSHOTS'];
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
};

/** The sentence of the verdict, as a reader sees it. */
export const verdictText = (page: Page): Promise<string | null> =>
  page.locator('.verdict-text').textContent();

/** All reasons, unfolded: their codes. */
export const reasonCodes = async (page: Page): Promise<readonly string[]> =>
  page.locator('.reason-code').allInnerTexts();
