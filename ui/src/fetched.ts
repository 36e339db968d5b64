import { useEffect, useState } from 'preact/hooks';

export type Fetched<T> =
  | { readonly state: 'loading'; readonly value: T | null }
  | { readonly state: 'ready'; readonly value: T }
  /** The value is the one of before, if there was one. */
  | { readonly state: 'failed'; readonly value: T | null; readonly reason: string };

const ask = async (url: string, signal: AbortSignal): Promise<unknown> => {
  const response = await fetch(url, { signal, headers: { accept: 'application/json' } });
  if (response.status === 404) throw new Error('the daemon knows nothing of it');
  if (!response.ok) throw new Error(`the daemon answered ${response.status}`);
  return response.json();
};

/**
 * What the daemon answers to a question that is not in the stream, asked again every `everyMs` and when `url` or `key`
 * changes. Another `url` starts from nothing; another `key` keeps what is known until the answer is there.
 */
export const useFetched = <T>(url: string, everyMs: number, key: string | number = ''): Fetched<T> => {
  const [fetched, setFetched] = useState<{ readonly url: string; readonly of: Fetched<T> }>({
    url,
    of: { state: 'loading', value: null },
  });
  useEffect(() => {
    const abort = new AbortController();
    const load = (): void => {
      ask(url, abort.signal).then(
        (value) => setFetched({ url, of: { state: 'ready', value: value as T } }),
        (error: unknown) => {
          if (abort.signal.aborted) return;
          const reason = error instanceof Error ? error.message : 'the daemon does not answer';
          setFetched((before) => ({
            url,
            of: { state: 'failed', value: before.url === url ? before.of.value : null, reason },
          }));
        },
      );
    };
    load();
    const timer = setInterval(load, everyMs);
    return () => {
      abort.abort();
      clearInterval(timer);
    };
  }, [url, everyMs, key]);
  return fetched.url === url ? fetched.of : { state: 'loading', value: null };
};
