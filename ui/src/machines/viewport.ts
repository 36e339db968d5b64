/** The part of a drawing that is seen, in the drawing's own units; `zoom` is pixels of the screen per unit. */
export type Viewport = { readonly x: number; readonly y: number; readonly zoom: number };
export type Box = Size & { readonly x: number; readonly y: number };
export type Size = { readonly width: number; readonly height: number };

export const minZoom = 0.08;
export const maxZoom = 4;
const marginPx = 16;

const clampedZoom = (zoom: number): number => Math.min(maxZoom, Math.max(minZoom, zoom));

/** The whole drawing in the middle; a small one is not blown up. */
export const fitted = (drawing: Size, pane: Size): Viewport => {
  const width = Math.max(1, pane.width - 2 * marginPx);
  const height = Math.max(1, pane.height - 2 * marginPx);
  const zoom = clampedZoom(Math.min(1, width / drawing.width, height / drawing.height));
  return {
    x: (drawing.width - pane.width / zoom) / 2,
    y: (drawing.height - pane.height / zoom) / 2,
    zoom,
  };
};

/** The least zoom at which the drawing's small text can be read. */
const readableZoom = 0.7;

/**
 * Where one begins to look: the whole drawing where it can be read, or else its part around some boxes, the first of
 * which matters most.
 */
export const opened = (drawing: Size, pane: Size, boxes: readonly Box[]): Viewport => {
  const whole = fitted(drawing, pane);
  const box = boxInSight(boxes, pane, readableZoom);
  if (whole.zoom >= readableZoom || box === null) return whole;
  return around(drawing, pane, box, readableZoom);
};

/** The box around all where it can be seen at once, or else the first alone. */
export const boxInSight = (boxes: readonly Box[], pane: Size, zoom: number): Box | null => {
  const all = boxAround(boxes);
  const isSeen = all !== null && all.width * zoom <= pane.width && all.height * zoom <= pane.height;
  return isSeen ? all : (boxes[0] ?? null);
};

/** A box in the middle, as large as it fits up to its natural size. */
export const focused = (drawing: Size, pane: Size, box: Box, atLeast: number): Viewport => {
  const wanted = Math.min(
    1,
    (pane.width - 2 * marginPx) / box.width,
    (pane.height - 2 * marginPx) / box.height,
  );
  return around(drawing, pane, box, clampedZoom(Math.max(atLeast, wanted)));
};

/** With a box in the middle, as far as the drawing does not end before the pane does. */
const around = (drawing: Size, pane: Size, box: Box, zoom: number): Viewport => {
  const place = (at: number, length: number, whole: number, seen: number): number => {
    const start = at + length / 2 - seen / 2;
    const margin = marginPx / zoom;
    return whole <= seen ? (whole - seen) / 2 : Math.min(whole - seen + margin, Math.max(-margin, start));
  };
  return {
    x: place(box.x, box.width, drawing.width, pane.width / zoom),
    y: place(box.y, box.height, drawing.height, pane.height / zoom),
    zoom,
  };
};

/** The smallest box around others; null around none. */
export const boxAround = (boxes: readonly Box[]): Box | null => {
  if (boxes.length === 0) return null;
  const x = Math.min(...boxes.map((box) => box.x));
  const y = Math.min(...boxes.map((box) => box.y));
  return {
    x,
    y,
    width: Math.max(...boxes.map((box) => box.x + box.width)) - x,
    height: Math.max(...boxes.map((box) => box.y + box.height)) - y,
  };
};

/** Another zoom with the point of the pane (pixels) that stays where it is. */
export const zoomedAt = (
  view: Viewport,
  factor: number,
  at: { readonly x: number; readonly y: number },
): Viewport => {
  const zoom = clampedZoom(view.zoom * factor);
  return {
    x: view.x + at.x / view.zoom - at.x / zoom,
    y: view.y + at.y / view.zoom - at.y / zoom,
    zoom,
  };
};

/** Moved by pixels of the pane: positive ones show what lies right of and below. */
export const panned = (view: Viewport, by: { readonly x: number; readonly y: number }): Viewport => ({
  ...view,
  x: view.x + by.x / view.zoom,
  y: view.y + by.y / view.zoom,
});

/** The view kept over the drawing: at least a quarter of the pane, or the drawing's edge, stays in sight. */
export const held = (view: Viewport, drawing: Size, pane: Size): Viewport => {
  const hold = (at: number, length: number, seen: number): number => {
    const keep = Math.min(seen / 4, length);
    return Math.min(length - keep, Math.max(keep - seen, at));
  };
  return {
    ...view,
    x: hold(view.x, drawing.width, pane.width / view.zoom),
    y: hold(view.y, drawing.height, pane.height / view.zoom),
  };
};

/** Value of the `viewBox` that shows this part. */
export const viewBoxOf = (view: Viewport, pane: Size): string =>
  [view.x, view.y, pane.width / view.zoom, pane.height / view.zoom]
    .map((value) => Math.round(value * 100) / 100)
    .join(' ');
