import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  boxAround,
  boxInSight,
  fitted,
  focused,
  held,
  maxZoom,
  minZoom,
  opened,
  panned,
  viewBoxOf,
  zoomedAt,
} from '../../../ui/src/machines/viewport.ts';

const pane = { width: 800, height: 600 };

describe('ui / machines / viewport', () => {
  it('fits a large drawing, and leaves a small one at its size', () => {
    const large = fitted({ width: 1_600, height: 600 }, pane);
    expect(large.zoom).toBeCloseTo(768 / 1_600);
    expect(fitted({ width: 200, height: 100 }, pane)).toEqual({ x: -300, y: -250, zoom: 1 });
  });

  it('keeps the point under the pointer when it zooms', () => {
    const side = fc.integer({ min: 0, max: 800 });
    fc.assert(
      fc.property(side, side, fc.double({ min: 0.2, max: 5, noNaN: true }), (x, y, factor) => {
        const view = { x: 40, y: -20, zoom: 0.8 };
        const next = zoomedAt(view, factor, { x, y });
        expect(next.x + x / next.zoom).toBeCloseTo(view.x + x / view.zoom, 6);
        expect(next.y + y / next.zoom).toBeCloseTo(view.y + y / view.zoom, 6);
        expect(next.zoom).toBeGreaterThanOrEqual(minZoom);
        expect(next.zoom).toBeLessThanOrEqual(maxZoom);
      }),
    );
  });

  it('does not let the drawing leave the pane', () => {
    const drawing = { width: 500, height: 400 };
    const away = panned({ x: 0, y: 0, zoom: 1 }, { x: 100_000, y: -100_000 });
    expect(held(away, drawing, pane)).toEqual({ x: 300, y: -450, zoom: 1 });
  });

  it('opens at what is active where the whole could not be read', () => {
    const drawing = { width: 4_000, height: 3_000 };
    const box = { x: 2_000, y: 1_500, width: 100, height: 50 };
    const view = opened(drawing, pane, [box]);
    expect(view.zoom).toBeGreaterThanOrEqual(0.6);
    expect(view.x).toBeLessThan(box.x);
    expect(view.x + pane.width / view.zoom).toBeGreaterThan(box.x + box.width);
    expect(opened(drawing, pane, [])).toEqual(fitted(drawing, pane));
  });

  it('shows nothing beyond the edge when what is active stands there', () => {
    const view = focused({ width: 4_000, height: 3_000 }, pane, { x: 0, y: 0, width: 100, height: 50 }, 0.5);
    expect(view).toEqual({ x: -16, y: -16, zoom: 1 });
  });

  it('looks at the first of what cannot be seen at once', () => {
    const near = { x: 0, y: 0, width: 100, height: 50 };
    const far = { x: 3_000, y: 0, width: 100, height: 50 };
    expect(boxInSight([near, { ...near, x: 200 }], pane, 1)).toEqual({ x: 0, y: 0, width: 300, height: 50 });
    expect(boxInSight([far, near], pane, 1)).toBe(far);
    expect(boxInSight([], pane, 1)).toBeNull();
  });

  it('surrounds boxes, and none by nothing', () => {
    const boxes = [
      { x: 10, y: 20, width: 5, height: 5 },
      { x: 0, y: 30, width: 50, height: 10 },
    ];
    expect(boxAround(boxes)).toEqual({ x: 0, y: 20, width: 50, height: 20 });
    expect(boxAround([])).toBeNull();
  });

  it('writes a view box', () => {
    expect(viewBoxOf({ x: 1.234_5, y: -2, zoom: 2 }, pane)).toBe('1.23 -2 400 300');
  });
});
