import { useMemo } from 'preact/hooks';

import type { SessionRow } from '../../../src/domain/view/validatorView.ts';
import { useRows } from '../live.ts';
import { Glyph } from '../parts/glyph.tsx';
import { EmptyState, Panel } from '../parts/panel.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { UidGrid } from '../parts/uidGrid.tsx';
import { navigate, replaceQuery, useLocation } from '../router.ts';
import type { ScreenProps } from '../screens.ts';
import {
  byUid,
  type CellState,
  cellStates,
  countStates,
  isWanted,
  type SessionFilter,
  stateWords,
} from '../sessionStates.ts';
import { SessionDetailPanel } from './sessions/detail.tsx';
import { SessionTable } from './sessions/sessionTable.tsx';
import './sessions/sessions.css';

const stateIn = (query: URLSearchParams): SessionFilter['state'] =>
  cellStates.find((state) => state === query.get('state')) ?? 'all';

const Filters = (props: { filter: SessionFilter; total: number; counts: ReadonlyMap<CellState, number> }) => (
  <div class="sessions-filters">
    <input
      type="search"
      class="field"
      data-filter
      placeholder="uid, hotkey or address ( / )"
      aria-label="Filter miners by uid, hotkey or address"
      value={props.filter.text}
      onInput={(event) => replaceQuery({ q: event.currentTarget.value })}
    />
    <Tabs<SessionFilter['state']>
      label="Filter by state"
      value={props.filter.state}
      onChange={(state) => replaceQuery({ state: state === 'all' ? null : state })}
      tabs={[
        { value: 'all', label: `all ${props.total}` },
        ...cellStates
          .filter((state) => (props.counts.get(state) ?? 0) > 0 || state === props.filter.state)
          .map((state) => ({
            value: state,
            label: (
              <span class={`badge badge-${state}`}>
                <Glyph name={state} size={12} />
                {stateWords[state]} {props.counts.get(state) ?? 0}
              </span>
            ),
          })),
      ]}
    />
  </div>
);

const openSession = (uid: number): void => {
  // Filters stay as they are when a miner is opened.
  navigate(`/sessions/${uid}${window.location.search}`);
};

/** Who is stuck, who is slow, who cheats: all miners, and each of them. */
export const SessionsScreen = ({ rest }: ScreenProps) => {
  const map = useRows<SessionRow>('sessions');
  const { query } = useLocation();
  const filter: SessionFilter = { state: stateIn(query), text: query.get('q') ?? '' };
  const rows = useMemo(() => byUid(map), [map]);
  const wanted = rows.filter((row) => isWanted(row, filter));
  const uid = rest !== null && /^\d+$/.test(rest) ? Number(rest) : null;
  const isFiltered = wanted.length !== rows.length;
  return (
    <div class={`columns sessions ${uid === null ? '' : 'sessions-open'}`}>
      <Filters filter={filter} total={rows.length} counts={countStates(rows)} />
      <Panel
        title="By uid"
        class="span-4 sessions-grid"
        note={isFiltered ? `${wanted.length} of ${rows.length}` : `${rows.length}`}
      >
        {rows.length === 0 ? (
          <EmptyState title="No miners yet">They appear with the first metagraph.</EmptyState>
        ) : (
          <UidGrid
            label="Miners by uid"
            rows={rows}
            selected={uid}
            {...(isFiltered ? { wanted: new Set(wanted.map((row) => row.uid)) } : {})}
            onOpen={openSession}
          />
        )}
      </Panel>
      {uid === null ? (
        <SessionTable rows={wanted} isFiltered={isFiltered} onOpen={openSession} />
      ) : (
        <SessionDetailPanel uid={uid} row={map.get(String(uid))} />
      )}
    </div>
  );
};
