import { useEffect } from 'preact/hooks';

/** Longest pause between `g` and the letter of a screen. */
const sequenceMs = 1_500;

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName));

const focusFilter = (): boolean => {
  const filter = document.querySelector<HTMLInputElement>('[data-filter]');
  filter?.focus();
  filter?.select();
  return filter !== null;
};

export type Shortcuts = {
  /** By the letter after `g`. */
  readonly go: (key: string) => boolean;
  /** By a single key, such as `?`. */
  readonly press: Readonly<Record<string, () => void>>;
};

/** Keys of the whole page; what is typed into a field stays there. */
export const useKeyboard = (shortcuts: Shortcuts): void => {
  useEffect(() => {
    let wentAt = Number.NEGATIVE_INFINITY;
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (isTyping(event.target)) {
        if (event.key === 'Escape' && event.target instanceof HTMLElement) event.target.blur();
        return;
      }
      const isSequence = event.timeStamp - wentAt < sequenceMs;
      wentAt = Number.NEGATIVE_INFINITY;
      if (isSequence && shortcuts.go(event.key)) event.preventDefault();
      else if (event.key === 'g') wentAt = event.timeStamp;
      else if (event.key === '/' && focusFilter()) event.preventDefault();
      else shortcuts.press[event.key]?.();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [shortcuts]);
};
