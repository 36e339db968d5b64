import { useEffect, useRef } from 'preact/hooks';

import { Glyph } from '../parts/glyph.tsx';
import type { Screen } from '../screens.ts';

const general = [
  ['/', 'focus the filter of the screen'],
  ['← ↑ → ↓', 'move within a grid'],
  ['Esc', 'leave a field, close a window'],
  ['t', 'light or dark'],
  ['u', 'times in UTC or local'],
  ['?', 'this window'],
] as const;

const Keys = ({ keys }: { keys: readonly (readonly [string, string])[] }) => (
  <dl class="help-keys">
    {keys.map(([key, does]) => (
      <div key={key}>
        <dt>
          {key.split(' ').map((part) => (
            <kbd key={part}>{part}</kbd>
          ))}
        </dt>
        <dd>{does}</dd>
      </div>
    ))}
  </dl>
);

/** All keys of the page, in a window of the browser's own kind, which keeps the focus and closes with Esc. */
export const Help = (props: { screens: readonly Screen[]; isOpen: boolean; onClose: () => void }) => {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (props.isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [props.isOpen]);
  return (
    <dialog ref={dialog} class="help" aria-label="Keyboard shortcuts" onClose={props.onClose}>
      <header>
        <h2>Keyboard</h2>
        <button type="button" class="icon-button" aria-label="Close" onClick={props.onClose}>
          <Glyph name="close" />
        </button>
      </header>
      <Keys keys={props.screens.map(({ key, title }) => [`g ${key}`, title] as const)} />
      <Keys keys={general} />
    </dialog>
  );
};
