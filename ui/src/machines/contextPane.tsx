import { useMemo } from 'preact/hooks';

import type { ActorView } from '../../../src/domain/view/inspection.ts';
import { statesUnder } from '../../../src/inspector/chart.ts';
import { countText } from '../format.ts';
import { EmptyState, Facts } from '../parts/panel.tsx';
import { scrollable } from '../parts/scrollable.ts';
import { ActorGlyph, statusWord } from './actorGlyph.tsx';
import { useChart } from './chartFiles.ts';

/** A value of a context, broken into lines where it has parts. */
const valueText = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? String(value));

/** The active states with why they exist: the chart in words. */
const ActiveStates = ({ actor }: { actor: ActorView }) => {
  const answer = useChart(actor.chart);
  const descriptions = useMemo(
    () =>
      answer.state === 'here'
        ? new Map(statesUnder(answer.file.chart.root).map(({ id, description }) => [id, description]))
        : new Map<string, string | null>(),
    [answer.state === 'here' ? answer.file : null],
  );
  return (
    <ul class="context-states">
      {actor.states.map((id) => (
        <li key={id}>
          <code>{id.slice(id.indexOf('.') + 1)}</code>
          <span>{descriptions.get(id)}</span>
        </li>
      ))}
    </ul>
  );
};

/** What an actor is, where it is, and as much of its context as may be shown. */
export const ContextPane = ({ actor }: { actor: ActorView | null }) => {
  if (actor === null) return <EmptyState title="No actor is chosen" />;
  const fields = Object.entries(actor.context);
  return (
    <section class="context" aria-label={`Context of ${actor.id}`} {...scrollable}>
      <Facts
        facts={[
          [
            'status',
            <span key="status" class="context-status">
              <ActorGlyph status={actor.status} isMachine={actor.chart !== null} />
              {statusWord(actor.status)}
            </span>,
          ],
          ['id', <code key="id">{actor.id}</code>],
          ['session', <code key="session">{actor.sessionId}</code>],
          ['machine', actor.chart ?? 'none'],
          ['events', countText(actor.events)],
        ]}
      />
      {actor.states.length === 0 ? null : (
        <>
          <h3>Active states</h3>
          <ActiveStates actor={actor} />
        </>
      )}
      <h3>Context</h3>
      {fields.length === 0 ? (
        <p class="context-none">
          Nothing of it is shown: only what is on the machine's list leaves the daemon.
        </p>
      ) : (
        <dl class="context-fields">
          {fields.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{valueText(value)}</dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
};
