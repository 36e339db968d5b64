import type { RefObject } from 'preact';
import { useRef } from 'preact/hooks';

import type { AboutView } from '../../../src/domain/view/commonView.ts';
import type { ActorView } from '../../../src/domain/view/inspection.ts';
import { daemonNow, useSlice } from '../live.ts';
import { useChart } from './chartFiles.ts';
import { chartMermaidText, chartSvgText, download, readSession, sessionFile } from './exports.ts';
import type { Feed } from './feed.ts';

type Props = {
  feed: Feed;
  actor: ActorView | null;
  svg: RefObject<SVGSVGElement | null>;
  onTrouble: (text: string | null) => void;
};

/** Opens a file of the reader's, and says what is wrong with it. */
export const openFile = async (feed: Feed, file: File): Promise<string | null> => {
  const session = readSession(await file.text());
  if (typeof session === 'string') return session;
  feed.load(session, file.name);
  return null;
};

const stamp = (): string => new Date(daemonNow()).toISOString().slice(0, 19).replaceAll(':', '');

/** Everything that can be taken along: the session, and the chart as picture and as text. */
export const ExportMenu = ({ feed, actor, svg, onTrouble }: Props) => {
  const menu = useRef<HTMLDetailsElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const role = useSlice<AboutView>('about')?.role ?? 'daemon';
  const answer = useChart(actor?.chart ?? null);
  const file = answer.state === 'here' ? answer.file : null;
  const act = (take: () => void) => (): void => {
    take();
    if (menu.current !== null) menu.current.open = false;
  };
  const saveView = act(() => {
    const text = JSON.stringify(sessionFile(feed.shown(), role, daemonNow()));
    download(`${role}-view-${stamp()}.json`, 'application/json', text);
  });
  const saveSvg = act(() => {
    if (svg.current === null || file === null) return;
    download(`${file.chart.id}.svg`, 'image/svg+xml', chartSvgText(svg.current, file.layout));
  });
  const saveMermaid = act(() => {
    if (file === null) return;
    void chartMermaidText(file.chart).then((text) => download(`${file.chart.id}.mmd`, 'text/plain', text));
  });
  const open = (): void => {
    const chosen = input.current?.files?.[0];
    if (chosen !== undefined) void openFile(feed, chosen).then(onTrouble);
    if (input.current !== null) input.current.value = '';
  };
  return (
    <details class="menu" ref={menu}>
      <summary class="button">Export</summary>
      <div class="menu-list">
        <a href="/api/inspection" download={`${role}-session.json`} onClick={act(() => {})}>
          Session as JSON, from the daemon
        </a>
        <button type="button" onClick={saveView}>
          Session as JSON, as shown here
        </button>
        <button type="button" disabled={file === null} onClick={saveSvg}>
          Chart as SVG
        </button>
        <button type="button" disabled={file === null} onClick={saveMermaid}>
          Chart as Mermaid
        </button>
        <button type="button" onClick={act(() => input.current?.click())}>
          Open an exported session…
        </button>
      </div>
      <input
        ref={input}
        class="hidden-text"
        type="file"
        accept="application/json,.json"
        tabIndex={-1}
        aria-label="Exported session"
        onChange={open}
      />
    </details>
  );
};
