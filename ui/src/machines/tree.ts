import type { ActorView } from '../../../src/domain/view/inspection.ts';
import type { Actors } from './session.ts';

export type TreeRow =
  | {
      readonly kind: 'actor';
      readonly key: string;
      readonly depth: number;
      readonly actor: ActorView;
      /** null for one without children. */
      readonly isOpen: boolean | null;
      /** Stands in a group, which says what it is. */
      readonly isMember: boolean;
      /** Rows that this one is told apart from by its number, from 1. */
      readonly position: number;
      readonly siblings: number;
    }
  | {
      readonly kind: 'group';
      readonly key: string;
      readonly depth: number;
      readonly name: string;
      readonly count: number;
      readonly isOpen: boolean;
      /** Most frequent first: state and how many are in it. */
      readonly states: readonly { readonly state: string; readonly count: number }[];
      readonly position: number;
      readonly siblings: number;
    };

/** Siblings of one kind from which on they are folded into one row. */
const foldFrom = 4;

/** Those of some states that have none of the others below them. */
export const leavesOf = (states: readonly string[]): readonly string[] =>
  states.filter((id) => !states.some((other) => other.startsWith(`${id}.`)));

/** The active states that have none below them, without the name of the machine: `asking.gathering · following`. */
export const stateLabel = (actor: ActorView): string => {
  const { states, chart } = actor;
  const prefix = `${chart ?? ''}.`;
  return leavesOf(states)
    .map((id) => (id.startsWith(prefix) ? id.slice(prefix.length) : id))
    .join(' · ');
};

/** `session` of `session/5F3s…`; null for an id that stands alone. */
export const groupName = (id: string): string | null => {
  const slash = id.indexOf('/');
  return slash > 0 ? id.slice(0, slash) : null;
};

const maxIdChars = 26;

/** Long keys within an id are shortened in the middle: `session/5F3sa2…Qk9T`. */
export const shortId = (id: string): string => {
  if (id.length <= maxIdChars) return id;
  const slash = id.indexOf('/') + 1;
  const head = id.slice(0, Math.max(slash + 6, 0));
  return head.length + 5 >= id.length ? id : `${head}…${id.slice(-4)}`;
};

/** Name of a member of a group, whose first part the group says. */
export const memberName = ({ id }: ActorView): string => shortId(id.slice(id.indexOf('/') + 1));

/** Further names of actors by their session ids, such as `uid 12`, to be found by and shown. */
export type Labels = ReadonlyMap<string, string>;
const noLabels: Labels = new Map();

/** A name for people: the one in the system where there is one. */
export const actorName = (actor: ActorView): string => actor.systemId ?? actor.id;

const matches = (actor: ActorView, label: string, words: readonly string[]): boolean => {
  const text =
    `${actor.id} ${actor.systemId ?? ''} ${actor.chart ?? ''} ${actor.status} ${actor.sessionId} ${stateLabel(actor)} ${label}`.toLowerCase();
  return words.every((word) => text.includes(word));
};

/** Ids of the actors to show for a search: those that match, and all above them; null shows all. */
const wantedFor = (actors: Actors, search: string, labels: Labels): ReadonlySet<string> | null => {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return null;
  const wanted = new Set<string>();
  for (const actor of actors.values()) {
    if (!matches(actor, labels.get(actor.sessionId) ?? '', words)) continue;
    for (let id: string | null = actor.sessionId; id !== null && !wanted.has(id); ) {
      wanted.add(id);
      id = actors.get(id)?.parent ?? null;
    }
  }
  return wanted;
};

