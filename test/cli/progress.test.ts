import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { progressText, showProgress } from '#src/progress.ts';

describe('cli / progress', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
  afterEach(() => void vi.useRealTimers());

  const place = (isTerminal: boolean) => {
    const written: string[] = [];
    const said: string[] = [];
    return {
      written,
      said,
      place: {
        isTerminal,
        write: (text: string) => void written.push(text),
        say: (text: string) => void said.push(text),
      },
    };
  };

  it('estimates what is left by the rate so far, once that says something', () => {
    const step = (share: number) => ({ name: 'loading', done: () => ({ share, text: 'some' }) });
    expect(progressText(step(0.05), 4_000)).toBe('loading: some, 4 s');
    expect(progressText(step(0.25), 4_000)).toBe('loading: some, 4 s, about 12 s left');
    expect(progressText(step(1), 200_000)).toBe('loading: some, 3 min 20 s');
    expect(progressText({ name: 'waiting', done: () => null }, 2_400)).toBe('waiting: 2 s');
  });

  it('says one plain line every ten seconds where there is no terminal', () => {
    const { place: plain, said, written } = place(false);
    const end = showProgress({ name: 'waiting', done: () => null }, plain);
    vi.advanceTimersByTime(31_000);
    end();
    vi.advanceTimersByTime(60_000);
    expect(said).toEqual(['waiting: 10 s', 'waiting: 20 s', 'waiting: 30 s']);
    expect(written).toEqual([]);
  });

  it('moves one line on a terminal and takes it away, and is silent about what is short', () => {
    const { place: terminal, said, written } = place(true);
    const short = showProgress({ name: 'short', done: () => null }, terminal);
    vi.advanceTimersByTime(900);
    short();
    expect(written).toEqual([]);
    const end = showProgress({ name: 'long', done: () => null }, terminal);
    vi.advanceTimersByTime(2_000);
    end();
    expect(written.at(-2)).toContain('long: 2 s');
    expect(written.at(-1)).toBe('\r\u001b[2K');
    expect(written.join('')).not.toContain('\n');
    expect(said).toEqual([]);
  });
});
