import { useEffect, useRef, useState } from 'preact/hooks';

import type { SessionRow } from '../../../src/domain/view/validatorView.ts';
import { fractionText } from '../format.ts';
import { type CellState, cellLabel, cellStateOf, stateHelp, stateWords } from '../sessionStates.ts';
import { Glyph } from './glyph.tsx';
import { columnsFor, movedIndex } from './gridKeys.ts';
import './uidGrid.css';

/** How much a cell says depends on how many there are: all of a small network is worth reading. */
type Size = 'dots' | 'roomy' | 'cards';
const cardsUpTo = 24;
const roomyUpTo = 64;
const cellPx: Readonly<Record<Size, number>> = { dots: 18, roomy: 62, cards: 128 };
const glyphPx: Readonly<Record<Size, number>> = { dots: 12, roomy: 14, cards: 14 };
const sizeFor = (count: number): Size =>
  count <= cardsUpTo ? 'cards' : count <= roomyUpTo ? 'roomy' : 'dots';
const classes: Readonly<Record<Size, string>> = {
  dots: '',
  roomy: 'uid-grid-roomy',
  cards: 'uid-grid-roomy uid-grid-cards',
};

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
  size: Size;
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
        // A card says all that matters in its own words; a name beside them would have to repeat them.
        aria-label={props.size === 'cards' ? undefined : label}
        title={label}
        onClick={() => props.onOpen(row.uid)}
      >
        <Glyph name={state} size={glyphPx[props.size]} />
        {props.size === 'dots' ? null : <b>{props.size === 'cards' ? `uid ${row.uid}` : row.uid}</b>}
        {props.size === 'cards' ? (
          <>
            <span>{fractionText(row.recent.accuracy, 2)}</span>
            <span class="cell-state">{stateWords[state]}</span>
          </>
        ) : null}
      </button>
    </td>
  );
};

const useColumns = (size: Size) => {
  const element = useRef<HTMLTableElement>(null);
  const [columns, setColumns] = useState(32);
  useEffect(() => {
    const { current } = element;
    if (current === null) return;
    const observer = new ResizeObserver(([entry]) => {
      const width = entry?.contentRect.width ?? 0;
      if (width > 0) setColumns(columnsFor(width, cellPx[size]));
    });
    observer.observe(current);
    return () => observer.disconnect();
  }, [size]);
  return { element, columns };
};

/** A place for each uid up to the highest; places without a miner stay empty. */
const placesOf = (rows: readonly SessionRow[], size: Size): readonly (SessionRow | null)[] => {
  // A small network is shown without gaps: its cells carry their uid.
  if (size !== 'dots') return rows;
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
  const size = sizeFor(rows.length);
  const { element, columns } = useColumns(size);
  const [current, setCurrent] = useState<number | null>(null);
  const places = placesOf(rows, size);
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
      class={`uid-grid ${classes[size]}`}
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
                  size={size}
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
