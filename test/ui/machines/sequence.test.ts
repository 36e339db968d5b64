import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { ActorView, InspectionEntry } from '#src/domain/view/inspection.ts';
import {
  charPx,
  headText,
  lifelineXs,
  maxMessages,
  messageText,
  sequenceOf,
} from '../../../ui/src/machines/sequence.ts';

const actor = (sessionId: string, id: string, parent: string | null): ActorView => ({
  sessionId,
  id,
  systemId: null,
  parent,
  chart: null,
  status: 'active',
  states: [],
  lastTransitions: [],
  context: {},
  events: 0,
});

const actors = new Map(
  [
    actor('x:0', 'validator', null),
    actor('x:1', 'epoch', 'x:0'),
    actor('x:2', 'round', 'x:1'),
    ...Array.from({ length: 20 }, (_, index) => actor(`x:${index + 10}`, `session/${index}`, 'x:0')),
  ].map((one) => [one.sessionId, one]),
);

const message = (seq: number, from: string | null, to: string, event: string): InspectionEntry => ({
  kind: 'event',
  seq,
  at: seq,
  from,
  to,
  event,
  detail: {},
});

describe('ui / machines / sequence', () => {
  it('shows what goes to and from the chosen actor, oldest first', () => {
    const entries = [
      message(1, null, 'x:0', 'start'),
      message(2, 'x:0', 'x:1', 'open'),
      message(3, 'x:1', 'x:2', 'go'),
      message(4, 'x:2', 'x:1', 'xstate.done.actor.round'),
    ];
    const { lifelines, messages } = sequenceOf(entries, actors, 'x:1');
    expect(lifelines.map(({ label }) => label)).toEqual(['validator', 'epoch', 'round']);
    expect(messages.map(({ from, to, event }) => `${from}>${to} ${event}`)).toEqual([
      '0>1 open',
      '1>2 go',
      '2>1 done round',
    ]);
  });

  it('folds the sessions into one line and says how many', () => {
    const entries = Array.from({ length: 10 }, (_, index) =>
      message(index, `x:${index + 10}`, 'x:0', 'session.ready'),
    );
    const { lifelines, messages } = sequenceOf(entries, actors, 'x:0');
    expect(lifelines).toHaveLength(2);
    expect(lifelines.map(headText)).toContain('10 × session');
    expect(messages).toHaveLength(1);
    expect(messages.map(messageText)).toEqual(['session.ready ×10']);
  });

  it('keeps a chosen session apart from the others', () => {
    const { lifelines } = sequenceOf([message(1, 'x:0', 'x:10', 'dial')], actors, 'x:10');
    expect(lifelines.map(({ label, isChosen }) => [label, isChosen])).toEqual([
      ['validator', false],
      ['session/0', true],
    ]);
  });

  it('never has more rows or lines than fit, and no text that runs into another', () => {
    const id = fc.constantFrom(
      ...actors.keys(),
      'x:98',
      'x:99',
      'x:100',
      'x:101',
      'x:102',
      'x:103',
      'x:104',
      'x:105',
    );
    const leg = fc.record({ other: id, isOut: fc.boolean(), event: fc.stringMatching(/^[a-z.]{1,60}$/) });
    fc.assert(
      fc.property(fc.array(leg, { maxLength: 80 }), (legs) => {
        const entries = legs.map(({ other, isOut, event }, seq) =>
          message(seq, isOut ? 'x:1' : other, isOut ? other : 'x:1', event),
        );
        const sequence = sequenceOf(entries, actors, 'x:1');
        const { lifelines, messages } = sequence;
        expect(messages.length).toBeLessThanOrEqual(maxMessages);
        expect(lifelines.length).toBeLessThanOrEqual(8);
        const { xs, width } = lifelineXs(sequence);
        for (const [index, line] of lifelines.entries()) {
          const half = (headText(line).length * charPx) / 2;
          const next = lifelines[index + 1];
          const right =
            next === undefined ? width : (xs[index + 1] ?? 0) - (headText(next).length * charPx) / 2;
          expect((xs[index] ?? 0) + half).toBeLessThanOrEqual(right);
        }
        for (const one of messages) {
          expect(one.from).toBeGreaterThanOrEqual(0);
          expect(one.to).toBeGreaterThanOrEqual(0);
          const left = xs[Math.min(one.from, one.to)] ?? 0;
          const end = one.from === one.to ? width : (xs[Math.max(one.from, one.to)] ?? 0);
          expect(left + messageText(one).length * charPx).toBeLessThanOrEqual(end);
        }
      }),
    );
  });
});
