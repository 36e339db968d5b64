import type { InspectionEntry } from '../../../src/domain/view/inspection.ts';
import { eventLabel } from '../../../src/inspector/labels.ts';
import type { Actors } from './session.ts';
import { actorName, leavesOf, shortId } from './tree.ts';

export type EntryKind = InspectionEntry['kind'];

export const kindWords: Readonly<Record<EntryKind, string>> = {
  event: 'event',
  moved: 'moved',
  born: 'started',
  ended: 'ended',
  unknown: 'not known',
};

export type EntryLine = { readonly who: string; readonly what: string; readonly more: string };

/** An event as a reader knows it: `after roundDeadline` and not `xstate.after.roundDeadline.round.asking`. */
export const eventText = (type: string): string => {
  const [, delay] = /^xstate\.after\.([^.]+)\./.exec(type) ?? [];
  return delay === undefined ? eventLabel(type) : `after ${delay}`;
};

const nameOf = (actors: Actors, id: string | null): string => {
  if (id === null) return 'outside';
  const actor = actors.get(id);
  return actor === undefined ? id : shortId(actorName(actor));
};

const isEmpty = (fields: Readonly<Record<string, unknown>>): boolean => Object.keys(fields).length === 0;

const fieldsText = (fields: Readonly<Record<string, unknown>>): string =>
  isEmpty(fields)
    ? ''
    : Object.entries(fields)
        .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
        .join(' ');

const leavesText = (states: readonly string[]): string =>
  leavesOf(states)
    .map((id) => id.slice(id.indexOf('.') + 1))
    .join(' · ');

/** An entry in words: about whom, what happened, and its particulars. */
export const entryLine = (entry: InspectionEntry, actors: Actors): EntryLine => {
  if (entry.kind === 'event') {
    const who = `${nameOf(actors, entry.from)} → ${nameOf(actors, entry.to)}`;
    return { who, what: eventText(entry.event), more: fieldsText(entry.detail) };
  }
  if (entry.kind === 'born') {
    const { actor } = entry;
    return { who: shortId(actorName(actor)), what: 'started', more: leavesText(actor.states) };
  }
  const who = nameOf(actors, entry.actor);
  if (entry.kind === 'moved')
    return { who, what: leavesText(entry.states), more: `by ${eventText(entry.by)}` };
  if (entry.kind === 'ended') return { who, what: entry.status, more: '' };
  return { who, what: entry.event, more: 'no state takes it' };
};

export type EntryFilter = {
  /** Words that the event and the actors' names have to hold, all of them. */
  readonly text: string;
  readonly kind: EntryKind | 'all';
  /** Session id of the one actor that entries are to be about; null for any. */
  readonly actor: string | null;
};

const isAbout = (entry: InspectionEntry, actor: string): boolean => {
  if (entry.kind === 'born') return entry.actor.sessionId === actor;
  return entry.kind === 'event' ? entry.from === actor || entry.to === actor : entry.actor === actor;
};

/** The entries that pass a filter, oldest first. */
export const filtered = (
  entries: readonly InspectionEntry[],
  actors: Actors,
  { text, kind, actor }: EntryFilter,
): readonly InspectionEntry[] => {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0 && kind === 'all' && actor === null) return entries;
  return entries.filter((entry) => {
    if (kind !== 'all' && entry.kind !== kind) return false;
    if (actor !== null && !isAbout(entry, actor)) return false;
    if (words.length === 0) return true;
    const { who, what, more } = entryLine(entry, actors);
    const line = `${who} ${what} ${more}`.toLowerCase();
    return words.every((word) => line.includes(word));
  });
};
