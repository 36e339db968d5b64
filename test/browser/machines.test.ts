import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { InspectionEntry } from '#src/domain/view/inspection.ts';
import type { ViewHello } from '#src/domain/view/stream.ts';
import { type BusySystem, createBusySystem } from '#test/browser/busySystem.ts';
import { type BuiltPage, buildPage, noBrowser, openBrowser } from '#test/browser/chromium.ts';
import { openPageServer, type PageServer } from '#test/browser/pageServer.ts';
import { isOverloaded, pageWork } from '#test/browser/pageWork.ts';
import { openWatchedPage, seriousFindings } from '#test/browser/watchedPage.ts';
import { layOut } from '../../scripts/charts/elkLayout.ts';

const sessions = 256;
const entriesPerSecond = 1_000;
const batchMs = 50;
const watchedMs = 4_000;
/** Of the goal: no task of the page's thread is longer, and no fewer frames are drawn. */
const maxTaskMs = 100;
const minFramesPerSecond = 30;

const view: ViewHello = {
  slices: {
    about: {
      role: 'validator',
      version: '0.1.0',
      network: 'local',
      netuid: 86,
      hotkey: '5F3sa2TJAWMqDhXG6jhV4N8ko9SxwGy8TpaNS1repo5EYjQX',
      uid: 3,
      startedAt: Date.now(),
      pid: 1,
      node: 'v24.21.0',
      dataDir: '/var/lib/miaoai',
      store: 'embedded',
    },
    health: { level: 'ok', text: 'All is well.', reasons: [] },
  },
  rows: {},
};

/** Ids of what is lit in the chart, sorted. */
const lit = (page: Page, selector: string, attribute: string): Promise<readonly string[]> =>
  page
    .locator(selector)
    .evaluateAll(
      (elements, name) => [...new Set(elements.map((element) => element.getAttribute(name) ?? ''))].sort(),
      attribute,
    );
const litStates = (page: Page) => lit(page, '.chart-state.on', 'data-state');
const litTransitions = (page: Page) => lit(page, '.chart .last', 'data-transition');
const sorted = (ids: readonly string[]): readonly string[] => [...ids].sort();

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** States of one actor after the first entries of a buffer. */
const statesAfter = (entries: readonly InspectionEntry[], actor: string): readonly string[] => {
  const moved = entries.findLast((entry) => entry.kind === 'moved' && entry.actor === actor);
  return moved?.kind === 'moved' ? moved.states : [];
};

