import { useEffect, useReducer } from 'preact/hooks';

type Listener = () => void;
const listeners = new Set<Listener>();
const tell = (): void => {
  for (const listener of listeners) listener();
};

export type Location = {
  readonly path: string;
  readonly query: URLSearchParams;
};

const here = (): Location => ({
  path: window.location.pathname,
  query: new URLSearchParams(window.location.search),
});

/** Goes to a path of this page, as one more step of the browser's history. */
export const navigate = (href: string): void => {
  if (href === window.location.pathname + window.location.search) return;
  const isOtherPath = href.split('?')[0] !== window.location.pathname;
  history.pushState(null, '', href);
  if (isOtherPath) window.scrollTo(0, 0);
  tell();
};

/** Sets or, with null, removes fields of the query without a step of the history: filters, sorting, selection. */
export const replaceQuery = (fields: Readonly<Record<string, string | null>>): void => {
  const { path, query } = here();
  for (const [name, value] of Object.entries(fields)) {
    if (value === null || value === '') query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  history.replaceState(null, '', text === '' ? path : `${path}?${text}`);
  tell();
};

/** Where the page is; the component is drawn again when that changes. */
export const useLocation = (): Location => {
  const [, redraw] = useReducer((drawn: number, _: null) => drawn + 1, 0);
  useEffect(() => {
    const listener = (): void => redraw(null);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }, []);
  return here();
};

/** A click that the page answers itself: not one that asks for a new tab. */
const isPlainClick = (event: MouseEvent): boolean =>
  event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;

/** To be called once: links within the page are followed without loading it anew. */
export const startRouter = (): void => {
  window.addEventListener('popstate', tell);
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (link === null || event.defaultPrevented || !isPlainClick(event)) return;
    const isOurs = link.origin === window.location.origin && !link.hasAttribute('download');
    if (!isOurs || link.target !== '' || link.pathname.startsWith('/api/') || link.hash !== '') return;
    event.preventDefault();
    navigate(link.pathname + link.search);
  });
};
