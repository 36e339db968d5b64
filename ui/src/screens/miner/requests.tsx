import { useMemo } from 'preact/hooks';

import type { MinerSlices, PortView, RequestRow, ServedRow } from '../../../../src/domain/view/minerView.ts';
import { countText, durationText, percentText } from '../../format.ts';
import { useRows, useSlice } from '../../live.ts';
import { Hotkey, StateBadge, Time } from '../../parts/badges.tsx';
import type { GlyphName } from '../../parts/glyph.tsx';
import { EmptyState, Panel } from '../../parts/panel.tsx';
import { Table } from '../../parts/table.tsx';
import { Tabs } from '../../parts/tabs.tsx';
import { replaceQuery, useLocation } from '../../router.ts';
import { FateBar, FateList } from './fateBar.tsx';
import { PortPanel } from './portPanel.tsx';
import { passing, type RequestFilter, wastedShare } from './requestCounts.ts';
import { ServedTable } from './servedTable.tsx';
import './miner.css';

type Outcome = RequestRow['outcome'];

const glyphs: Readonly<Record<Outcome, GlyphName>> = {
  answered: 'busy',
  acknowledged: 'ok',
  refused: 'cooling',
  failed: 'failing',
  lost: 'attention',
};
const outcomes = Object.keys(glyphs) as readonly Outcome[];

const outcomeIn = (query: URLSearchParams): RequestFilter['outcome'] =>
  outcomes.find((outcome) => outcome === query.get('outcome')) ?? 'all';

const Recent = ({ rows }: { rows: readonly RequestRow[] }) => {
  const { query } = useLocation();
  const outcome = outcomeIn(query);
  const text = query.get('q') ?? '';
  const shown = useMemo(() => passing(rows, { outcome, text }), [rows, outcome, text]);
  const countOf = (name: Outcome): number => rows.filter((row) => row.outcome === name).length;
  return (
    <Panel
      title="Last requests"
      class="span-12"
      isFlush
      note={`${shown.length} of the last ${rows.length}`}
      tools={
        <span class="request-filters">
          <Tabs
            label="Outcome"
            value={outcome}
            onChange={(value) => replaceQuery({ outcome: value === 'all' ? null : value })}
            tabs={[
              { value: 'all', label: 'all' },
              ...outcomes.map((name) => ({ value: name, label: `${name} ${countText(countOf(name))}` })),
            ]}
          />
          <input
            class="field"
            type="search"
            data-filter=""
            placeholder="Validator, kind, reason"
            aria-label="Filter the requests"
            value={text}
            onInput={({ currentTarget }) => replaceQuery({ q: currentTarget.value })}
          />
        </span>
      }
    >
      <Table
        caption="The last requests, newest first"
        rows={shown}
        keyOf={({ at, validator, kind, ms }) => `${at} ${validator} ${kind} ${ms}`}
        columns={[
          { key: 'at', title: 'At', isLine: true, show: ({ at }) => <Time at={at} />, sort: ({ at }) => at },
          {
            key: 'validator',
            title: 'Validator',
            isLine: true,
            show: ({ validator }) => <Hotkey hotkey={validator} canCopy={false} />,
            sort: ({ validator }) => validator,
          },
          { key: 'kind', title: 'Kind', isLine: true, show: ({ kind }) => kind, sort: ({ kind }) => kind },
          {
            key: 'outcome',
            title: 'Outcome',
            isLine: true,
            show: (row) => <StateBadge state={glyphs[row.outcome]}>{row.outcome}</StateBadge>,
            sort: (row) => row.outcome,
          },
          {
            key: 'ms',
            title: 'Took',
            isRight: true,
            show: ({ ms }) => durationText(ms),
            sort: ({ ms }) => ms,
          },
          { key: 'reason', title: 'Reason', show: ({ reason }) => reason ?? '–' },
        ]}
        empty={<EmptyState title="No request matches">The list holds the last hundred.</EmptyState>}
      />
    </Panel>
  );
};

/** What was asked, what became of it, and what was lost. */
export const RequestsScreen = () => {
  const requests = useSlice<MinerSlices['requests']>('requests');
  const port = useSlice<PortView | null>('port');
  const served = [...useRows<ServedRow>('served').values()];
  if (requests === undefined) return <EmptyState title="Nothing known yet" />;
  const { totals, recent } = requests;
  return (
    <div class="columns">
      <div class="span-4 miner-stack">
        <Panel
          title="Since the start"
          note={`${countText(totals.received)} requests, ${percentText(wastedShare(totals))} earned nothing`}
        >
          <FateBar counts={totals} />
          <FateList counts={totals} />
        </Panel>
        <PortPanel port={port} />
      </div>
      <Panel title="By validator" class="span-8" isFlush>
        <ServedTable rows={served} />
      </Panel>
      <Recent rows={recent} />
    </div>
  );
};
