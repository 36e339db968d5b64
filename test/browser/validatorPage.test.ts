import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltPage, buildPage, noBrowser, openBrowser } from '#test/browser/chromium.ts';
import { guessingUid } from '#test/browser/fixtureMiners.ts';
import { type Fixture, type FixtureOptions, openFixture } from '#test/browser/fixtureServer.ts';
import {
  openWatchedPage,
  seriousFindings,
  type Theme,
  takePicture,
  verdictText,
  type WatchedPage,
} from '#test/browser/watchedPage.ts';

/** What the page may weigh, all of it, as it is sent. */
const mostBytes = 100_000;
const paths = [
  '/',
  // The grid whole, the table short: the checker of axe takes long over thousands of cells.
  '/sessions?state=cooling',
  `/sessions/${guessingUid}`,
  '/rounds',
  `/weights?uid=${guessingUid}`,
  '/chain',
] as const;
const themes: readonly Theme[] = ['light', 'dark'];

let browser: Browser;
let built: BuiltPage;

const withPage = async (
  options: FixtureOptions & { readonly path: string; readonly theme?: Theme; readonly width?: number },
  use: (page: Page, fixture: Fixture, watched: WatchedPage) => Promise<void>,
): Promise<void> => {
  const fixture = await openFixture({ ...options, uiDir: built.dir });
  const watched = await openWatchedPage(browser, {
    theme: options.theme ?? 'light',
    ...(options.width === undefined ? {} : { width: options.width }),
  });
  try {
    await watched.page.goto(`${fixture.url}${options.path}`);
    await watched.page.locator('.screen .panel').first().waitFor();
    await use(watched.page, fixture, watched);
  } finally {
    await watched.close();
    await fixture.close();
  }
};

const widthOver = (page: Page): Promise<unknown> =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');

describe.skipIf(noBrowser !== null)('browser / validator page', () => {
  beforeAll(async () => {
    built = await buildPage();
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await built?.remove();
  });

  it('weighs at most 100 kB, compressed, and carries nothing inline', () => {
    const assets = readdirSync(join(built.dir, 'assets'));
    const bytes = assets.reduce(
      (sum, name) => sum + gzipSync(readFileSync(join(built.dir, 'assets', name))).length,
      0,
    );
    expect(bytes).toBeLessThan(mostBytes);
    const html = readFileSync(join(built.dir, 'index.html'), 'utf8');
    expect(html).not.toMatch(/<style|style=|<script(?![^>]* src=)/);
  });

  it.each(paths)('shows %s in both themes without a complaint, from one host, for everybody', (path) =>
    withPage({ path }, async (page, fixture, { complaints, hosts }) => {
      for (const theme of themes) {
        await page.emulateMedia({ colorScheme: theme });
        await page.waitForTimeout(300);
        expect(await seriousFindings(page), theme).toEqual([]);
        await takePicture(page, `${path.replaceAll(/\W+/g, '-').slice(1) || 'overview'}-${theme}`);
      }
      expect(complaints).toEqual([]);
      expect([...hosts]).toEqual([new URL(fixture.url).host]);
    }),
  );

  it('fits every screen into 400 and into 2,560 pixels', () =>
    withPage({ path: '/', width: 400 }, async (page, fixture) => {
      for (const width of [400, 2_560]) {
        await page.setViewportSize({ width, height: 900 });
        for (const path of paths) {
          await page.goto(`${fixture.url}${path}`);
          await page.locator('.screen .panel').first().waitFor();
          expect(`${path} ${await widthOver(page)}`).toBe(`${path} 0`);
        }
      }
    }));

  it('names the miner that guesses, on the overview and among the sessions', () =>
    withPage({ path: '/' }, async (page) => {
      expect(await page.locator('.guessing').textContent()).toContain(`uid ${guessingUid}`);
      const cell = page.locator(`.uid-grid [data-uid="${guessingUid}"]`);
      expect(await cell.getAttribute('aria-label')).toContain('guessing');
      await cell.click();
      await page.waitForURL(`**/sessions/${guessingUid}`);
      expect(await page.locator('.sessions-detail').textContent()).toContain('guessing');
    }));

  it('is led by the keyboard', () =>
    withPage({ path: '/' }, async (page) => {
      await page.keyboard.press('g');
      await page.keyboard.press('s');
      await page.waitForURL('**/sessions');
      await page.locator('[data-filter]').waitFor();
      await page.keyboard.press('/');
      await page.keyboard.type('#77');
      await page.locator('.sessions .table tbody tr').first().waitFor();
      expect(await page.locator('.sessions .table tbody tr').count()).toBe(1);
      await page.keyboard.press('Escape');
      await page.keyboard.press('?');
      await expect.poll(() => page.locator('dialog.help').isVisible()).toBe(true);
      await page.keyboard.press('Escape');
      await expect.poll(() => page.locator('dialog.help').isVisible()).toBe(false);
    }));

  it('moves through the grid with arrows and opens with Enter', () =>
    withPage({ path: '/sessions' }, async (page) => {
      await page.locator('.uid-grid [data-uid="16"]').focus();
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowDown');
      const uid = await page.evaluate('document.activeElement.dataset.uid');
      expect(Number(uid)).toBeGreaterThan(17);
      await page.keyboard.press('Enter');
      await page.waitForURL(`**/sessions/${uid}`);
    }));

  it('changes its verdict with the daemon', () =>
    withPage({ path: '/', scenario: 'well' }, async (page, fixture) => {
      expect(await verdictText(page)).toContain('Healthy');
      fixture.set('weightsLate');
      await page.locator('.verdict-failing').waitFor();
      expect(await verdictText(page)).toContain('Weights of epoch');
      fixture.set('chainLost');
      await page.locator('.verdict-text', { hasText: 'No finalized block' }).waitFor();
    }));

  it('calls itself stale when the daemon falls silent, and recovers', () =>
    withPage({ path: '/' }, async (page, fixture) => {
      fixture.set('stale');
      await page.locator('.stale').waitFor({ timeout: 20_000 });
      expect(await page.locator('.stale').textContent()).toMatch(/stale since \d\d:\d\d:\d\d/);
      fixture.set('guessing');
      await page.locator('.stale').waitFor({ state: 'detached' });
    }));

  it('says that the stream is down, and comes back by itself', () =>
    withPage({ path: '/' }, async (page, fixture) => {
      fixture.cut();
      await page.locator('.stale').waitFor();
      await expect.poll(() => page.locator('.stale').count(), { timeout: 15_000 }).toBe(0);
    }));

  it('says of weights that they are secret until they are revealed', () =>
    withPage({ path: '/weights', scenario: 'secret' }, async (page) => {
      expect(await page.locator('.weights-secret').textContent()).toContain('secret until the chain');
      expect(await page.locator('.weights-table tbody tr').first().textContent()).toContain('secret');
    }));

  it('keeps the theme and the time zone that were chosen', () =>
    withPage({ path: '/' }, async (page) => {
      await page.keyboard.press('t');
      await page.keyboard.press('u');
      await page.reload();
      await page.locator('.screen .panel').first().waitFor();
      expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark');
      expect(await page.locator('.header-switches').textContent()).toContain('Local');
    }));
});