const statesOf = (members: readonly ActorView[]): readonly { state: string; count: number }[] => {
  const counts = new Map<string, number>();
  for (const member of members) {
    const state = member.status === 'active' ? stateLabel(member) || 'active' : member.status;
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return [...counts].map(([state, count]) => ({ state, count })).sort((a, b) => b.count - a.count);
};

type Walk = {
  readonly children: ReadonlyMap<string | null, readonly ActorView[]>;
  /** Keys whose row is not as it is by default. */
  readonly toggled: ReadonlySet<string>;
  readonly isSearch: boolean;
  readonly rows: TreeRow[];
};

type Level = {
  readonly parent: string | null;
  readonly depth: number;
  /** Actors that are one of many stay closed, so that an opened group is a list and no forest. */
  readonly isOpenByDefault: boolean;
};

const isOpen = (walk: Walk, key: string, byDefault: boolean): boolean =>
  walk.isSearch || walk.toggled.has(key) !== byDefault;

const actorRow = (
  walk: Walk,
  options: {
    actor: ActorView;
    depth: number;
    byDefault: boolean;
    isMember: boolean;
    position: number;
    siblings: number;
  },
): void => {
  const { actor, depth, byDefault, isMember, position, siblings } = options;
  const key = actor.sessionId;
  const isParent = walk.children.has(key);
  const open = isParent ? isOpen(walk, key, byDefault) : null;
  walk.rows.push({ kind: 'actor', key, depth, actor, isOpen: open, isMember, position, siblings });
  if (open === true) level(walk, { parent: key, depth: depth + 1, isOpenByDefault: byDefault });
};

const level = (walk: Walk, { parent, depth, isOpenByDefault }: Level): void => {
  const members = walk.children.get(parent) ?? [];
  const groups = Map.groupBy(members, ({ id, sessionId }) => groupName(id) ?? ` ${sessionId}`);
  let position = 0;
  const count = [...groups.values()].reduce((sum, { length }) => sum + (length < foldFrom ? length : 1), 0);
  for (const [name, list] of groups) {
    if (list.length < foldFrom) {
      for (const actor of list) {
        position += 1;
        actorRow(walk, {
          actor,
          depth,
          byDefault: isOpenByDefault,
          isMember: false,
          position,
          siblings: count,
        });
      }
      continue;
    }
    position += 1;
    const key = `${parent ?? ''}>${name}`;
    const open = isOpen(walk, key, false);
    const head = { kind: 'group', key, depth, name, count: list.length, isOpen: open } as const;
    walk.rows.push({ ...head, states: statesOf(list), position, siblings: count });
    if (!open) continue;
    for (const [index, actor] of list.entries()) {
      const place = { position: index + 1, siblings: list.length };
      actorRow(walk, { actor, depth: depth + 1, byDefault: false, isMember: true, ...place });
    }
  }
};

/**
 * The rows of the actor tree, top to bottom.
 * @param toggled keys of rows that were opened or closed by hand
 * @param search words, all of which an actor has to match by its id, chart, status, state or label; opens everything
 */
export const treeRows = (
  actors: Actors,
  toggled: ReadonlySet<string>,
  search: string,
  labels: Labels = noLabels,
): readonly TreeRow[] => {
  const wanted = wantedFor(actors, search, labels);
  const known = [...actors.values()].filter(({ sessionId }) => wanted === null || wanted.has(sessionId));
  const isActive = ({ status }: ActorView): boolean => status === 'active';
  const shown = [...known.filter(isActive), ...known.filter((actor) => !isActive(actor))];
  // An actor whose parent is not known (forgotten, or before the buffer) stands at the top.
  const children = Map.groupBy(shown, ({ parent }) =>
    parent !== null && actors.has(parent) ? parent : null,
  );
  const walk: Walk = { children, toggled, isSearch: wanted !== null, rows: [] };
  level(walk, { parent: null, depth: 0, isOpenByDefault: true });
  return walk.rows;
};

/** The machine that a page without a choice shows: the root, or else the first machine. */
export const firstMachine = (actors: Actors): string | null => {
  for (const actor of actors.values())
    if (actor.chart !== null && actor.parent === null) return actor.sessionId;
  for (const actor of actors.values()) if (actor.chart !== null) return actor.sessionId;
  return null;
};