describe.skipIf(noBrowser !== null)(
  `browser / machines${noBrowser === null ? '' : ` (${noBrowser})`}`,
  () => {
    let built: BuiltPage;
    let browser: Browser;
    let system: BusySystem;
    let server: PageServer;

    const open = async (path: string) => {
      const watched = await openWatchedPage(browser, { theme: 'light' });
      await watched.page.goto(`${server.url}${path}`);
      await watched.page.locator('.chart-state').first().waitFor();
      return watched;
    };

    /** Plays entries at the rate of the goal. */
    const play = async (forMs: number): Promise<void> => {
      const start = performance.now();
      let sent = 0;
      while (performance.now() - start < forMs) {
        await pause(batchMs);
        const due = Math.floor(((performance.now() - start) / 1_000) * entriesPerSecond);
        const entries = system.next(Math.max(1, due - sent));
        sent += entries.length;
        server.send('inspection.entries', entries);
      }
    };

    beforeAll(async () => {
      built = await buildPage();
      browser = await openBrowser();
      system = createBusySystem(sessions, Date.now);
      const files = new Map<string, unknown>();
      for (const [id, chart] of system.charts)
        files.set(`/api/charts/${id}`, { chart, layout: await layOut(chart) });
      server = await openPageServer(built.dir, {
        view,
        hello: { inspection: system.hello, logs: () => [] },
        api: (path) => files.get(path),
      });
    });

    afterAll(async () => {
      await browser?.close();
      await server?.close();
      await built?.remove();
    });

    it('lights the states and the last transitions of every machine as they are', async () => {
      system.next(3_000);
      for (const id of ['x:0', 'x:1', 'x:2', 'x:3', 'x:40']) {
        const { page, complaints, close } = await open(`/machines?actor=${id}`);
        for (let round = 0; round < 3; round += 1) {
          server.send('inspection.entries', system.next(1_500));
          const now = system.actor(id);
          await expect.poll(() => litStates(page), { timeout: 5_000 }).toEqual(sorted(now?.states ?? []));
          expect(await litTransitions(page)).toEqual(sorted(now?.lastTransitions ?? []));
        }
        expect(complaints).toEqual([]);
        await close();
      }
    });

    it.each(['Context', 'Events', 'Sequence'])(
      'stays fluid at 1,000 entries a second with %s open',
      async (tab) => {
        const { page, complaints, close } = await open('/machines?actor=x:0');
        await page.getByRole('button', { name: tab, exact: true }).click();
        // The group of all sessions, unfolded.
        await page.locator('.tree-twist', { hasText: '▸' }).last().click();
        await play(1_000);
        const work = await pageWork(page, () => play(watchedMs));
        process.stdout.write(
          `machines, ${tab}: ${work.framesPerSecond} frames/s, longest task ${work.longestMs} ms, ${work.longestCpuMs} ms of processor
`,
        );
        expect(work.longestCpuMs).toBeLessThanOrEqual(maxTaskMs);
        if (!isOverloaded()) {
          expect(work.longestMs).toBeLessThanOrEqual(maxTaskMs);
          expect(work.framesPerSecond).toBeGreaterThanOrEqual(minFramesPerSecond);
        }
        expect(await litStates(page)).toEqual(sorted(system.actor('x:0')?.states ?? []));
        expect(complaints).toEqual([]);
        await close();
      },
    );

    it('pauses, shows the states of an earlier moment, and goes on live', async () => {
      system.next(4_000);
      const { entries } = system.hello();
      const { page, close } = await open('/machines?actor=x:1');
      await page.getByRole('button', { name: 'Pause' }).click();
      server.send('inspection.entries', system.next(400));
      const slider = page.getByRole('slider');
      for (const count of [entries.length - 700, entries.length - 1, 2_500]) {
        await slider.fill(String(count));
        await expect.poll(() => litStates(page)).toEqual(sorted(statesAfter(entries.slice(0, count), 'x:1')));
      }
      const at = 2_500;
      const next = entries.findIndex(
        (entry, index) => index >= at && entry.kind === 'moved' && entry.actor === 'x:1',
      );
      await page.getByRole('button', { name: 'Next transition of this actor' }).click();
      await expect.poll(() => slider.inputValue()).toBe(String(next + 1));
      await page.getByRole('button', { name: 'Resume live' }).click();
      await expect.poll(() => litStates(page)).toEqual(sorted(system.actor('x:1')?.states ?? []));
      await close();
    });

    it('exports the session and the chart, and reads the session again', async () => {
      const { page, complaints, close } = await open('/machines?actor=x:2');
      const save = async (name: string): Promise<string> => {
        await page.locator('.menu > summary').click();
        const [file] = await Promise.all([page.waitForEvent('download'), page.getByText(name).click()]);
        return readFile(await file.path(), 'utf8');
      };
      const session = await save('Session as JSON, as shown here');
      const told = JSON.parse(session) as { format: string; actors: readonly unknown[] };
      expect(told.format).toBe('miaoai.inspection');
      expect(told.actors).toHaveLength(sessions + 4);
      const svg = await save('Chart as SVG');
      expect(svg).toContain('xmlns="http://www.w3.org/2000/svg"');
      expect(svg).not.toMatch(/var\(|class=/);
      expect(await save('Chart as Mermaid')).toMatch(/^stateDiagram-v2\n/);
      const before = await litStates(page);
      server.send('inspection.entries', system.next(3_000));
      await page.locator('input[type=file]').setInputFiles({
        name: 'session.json',
        mimeType: 'application/json',
        buffer: Buffer.from(session),
      });
      await page.getByText('Offline: session.json').waitFor();
      await expect.poll(() => litStates(page)).toEqual(before);
      expect(complaints).toEqual([]);
      await close();
    });

    it('is reached by keyboard alone, and axe-core finds nothing serious', async () => {
      const { page, close } = await open('/machines');
      await page.getByRole('tree').focus();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await expect.poll(() => new URL(page.url()).searchParams.get('actor')).toBe('x:1');
      const chart = page.locator('svg.chart[aria-label*="chainLink"]');
      await chart.focus();
      const before = await chart.getAttribute('viewBox');
      await page.keyboard.press('+');
      await expect.poll(() => chart.getAttribute('viewBox')).not.toBe(before);
      for (const tab of ['Context', 'Events', 'Sequence']) {
        await page.getByRole('button', { name: tab, exact: true }).click();
        expect(await seriousFindings(page)).toEqual([]);
      }
      await close();
    });
  },
);
