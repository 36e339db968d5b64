import { describe, expect, it } from 'vitest';

import { type Membership, seeMetagraph } from '#src/machines/membership.ts';
import { neuron, subnetAt } from '#test/support/machinesSubnet.ts';

const nobody: Membership = { hotkey: '5Own', subnet: null, uid: null, remindedAtBlock: null };
const ours = { ...neuron(1, '5Own', 8_091), blockAtRegistration: 90 };
const other = neuron(0, '5Other', null);

/** Shows metagraphs one after the other; gives the facts of each, and the membership in the end. */
const show = (...subnets: readonly Parameters<typeof subnetAt>[0][]) => {
  let known = nobody;
  const facts = subnets.map((given) => {
    const seen = seeMetagraph(known, subnetAt(given));
    known = { ...nobody, ...seen.membership };
    return seen.facts;
  });
  return { facts, known };
};

describe('machines / membership', () => {
  it('counts the first metagraph, and says which uid is ours and for how long it is safe', () => {
    const { facts, known } = show({ block: 100, neurons: [other, ours] });
    expect(facts).toEqual([
      [
        { type: 'metagraph.read', block: 100, epoch: 7, neurons: 2, permits: 1, axons: 1 },
        {
          type: 'hotkey.registered',
          hotkey: '5Own',
          netuid: 86,
          uid: 1,
          block: 100,
          registeredAtBlock: 90,
          immuneForBlocks: 4_086,
        },
      ],
    ]);
    expect(known).toMatchObject({ uid: 1, remindedAtBlock: null });
  });

  it('has nothing to say while nothing changes', () => {
    const neurons = [other, ours];
    expect(show({ neurons }, { block: 110, neurons }, { block: 120, neurons }).facts.slice(1)).toEqual([
      [],
      [],
    ]);
  });

  it('sums up what changed in one line, with the details apart', () => {
    const many = Array.from({ length: 50 }, (_, index) => neuron(index + 2, `5N${index}`, 8_000));
    const { facts } = show(
      { block: 100, neurons: [other, ours] },
      { block: 110, neurons: [other, ours, ...many] },
    );
    expect(facts[1]).toEqual([
      {
        type: 'metagraph.changed',
        fromBlock: 100,
        block: 110,
        neurons: 52,
        counts: { registered: 50 },
      },
      { type: 'metagraph.detailed', block: 110, changes: expect.objectContaining({ length: 50 }) },
    ]);
  });

  it('reminds of a missing registration after an endpoint that lied about its blocks', () => {
    const { facts } = show(...[4_000_000_000, 101, 102].map((block) => ({ block, neurons: [other] })));
    const told = facts.flat().filter(({ type }) => type === 'hotkey.unregistered');
    expect(told.map(({ block }) => block)).toEqual([4_000_000_000, 101]);
  });

  it('reminds of a missing registration every hundred blocks, and anew after a new loss', () => {
    const own = [other, ours];
    const blocks = [100, 150, 199, 200, 250].map((block) => ({ block, neurons: [other] }));
    const { facts } = show(
      ...blocks,
      { block: 260, neurons: own },
      { block: 261, neurons: [other] },
      { block: 300, neurons: [other] },
    );
    const told = facts.map((some) =>
      some.filter(({ type }) => type.startsWith('hotkey.')).map(({ type, block }) => [type, block]),
    );
    expect(told.flat()).toEqual([
      ['hotkey.unregistered', 100],
      ['hotkey.unregistered', 200],
      ['hotkey.registered', 260],
      ['hotkey.unregistered', 261],
    ]);
  });

  it('sees a registration that is a new one, and a uid that is another', () => {
    const { facts } = show(
      { block: 5_000, neurons: [other, ours] },
      { block: 5_010, neurons: [other, { ...ours, blockAtRegistration: 5_005 }] },
      { block: 5_020, neurons: [{ ...ours, uid: 0, blockAtRegistration: 5_005 }] },
    );
    const own = facts.map((some) => some.find(({ type }) => type === 'hotkey.registered'));
    expect(own).toMatchObject([
      { uid: 1, registeredAtBlock: 90, immuneForBlocks: 0 },
      { uid: 1, registeredAtBlock: 5_005, immuneForBlocks: 4_091 },
      { uid: 0, registeredAtBlock: 5_005 },
    ]);
  });
});
