import type { RefObject } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import {
  type Box,
  boxInSight,
  fitted,
  focused,
  held,
  opened,
  panned,
  type Size,
  type Viewport,
  viewBoxOf,
  zoomedAt,
} from './viewport.ts';

type Point = { readonly x: number; readonly y: number };

const keyPanPx = 60;
const keyZoom = 1.25;
/** Zoom per pixel of a wheel; a notch of a mouse is 100 of them. */
const wheelZoom = 0.0015;

const middle = (points: readonly Point[]): Point => ({
  x: points.reduce((sum, { x }) => sum + x, 0) / points.length,
  y: points.reduce((sum, { y }) => sum + y, 0) / points.length,
});

const spread = ([a, b]: readonly Point[]): number =>
  a === undefined || b === undefined ? 0 : Math.hypot(a.x - b.x, a.y - b.y);

export type PanZoom = {
  readonly fit: () => void;
  /** The active states in the middle. */
  readonly focus: () => void;
  readonly actual: () => void;
  readonly zoom: (factor: number) => void;
};

type Drawing = {
  readonly drawing: Size;
  /** Boxes of what one looks for now, the most important first. */
  readonly focus: () => readonly Box[];
};

/** The view onto one drawing, kept in the `viewBox` of its element and nowhere in the component. */
const createView = (
  svg: SVGSVGElement,
  { drawing, focus, onZoom }: Drawing & { readonly onZoom: (zoom: number) => void },
) => {
  let view: Viewport = { x: 0, y: 0, zoom: 1 };
  /** Until the reader moves it, the drawing is placed anew when the pane changes. */
  let start: 'opened' | 'fitted' | 'moved' = 'opened';
  const pane = (): Size => ({ width: svg.clientWidth || 1, height: svg.clientHeight || 1 });
  const set = (next: Viewport): void => {
    view = next;
    svg.setAttribute('viewBox', viewBoxOf(view, pane()));
    onZoom(view.zoom);
  };
  const move = (next: Viewport): void => {
    start = 'moved';
    set(held(next, drawing, pane()));
  };
  const centre = (): Point => ({ x: pane().width / 2, y: pane().height / 2 });
  return {
    fit: () => {
      start = 'fitted';
      set(fitted(drawing, pane()));
    },
    focus: () => {
      const box = boxInSight(focus(), pane(), view.zoom);
      if (box !== null) move(focused(drawing, pane(), box, view.zoom));
    },
    actual: () => move(zoomedAt(view, 1 / view.zoom, centre())),
    zoom: (factor: number, at: Point = centre()) => move(zoomedAt(view, factor, at)),
    pan: (by: Point) => move(panned(view, by)),
    resized: () => {
      if (start === 'moved') set(held(view, drawing, pane()));
      else set(start === 'fitted' ? fitted(drawing, pane()) : opened(drawing, pane(), focus()));
    },
  };
};

type View = ReturnType<typeof createView>;

const onPointers = (svg: SVGSVGElement, view: View, signal: AbortSignal): void => {
  const pointers = new Map<number, Point>();
  const at = (event: PointerEvent): Point => {
    const { left, top } = svg.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  const moved = (event: PointerEvent): void => {
    if (!pointers.has(event.pointerId)) return;
    const before = [...pointers.values()];
    pointers.set(event.pointerId, at(event));
    const after = [...pointers.values()];
    const from = middle(before);
    const to = middle(after);
    view.pan({ x: from.x - to.x, y: from.y - to.y });
    if (spread(before) > 0 && spread(after) > 0) view.zoom(spread(after) / spread(before), to);
  };
  const lifted = (event: PointerEvent): void => {
    pointers.delete(event.pointerId);
  };
  const pressed = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    pointers.set(event.pointerId, at(event));
    svg.setPointerCapture(event.pointerId);
  };
  svg.addEventListener('pointerdown', pressed, { signal });
  svg.addEventListener('pointermove', moved, { signal });
  svg.addEventListener('pointerup', lifted, { signal });
  svg.addEventListener('pointercancel', lifted, { signal });
};

const onWheel = (svg: SVGSVGElement, view: View, signal: AbortSignal): void => {
  const turned = (event: WheelEvent): void => {
    event.preventDefault();
    const { left, top } = svg.getBoundingClientRect();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    view.zoom(Math.exp(-event.deltaY * lines * wheelZoom), {
      x: event.clientX - left,
      y: event.clientY - top,
    });
  };
  svg.addEventListener('wheel', turned, { signal, passive: false });
};

const keyActs: Readonly<Record<string, (view: View) => void>> = {
  ArrowLeft: (view) => view.pan({ x: -keyPanPx, y: 0 }),
  ArrowRight: (view) => view.pan({ x: keyPanPx, y: 0 }),
  ArrowUp: (view) => view.pan({ x: 0, y: -keyPanPx }),
  ArrowDown: (view) => view.pan({ x: 0, y: keyPanPx }),
  '+': (view) => view.zoom(keyZoom),
  '=': (view) => view.zoom(keyZoom),
  '-': (view) => view.zoom(1 / keyZoom),
  '0': (view) => view.fit(),
  '1': (view) => view.actual(),
  a: (view) => view.focus(),
};

const onKeys = (svg: SVGSVGElement, view: View, signal: AbortSignal): void => {
  const pressed = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = Object.hasOwn(keyActs, event.key) ? keyActs[event.key] : undefined;
    if (act === undefined) return;
    event.preventDefault();
    act(view);
  };
  svg.addEventListener('keydown', pressed, { signal });
};

/**
 * Pan and zoom of a drawing by mouse (drag, wheel), touch (drag, pinch) and keyboard (arrows, `+`, `-`, `0` fits, `1`
 * is 100 %, `a` shows what is active). Starts where it can be read, again for each drawing.
 */
export const usePanZoom = (
  ref: RefObject<SVGSVGElement | null>,
  drawing: Size,
  focus: () => readonly Box[],
): { readonly zoom: number; readonly by: PanZoom } => {
  const [zoom, setZoom] = useState(1);
  const view = useRef<View | null>(null);
  const latest = useRef(focus);
  latest.current = focus;
  useEffect(() => {
    const svg = ref.current;
    if (svg === null) return;
    const ending = new AbortController();
    const made = createView(svg, {
      drawing,
      focus: () => latest.current(),
      onZoom: (value) => setZoom(Math.round(value * 100) / 100),
    });
    view.current = made;
    for (const listen of [onPointers, onWheel, onKeys]) listen(svg, made, ending.signal);
    const observer = new ResizeObserver(() => made.resized());
    observer.observe(svg);
    made.resized();
    return () => {
      ending.abort();
      observer.disconnect();
      view.current = null;
    };
  }, [drawing]);
  const by = useMemo(
    () => ({
      fit: () => view.current?.fit(),
      focus: () => view.current?.focus(),
      actual: () => view.current?.actual(),
      zoom: (factor: number) => view.current?.zoom(factor),
    }),
    [],
  );
  return { zoom, by };
};
