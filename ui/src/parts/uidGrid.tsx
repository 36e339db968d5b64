import { useEffect, useRef, useState } from 'preact/hooks';

import type { SessionRow } from '../../../src/domain/view/validatorView.ts';
import { type CellState, cellLabel, cellStateOf, stateHelp, stateWords } from '../sessionStates.ts';
import { Glyph } from './glyph.tsx';
import { columnsFor, movedIndex } from './gridKeys.ts';
import './uidGrid.css';

/** Up to here cells are large enough to carry their uid. */
const roomyCount = 64;
const cellPx = 20;
const roomyCellPx = 62;

/** Rows and cells of a table take their part of a grid from this one attribute, by the ARIA patterns. */
const gridRole = { role: 'grid' } as const;

type Props = {
  label: string;
  rows: readonly SessionRow[];
  onOpen: (uid: number) => void;
  selected?: number | null;
  /** Uids that a filter leaves; the others are dimmed. All where absent. */
  wanted?: ReadonlySet<number>;
};

const Cell = (props: {
  row: SessionRow;
  isRoomy: boolean;
  isCurrent: boolean;
  isSelected: boolean;
  isDimmed: boolean;
  onOpen: (uid: number) => void;
}) => {
  const { row } = props;
  const state = cellStateOf(row);
  const label = cellLabel(row);
  return (
    <td>
      <button
        type="button"
        class={`cell cell-${state}`}
        data-uid={row.uid}
        data-dimmed={props.isDimmed ? '' : undefined}
        tabIndex={props.isCurrent ? 0 : -1}
        aria-current={props.isSelected ? 'true' : undefined}
        aria-label={label}
        title={label}
        onClick={() => props.onOpen(row.uid)}
      >
        <Glyph name={state} size={props.isRoomy ? 14 : 12} />
        {props.isRoomy ? <span>{row.uid}</span> : null}
      </button>
    </td>
  );
};

const useColumns = (isRoomy: boolean) => {
  const element = useRef<HTMLTableElement>(null);
  const [columns, setColumns] = useState(32);
  useEffect(() => {
    const { current } = element;
    if (current === null) return;
    const observer = new ResizeObserver(([entry]) => {
      const width = entry?.contentRect.width ?? 0;
      if (width > 0) setColumns(columnsFor(width, isRoomy ? roomyCellPx : cellPx));
    });
    observer.observe(current);
    return () => observer.disconnect();
  }, [isRoomy]);
  return { element, columns };
};

/** A place for each uid up to the highest; places without a miner stay empty. */
const placesOf = (rows: readonly SessionRow[], isRoomy: boolean): readonly (SessionRow | null)[] => {
  // A small network is shown without gaps: its cells carry their uid.
  if (isRoomy) return rows;
  const places: (SessionRow | null)[] = [];
  for (const row of rows) {
    while (places.length < row.uid) places.push(null);
    places.push(row);
  }
  return places;
};

/** The next place with a miner in the direction of a key; the same one where there is none. */
const nextPlace = (
  places: readonly (SessionRow | null)[],
  from: number,
  columns: number,
  key: string,
): number => {
  let index = from;
  for (;;) {
    const moved = movedIndex({ key, index, columns, count: places.length });
    if (moved === index) return from;
    if (places[moved] !== null) return moved;
    // Home, End and the like do not go on by themselves.
    if (!key.startsWith('Arrow')) return from;
    index = moved;
  }
};

const chunked = <T,>(items: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, row) =>
    items.slice(row * size, (row + 1) * size),
  );

/** All miners at a glance, one cell each, at the place of its uid. Arrow keys move, Enter opens. */
export const UidGrid = (props: Props) => {
  const { rows } = props;
  const isRoomy = rows.length <= roomyCount;
  const { element, columns } = useColumns(isRoomy);
  const [current, setCurrent] = useState<number | null>(null);
  const places = placesOf(rows, isRoomy);
  const focusUid = current ?? props.selected ?? rows[0]?.uid ?? null;
  const onKeyDown = (event: KeyboardEvent): void => {
    const from = places.findIndex((row) => row !== null && row.uid === focusUid);
    const uid = places[nextPlace(places, from, columns, event.key)]?.uid;
    if (from < 0 || uid === undefined || uid === focusUid) return;
    event.preventDefault();
    setCurrent(uid);
    element.current?.querySelector<HTMLElement>(`[data-uid="${uid}"]`)?.focus();
  };
  return (
    <table
      ref={element}
      class={`uid-grid ${isRoomy ? 'uid-grid-roomy' : ''}`}
      {...gridRole}
      aria-label={props.label}
      style={{ '--columns': columns }}
      onKeyDown={onKeyDown}
    >
      <tbody>
        {chunked(places, columns).map((line, index) => (
          <tr key={index * columns}>
            {line.map((row, place) =>
              row === null ? (
                <td key={`gap ${index * columns + place}`} />
              ) : (
                <Cell
                  key={row.uid}
                  row={row}
                  isRoomy={isRoomy}
                  isCurrent={row.uid === focusUid}
                  isSelected={row.uid === props.selected}
                  isDimmed={props.wanted?.has(row.uid) === false}
                  onOpen={props.onOpen}
                />
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
};

/** What the shapes of the grid mean, and how many miners are in each state. */
export const Legend = (props: { counts: ReadonlyMap<CellState, number>; states: readonly CellState[] }) => (
  <ul class="legend">
    {props.states
      .filter((state) => (props.counts.get(state) ?? 0) > 0)
      .map((state) => (
        <li key={state} title={stateHelp[state]}>
          <span class={`cell cell-${state}`}>
            <Glyph name={state} size={12} />
          </span>
          {stateWords[state]} <b>{props.counts.get(state)}</b>
        </li>
      ))}
  </ul>
);
