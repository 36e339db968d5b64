import { describe, expect, it } from 'vitest';

import type { Neuron, SubnetSnapshot } from '#src/domain/metagraph.ts';
import { pruningOrder, pruningOutlook } from '#src/domain/pruning.ts';
import { neuron, subnetAt } from '#test/support/machinesSubnet.ts';

/** Block 1000, immunity 100 blocks; each neuron as [emission, registered at]. */
const subnetOf = (
  rows: readonly (readonly [emissionRao: number, blockAtRegistration: number])[],
  given: Partial<SubnetSnapshot> = {},
  minNonImmuneUids = 0,
): SubnetSnapshot => {
  const base = subnetAt({ block: 1_000 });
  return {
    ...base,
    hyperparameters: {
      ...base.hyperparameters,
      immunityPeriodBlocks: 100,
      minNonImmuneUids,
      maxAllowedUids: rows.length,
    },
    neurons: rows.map(
      ([emissionRao, blockAtRegistration], uid): Neuron => ({
        ...neuron(uid, `5Key${uid}`, 1),
        emissionRao,
        blockAtRegistration,
      }),
    ),
    ...given,
  };
};

describe('domain / pruning', () => {
  it('takes the lowest emission, then the oldest registration, then the lowest uid', () => {
    const rows = [
      [5, 10],
      [1, 30],
      [1, 20],
      [1, 20],
    ] as const;
    expect(pruningOrder(subnetOf(rows))).toEqual([2, 3, 1, 0]);
  });

  it('takes the immune last, and spares a minimum of those that are not', () => {
    const rows = [
      [0, 950],
      [9, 10],
      [1, 10],
      [5, 10],
    ] as const;
    expect(pruningOrder(subnetOf(rows))).toEqual([2, 3, 1, 0]);
    expect(pruningOrder(subnetOf(rows, {}, 2))).toEqual([2, 0]);
    expect(pruningOrder(subnetOf(rows, {}, 3))).toEqual([0]);
  });

  it('never takes the hotkey of the owner, nor the first one of its coldkey', () => {
    const subnet = subnetOf([
      [0, 10],
      [0, 20],
      [0, 30],
    ]);
    const neurons = subnet.neurons.map((one) => ({
      ...one,
      coldkey: one.uid === 2 ? 'cold-other' : 'cold-owner',
    }));
    expect(pruningOrder({ ...subnet, neurons, ownerHotkey: '5Key1' })).toEqual([2]);
  });

  it('tells one hotkey its place, the free places and its immunity', () => {
    const rows = [
      [3, 10],
      [1, 950],
    ] as const;
    const subnet = subnetOf(rows);
    expect(pruningOutlook(subnet, '5Key0')).toEqual({
      rank: 1,
      candidates: 2,
      freePlaces: 0,
      immunityLeftBlocks: 0,
      immuneUntilBlock: 110,
    });
    expect(pruningOutlook(subnet, '5Key1')).toMatchObject({ rank: 2, immunityLeftBlocks: 50 });
    expect(pruningOutlook(subnetOf(rows, {}, 1), '5Key0')).toMatchObject({ rank: null, candidates: 1 });
    expect(pruningOutlook(subnet, '5Nobody')).toBeNull();
  });
});
