import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { ActorView, InspectionEntry } from '#src/domain/view/inspection.ts';
import {
  actorsAt,
  emptySession,
  maxEnded,
  maxEntries,
  moveFrom,
  type Session,
  sessionOf,
  withEntries,
} from '../../../ui/src/machines/session.ts';

const actor = (sessionId: string, fields: Partial<ActorView> = {}): ActorView => ({
  sessionId,
  id: sessionId,
  systemId: null,
  parent: null,
  chart: 'epoch',
  status: 'active',
  states: ['epoch.idle'],
  lastTransitions: [],
  context: { block: 0 },
  events: 0,
  ...fields,
});

const event = (seq: number, to: string): InspectionEntry => ({
  kind: 'event',
  seq,
  at: seq,
  from: null,
  to,
  event: 'go',
  detail: {},
});

const moved = (
  seq: number,
  of: string,
  state: string,
  fields: { readonly transitions?: readonly string[]; readonly context?: Record<string, unknown> } = {},
): InspectionEntry => ({
  kind: 'moved',
  seq,
  at: seq,
  actor: of,
  by: 'go',
  transitions: fields.transitions ?? [`epoch.idle~${seq}`],
  states: [`epoch.${state}`],
  context: fields.context ?? null,
});

const hello = (actors: readonly ActorView[], entries: readonly InspectionEntry[] = []) =>
  sessionOf({ actors, entries, dropped: 0 });

const statesOf = (session: Session, count: number, id: string): readonly string[] | undefined =>
  actorsAt(session, count).get(id)?.states;

