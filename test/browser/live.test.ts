import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { writeNonsenseModel } from '#src/cli/demo/nonsenseModel.ts';
import type { InspectionHello } from '#src/domain/view/inspection.ts';
import type { SessionDetail, ValidatorSlices } from '#src/domain/view/validatorView.ts';
import type { Gate } from '#test/support/scenarioGate.ts';
import { openStage, type Stage, startPatienceMs } from '#test/support/scenarioStage.ts';
import { repository } from '#test/support/systemBuild.ts';
import type { SystemProcess } from '#test/support/systemProcess.ts';
import { noBrowser, openBrowser } from './chromium.ts';
import {
  openWatchedPage,
  reasonCodes,
  seriousFindings,
  type Theme,
  takePicture,
  verdictText,
  type WatchedPage,
} from './watchedPage.ts';

/**
 * A whole network with its pages in a real browser: every screen in both themes while it works, and then, one after the
 * other, what an operator must be told of within five seconds: a cheating miner, weights that are late, a dead worker, a
 * lost chain.
 */

/** From the fault to the sentence that tells of it. */
const toldWithinMs = 5_000;
/** Long enough for a fault to pass. */
const recoveryMs = 60_000;
const themes: readonly Theme[] = ['light', 'dark'];
const screens = {
  validator: [
    '/',
    '/sessions',
    '/sessions/1',
    '/rounds',
    '/weights',
    '/chain',
    '/machines',
    '/logs',
    '/config',
  ],
  miner: ['/', '/requests', '/inference', '/models', '/chain', '/machines', '/logs', '/config'],
} as const;
type Role = keyof typeof screens;

const isTooWide = 'document.documentElement.scrollWidth > innerWidth';

const modelNames = ['ecommerce-intent', 'sentiment'] as const;

const nonsenseModels = (dir: string): string =>
  modelNames
    .map((name) => {
      const target = join(dir, 'nonsense', name);
      mkdirSync(join(dir, 'nonsense'), { recursive: true });
      writeNonsenseModel({ like: join(repository, 'models', name), dir: target, seed: `nonsense ${name}` });
      return target;
    })
    .join(',');

const ask = async <A>(url: string): Promise<A> => (await (await fetch(url)).json()) as A;

/** Children of a process, by Linux's own account. */
const childrenOf = (pid: number): readonly number[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
  );

type Network = {
  readonly stage: Stage;
  readonly gate: Gate;
  readonly validator: SystemProcess;
  readonly miner: SystemProcess;
  readonly urls: Readonly<Record<Role, string>>;
};

const page = ['--dashboard', 'on', '--dashboard-port', '0'] as const;

const urlOf = async (process: SystemProcess): Promise<string> =>
  String((await process.saw('dashboard.opened', startPatienceMs))['url']);

const startNetwork = async (): Promise<Network> => {
  const stage = await openStage({
    tempo: 120,
    // Weights that are no secret, so that the page can show them before they are set.
    hyperparameters: { commitRevealWeightsEnabled: false },
    validators: ['//PageValidator'],
    miners: ['//PageMinerOne', '//PageMinerTwo', '//PageMinerThree'],
  });
  const gate = await stage.openGate();
  const start = (place: number, uri: string, args: readonly string[]) =>
    stage.startMiner({ name: `miner ${place}`, keys: { uri }, endpoints: [stage.devnet.url], place, args });
  const [one, two] = await Promise.all([
    start(1, '//PageMinerOne', page),
    start(2, '//PageMinerTwo', ['--dashboard', 'off']),
  ]);
  const validator = stage.startValidator({
    name: 'validator',
    keys: { uri: '//PageValidator' },
    endpoints: [gate.url],
    args: [...page, '--inspector', '--weights-due-after', '0.5'],
  });
  const urls = { validator: await urlOf(validator), miner: await urlOf(one.process) };
  await Promise.all([
    two.process.saw('listener.bound', startPatienceMs),
    validator.saw('round.ended', startPatienceMs),
  ]);
  return { stage, gate, validator, miner: one.process, urls };
};

