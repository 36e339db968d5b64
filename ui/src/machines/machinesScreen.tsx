import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import type { ActorView } from '../../../src/domain/view/inspection.ts';
import type { ServedRow } from '../../../src/domain/view/minerView.ts';
import type { SessionRow } from '../../../src/domain/view/validatorView.ts';
import { useRows, useTopics } from '../live.ts';
import { EmptyState } from '../parts/panel.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { replaceQuery, useLocation } from '../router.ts';
import { ActorGlyph } from './actorGlyph.tsx';
import { ActorTree } from './actorTree.tsx';
import { ChartPane } from './chartPane.tsx';
import { ContextPane } from './contextPane.tsx';
import { EventLog } from './eventLog.tsx';
import { ExportMenu, openFile } from './exportMenu.tsx';
import { createFeed, type Feed, type Shown, useShown } from './feed.ts';
import { SequencePane } from './sequencePane.tsx';
import { TimeBar } from './timeBar.tsx';
import { actorName, firstMachine, shortId, stateLabel } from './tree.ts';
import '../parts/virtualList.css';
import './machines.css';
import './panes.css';
import './chart.css';

const sides = [
  { value: 'context', label: 'Context' },
  { value: 'events', label: 'Events' },
  { value: 'sequence', label: 'Sequence' },
] as const;
type Side = (typeof sides)[number]['value'];

const ChosenTitle = ({ actor }: { actor: ActorView | null }) =>
  actor === null ? (
    <strong>No actor</strong>
  ) : (
    <>
      <ActorGlyph status={actor.status} isMachine={actor.chart !== null} />
      <strong title={actor.id}>{shortId(actorName(actor))}</strong>
      <span class="machines-state">{stateLabel(actor)}</span>
    </>
  );

const SidePane = (props: { side: Side; feed: Feed; shown: Shown; actor: ActorView | null }) => {
  const chosen = props.actor?.sessionId ?? null;
  if (props.side === 'context') return <ContextPane actor={props.actor} />;
  if (props.side === 'events') return <EventLog feed={props.feed} shown={props.shown} chosen={chosen} />;
  return <SequencePane shown={props.shown} chosen={chosen} />;
};

const Notice = ({ shown, trouble }: { shown: Shown; trouble: string | null }) => {
  const { dropped } = shown.session;
  const texts = [
    ...(trouble === null ? [] : [trouble]),
    ...(shown.file === null ? [] : [`Offline: ${shown.file}. "Resume live" returns to the daemon.`]),
    ...(dropped > 0 && shown.isLive ? [`${dropped} older entries are no longer kept by the daemon.`] : []),
  ];
  return texts.length === 0 ? null : <p class="machines-notice">{texts.join(' ')}</p>;
};

/** A file that is dropped anywhere on the screen is opened. */
const useDrop = (feed: Feed, onTrouble: (text: string | null) => void) => ({
  onDragOver: (event: DragEvent): void => event.preventDefault(),
  onDrop: (event: DragEvent): void => {
    const file = event.dataTransfer?.files[0];
    if (file === undefined) return;
    event.preventDefault();
    void openFile(feed, file).then(onTrouble);
  },
});

/** Which miner or validator a session is about, as far as the views know it. */
const useLabels = (): ReadonlyMap<string, string> => {
  const sessions = useRows<SessionRow>('sessions');
  const served = useRows<ServedRow>('served');
  return useMemo(
    () =>
      new Map(
        [...sessions.values(), ...served.values()].flatMap(({ sessionId, uid }) =>
          sessionId === null || uid === null ? [] : [[sessionId, `uid ${uid}`] as const],
        ),
      ),
    [sessions, served],
  );
};

/** The statecharts of the live system, their messages, and the way back through what has happened. */
export const MachinesScreen = () => {
  const feed = useMemo(createFeed, []);
  useTopics(['inspection']);
  useEffect(() => feed.listen(), [feed]);
  const shown = useShown(feed);
  const labels = useLabels();
  const { query } = useLocation();
  const [side, setSide] = useState<Side>('context');
  const [trouble, setTrouble] = useState<string | null>(null);
  const svg = useRef<SVGSVGElement>(null);
  const wanted = query.get('actor');
  const chosen = wanted ?? firstMachine(shown.actors);
  const actor = (chosen === null ? undefined : shown.actors.get(chosen)) ?? null;
  const drop = useDrop(feed, setTrouble);
  if (!feed.hasHello() && shown.file === null) {
    return <EmptyState title="Waiting for the machines">The daemon sends its actors in a moment.</EmptyState>;
  }
  return (
    <section class="machines" aria-label="Machines" {...drop}>
      <div class="machines-bar">
        <TimeBar feed={feed} shown={shown} chosen={chosen} />
        <ExportMenu feed={feed} actor={actor} svg={svg} onTrouble={setTrouble} />
      </div>
      <Notice shown={shown} trouble={trouble} />
      <div class="machines-panes">
        <section class="machines-pane machines-tree" aria-label="Actors">
          <ActorTree
            actors={shown.actors}
            labels={labels}
            chosen={chosen}
            onChoose={(sessionId) => replaceQuery({ actor: sessionId })}
          />
        </section>
        <section class="machines-pane machines-chart" aria-label="Statechart">
          <header class="machines-head">
            <ChosenTitle actor={actor} />
          </header>
          {actor === null && wanted !== null ? (
            <EmptyState title="This actor is not there">
              It has ended a while ago, or had not started at the moment shown.
            </EmptyState>
          ) : (
            <ChartPane feed={feed} actor={actor} svg={svg} />
          )}
        </section>
        <section class="machines-pane machines-side" aria-label="Details">
          <header class="machines-head">
            <Tabs label="Details" tabs={sides} value={side} onChange={setSide} />
          </header>
          <SidePane side={side} feed={feed} shown={shown} actor={actor} />
        </section>
      </div>
    </section>
  );
};
