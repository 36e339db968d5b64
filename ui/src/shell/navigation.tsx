import { useEffect, useRef } from 'preact/hooks';

import type { AboutView } from '../../../src/domain/view/commonView.ts';
import type { Screen } from '../screens.ts';

const Mark = () => (
  <svg class="nav-mark" viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
    <rect width="32" height="32" rx="7" />
    <path d="M7 24V9l9 9 9-9v15" />
  </svg>
);

/** The screens of this role; the letter beside a name goes there after `g`. */
export const Navigation = (props: {
  about: AboutView | undefined;
  screens: readonly Screen[];
  current: Screen | null;
}) => {
  const list = useRef<HTMLUListElement>(null);
  // Where the navigation is one line that scrolls, the current screen must be in sight.
  useEffect(() => {
    list.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [props.current]);
  return (
    <aside class="nav">
      <a class="nav-brand" href="/" aria-label={`MIAOAI ${props.about?.role ?? 'daemon'}`}>
        <Mark />
        <span>
          <strong>MIAOAI</strong> <span class="nav-role">{props.about?.role ?? 'daemon'}</span>
        </span>
      </a>
      <nav aria-label="Screens">
        <ul class="nav-list" ref={list}>
          {props.screens.map((screen) => (
            <li key={screen.path}>
              <a
                href={screen.path}
                class="nav-item"
                aria-current={screen === props.current ? 'page' : undefined}
              >
                {screen.title}
                <span class="nav-key" aria-hidden="true">
                  {screen.key}
                </span>
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {props.about === undefined ? null : (
        <p class="nav-foot">
          version {props.about.version}
          <br />
          pid {props.about.pid} · node {props.about.node.replace(/^v/, '')}
        </p>
      )}
    </aside>
  );
};
