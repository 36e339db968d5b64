import { describe, expect, it } from 'vitest';
import type { SimulatedClock } from 'xstate';

import { type LagReading, lagReading } from '#src/machines/lagReading.ts';
import { weightAlarmMachine } from '#src/machines/weightAlarm.machine.ts';
import { isPlainJson, reachedStates, start, stateIds } from '#test/support/machines.ts';
import { neuron, subnetAt } from '#test/support/machinesSubnet.ts';

/** Block 7250 of epoch 20, which began in block 7200 and ends in 7560. */
const reading = (given: Partial<LagReading> = {}) =>
  ({
    type: 'lag.read',
    block: 7_250,
    epochIndex: 20,
    lastEpochBlock: 7_200,
    nextEpochBlock: 7_560,
    tempo: 360,
    lastUpdate: 7_240,
    ...given,
  }) as const;
const block = (height: number) => ({ type: 'block.finalized', block: height }) as const;

const run = () => {
  const running = start(weightAlarmMachine);
  return { ...running, lag: () => (running.value() as { lag: string }).lag };
};
const types = (facts: readonly { readonly type: string }[]) => facts.map(({ type }) => type);

/** A simulated clock must not be moved further at once than the delay under test. */
const pass = (clock: SimulatedClock, ms: number): void => {
  for (let left = ms; left > 0; left -= 60_000) clock.increment(Math.min(60_000, left));
};
const epochMs = 360 * 12_000;