/** Resolves with the milliseconds until the unfolded verdict names the code. */
const toldAfter = async (watched: WatchedPage, code: string, limitMs: number): Promise<number> => {
  const beganMs = performance.now();
  for (;;) {
    if ((await reasonCodes(watched.page)).includes(code)) return performance.now() - beganMs;
    const waitedMs = performance.now() - beganMs;
    if (waitedMs > limitMs) {
      throw new Error(`${code} was not told in ${limitMs} ms: ${await verdictText(watched.page)}`);
    }
    await watched.page.waitForTimeout(50);
  }
};

const goneAfter = async (watched: WatchedPage, code: string): Promise<void> => {
  await expect.poll(() => reasonCodes(watched.page), { timeout: recoveryMs }).not.toContain(code);
};

describe.skipIf(noBrowser !== null)(
  `browser / a network at work${noBrowser === null ? '' : ` (${noBrowser})`}`,
  () => {
    let network: Network;
    let browser: Browser;
    beforeAll(async () => {
      [network, browser] = await Promise.all([startNetwork(), openBrowser()]);
    }, 120_000);
    afterAll(async () => {
      await browser?.close();
      await network?.stage.dispose();
    });

    /** What is wrong with the screens of a role in both themes; empty when nothing is. */
    const findingsOf = async (role: Role): Promise<readonly string[]> => {
      const findings: string[] = [];
      const watched = await openWatchedPage(browser, { theme: 'light' });
      const origin = network.urls[role];
      for (const path of screens[role]) {
        await watched.page.goto(`${origin}${path}`);
        await watched.page.locator('main h1').waitFor({ state: 'attached' });
        await watched.page.waitForTimeout(500);
        for (const theme of themes) {
          await watched.page.emulateMedia({ colorScheme: theme });
          const place = `${path}, ${theme}`;
          findings.push(...(await seriousFindings(watched.page)).map((finding) => `${place}: ${finding}`));
          if (await watched.page.evaluate(isTooWide)) findings.push(`${place}: scrolls sideways`);
          const name = path.replaceAll('/', '-').slice(1) || 'overview';
          await takePicture(watched.page, `${role}-${name}-${theme}`);
        }
      }
      const foreign = [...watched.hosts].filter((host) => host !== new URL(origin).host);
      await watched.close();
      return [...findings, ...watched.complaints, ...foreign];
    };
    it('shows every screen of the validator in both themes', async () => {
      expect(await findingsOf('validator')).toEqual([]);
    });
    it('shows every screen of the miner in both themes', async () => {
      expect(await findingsOf('miner')).toEqual([]);
    });

    it('fits a telephone and a wall', async () => {
      for (const width of [400, 2_560]) {
        const watched = await openWatchedPage(browser, { theme: 'light', width });
        for (const path of ['/', '/sessions', '/weights', '/machines']) {
          await watched.page.goto(`${network.urls.validator}${path}`);
          await watched.page.waitForTimeout(400);
          const isWide = await watched.page.evaluate(isTooWide);
          expect(isWide, `${path} at ${width} px scrolls sideways`).toBe(false);
          await takePicture(watched.page, `validator-${path.slice(1) || 'overview'}-${width}`);
        }
        await watched.close();
      }
    });

    it('lights the states that the machines are in', async () => {
      const { actors } = await ask<InspectionHello>(`${network.urls.validator}/api/inspection`);
      const machines = actors.filter(({ chart, status }) => chart !== null && status === 'active');
      const watched = await openWatchedPage(browser, { theme: 'light' });
      for (const chart of ['validator', 'chainLink', 'epoch', 'weightSetting', 'minerSession']) {
        const sessionId = machines.find((machine) => machine.chart === chart)?.sessionId ?? chart;
        await watched.page.goto(`${network.urls.validator}/machines?actor=${sessionId}`);
        const agrees = async (): Promise<boolean> => {
          const lit = await watched.page
            .locator('g[data-state].on')
            .evaluateAll((nodes) => nodes.map((node) => node.getAttribute('data-state')));
          const now = await ask<InspectionHello>(`${network.urls.validator}/api/inspection`);
          const states = now.actors.find((actor) => actor.sessionId === sessionId)?.states ?? [];
          return lit.length > 0 && lit.toSorted().join() === states.toSorted().join();
        };
        // Both move on while they are read; in between they agree.
        await expect.poll(agrees, { timeout: 15_000, message: `lit states of ${chart}` }).toBe(true);
      }
      await watched.close();
    });

    it('tells of a miner that guesses', async () => {
      const { stage, urls } = network;
      const watched = await openWatchedPage(browser, { theme: 'light' });
      await watched.page.goto(`${urls.validator}/`);
      expect(await reasonCodes(watched.page)).not.toContain('miner.guessing');
      await stage.startMiner({
        name: 'miner 3',
        keys: { uri: '//PageMinerThree' },
        endpoints: [stage.devnet.url],
        place: 3,
        args: ['--dashboard', 'off', '--model-dirs', nonsenseModels(stage.dir)],
      });
      const cheat = 3;
      // Until it was judged often enough to be sure, nobody may be named.
      await expect
        .poll(
          async () => {
            const { row } = await ask<SessionDetail>(`${urls.validator}/api/sessions/${cheat}`);
            return row.isGuessing;
          },
          { timeout: recoveryMs },
        )
        .toBe(true);
      expect(await toldAfter(watched, 'miner.guessing', toldWithinMs)).toBeLessThan(toldWithinMs);
      expect(await verdictText(watched.page)).toMatch(new RegExp(`uid ${cheat}\\b`));
      for (const theme of themes) {
        await watched.page.emulateMedia({ colorScheme: theme });
        await takePicture(watched.page, `fault-guessing-${theme}`);
      }
      await watched.close();
    });

    it('tells of weights that are late', async () => {
      const { stage, urls, validator } = network;
      const watched = await openWatchedPage(browser, { theme: 'light' });
      await watched.page.goto(`${urls.validator}/`);
      const refused = stage.devnet.faults.refuseExtrinsics({ refusal: { kind: 'poolFull' } });
      const dueAtBlock = async (): Promise<number> => {
        const { epoch } = await ask<Pick<ValidatorSlices, 'epoch'>>(`${urls.validator}/api/status`);
        return epoch?.weightsDueAtBlock ?? Number.NaN;
      };
      // The present epoch may have its weights already; the next one cannot.
      await stage.untilEpoch(stage.watch.epoch() + 1);
      await expect.poll(dueAtBlock, { timeout: recoveryMs }).toBeGreaterThan(stage.devnet.head().number);
      const due = await dueAtBlock();
      await expect
        .poll(() => stage.devnet.head().number, { timeout: recoveryMs, interval: 20 })
        .toBeGreaterThan(due);
      expect(await toldAfter(watched, 'weights.late', toldWithinMs)).toBeLessThan(toldWithinMs);
      await takePicture(watched.page, 'fault-weights-late');
      refused();
      await validator.saw('weights.confirmed', recoveryMs, ({ block }) => Number(block) > due);
      await goneAfter(watched, 'weights.late');
      await watched.close();
    });

    it('tells of a dead worker', async () => {
      const { miner, urls } = network;
      const watched = await openWatchedPage(browser, { theme: 'light' });
      await watched.page.goto(`${urls.miner}/`);
      await watched.page.locator('.verdict').waitFor();
      expect(await reasonCodes(watched.page)).not.toContain('inference.workerDown');
      const [worker] = childrenOf(miner.pid);
      if (worker === undefined) throw new Error('the miner has no worker');
      process.kill(worker, 'SIGKILL');
      expect(await toldAfter(watched, 'inference.workerDown', toldWithinMs)).toBeLessThan(toldWithinMs);
      await takePicture(watched.page, 'fault-worker-dead');
      await goneAfter(watched, 'inference.workerDown');
      await watched.close();
    });

    it('tells of a lost chain, and goes stale with a lost daemon', async () => {
      const { gate, urls, validator } = network;
      const watched = await openWatchedPage(browser, { theme: 'light' });
      await watched.page.goto(`${urls.validator}/`);
      await watched.page.locator('.verdict').waitFor();
      gate.shut();
      expect(await toldAfter(watched, 'chain.lost', toldWithinMs)).toBeLessThan(toldWithinMs);
      await takePicture(watched.page, 'fault-chain-lost');
      validator.signal('SIGKILL');
      await watched.page
        .getByText(/stale since/i)
        .first()
        .waitFor({ timeout: 20_000 });
      await takePicture(watched.page, 'fault-stale');
      await watched.close();
    });
  },
);
