import type { ChartState, ChartTransition } from './chart.ts';

/** From the upper left corner, in pixels of the drawing at its natural size. */
export type Point = readonly [x: number, y: number];

export type Box = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

/** One line of text; `y` is its base line. */
export type TextLine = {
  readonly kind: 'title' | 'invoke';
  readonly x: number;
  readonly y: number;
  readonly text: string;
};

export type StateLayout = Box & { readonly texts: readonly TextLine[] };

export type TransitionLayout = {
  /**
   * Polylines from source to target, the last point at the arrow's tip. None for a transition that keeps its state: its
   * label stands inside of the state.
   */
  readonly points: readonly (readonly Point[])[];
  readonly label: Box & { readonly lines: readonly string[] };
};

/**
 * A dot that is no state: `initial` leads to the state that is entered first, `any` is where transitions begin that a
 * state with states in it has in all of them.
 */
export type Mark = {
  readonly kind: 'initial' | 'any';
  /** The state that it stands in. */
  readonly state: string;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  /** Of the arrow that begins at an `initial` one; those of `any` belong to their transitions. */
  readonly points: readonly (readonly Point[])[];
};

/** Where everything of a chart stands; absolute coordinates, so that nothing has to be measured where it is drawn. */
export type Layout = {
  readonly width: number;
  readonly height: number;
  readonly states: Readonly<Record<string, StateLayout>>;
  readonly transitions: Readonly<Record<string, TransitionLayout>>;
  readonly marks: readonly Mark[];
};

/**
 * Sizes in pixels. Text is monospaced, so that its width is a matter of counting; an advance of 0.602 em fits the usual
 * monospaced faces, and a narrower one only leaves room.
 */
export const metrics = {
  titlePx: 13,
  textPx: 11,
  linePx: 15,
  titleHeightPx: 26,
  paddingPx: 10,
  labelPaddingPx: 4,
  markRadiusPx: 5,
} as const;

const advanceEm = 0.602;

export const titleWidthPx = (text: string): number => Math.ceil(text.length * metrics.titlePx * advanceEm);
export const textWidthPx = (text: string): number => Math.ceil(text.length * metrics.textPx * advanceEm);

/** Conditions are shown up to here; the whole one stands in the table of the machine's page. */
const maxGuardChars = 34;

const cut = (text: string): string =>
  text.length > maxGuardChars ? `${text.slice(0, maxGuardChars - 1)}…` : text;

/** What is written on a transition, line by line: the event, and the condition in brackets. */
export const labelLines = ({ label, guard }: ChartTransition): readonly string[] =>
  guard === null ? [label] : [label, `[${cut(guard)}]`];

/** The same in one line, for a transition that is listed inside of its state. */
export const labelLine = (transition: ChartTransition): string => labelLines(transition).join(' ');

/** A region of a parallel state says so, because nothing leads into it. */
export const titleOf = ({ key, type }: ChartState): string => (type === 'history' ? `${key} (history)` : key);

/** What runs while a state is active. */
export const invokeLines = ({ invokes }: ChartState): readonly string[] =>
  invokes.map(({ id, src }) => (id === src ? `▸ ${src}` : `▸ ${id}: ${src}`));