describe('machines / weightAlarm', () => {
  it('reaches every state', () => {
    const events = [
      reading(),
      reading({ lastUpdate: 6_500 }),
      reading({ lastUpdate: 100 }),
      reading({ lastUpdate: null }),
      block(7_565),
      { type: 'weights.stood', block: 7_251 } as const,
    ];
    // A state left within the step that entered it: seen by what it reports, see below.
    const passing = 'weightAlarm.lag.caughtUp';
    expect(reachedStates(weightAlarmMachine, { events })).toEqual(
      stateIds(weightAlarmMachine).filter((id) => id !== passing),
    );
  });

  it.each([
    [7_240, 'onTime', []],
    [7_199, 'onTime', []],
    [6_839, 'behind', ['weights.behind']],
    [6_479, 'behind', ['weights.behind']],
    [6_119, 'alarmed', ['weights.alarmed']],
    [0, 'alarmed', ['weights.alarmed']],
    [null, 'unknown', []],
  ])('judges by the first metagraph alone, without memory: last update %s', (lastUpdate, state, told) => {
    const { actor, lag, facts, context } = run();
    expect(lag()).toBe('unknown');
    actor.send(reading({ lastUpdate }));
    expect(lag()).toBe(state);
    expect(types(facts)).toEqual(told);
    expect(isPlainJson(context())).toBe(true);
  });

  it('tells how far behind, once for each epoch more, and when it is over', () => {
    const { actor, facts, lag } = run();
    actor.send(reading({ lastUpdate: 6_600 }));
    actor.send(reading({ lastUpdate: 6_600, block: 7_260 }));
    const next = { epochIndex: 21, lastEpochBlock: 7_560, nextEpochBlock: 7_920, lastUpdate: 6_600 };
    actor.send(reading({ ...next, block: 7_570 }));
    const third = { epochIndex: 22, lastEpochBlock: 7_920, nextEpochBlock: 8_280, lastUpdate: 6_600 };
    actor.send(reading({ ...third, block: 7_930 }));
    actor.send(reading({ ...third, block: 7_940 }));
    expect(facts).toEqual([
      { type: 'weights.behind', behind: 1, epoch: 20, lastUpdate: 6_600, unseen: 0 },
      { type: 'weights.behind', behind: 2, epoch: 21, lastUpdate: 6_600, unseen: 0 },
      { type: 'weights.alarmed', behind: 3, epoch: 22, lastUpdate: 6_600, unseen: 0 },
    ]);
    actor.send(reading({ ...third, lastUpdate: 7_945, block: 7_950 }));
    expect(lag()).toBe('onTime');
    expect(facts.at(-1)).toEqual({ type: 'weights.caughtUp', lastUpdate: 7_945 });
  });

  it('gives no alarm when a change of tempo moved the start of the epoch past its weights', () => {
    const { actor, facts, lag } = run();
    actor.send(reading({ lastUpdate: 7_240 }));
    // set_tempo in block 7400: the same epoch counts from there.
    const moved = { lastEpochBlock: 7_400, nextEpochBlock: 8_120, tempo: 720, lastUpdate: 7_240 };
    actor.send(reading({ ...moved, block: 7_401 }));
    const next = {
      epochIndex: 21,
      lastEpochBlock: 8_120,
      nextEpochBlock: 8_840,
      tempo: 720,
      lastUpdate: 7_240,
    };
    actor.send(reading({ ...next, block: 8_121 }));
    expect(facts).toEqual([]);
    const third = { ...next, epochIndex: 22, lastEpochBlock: 8_840, nextEpochBlock: 9_560 };
    actor.send(reading({ ...third, block: 8_841 }));
    expect(lag()).toBe('behind');
    expect(facts).toMatchObject([{ type: 'weights.behind', behind: 1 }]);
  });

  it('counts epochs as they were, where a longer tempo makes the time since look short', () => {
    const { actor, facts } = run();
    actor.send(reading({ lastUpdate: 7_240 }));
    for (const epochIndex of [21, 22, 23]) {
      const lastEpochBlock = 7_560 + (epochIndex - 21) * 360;
      const position = { lastEpochBlock, nextEpochBlock: lastEpochBlock + 360, block: lastEpochBlock + 1 };
      actor.send(reading({ epochIndex, ...position, lastUpdate: 7_240 }));
    }
    const longer = { tempo: 7_200, lastEpochBlock: 8_300, nextEpochBlock: 15_500, lastUpdate: 7_240 };
    actor.send(reading({ epochIndex: 23, ...longer, block: 8_301 }));
    expect(facts).toMatchObject([
      { type: 'weights.behind', behind: 1 },
      { type: 'weights.behind', behind: 2 },
    ]);
  });

  it('goes by the longer epochs of runtimes before spec 420', () => {
    // netuid 1, tempo 360: epochs of 361 blocks, of which the last began in block 7220.
    const subnet = subnetAt({ block: 7_300, epochIndex: 20, lastEpochBlock: 7_220, nextEpochBlock: 7_581 });
    const own = { ...neuron(0, '5Own', null), lastUpdate: 6_859 };
    const { actor, facts, lag } = run();
    actor.send({ type: 'lag.read', ...lagReading({ ...subnet, neurons: [own] }, '5Own') });
    expect(lag()).toBe('onTime');
    expect(facts).toEqual([]);
  });

  it('goes back to a warning where the page is no longer due', () => {
    const { actor, facts, lag } = run();
    actor.send(reading({ lastUpdate: 0 }));
    actor.send(reading({ lastUpdate: 6_600 }));
    expect(lag()).toBe('behind');
    expect(facts.at(-1)).toMatchObject({ type: 'weights.behind', behind: 1 });
  });

  it('is over as soon as weights of ours are found in a block', () => {
    const { actor, facts, lag } = run();
    actor.send({ type: 'weights.stood', block: 7_251 });
    actor.send(reading({ lastUpdate: 0 }));
    actor.send({ type: 'weights.stood', block: 7_251 });
    expect(lag()).toBe('onTime');
    expect(types(facts)).toEqual(['weights.alarmed', 'weights.caughtUp']);
  });

  it('expects nothing of a hotkey that lost its uid', () => {
    const { actor, facts, lag } = run();
    actor.send(reading({ lastUpdate: 0 }));
    actor.send(reading({ lastUpdate: null }));
    expect(lag()).toBe('unknown');
    actor.send(reading({ lastUpdate: 6_600 }));
    expect(types(facts)).toEqual(['weights.alarmed', 'weights.behind']);
  });

  it('counts epochs that end by their blocks while no metagraph can be read', () => {
    const { actor, facts, value } = run();
    actor.send(reading({ lastUpdate: 7_199 }));
    actor.send(block(7_564));
    expect(value()).toEqual({ lag: 'onTime', sight: 'seeing' });
    actor.send(block(7_565));
    expect(value()).toEqual({ lag: 'behind', sight: 'blind' });
    actor.send(block(7_924));
    actor.send(block(8_285));
    expect(facts).toEqual([
      { type: 'weights.behind', behind: 1, epoch: 20, lastUpdate: 7_199, unseen: 1 },
      { type: 'weights.alarmed', behind: 3, epoch: 20, lastUpdate: 7_199, unseen: 3 },
    ]);
    actor.send(reading({ epochIndex: 21, lastEpochBlock: 7_560, nextEpochBlock: 7_920, lastUpdate: 7_300 }));
    expect(value()).toEqual({ lag: 'onTime', sight: 'seeing' });
  });

  it('gives the weights of the epoch in which the chain was read last their due', () => {
    const { actor, value } = run();
    actor.send(reading({ lastUpdate: 7_240 }));
    actor.send(block(7_565));
    expect(value()).toEqual({ lag: 'onTime', sight: 'blind' });
    actor.send(block(7_925));
    expect(value()).toEqual({ lag: 'behind', sight: 'blind' });
  });

  it('counts epochs by the clock where not even blocks arrive', () => {
    const { actor, clock, facts, value } = run();
    actor.send(reading({ lastUpdate: 7_199, block: 7_550 }));
    pass(clock, 10 * 12_000 + 300_000 - 1_000);
    expect(value()).toEqual({ lag: 'onTime', sight: 'seeing' });
    pass(clock, 1_000);
    expect(value()).toEqual({ lag: 'behind', sight: 'blind' });
    pass(clock, 2 * epochMs);
    expect(types(facts)).toEqual(['weights.behind', 'weights.behind', 'weights.alarmed']);
  });

  it('alarms a start at which the chain stays away', () => {
    const { clock, facts, value } = run();
    pass(clock, 300_000);
    expect(value()).toEqual({ lag: 'behind', sight: 'blind' });
    expect(facts).toEqual([{ type: 'weights.behind', behind: 1, epoch: null, lastUpdate: null, unseen: 1 }]);
    pass(clock, 2 * epochMs);
    expect(types(facts).at(-1)).toBe('weights.alarmed');
  });
});
