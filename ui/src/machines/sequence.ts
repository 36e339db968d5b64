import type { ActorView, InspectionEntry } from '../../../src/domain/view/inspection.ts';
import { eventText } from './entryText.ts';
import type { Actors } from './session.ts';
import { actorName, groupName } from './tree.ts';

type EventEntry = Extract<InspectionEntry, { readonly kind: 'event' }>;

export type Lifeline = {
  readonly key: string;
  readonly label: string;
  /** Actors folded into this line. */
  readonly members: number;
  readonly isChosen: boolean;
};

export type Message = {
  readonly seq: number;
  readonly at: number;
  /** Indexes of lifelines. */
  readonly from: number;
  readonly to: number;
  readonly event: string;
  /** Equal messages in a row are one with their number. */
  readonly count: number;
};

export type Sequence = { readonly lifelines: readonly Lifeline[]; readonly messages: readonly Message[] };

export const maxMessages = 22;
const maxLifelines = 8;
/** Ends of equal messages that are looked at to count who took part. */
const maxEnds = 512;
/** What came from outside of the system: a first event, or one that was sent from plain code. */
const outside = 'outside';
const others = 'others';

type Fold = { readonly key: string; readonly label: string; readonly member: string };

const foldOf = (actors: Actors, id: string | null, chosen: string): Fold => {
  if (id === null) return { key: outside, label: outside, member: outside };
  const actor = actors.get(id);
  if (actor === undefined) return { key: id, label: id, member: id };
  const group = id === chosen ? null : groupName(actor.id);
  if (group === null) return { key: id, label: actorName(actor), member: id };
  return { key: `${actor.parent ?? ''}>${group}`, label: group, member: id };
};

type Leg = {
  readonly entry: EventEntry;
  readonly from: Fold;
  readonly to: Fold;
  count: number;
  /** Both ends of all that are counted here. */
  readonly ends: Fold[];
};

/** The last messages to and from the chosen actor, newest first, equal ones in a row counted. */
const legsOf = (entries: readonly InspectionEntry[], actors: Actors, chosen: string): readonly Leg[] => {
  const legs: Leg[] = [];
  for (let index = entries.length - 1; index >= 0; index -= 1) {
    const entry = entries[index];
    if (entry?.kind !== 'event' || (entry.from !== chosen && entry.to !== chosen)) continue;
    const from = foldOf(actors, entry.from, chosen);
    const to = foldOf(actors, entry.to, chosen);
    const last = legs.at(-1);
    const isSame = last?.entry.event === entry.event && last.from.key === from.key && last.to.key === to.key;
    if (isSame) {
      last.count += 1;
      if (last.ends.length < maxEnds) last.ends.push(from, to);
    } else if (legs.length === maxMessages) break;
    else legs.push({ entry, from, to, count: 1, ends: [from, to] });
  }
  return legs;
};

/** Lines in the order of the tree: who is above the chosen actor on its left, who is below on its right. */
const rankOf = (actors: Actors, key: string, chosen: ActorView | undefined): number => {
  if (key === outside) return 0;
  if (key === others) return 4;
  if (key === chosen?.sessionId) return 2;
  return key === chosen?.parent ? 1 : actors.get(key)?.parent === chosen?.parent ? 1.5 : 3;
};

/**
 * The newest messages between one actor and its neighbours; many of one kind (`session/…`) are one line. At most
 * `maxMessages` rows and eight lines, of which the one that was used longest ago gives way to `others`.
 */
export const sequenceOf = (entries: readonly InspectionEntry[], actors: Actors, chosen: string): Sequence => {
  const legs = legsOf(entries, actors, chosen);
  const members = new Map<string, { label: string; ids: Set<string> }>();
  const self = actors.get(chosen);
  members.set(chosen, { label: self === undefined ? chosen : actorName(self), ids: new Set([chosen]) });
  const place = (fold: Fold): void => {
    const key = members.has(fold.key) || members.size < maxLifelines - 1 ? fold.key : others;
    const line = members.get(key) ?? { label: key === others ? others : fold.label, ids: new Set() };
    members.set(key, line);
    line.ids.add(fold.member);
  };
  for (const { ends } of legs) for (const end of ends) place(end);
  const keys = [...members.keys()].sort((a, b) => rankOf(actors, a, self) - rankOf(actors, b, self));
  const indexOf = (fold: Fold): number => keys.indexOf(members.has(fold.key) ? fold.key : others);
  return {
    lifelines: keys.map((key) => ({
      key,
      label: members.get(key)?.label ?? key,
      members: members.get(key)?.ids.size ?? 1,
      isChosen: key === chosen,
    })),
    messages: legs.toReversed().map(({ entry, from, to, count }) => ({
      seq: entry.seq,
      at: entry.at,
      from: indexOf(from),
      to: indexOf(to),
      event: eventText(entry.event),
      count,
    })),
  };
};

/** Width of one character of the diagram's 12 px monospace font; rounded up, so that text takes no more than this. */
export const charPx = 7.4;
const gapPx = 28;
const padPx = 12;
const maxLabelChars = 28;
const maxHeadChars = 22;

export const shortened = (text: string, maxChars: number): string =>
  text.length <= maxChars ? text : `${text.slice(0, maxChars - 1)}…`;

export const headText = ({ label, members }: Lifeline): string =>
  shortened(members > 1 ? `${members} × ${label}` : label, maxHeadChars);

export const messageText = ({ event, count }: Message): string =>
  `${shortened(event, maxLabelChars)}${count > 1 ? ` ×${count}` : ''}`;

/**
 * Where the lifelines stand, in pixels. Heads never touch each other, and a label between two lines fits between
 * them, so that no text runs into another.
 */
export const lifelineXs = ({ lifelines, messages }: Sequence): { xs: readonly number[]; width: number } => {
  const widths = lifelines.map((line) => headText(line).length * charPx + padPx);
  const xs: number[] = [];
  for (const [index, width] of widths.entries()) {
    const left = xs[index - 1];
    const least =
      left === undefined ? width / 2 + 4 : left + (widths[index - 1] ?? 0) / 2 + width / 2 + gapPx;
    // Between its two lines a label needs its own width, the arrow's head, and air on both sides.
    const wanted = messages
      .filter(({ from, to }) => Math.max(from, to) === index && from !== to)
      .map(
        (message) =>
          (xs[Math.min(message.from, message.to)] ?? 0) + messageText(message).length * charPx + 32,
      );
    const hooks = messages
      .filter(({ from, to }) => from === index - 1 && to === index - 1)
      .map((message) => (left ?? 0) + messageText(message).length * charPx + 44);
    xs.push(Math.max(least, ...wanted, ...hooks));
  }
  const last = xs.at(-1) ?? 0;
  const hooks = messages
    .filter(({ from, to }) => from === lifelines.length - 1 && to === from)
    .map((message) => messageText(message).length * charPx + 44);
  return { xs, width: last + Math.max((widths.at(-1) ?? 0) / 2 + 4, ...hooks) };
};
