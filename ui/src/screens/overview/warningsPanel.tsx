import type { LogLine } from '../../../../src/domain/view/commonView.ts';
import { StateBadge, Time } from '../../parts/badges.tsx';
import { EmptyState, Panel } from '../../parts/panel.tsx';

const shownMost = 8;

const Line = ({ line }: { line: LogLine }) => (
  <li class="warning">
    <Time at={line.at} />
    <StateBadge state={line.level === 'warn' ? 'attention' : 'failing'}>{line.level}</StateBadge>
    <span class="warning-text">{line.msg}</span>
    <code>{line.event ?? ''}</code>
  </li>
);

/** The newest lines of the log that want a look. */
export const WarningsPanel = ({ lines }: { lines: readonly LogLine[] }) => (
  <Panel title="Last warnings" class="span-8" isFlush tools={<a href="/logs">Logs</a>}>
    {lines.length === 0 ? (
      <EmptyState title="No warnings">Nothing of level warn or above since the start.</EmptyState>
    ) : (
      <ul class="warnings">
        {lines.slice(0, shownMost).map((line) => (
          <Line key={line.seq} line={line} />
        ))}
      </ul>
    )}
  </Panel>
);
