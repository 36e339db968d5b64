import type { ServedRow } from '../../../../src/domain/view/minerView.ts';
import { useNow } from '../../clock.ts';
import { amountText, clockText, countText, percentText } from '../../format.ts';
import { Hotkey, StateBadge } from '../../parts/badges.tsx';
import type { GlyphName } from '../../parts/glyph.tsx';
import { EmptyState } from '../../parts/panel.tsx';
import { Table } from '../../parts/table.tsx';
import { wastedShare } from './requestCounts.ts';

const glyphs: Readonly<Record<ServedRow['state'], GlyphName>> = {
  greeting: 'dialing',
  ready: 'ready',
  busy: 'busy',
  closed: 'closed',
};

const StateCell = ({ row }: { row: ServedRow }) => {
  const badge = <StateBadge state={glyphs[row.state]}>{row.state}</StateBadge>;
  return (
    <span class="served-state">
      {row.sessionId === null ? (
        badge
      ) : (
        <a href={`/machines?actor=${encodeURIComponent(row.sessionId)}`} title="Its machine">
          {badge}
        </a>
      )}
      {row.lastFailure === null ? null : <span class="tile-note">{row.lastFailure}</span>}
    </span>
  );
};

/** Validators with a link, or that had one lately, the largest stake first. */
export const ServedTable = ({ rows }: { rows: readonly ServedRow[] }) => {
  const now = useNow();
  return (
    <Table
      caption="Validators that are served"
      rows={rows}
      keyOf={({ hotkey }) => hotkey}
      order={{ key: 'stake', isDescending: true }}
      columns={[
        {
          key: 'hotkey',
          title: 'Validator',
          isLine: true,
          show: ({ hotkey }) => <Hotkey hotkey={hotkey} />,
          sort: ({ hotkey }) => hotkey,
        },
        {
          key: 'uid',
          title: 'uid',
          isRight: true,
          show: ({ uid }) => countText(uid),
          sort: ({ uid }) => uid,
        },
        {
          key: 'stake',
          title: 'Stake',
          isRight: true,
          show: ({ stake }) => amountText(stake),
          sort: ({ stake }) => stake,
        },
        {
          key: 'state',
          title: 'State',
          show: (row) => <StateCell row={row} />,
          sort: ({ state }) => state,
        },
        {
          key: 'since',
          title: 'For',
          isRight: true,
          show: ({ since }) => clockText(Math.max(0, now - since)),
          sort: ({ since }) => -since,
        },
        {
          key: 'received',
          title: 'Requests',
          isRight: true,
          show: ({ counts }) => countText(counts.received),
          sort: ({ counts }) => counts.received,
        },
        {
          key: 'acknowledged',
          title: 'Acknowledged',
          isRight: true,
          show: ({ counts }) => countText(counts.acknowledged),
          sort: ({ counts }) => counts.acknowledged,
        },
        {
          key: 'wasted',
          title: 'Wasted',
          isRight: true,
          show: ({ counts }) => percentText(wastedShare(counts)),
          sort: ({ counts }) => wastedShare(counts),
        },
      ]}
      empty={
        <EmptyState title="No validator has a link">
          They dial the announced axon; the doctor checks that it can be reached.
        </EmptyState>
      }
    />
  );
};
