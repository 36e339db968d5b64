import { describe, expect, it } from 'vitest';

import type { ActorView, InspectionEntry } from '#src/domain/view/inspection.ts';
import { entryLine, eventText, filtered } from '../../../ui/src/machines/entryText.ts';

const epoch: ActorView = {
  sessionId: 'x:1',
  id: 'epoch',
  systemId: null,
  parent: 'x:0',
  chart: 'epoch',
  status: 'active',
  states: ['epoch.rounds'],
  lastTransitions: [],
  context: {},
  events: 0,
};
const actors = new Map([['x:1', epoch]]);
const entries: readonly InspectionEntry[] = [
  { kind: 'born', seq: 1, at: 1, actor: epoch },
  {
    kind: 'event',
    seq: 2,
    at: 2,
    from: null,
    to: 'x:1',
    event: 'chain.block',
    detail: { block: 7, hash: '0xab' },
  },
  {
    kind: 'moved',
    seq: 3,
    at: 3,
    actor: 'x:1',
    by: 'xstate.after.pause.epoch.rounds',
    transitions: [],
    states: ['epoch.rounds', 'epoch.rounds.open'],
    context: null,
  },
  { kind: 'unknown', seq: 4, at: 4, actor: 'x:2', event: 'odd' },
  { kind: 'ended', seq: 5, at: 5, actor: 'x:1', status: 'done' },
];
const seqs = (found: readonly InspectionEntry[]): readonly number[] => found.map(({ seq }) => seq);
const all = { text: '', kind: 'all', actor: null } as const;

describe('ui / machines / entryText', () => {
  it('says of each kind about whom it is and what happened', () => {
    expect(entries.map((entry) => entryLine(entry, actors))).toEqual([
      { who: 'epoch', what: 'started', more: 'rounds' },
      { who: 'outside → epoch', what: 'chain.block', more: 'block=7 hash=0xab' },
      { who: 'epoch', what: 'rounds.open', more: 'by after pause' },
      { who: 'x:2', what: 'odd', more: 'no state takes it' },
      { who: 'epoch', what: 'done', more: '' },
    ]);
  });

  it("names XState's own events as the chart does", () => {
    expect(eventText('xstate.after.roundDeadline.round.asking')).toBe('after roundDeadline');
    expect(eventText('xstate.done.actor.planRound')).toBe('done planRound');
    expect(eventText('session.ready')).toBe('session.ready');
  });

  it('filters by kind, by actor and by words', () => {
    expect(seqs(filtered(entries, actors, { ...all, kind: 'moved' }))).toEqual([3]);
    expect(seqs(filtered(entries, actors, { ...all, actor: 'x:1' }))).toEqual([1, 2, 3, 5]);
    expect(seqs(filtered(entries, actors, { ...all, text: 'EPOCH block=7' }))).toEqual([2]);
    expect(filtered(entries, actors, all)).toBe(entries);
  });
});
