import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { actsAsValidator, minersInTurn, minersOf } from '#src/domain/population.ts';
import { neuron, subnetAt } from '#test/support/machinesSubnet.ts';

const own = '5Own';
const cutoff = subnetAt({}).hyperparameters.activityCutoffBlocks;
const block = 20_000;

const neuronWith = (given: { permit: boolean; lastUpdate: number; blockAtRegistration?: number }) => ({
  ...neuron(1, '5V', 8_091),
  validatorPermit: given.permit,
  lastUpdate: given.lastUpdate,
  blockAtRegistration: given.blockAtRegistration ?? 10_000,
});

const subnetOf = (count: number) =>
  subnetAt({ neurons: Array.from({ length: count }, (_, uid) => neuron(uid, `5M${uid}`, 8_091)) });

const turn = (count: number, epoch: number, maxMiners: number): readonly number[] =>
  minersInTurn({ subnet: subnetOf(count), ownHotkey: own, epoch, maxMiners }).map(({ uid }) => uid);

describe('domain / population', () => {
  it.each<[string, Parameters<typeof neuronWith>[0], boolean]>([
    ['has set weights lately', { permit: true, lastUpdate: block - 10 }, true],
    ['has set weights at the last block that counts', { permit: true, lastUpdate: block - cutoff }, true],
    [
      'has set no weights for longer than the cutoff',
      { permit: true, lastUpdate: block - cutoff - 1 },
      false,
    ],
    ['got a permit by its stake and never set weights', { permit: true, lastUpdate: 10_000 }, false],
    [
      'was registered a moment ago',
      { permit: true, lastUpdate: block - 1, blockAtRegistration: block - 1 },
      false,
    ],
    ['lost its permit', { permit: false, lastUpdate: block - 10 }, false],
  ])('tells validators by what they do: one that %s', (_, given, isValidator) => {
    const subnet = subnetAt({ block, neurons: [neuronWith(given)] });
    expect(actsAsValidator(neuronWith(given), subnet)).toBe(isValidator);
    expect(minersOf(subnet, own)).toHaveLength(isValidator ? 0 : 1);
  });

  it('counts neither ourselves nor neurons without an axon as miners', () => {
    const neurons = [neuron(0, own, 8_091), neuron(1, '5A', null), neuron(2, '5B', 8_091)];
    expect(minersOf(subnetAt({ neurons }), own).map(({ hotkey }) => hotkey)).toEqual(['5B']);
  });

  it('takes everybody where there is room for everybody', () => {
    for (const epoch of [0, 1, 7]) expect(turn(5, epoch, 5)).toEqual([0, 1, 2, 3, 4]);
  });

  it('goes round by uid where there are more miners than links', () => {
    expect([0, 1, 2, 3].map((epoch) => turn(5, epoch, 2))).toEqual([
      [0, 1],
      [2, 3],
      [0, 4],
      [1, 2],
    ]);
  });

  it('starves nobody: in n epochs each of n miners has as many turns as there are links', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 1_000_000 }),
        (count, links, start) => {
          const turns = Array.from({ length: count }, (_, at) => turn(count, start + at, links)).flat();
          const each = Array.from({ length: count }, (_, uid) => turns.filter((one) => one === uid).length);
          expect(each).toEqual(new Array(count).fill(Math.min(links, count)));
        },
      ),
    );
  });

  it('always serves someone', () => {
    expect(turn(3, 1, 0)).toEqual([1]);
  });
});
