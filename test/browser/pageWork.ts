import { availableParallelism, loadavg } from 'node:os';
import type { CDPSession, Page } from 'playwright-core';

/** What a page's thread did over a stretch of time. */
export type PageWork = {
  /** Longest task by the clock, as the browser itself tells (it tells of those over 50 ms), in milliseconds. */
  readonly longestMs: number;
  /** Longest task by the processor time that it took, whatever else ran on the machine meanwhile. */
  readonly longestCpuMs: number;
  readonly framesPerSecond: number;
};

/** With more to run than processors, time by the clock says more about the machine than about the page. */
export const isOverloaded = (): boolean => (loadavg()[0] ?? 0) > availableParallelism() * 1.5;

type TraceEvent = {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Processor time in microseconds. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
};

const thread = ({ pid, tid }: TraceEvent): string => `${pid}/${tid}`;

const startTrace = async (session: CDPSession): Promise<() => Promise<number>> => {
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => {
    events.push(...(value as unknown as readonly TraceEvent[]));
  });
  const traceConfig = { includedCategories: ['toplevel'] };
  await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig });
  return async () => {
    const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve));
    await session.send('Tracing.end');
    await complete;
    const isPage = ({ name, args }: TraceEvent): boolean =>
      name === 'thread_name' && args?.name === 'CrRendererMain';
    const pages = new Set(events.filter(isPage).map(thread));
    const tasks = events.filter((event) => event.name.endsWith('RunTask') && pages.has(thread(event)));
    if (tasks.length === 0) throw new Error('the trace holds no task of the page');
    return Math.max(...tasks.map(({ tdur = 0 }) => tdur)) / 1_000;
  };
};

const startCounting = `
  const work = { frames: 0, longest: 0, since: performance.now() };
  window.work = work;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) work.longest = Math.max(work.longest, duration);
  }).observe({ type: 'longtask' });
  const frame = () => { work.frames += 1; if (window.work === work) requestAnimationFrame(frame); };
  requestAnimationFrame(frame);`;

/** Runs something and tells what the page's thread did meanwhile. */
export const pageWork = async (page: Page, during: () => Promise<void>): Promise<PageWork> => {
  const session = await page.context().newCDPSession(page);
  const endTrace = await startTrace(session);
  await page.evaluate(`{${startCounting}}`);
  await during();
  const counted = (await page.evaluate(`({
    longestMs: Math.round(window.work.longest),
    framesPerSecond: Math.round(window.work.frames / ((performance.now() - window.work.since) / 1000)),
  })`)) as Omit<PageWork, 'longestCpuMs'>;
  const longestCpuMs = Math.round(await endTrace());
  await session.detach();
  return { ...counted, longestCpuMs };
};
