import { describe, expect, it } from 'vitest';

import { epochsSince, weightLag } from '#src/domain/weightLag.ts';
import { neuron, subnetAt } from '#test/support/machinesSubnet.ts';

const position = { epochIndex: 20, lastEpochBlock: 7_200, tempo: 360 };

describe('domain / weightLag', () => {
  it.each([
    [7_300, 0],
    [7_200, 0],
    [7_199, 1],
    [6_840, 1],
    [6_839, 2],
    [6_480, 2],
    [6_479, 3],
    [0, 20],
  ])('counts the epochs since block %d', (lastUpdate, since) => {
    expect(epochsSince(position, lastUpdate)).toBe(since);
  });

  it('counts no more epochs than there were, and none where none ever runs', () => {
    expect(epochsSince({ ...position, epochIndex: 3 }, 0)).toBe(3);
    expect(epochsSince({ ...position, tempo: 0 }, 0)).toBe(0);
  });

  it('is not behind while the present epoch may still get its weights', () => {
    const lagAt = (lastUpdate: number) =>
      weightLag(
        subnetAt({
          epochIndex: 20,
          lastEpochBlock: 7_200,
          nextEpochBlock: 7_560,
          neurons: [{ ...neuron(0, '5Own', null), lastUpdate }],
        }),
        '5Own',
      );
    expect(lagAt(7_250)).toEqual({ epoch: 20, lastUpdate: 7_250, epochsSince: 0, behind: 0 });
    expect(lagAt(7_000)).toMatchObject({ epochsSince: 1, behind: 0 });
    expect(lagAt(6_800)).toMatchObject({ epochsSince: 2, behind: 1 });
    expect(lagAt(6_000)).toMatchObject({ behind: 3 });
    expect(weightLag(subnetAt({}), '5Own')).toBeNull();
  });
});
