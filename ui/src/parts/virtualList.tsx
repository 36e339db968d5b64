import type { ComponentChildren, RefObject } from 'preact';
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

import { countText } from '../format.ts';
import { scrollable } from './scrollable.ts';

type Props<Item> = {
  items: readonly Item[];
  /** Every row has this height, so that only those in sight have to exist. */
  rowPx: number;
  keyOf: (item: Item) => string | number;
  render: (item: Item, index: number) => ComponentChildren;
  /** The end is kept in sight as the list grows. */
  isFollowing?: boolean;
  /** Whether the reader, by scrolling, is at the end. */
  onAtEnd?: (isAtEnd: boolean) => void;
  /** Index of a row to bring into sight when it changes. */
  shownIndex?: number;
  class?: string;
  /** Attributes of the scrolling element, such as its role and what the keyboard does. */
  frame?: Readonly<Record<string, unknown>>;
};

/** Rows drawn above and below those in sight, so that scrolling shows no gaps. */
const spare = 6;

type Seen = { readonly top: number; readonly height: number };

const useSeen = (ref: RefObject<HTMLDivElement | null>): [Seen, () => void] => {
  const [seen, setSeen] = useState<Seen>({ top: 0, height: 0 });
  const look = useCallback((): void => {
    const frame = ref.current;
    if (frame === null) return;
    const top = frame.scrollTop;
    const height = frame.clientHeight;
    setSeen((was) => (was.top === top && was.height === height ? was : { top, height }));
  }, []);
  useEffect(() => {
    const frame = ref.current;
    if (frame === null) return;
    const observer = new ResizeObserver(look);
    observer.observe(frame);
    look();
    return () => observer.disconnect();
  }, []);
  return [seen, look];
};

const scrollTo = (frame: HTMLDivElement, index: number, rowPx: number): void => {
  const top = index * rowPx;
  if (top < frame.scrollTop) frame.scrollTop = top;
  else if (top + rowPx > frame.scrollTop + frame.clientHeight)
    frame.scrollTop = top + rowPx - frame.clientHeight;
};

/** A list of any length of which only the rows in sight are in the document. */
export const VirtualList = <Item,>(props: Props<Item>) => {
  const { items, rowPx, isFollowing = false, shownIndex } = props;
  const ref = useRef<HTMLDivElement>(null);
  const [seen, look] = useSeen(ref);
  useLayoutEffect(() => {
    const frame = ref.current;
    if (frame !== null && isFollowing) frame.scrollTop = frame.scrollHeight;
  }, [items, isFollowing]);
  useLayoutEffect(() => {
    if (ref.current !== null && shownIndex !== undefined && shownIndex >= 0)
      scrollTo(ref.current, shownIndex, rowPx);
  }, [shownIndex]);
  const onScroll = (): void => {
    look();
    const frame = ref.current;
    if (frame === null || props.onAtEnd === undefined) return;
    props.onAtEnd(frame.scrollTop + frame.clientHeight >= items.length * rowPx - rowPx);
  };
  // While following, what is in sight is known before the browser has scrolled there.
  const end = items.length * rowPx;
  const top = isFollowing
    ? Math.max(0, end - seen.height)
    : Math.min(seen.top, Math.max(0, end - seen.height));
  const first = Math.max(0, Math.floor(top / rowPx) - spare);
  const last = Math.min(items.length, Math.ceil((top + seen.height) / rowPx) + spare);
  // At the end of a list that grows fast nearly every row is another one each time: their elements are used again.
  const keyAt = (item: Item, index: number) => (isFollowing ? index : props.keyOf(item));
  return (
    <div ref={ref} class={`vlist ${props.class ?? ''}`} onScroll={onScroll} {...scrollable} {...props.frame}>
      <div class="vlist-all" role="presentation" style={{ height: `${end}px` }}>
        <div class="vlist-seen" role="presentation" style={{ transform: `translateY(${first * rowPx}px)` }}>
          {items.slice(first, last).map((item, index) => (
            <div
              key={keyAt(item, index)}
              class="vlist-row"
              role="presentation"
              style={{ height: `${rowPx}px` }}
            >
              {props.render(item, first + index)}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
};

type Numbered = { readonly seq: number };

const newerThan = (items: readonly Numbered[], seq: number): number => {
  let count = 0;
  for (let index = items.length - 1; index >= 0 && (items[index]?.seq ?? 0) > seq; index -= 1) count += 1;
  return count;
};

/**
 * The tail of a growing list: it follows until the reader scrolls away from its end, holds still while something
 * older is read, and goes on at the end or on `follow`.
 */
export const useTail = <Item extends Numbered>(items: readonly Item[], filter: string) => {
  const [held, setHeld] = useState<{ readonly items: readonly Item[]; readonly filter: string } | null>(null);
  // Another filter asks for another list.
  const shown = held !== null && held.filter === filter ? held.items : items;
  const isFollowing = shown === items;
  const onAtEnd = (isAtEnd: boolean): void => {
    if (isAtEnd && !isFollowing) setHeld(null);
    else if (!isAtEnd && isFollowing) setHeld({ items, filter });
  };
  const missed = isFollowing ? 0 : newerThan(items, shown.at(-1)?.seq ?? 0);
  return { shown, isFollowing, missed, onAtEnd, follow: () => setHeld(null) };
};

/** Leads to what came while something older was read. */
export const NewBelow = ({
  tail: { missed, follow },
}: {
  tail: { readonly missed: number; readonly follow: () => void };
}) =>
  missed === 0 ? null : (
    <button type="button" class="button" onClick={follow}>
      {countText(missed)} new ↓
    </button>
  );
