import { describe, expect, it } from 'vitest';

import type { Neuron } from '#src/domain/metagraph.ts';
import { countChanges, metagraphDiff } from '#src/domain/metagraphDiff.ts';
import { axonAt, neuron, subnetAt } from '#test/support/machinesSubnet.ts';

const a = neuron(0, '5A', null);
const b = neuron(1, '5B', 8_001);
const c = neuron(2, '5C', 8_002);
const between = (before: readonly Neuron[], after: readonly Neuron[]) =>
  metagraphDiff(subnetAt({ neurons: before }), subnetAt({ neurons: after, block: 110 }));

describe('domain / metagraphDiff', () => {
  it('is empty where nothing that lasts has changed', () => {
    const busier = { ...b, stake: 99, incentive: 0.5, emissionRao: 7, lastUpdate: 105, active: false };
    expect(between([a, b, c], [a, busier, c])).toEqual([]);
  });

  it('tells a new uid from one that was taken over', () => {
    expect(between([a], [a, b])).toEqual([{ type: 'registered', hotkey: '5B', uid: 1 }]);
    expect(between([a, b], [a, neuron(1, '5D', 8_003)])).toEqual([
      { type: 'replaced', hotkey: '5D', uid: 1, former: '5B' },
      { type: 'left', hotkey: '5B', uid: 1 },
    ]);
  });

  it('follows hotkeys when uids are renumbered', () => {
    expect(between([a, b, c], [a, { ...c, uid: 1 }])).toEqual([
      { type: 'moved', hotkey: '5C', from: 2, to: 1 },
      { type: 'left', hotkey: '5B', uid: 1 },
    ]);
    expect(between([b, c], [neuron(1, '5D', 1), { ...b, uid: 2 }])).toEqual([
      { type: 'replaced', hotkey: '5D', uid: 1, former: '5B' },
      { type: 'moved', hotkey: '5B', from: 1, to: 2 },
      { type: 'left', hotkey: '5C', uid: 2 },
    ]);
  });

  it('sees that a hotkey was away between the two', () => {
    const again = { ...b, blockAtRegistration: 107, axon: null };
    expect(between([a, b], [a, again])).toEqual([
      { type: 'reregistered', hotkey: '5B', uid: 1, block: 107 },
      { type: 'axonChanged', hotkey: '5B', uid: 1, from: axonAt(8_001), to: null },
    ]);
  });

  it('reports permits and addresses', () => {
    const after = [
      { ...a, validatorPermit: false },
      { ...b, validatorPermit: true, axon: axonAt(9_000) },
    ];
    expect(between([a, b], after)).toEqual([
      { type: 'permitLost', hotkey: '5A', uid: 0 },
      { type: 'permitGained', hotkey: '5B', uid: 1 },
      { type: 'axonChanged', hotkey: '5B', uid: 1, from: axonAt(8_001), to: axonAt(9_000) },
    ]);
  });

  it('names each rule that was changed', () => {
    const before = subnetAt({});
    const hyperparameters = { ...before.hyperparameters, tempo: 720, commitRevealWeightsEnabled: true };
    expect(metagraphDiff(before, subnetAt({ hyperparameters }))).toEqual([
      { type: 'ruleChanged', rule: 'tempo', from: 360, to: 720 },
      { type: 'ruleChanged', rule: 'commitRevealWeightsEnabled', from: false, to: true },
    ]);
  });

  it('applied to the older neurons, gives the hotkeys and uids of the newer ones', () => {
    // Deterministic shuffles of up to 8 hotkeys over uids.
    const names = ['5A', '5B', '5C', '5D', '5E', '5F', '5G', '5H'];
    const subnet = (seed: number) => {
      const order = names.toSorted((one, other) => rank(one, seed) - rank(other, seed));
      return order.slice(0, 3 + (seed % 5)).map((hotkey, uid) => neuron(uid, hotkey, null));
    };
    for (let seed = 0; seed < 40; seed += 1) {
      const [before, after] = [subnet(seed), subnet(seed * 7 + 3)];
      const uids = new Map(before.map(({ hotkey, uid }) => [hotkey, uid]));
      for (const change of between(before, after)) {
        if (change.type === 'left') uids.delete(change.hotkey);
        if (change.type === 'registered' || change.type === 'replaced') uids.set(change.hotkey, change.uid);
        if (change.type === 'moved') uids.set(change.hotkey, change.to);
      }
      expect([...uids].toSorted()).toEqual(after.map(({ hotkey, uid }) => [hotkey, uid]).toSorted());
    }
  });

  it('counts by kind', () => {
    const changes = between([a, b], [a, neuron(1, '5D', 1), c]);
    expect(countChanges(changes)).toEqual({ replaced: 1, registered: 1, left: 1 });
    expect(countChanges([])).toEqual({});
  });
});

/** A pseudo-random place of a name under a seed. */
const rank = (name: string, seed: number): number =>
  ((name.charCodeAt(1) * 2_654_435_761 + seed * 40_503) >>> 0) % 1_009;
