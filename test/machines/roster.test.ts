import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  applyChange,
  candidatesOf,
  linkCounts,
  type Roster,
  recordLink,
  rosterChange,
} from '#src/machines/roster.ts';
import { axonAt, neuron, subnetAt } from '#test/support/machinesSubnet.ts';

const own = '5Own';
const maxSessions = 256;

/** Metagraphs in which hotkeys come and go, move, publish and withdraw their axon; some names are odd on purpose. */
const hotkeys = fc.constantFrom('5A', '5B', '5C', '5D', own, '__proto__', 'constructor');
const subnets = fc
  .uniqueArray(fc.tuple(hotkeys, fc.option(fc.integer({ min: 1, max: 3 }))), {
    selector: ([hotkey]) => hotkey,
  })
  .map((rows) => subnetAt({ neurons: rows.map(([hotkey, port], uid) => neuron(uid, hotkey, port)) }));

const follow = (roster: Roster, subnet: ReturnType<typeof subnetAt>): Roster =>
  applyChange(roster, rosterChange({ roster, subnet, ownHotkey: own, maxSessions }));

const rosters = fc
  .tuple(subnets, fc.array(fc.tuple(hotkeys, fc.constantFrom('ready' as const, 'lost' as const))))
  .map(([subnet, links]) =>
    links.reduce((roster, [hotkey, link]) => recordLink(roster, hotkey, link), follow({}, subnet)),
  );

describe('machines / roster', () => {
  it('has exactly the other neurons with an axon after a change', () => {
    fc.assert(
      fc.property(rosters, subnets, (roster, subnet) => {
        const wanted = subnet.neurons.flatMap(({ hotkey, axon }) =>
          axon === null || hotkey === own ? [] : [[hotkey, axon] as const],
        );
        const followed = Object.entries(follow(roster, subnet)).map(
          ([hotkey, entry]) => [hotkey, entry.axon] as const,
        );
        expect(new Map(followed)).toEqual(new Map(wanted));
      }),
    );
  });

  it('changes nothing when nothing changed', () => {
    fc.assert(
      fc.property(rosters, subnets, (roster, subnet) => {
        const followed = follow(roster, subnet);
        expect(rosterChange({ roster: followed, subnet, ownHotkey: own, maxSessions })).toEqual({
          joined: [],
          moved: [],
          left: [],
        });
        expect(follow(followed, subnet)).toEqual(followed);
      }),
    );
  });

  it('names everybody in at most one part of a change', () => {
    fc.assert(
      fc.property(rosters, subnets, (roster, subnet) => {
        const { joined, moved, left } = rosterChange({ roster, subnet, ownHotkey: own, maxSessions });
        const named = [...joined, ...moved].map(({ hotkey }) => hotkey).concat(left);
        expect(new Set(named).size).toBe(named.length);
      }),
    );
  });

  it('keeps what it knows of those who stayed where they were', () => {
    const before = recordLink(
      follow({}, subnetAt({ neurons: [neuron(1, '5A', 1), neuron(2, '5B', 1)] })),
      '5A',
      'ready',
    );
    const after = follow(before, subnetAt({ neurons: [neuron(1, '5A', 1), neuron(2, '5C', 1)] }));
    expect(after).toEqual({ '5A': before['5A'], '5C': { axon: axonAt(1), link: 'first' } });
  });

  it('counts a miner that moved as lost, unless its first dial has not ended yet', () => {
    const both = follow({}, subnetAt({ neurons: [neuron(1, '5A', 1), neuron(2, '5B', 1)] }));
    const moved = follow(
      recordLink(both, '5A', 'ready'),
      subnetAt({ neurons: [neuron(1, '5A', 2), neuron(2, '5B', 2)] }),
    );
    expect(moved['5A']).toEqual({ axon: axonAt(2), link: 'lost' });
    expect(moved['5B']).toEqual({ axon: axonAt(2), link: 'first' });
  });

  it('ignores the report of somebody who left', () => {
    expect(recordLink({}, '5A', 'ready')).toEqual({});
    expect(recordLink({}, 'constructor', 'lost')).toEqual({});
  });

  it('asks only those whose first dial has ended, in the order of uids', () => {
    const subnet = subnetAt({ neurons: [neuron(0, '5A', 1), neuron(1, '5B', 1), neuron(2, '5C', 1)] });
    const roster = recordLink(recordLink(follow({}, subnet), '5C', 'ready'), '5A', 'lost');
    expect(candidatesOf(roster, subnet)).toEqual([
      { uid: 0, hotkey: '5A', stake: 0 },
      { uid: 2, hotkey: '5C', stake: 20 },
    ]);
    expect(linkCounts(roster)).toEqual({ ready: 1, dialing: 1 });
  });

  it('asks nobody who is in the roster but no longer in the subnet', () => {
    const roster = recordLink(follow({}, subnetAt({ neurons: [neuron(0, '5A', 1)] })), '5A', 'ready');
    expect(candidatesOf(roster, subnetAt({ neurons: [] }))).toEqual([]);
  });

  it('starves nobody where there are more miners than sessions: the turn goes round by epoch', () => {
    const neurons = Array.from({ length: 7 }, (_, uid) => neuron(uid, `5M${uid}`, 1));
    const served = [7, 8, 9].map((epochIndex) => {
      const subnet = subnetAt({ neurons, epochIndex });
      return Object.keys(
        applyChange({}, rosterChange({ roster: {}, subnet, ownHotkey: own, maxSessions: 3 })),
      );
    });
    expect(served.map((hotkeys) => hotkeys.length)).toEqual([3, 3, 3]);
    expect(new Set(served.flat()).size).toBe(7);
  });

  it('dials no neuron that acts as a validator, although it publishes an axon', () => {
    const validating = { ...neuron(1, '5V', 1), validatorPermit: true, lastUpdate: 50 };
    const idle = { ...neuron(2, '5P', 1), validatorPermit: true, lastUpdate: 0 };
    expect(Object.keys(follow({}, subnetAt({ neurons: [validating, idle] })))).toEqual(['5P']);
  });

  it('holds no more sessions than it may', () => {
    const neurons = Array.from({ length: 300 }, (_, uid) => neuron(uid, `5M${uid}`, 1));
    expect(Object.keys(follow({}, subnetAt({ neurons })))).toHaveLength(maxSessions);
  });
});
