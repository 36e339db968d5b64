import type { HealthLevel } from '../../../src/domain/view/verdict.ts';

/**
 * Shapes that tell states apart without colour, in a box of 16 × 16. Drawn here and not taken from a font, so that they
 * look the same everywhere.
 */
const shapes = {
  ok: 'M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13zM4.9 8.2l2.2 2.2l4.1-4.6',
  starting: 'M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13zM8 4.6V8l2.4 1.6',
  attention: 'M8 2L14.6 13.8H1.4zM8 6.4v3.2M8 11.6v.3',
  failing: 'M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2l-3.7-3.7V5.2zM5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8',
  ready: 'M3.6 8.4l3 3l5.8-6.6',
  busy: 'M4.5 3.5L12.5 8l-8 4.5z',
  dialing: 'M3 8h.01M8 8h.01M13 8h.01',
  cooling: 'M5.5 3.5v9M10.5 3.5v9',
  closed: 'M4 4l8 8M12 4l-8 8',
  none: 'M5 8h6',
  guessing: 'M5.2 5.6a2.9 2.9 0 1 1 4.4 2.5c-1 .6-1.6 1.1-1.6 2.3M8 13.1v.3',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  sun: 'M8 5a3 3 0 1 0 0 6a3 3 0 0 0 0-6zM8 1.2v1.3M8 13.5v1.3M1.2 8h1.3M13.5 8h1.3M3.2 3.2l.9.9M11.9 11.9l.9.9M3.2 12.8l.9-.9M11.9 4.1l.9-.9',
  moon: 'M13.5 9.6A6 6 0 0 1 6.4 2.5a6 6 0 1 0 7.1 7.1z',
  down: 'M4 6l4 4l4-4',
  right: 'M6 4l4 4l-4 4',
  up: 'M4 10l4-4l4 4',
  close: 'M4 4l8 8M12 4l-8 8',
} as const;

export type GlyphName = keyof typeof shapes;
const filled: ReadonlySet<GlyphName> = new Set(['busy']);

/** A shape beside a text that says the same; hidden from screen readers for that reason. */
export const Glyph = ({ name, size = 16 }: { name: GlyphName; size?: number }) => (
  <svg
    class="glyph"
    width={size}
    height={size}
    viewBox="0 0 16 16"
    fill={filled.has(name) ? 'currentColor' : 'none'}
    stroke="currentColor"
    stroke-width="1.6"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
  >
    <path d={shapes[name]} />
  </svg>
);

export const levelWords: Readonly<Record<HealthLevel, string>> = {
  ok: 'Healthy',
  starting: 'Starting',
  attention: 'Attention',
  failing: 'Failing',
};
