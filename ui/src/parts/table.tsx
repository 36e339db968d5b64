import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import { Glyph } from './glyph.tsx';
import { type SortValue, sorted } from './sorting.ts';

export type Column<Row> = {
  readonly key: string;
  readonly title: string;
  readonly isRight?: boolean;
  /** Never broken into lines. */
  readonly isLine?: boolean;
  /** Head of its row; the first column is, unless another one says so. */
  readonly isHead?: boolean;
  readonly show: (row: Row) => ComponentChildren;
  /** What to sort by; without it the column cannot be. */
  readonly sort?: (row: Row) => SortValue;
};

export type Order = { readonly key: string; readonly isDescending: boolean };

type Props<Row> = {
  /** What the table shows; for screen readers, unless `isCaptionShown`. */
  caption: string;
  isCaptionShown?: boolean;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string | number;
  order?: Order;
  onOpen?: (row: Row) => void;
  isSelected?: (row: Row) => boolean;
  /** Marks a row for the eye; its cells must say the same in words. */
  toneOf?: (row: Row) => 'guessing' | undefined;
  empty?: ComponentChildren;
  isSticky?: boolean;
};

const cellClass = (column: { readonly isRight?: boolean; readonly isLine?: boolean }): string | undefined =>
  column.isRight ? 'table-right' : column.isLine ? 'table-line' : undefined;

const Head = <Row,>(props: { column: Column<Row>; order: Order | null; onOrder: (order: Order) => void }) => {
  const { column, order } = props;
  if (column.sort === undefined) {
    return (
      <th scope="col" class={cellClass(column)}>
        {column.title}
      </th>
    );
  }
  const isChosen = order?.key === column.key;
  const direction =
    isChosen && order !== null ? (order.isDescending ? 'descending' : 'ascending') : undefined;
  // Figures are most often wanted largest first.
  const isNextDescending = isChosen ? order?.isDescending === false : column.isRight === true;
  return (
    <th scope="col" class={cellClass(column)} aria-sort={direction}>
      <button
        type="button"
        class="table-sort"
        onClick={() => props.onOrder({ key: column.key, isDescending: isNextDescending })}
      >
        {column.title}
        {direction === undefined ? null : <Glyph name={order?.isDescending ? 'down' : 'up'} size={12} />}
      </button>
    </th>
  );
};

const Line = <Row,>({ props, row, head }: { props: Props<Row>; row: Row; head: string }) => (
  <tr
    data-link={props.onOpen === undefined ? undefined : ''}
    data-selected={props.isSelected?.(row) ? '' : undefined}
    data-tone={props.toneOf?.(row)}
    onClick={props.onOpen === undefined ? undefined : () => props.onOpen?.(row)}
  >
    {props.columns.map((column) =>
      column.key === head ? (
        <th key={column.key} scope="row" class={cellClass(column)}>
          {column.show(row)}
        </th>
      ) : (
        <td key={column.key} class={cellClass(column)}>
          {column.show(row)}
        </td>
      ),
    )}
  </tr>
);

/** The keyboard can scroll only what has the focus: a table that is larger than its place gets a place in the tab order. */
const useScrolling = () => {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const { current } = element;
    if (current === null) return;
    const observer = new ResizeObserver(() => {
      const isLarger =
        current.scrollWidth > current.clientWidth || current.scrollHeight > current.clientHeight;
      if (isLarger) current.setAttribute('tabindex', '0');
      else current.removeAttribute('tabindex');
    });
    observer.observe(current);
    if (current.firstElementChild !== null) observer.observe(current.firstElementChild);
    return () => observer.disconnect();
  }, []);
  return element;
};

const Scrolling = ({ children }: { children: ComponentChildren }) => (
  <div ref={useScrolling()} class="table-scroll">
    {children}
  </div>
);

/**
 * A table that can be sorted. A click on a row opens it where `onOpen` is given; for the keyboard one of its cells must
 * then hold a link or a button that does the same.
 */
export const Table = <Row,>(props: Props<Row>) => {
  const [order, setOrder] = useState<Order | null>(props.order ?? null);
  const { columns, rows } = props;
  const sort = columns.find(({ key }) => key === order?.key)?.sort;
  const shown = useMemo(
    () => (sort === undefined || order === null ? rows : sorted(rows, sort, order.isDescending)),
    [rows, order, sort === undefined],
  );
  const head = columns.find(({ isHead }) => isHead)?.key ?? columns[0]?.key ?? '';
  if (rows.length === 0 && props.empty !== undefined) return <>{props.empty}</>;
  return (
    <Scrolling>
      <table class={`table ${props.isSticky ? 'table-sticky' : ''}`}>
        <caption class={props.isCaptionShown ? undefined : 'hidden-text'}>{props.caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <Head key={column.key} column={column} order={order} onOrder={setOrder} />
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <Line key={props.keyOf(row)} props={props} row={row} head={head} />
          ))}
        </tbody>
      </table>
    </Scrolling>
  );
};
