import { useEffect, useReducer } from 'preact/hooks';

import type { Zone } from './format.ts';

export type Theme = 'system' | 'light' | 'dark';
export type Preferences = { readonly theme: Theme; readonly zone: Zone };

const storageKey = 'miaoai.preferences';
const listeners = new Set<() => void>();

const read = (): Preferences => {
  try {
    const kept = JSON.parse(localStorage.getItem(storageKey) ?? '{}') as Partial<Preferences>;
    return {
      theme: kept.theme === 'light' || kept.theme === 'dark' ? kept.theme : 'system',
      zone: kept.zone === 'local' ? 'local' : 'UTC',
    };
  } catch {
    // Storage may be forbidden or hold something else; the page works without it.
    return { theme: 'system', zone: 'UTC' };
  }
};

let preferences = read();

const apply = (): void => {
  document.documentElement.dataset['theme'] = preferences.theme;
};

/** To be called before the first drawing, so that the page does not change its colours afterwards. */
export const startPreferences = (): void => {
  apply();
  // Canvases read their colours when they are drawn.
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    for (const listener of listeners) listener();
  });
};

export const setPreferences = (changed: Partial<Preferences>): void => {
  preferences = { ...preferences, ...changed };
  apply();
  try {
    localStorage.setItem(storageKey, JSON.stringify(preferences));
  } catch {
    // As above: it then lasts as long as the page.
  }
  for (const listener of listeners) listener();
};

/** The colours in use now, whoever chose them. */
const isDark = (): boolean =>
  preferences.theme === 'dark' ||
  (preferences.theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);

export const usePreferences = (): Preferences & { readonly isDark: boolean } => {
  const [, redraw] = useReducer((drawn: number, _: null) => drawn + 1, 0);
  useEffect(() => {
    const listener = (): void => redraw(null);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }, []);
  return { ...preferences, isDark: isDark() };
};

/** Theme that the switch leads to: what one sees changes with each press. */
export const otherTheme = (): Theme => (isDark() ? 'light' : 'dark');
