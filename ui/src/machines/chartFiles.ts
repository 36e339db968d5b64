import { useEffect, useState } from 'preact/hooks';

import type { Chart } from '../../../src/inspector/chart.ts';
import type { Layout } from '../../../src/inspector/layout.ts';

/** What `/api/charts/<id>` answers: a machine, and where everything of its picture stands. */
export type ChartFile = { readonly chart: Chart; readonly layout: Layout };

export type ChartAnswer =
  | { readonly state: 'none' | 'loading' }
  | { readonly state: 'here'; readonly file: ChartFile }
  | { readonly state: 'failed'; readonly reason: string };

/** Charts do not change while a daemon runs. */
const known = new Map<string, ChartFile>();

const load = async (id: string, signal: AbortSignal): Promise<ChartFile> => {
  const answer = await fetch(`/api/charts/${encodeURIComponent(id)}`, { signal });
  if (!answer.ok) throw new Error(`the daemon answered ${answer.status}`);
  const file = (await answer.json()) as ChartFile;
  known.set(id, file);
  return file;
};

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The chart of a machine, asked for once; null asks for none. */
export const useChart = (id: string | null): ChartAnswer => {
  const [failure, setFailure] = useState<{ readonly id: string; readonly reason: string } | null>(null);
  const [, setLoaded] = useState<string | null>(null);
  useEffect(() => {
    if (id === null || known.has(id)) return;
    const ending = new AbortController();
    load(id, ending.signal).then(
      () => setLoaded(id),
      (error: unknown) => {
        if (!ending.signal.aborted) setFailure({ id, reason: reasonOf(error) });
      },
    );
    return () => ending.abort();
  }, [id]);
  if (id === null) return { state: 'none' };
  const file = known.get(id);
  if (file !== undefined) return { state: 'here', file };
  return failure?.id === id ? { state: 'failed', reason: failure.reason } : { state: 'loading' };
};
