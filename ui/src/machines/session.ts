import type { ActorView, InspectionEntry, InspectionHello } from '../../../src/domain/view/inspection.ts';

export type Actors = ReadonlyMap<string, ActorView>;

/** What a viewer knows: a bounded stretch of entries, and all actors before and after it. Never changed in place. */
export type Session = {
  /** Before the first of `entries`; what is not known of that moment is empty. */
  readonly base: Actors;
  /** Oldest first. */
  readonly entries: readonly InspectionEntry[];
  /** After the last of `entries`. */
  readonly actors: Actors;
  /** Entries that this viewer never got. */
  readonly dropped: number;
};

/** Entries kept for stepping back: some seconds of a busy system, minutes of a usual one. */
export const maxEntries = 5_000;
/** Entries over the bound before they are cut off, so that not every batch rebuilds the base. */
const slack = 1_000;
/** Ended actors that are still shown. */
export const maxEnded = 200;

export const emptySession: Session = { base: new Map(), entries: [], actors: new Map(), dropped: 0 };

const countEvent = (actors: Map<string, ActorView>, to: string): void => {
  const actor = actors.get(to);
  if (actor !== undefined) actors.set(to, { ...actor, events: actor.events + 1 });
};

const move = (
  actors: Map<string, ActorView>,
  entry: Extract<InspectionEntry, { readonly kind: 'moved' }>,
): void => {
  const actor = actors.get(entry.actor);
  if (actor === undefined) return;
  actors.set(entry.actor, {
    ...actor,
    states: entry.states,
    // A change of the context alone took no transition.
    lastTransitions: entry.transitions.length > 0 ? entry.transitions : actor.lastTransitions,
    context: entry.context ?? actor.context,
  });
};

/** Applies one entry to actors that nobody else holds. Entries about actors that are not known change nothing. */
const apply = (actors: Map<string, ActorView>, entry: InspectionEntry): void => {
  if (entry.kind === 'born') actors.set(entry.actor.sessionId, entry.actor);
  else if (entry.kind === 'event') countEvent(actors, entry.to);
  else if (entry.kind === 'moved') move(actors, entry);
  else if (entry.kind === 'ended') {
    const actor = actors.get(entry.actor);
    if (actor !== undefined) actors.set(entry.actor, { ...actor, status: entry.status });
  }
};

/** Lets the ended actors that were born first go, beyond `maxEnded`. */
const forgetEnded = (actors: Map<string, ActorView>): void => {
  let ended = 0;
  for (const actor of actors.values()) if (actor.status !== 'active') ended += 1;
  for (const [id, actor] of actors) {
    if (ended <= maxEnded) return;
    if (actor.status === 'active') continue;
    actors.delete(id);
    ended -= 1;
  }
};

const applied = (before: Actors, entries: readonly InspectionEntry[]): Actors => {
  const actors = new Map(before);
  for (const entry of entries) apply(actors, entry);
  forgetEnded(actors);
  return actors;
};

/** An actor as it was before the entries about it; what they do not tell of that time is empty. */
const before = (actor: ActorView, entries: readonly InspectionEntry[]): ActorView => {
  let { states, lastTransitions, context, status, events } = actor;
  for (const entry of entries) {
    if (entry.kind === 'event') events -= 1;
    else if (entry.kind === 'ended') status = 'active';
    else if (entry.kind === 'moved') {
      states = [];
      lastTransitions = [];
      if (entry.context !== null) context = {};
    }
  }
  return { ...actor, states, lastTransitions, context, status, events: Math.max(0, events) };
};

const subjectOf = (entry: InspectionEntry): string => {
  if (entry.kind === 'born') return entry.actor.sessionId;
  return entry.kind === 'event' ? entry.to : entry.actor;
};

/** All actors before the entries of a `hello`, whose effects are in its actors already. */
const rewound = (hello: InspectionHello): Actors => {
  const about = Map.groupBy(hello.entries, subjectOf);
  const born = new Set(hello.entries.filter(({ kind }) => kind === 'born').map(subjectOf));
  const older = hello.actors.filter(({ sessionId }) => !born.has(sessionId));
  return new Map(older.map((actor) => [actor.sessionId, before(actor, about.get(actor.sessionId) ?? [])]));
};

const bounded = (session: Session): Session => {
  const excess = session.entries.length - maxEntries;
  if (excess <= slack) return session;
  return {
    ...session,
    base: applied(session.base, session.entries.slice(0, excess)),
    entries: session.entries.slice(excess),
  };
};

/** The session as a viewer's first message tells it. Works for an exported session as well. */
export const sessionOf = (hello: InspectionHello): Session =>
  bounded({
    base: rewound(hello),
    entries: hello.entries,
    actors: new Map(hello.actors.map((actor) => [actor.sessionId, actor])),
    dropped: hello.dropped,
  });

/** The session after further entries; those that it has already are left out. */
export const withEntries = (session: Session, entries: readonly InspectionEntry[]): Session => {
  const last = session.entries.at(-1)?.seq ?? Number.NEGATIVE_INFINITY;
  const isNew = (entries[0]?.seq ?? last) > last;
  const fresh = isNew ? entries : entries.filter(({ seq }) => seq > last);
  if (fresh.length === 0) return session;
  return bounded({
    ...session,
    entries: [...session.entries, ...fresh],
    actors: applied(session.actors, fresh),
  });
};

/**
 * All actors after the first `count` entries of the session.
 * @param count between 0, the oldest moment known, and `entries.length`, the newest
 */
export const actorsAt = (session: Session, count: number): Actors =>
  count >= session.entries.length ? session.actors : applied(session.base, session.entries.slice(0, count));

/**
 * The count of entries after which one actor moved next, or last before; null where there is no such moment.
 * @param from a count of entries, as in `actorsAt`
 */
export const moveFrom = (options: {
  readonly session: Session;
  readonly actor: string;
  readonly from: number;
  readonly by: 1 | -1;
}): number | null => {
  const { session, actor, from, by } = options;
  for (let count = from + by; count > 0 && count <= session.entries.length; count += by) {
    const entry = session.entries[count - 1];
    if (entry?.kind === 'moved' && entry.actor === actor) return count;
  }
  return null;
};
