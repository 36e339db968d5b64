import { useMemo, useState } from 'preact/hooks';

import { countText } from '../format.ts';
import { VirtualList } from '../parts/virtualList.tsx';
import { ActorGlyph, statusWord } from './actorGlyph.tsx';
import type { Actors } from './session.ts';
import { actorName, type Labels, memberName, shortId, stateLabel, type TreeRow, treeRows } from './tree.ts';

const rowPx = 26;
const rowId = (key: string): string => `actor-${key.replaceAll(/[^A-Za-z0-9]/g, '_')}`;

const indent = (depth: number) => ({ paddingLeft: `${8 + depth * 14}px` });

/** The row says for the keyboard and for screen readers whether it is open. */
const Twist = ({ isOpen }: { isOpen: boolean | null }) => (
  <span class={isOpen === null ? 'tree-leaf' : 'tree-twist'} aria-hidden="true">
    {isOpen === null ? '' : isOpen ? '▾' : '▸'}
  </span>
);

const ActorLine = ({
  row,
  label,
}: {
  row: Extract<TreeRow, { kind: 'actor' }>;
  label: string | undefined;
}) => {
  const { actor } = row;
  const state = actor.status === 'active' ? stateLabel(actor) : statusWord(actor.status);
  return (
    <>
      <ActorGlyph status={actor.status} isMachine={actor.chart !== null} />
      <span class="tree-name" title={`${actor.id} (${actor.sessionId})`}>
        {row.isMember ? (label ?? memberName(actor)) : shortId(actorName(actor))}
        {label === undefined || row.isMember ? null : <span class="tree-label"> {label}</span>}
      </span>
      <span class="tree-state" title={state}>
        {state}
      </span>
      <span class="tree-count" title={`${actor.events} events received`}>
        {countText(actor.events)}
      </span>
    </>
  );
};

const GroupLine = ({ row }: { row: Extract<TreeRow, { kind: 'group' }> }) => {
  const states = row.states.map(({ state, count }) => `${count} ${state}`).join(', ');
  return (
    <>
      <span class="tree-name">{row.name}/…</span>
      <span class="tree-state" title={states}>
        {states}
      </span>
      <span class="tree-count tree-members" title={`${row.count} actors`}>
        {countText(row.count)}
      </span>
    </>
  );
};

type RowProps = {
  row: TreeRow;
  label: string | undefined;
  isActive: boolean;
  isChosen: boolean;
};

const Row = ({ row, label, isActive, isChosen }: RowProps) => (
  // The tree itself has the focus, and hears keys and clicks.
  <div
    id={rowId(row.key)}
    class="tree-row"
    role="treeitem"
    tabIndex={-1}
    aria-level={row.depth + 1}
    aria-posinset={row.position}
    aria-setsize={row.siblings}
    aria-selected={isChosen}
    aria-expanded={row.isOpen ?? undefined}
    data-key={row.key}
    data-active={isActive ? '' : undefined}
    data-ended={row.kind === 'actor' && row.actor.status !== 'active' ? '' : undefined}
    style={indent(row.depth)}
  >
    <Twist isOpen={row.isOpen} />
    {row.kind === 'actor' ? <ActorLine row={row} label={label} /> : <GroupLine row={row} />}
  </div>
);

const parentIndex = (rows: readonly TreeRow[], index: number): number => {
  const depth = rows[index]?.depth ?? 0;
  for (let at = index - 1; at >= 0; at -= 1) if ((rows[at]?.depth ?? 0) < depth) return at;
  return index;
};

/** Where a key of the tree leads to, or `toggle`; null for a key that is not the tree's. */
const keyStep = (key: string, rows: readonly TreeRow[], index: number): number | 'toggle' | null => {
  const isOpen = rows[index]?.isOpen ?? null;
  const end = rows.length - 1;
  if (key === 'ArrowDown') return Math.min(end, index + 1);
  if (key === 'ArrowUp') return Math.max(0, index - 1);
  if (key === 'Home') return 0;
  if (key === 'End') return end;
  if (key === 'PageDown') return Math.min(end, index + 10);
  if (key === 'PageUp') return Math.max(0, index - 10);
  if (key === 'ArrowRight')
    return isOpen === false ? 'toggle' : Math.min(end, index + (isOpen === true ? 1 : 0));
  if (key === 'ArrowLeft') return isOpen === true ? 'toggle' : parentIndex(rows, index);
  return null;
};

type Props = { actors: Actors; labels: Labels; chosen: string | null; onChoose: (sessionId: string) => void };

const useTree = ({ actors, labels, chosen, onChoose }: Props) => {
  const [search, setSearch] = useState('');
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
  const [active, setActive] = useState<string | null>(null);
  const rows = useMemo(() => treeRows(actors, toggled, search, labels), [actors, toggled, search, labels]);
  const activeKey = active ?? chosen;
  const activeIndex = rows.findIndex(({ key }) => key === activeKey);
  const toggle = (key: string): void => setToggled((was) => new Set(was).symmetricDifference(new Set([key])));
  const pick = (row: TreeRow): void => {
    setActive(row.key);
    if (row.kind === 'actor') onChoose(row.key);
    else toggle(row.key);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const row = rows[activeIndex];
    if ((event.key === 'Enter' || event.key === ' ') && row !== undefined) pick(row);
    else {
      const step = keyStep(event.key, rows, Math.max(0, activeIndex));
      if (step === null) return;
      if (step === 'toggle') toggle(row?.key ?? '');
      else setActive(rows[step]?.key ?? null);
    }
    event.preventDefault();
  };
  const onClick = ({ target }: MouseEvent): void => {
    const element = target instanceof Element ? target : null;
    const key = element?.closest('[data-key]')?.getAttribute('data-key');
    const row = rows.find((candidate) => candidate.key === key);
    if (row === undefined) return;
    if (element?.closest('.tree-twist')) toggle(row.key);
    else pick(row);
  };
  return { search, setSearch, rows, activeIndex, onKeyDown, onClick };
};

/** All actors by who started whom; a press shows the actor in the middle. */
export const ActorTree = (props: Props) => {
  const { search, setSearch, rows, activeIndex, onKeyDown, onClick } = useTree(props);
  const active = rows[activeIndex];
  return (
    <div class="tree">
      <input
        class="field tree-search"
        type="search"
        placeholder="Search id, state, chart"
        aria-label="Search the actors"
        value={search}
        onInput={({ currentTarget }) => setSearch(currentTarget.value)}
      />
      <VirtualList
        class="tree-list"
        items={rows}
        rowPx={rowPx}
        keyOf={({ key }) => key}
        shownIndex={activeIndex}
        frame={{
          role: 'tree',
          'aria-label': 'Actors of the live system',
          'aria-activedescendant': active === undefined ? undefined : rowId(active.key),
          onKeyDown,
          onClick,
        }}
        render={(row) => (
          <Row
            row={row}
            label={props.labels.get(row.key)}
            isActive={row === active}
            isChosen={row.key === props.chosen}
          />
        )}
      />
      {rows.length === 0 ? <p class="tree-none">No actor matches.</p> : null}
    </div>
  );
};