describe('ui / machines / session', () => {
  it('applies births, events, moves and ends in their order', () => {
    const session = withEntries(hello([actor('x:0')]), [
      { kind: 'born', seq: 1, at: 1, actor: actor('x:1', { parent: 'x:0' }) },
      event(2, 'x:1'),
      moved(3, 'x:1', 'busy', { context: { block: 7 } }),
      { kind: 'ended', seq: 4, at: 4, actor: 'x:1', status: 'done' },
    ]);
    expect(session.actors.get('x:1')).toEqual(
      actor('x:1', {
        parent: 'x:0',
        status: 'done',
        states: ['epoch.busy'],
        lastTransitions: ['epoch.idle~3'],
        context: { block: 7 },
        events: 1,
      }),
    );
  });

  it('keeps the last transitions where only the context has changed', () => {
    const session = withEntries(hello([actor('x:0')]), [
      moved(1, 'x:0', 'busy'),
      moved(2, 'x:0', 'busy', { transitions: [], context: { block: 2 } }),
    ]);
    expect(session.actors.get('x:0')).toMatchObject({
      lastTransitions: ['epoch.idle~1'],
      context: { block: 2 },
    });
  });

  it('ignores entries about actors that it does not know', () => {
    const before = hello([actor('x:0')]);
    const after = withEntries(before, [event(1, 'x:9'), moved(2, 'x:9', 'busy')]);
    expect(after.actors).toEqual(before.actors);
    expect(after.entries).toHaveLength(2);
  });

  it('leaves out entries that it has already', () => {
    const session = withEntries(hello([actor('x:0')]), [event(1, 'x:0'), event(2, 'x:0')]);
    const again = withEntries(session, [event(2, 'x:0'), event(3, 'x:0')]);
    expect(again.entries.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(again.actors.get('x:0')?.events).toBe(3);
    expect(withEntries(again, [event(3, 'x:0')])).toBe(again);
  });

  it('shows the actors of any earlier moment', () => {
    const session = withEntries(hello([actor('x:0')]), [
      moved(1, 'x:0', 'a'),
      moved(2, 'x:0', 'b'),
      moved(3, 'x:0', 'c'),
    ]);
    const seen = [0, 1, 2, 3].map((count) => statesOf(session, count, 'x:0'));
    expect(seen).toEqual([['epoch.idle'], ['epoch.a'], ['epoch.b'], ['epoch.c']]);
  });

  it('goes back behind a hello as far as its entries tell', () => {
    const session = hello(
      [actor('x:0', { states: ['epoch.b'], events: 5 }), actor('x:1', { parent: 'x:0' }), actor('x:2')],
      [
        event(1, 'x:0'),
        moved(2, 'x:0', 'a'),
        { kind: 'born', seq: 3, at: 3, actor: actor('x:1', { parent: 'x:0' }) },
        moved(4, 'x:0', 'b'),
      ],
    );
    // Of the time before the first move nothing is known.
    expect(actorsAt(session, 0).get('x:0')).toMatchObject({ states: [], events: 4 });
    expect(actorsAt(session, 2).has('x:1')).toBe(false);
    expect(statesOf(session, 3, 'x:0')).toEqual(['epoch.a']);
    expect(statesOf(session, 0, 'x:2')).toEqual(['epoch.idle']);
    expect(actorsAt(session, 4)).toBe(session.actors);
  });

  it('stays bounded, and still knows where its oldest moment begins', () => {
    let session = hello([actor('x:0')]);
    for (let first = 1; first < 12_000; first += 500) {
      session = withEntries(
        session,
        Array.from({ length: 500 }, (_, index) => moved(first + index, 'x:0', `s${first + index}`)),
      );
    }
    expect(session.entries.length).toBeLessThanOrEqual(maxEntries + 1_000);
    const oldest = session.entries[0]?.seq ?? 0;
    expect(statesOf(session, 0, 'x:0')).toEqual([`epoch.s${oldest - 1}`]);
  });

  it('forgets the ended actors that are oldest', () => {
    const births = Array.from({ length: maxEnded + 50 }, (_, index): readonly InspectionEntry[] => [
      { kind: 'born', seq: 2 * index + 1, at: 0, actor: actor(`x:${index}`) },
      { kind: 'ended', seq: 2 * index + 2, at: 0, actor: `x:${index}`, status: 'done' },
    ]).flat();
    const session = withEntries(hello([actor('root')]), births);
    expect(session.actors.size).toBe(maxEnded + 1);
    expect(session.actors.has('x:49')).toBe(false);
    expect(session.actors.has('x:50')).toBe(true);
  });

  it('finds the next and the last move of an actor', () => {
    const session = withEntries(hello([actor('x:0'), actor('x:1')]), [
      moved(1, 'x:0', 'a'),
      event(2, 'x:0'),
      moved(3, 'x:1', 'a'),
      moved(4, 'x:0', 'b'),
    ]);
    const from = (count: number, by: 1 | -1) => moveFrom({ session, actor: 'x:0', from: count, by });
    expect([from(0, 1), from(1, 1), from(4, 1)]).toEqual([1, 4, null]);
    expect([from(4, -1), from(1, -1)]).toEqual([1, null]);
  });

  it('gives the same actors however the entries are cut into batches', () => {
    const id = fc.constantFrom('x:0', 'x:1', 'x:2');
    const step = fc.record({ id, state: fc.constantFrom('a', 'b'), isMove: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (steps, size) => {
        const entries = steps.map(({ id: to, state, isMove }, index) =>
          isMove ? moved(index + 1, to, state) : event(index + 1, to),
        );
        const start = hello([actor('x:0'), actor('x:1'), actor('x:2')]);
        const whole = withEntries(start, entries);
        let cut = start;
        for (let at = 0; at < entries.length; at += size)
          cut = withEntries(cut, entries.slice(at, at + size));
        expect(cut.actors).toEqual(whole.actors);
        // What a later viewer is told goes back to the same moments, where it knows them.
        const late = sessionOf({ actors: [...whole.actors.values()], entries, dropped: 0 });
        for (const [sessionId, { states }] of actorsAt(late, entries.length >> 1)) {
          if (states.length > 0) expect(states).toEqual(statesOf(whole, entries.length >> 1, sessionId));
        }
      }),
    );
  });

  it('begins empty', () => {
    expect(withEntries(emptySession, []).actors.size).toBe(0);
  });
});
