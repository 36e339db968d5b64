import { describe, expect, it } from 'vitest';

import type { ActorView } from '#src/domain/view/inspection.ts';
import { firstMachine, shortId, stateLabel, treeRows } from '../../../ui/src/machines/tree.ts';

const actor = (sessionId: string, id: string, fields: Partial<ActorView> = {}): ActorView => ({
  sessionId,
  id,
  systemId: null,
  parent: 'x:0',
  chart: 'minerSession',
  status: 'active',
  states: ['minerSession.linked', 'minerSession.linked.ready'],
  lastTransitions: [],
  context: {},
  events: 0,
  ...fields,
});

const root = actor('x:0', 'validator', { parent: null, chart: 'validator', states: ['validator.booting'] });
const many = Array.from({ length: 6 }, (_, index) => actor(`x:${index + 10}`, `session/${index}`));
const mapOf = (actors: readonly ActorView[]) => new Map(actors.map((one) => [one.sessionId, one]));
const keys = (rows: ReturnType<typeof treeRows>): readonly string[] => rows.map(({ key }) => key);

describe('ui / machines / tree', () => {
  it('folds many of one kind into one row with their states', () => {
    const gone = actor('x:20', 'session/gone', { status: 'done', states: [] });
    const rows = treeRows(mapOf([root, actor('x:1', 'epoch'), ...many, gone]), new Set(), '');
    expect(keys(rows)).toEqual(['x:0', 'x:1', 'x:0>session']);
    expect(rows[2]).toMatchObject({
      kind: 'group',
      count: 7,
      isOpen: false,
      states: [
        { state: 'linked.ready', count: 6 },
        { state: 'done', count: 1 },
      ],
    });
  });

  it('shows three of a kind as they are', () => {
    expect(keys(treeRows(mapOf([root, ...many.slice(0, 3)]), new Set(), ''))).toEqual([
      'x:0',
      'x:10',
      'x:11',
      'x:12',
    ]);
  });

  it('opens and closes what was pressed', () => {
    const actors = mapOf([root, ...many]);
    expect(treeRows(actors, new Set(['x:0>session']), '')).toHaveLength(8);
    expect(keys(treeRows(actors, new Set(['x:0']), ''))).toEqual(['x:0']);
  });

  it('keeps the members of an open group closed', () => {
    const child = actor('x:30', 'link', { parent: 'x:10', chart: null, states: [] });
    const rows = treeRows(mapOf([root, ...many, child]), new Set(['x:0>session']), '');
    expect(rows.find(({ key }) => key === 'x:10')?.isOpen).toBe(false);
    expect(keys(rows)).not.toContain('x:30');
  });

  it('finds an actor by its state, with all that is above it', () => {
    const busy = actor('x:15', 'session/5', { states: ['minerSession.linked', 'minerSession.linked.busy'] });
    expect(keys(treeRows(mapOf([root, ...many.slice(0, 5), busy]), new Set(), 'SESSION busy'))).toEqual([
      'x:0',
      'x:15',
    ]);
  });

  it('finds an actor by a label of its own', () => {
    const labels = new Map([['x:13', 'uid 77']]);
    expect(keys(treeRows(mapOf([root, ...many]), new Set(), 'uid 77', labels))).toEqual(['x:0', 'x:13']);
  });

  it('puts what has ended below what runs', () => {
    const ended = actor('x:1', 'round', { status: 'done' });
    expect(keys(treeRows(mapOf([root, ended, actor('x:2', 'epoch')]), new Set(), ''))).toEqual([
      'x:0',
      'x:2',
      'x:1',
    ]);
  });

  it('puts an actor at the top whose parent is not known', () => {
    const rows = treeRows(mapOf([actor('x:7', 'lonely', { parent: 'x:99' })]), new Set(), '');
    expect(rows).toMatchObject([{ key: 'x:7', depth: 0 }]);
  });

  it('names the innermost states without the machine', () => {
    const epoch = actor('x:1', 'epoch', {
      chart: 'epoch',
      states: ['epoch.rounds', 'epoch.rounds.open', 'epoch.weights', 'epoch.weights.due'],
    });
    expect(stateLabel(epoch)).toBe('rounds.open · weights.due');
  });

  it('shortens a hotkey within an id', () => {
    expect(shortId('session/5F3sa2TJAWMqDhXG6jhV4N8ko9SxwGy8TpaNS1repo5EYjQX')).toBe('session/5F3sa2…YjQX');
    expect(shortId('weightSetting')).toBe('weightSetting');
  });

  it('chooses the root machine first', () => {
    expect(firstMachine(mapOf([actor('x:1', 'epoch'), root]))).toBe('x:0');
    expect(firstMachine(new Map())).toBeNull();
  });
});
