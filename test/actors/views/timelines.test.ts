import { describe, expect, it } from 'vitest';

import { createTimelines } from '#src/actors/views/timelines.ts';

const step = (state: string, at: number) => ({ at, state, by: 'link.busy' });

describe('actors/views / timelines', () => {
  it('keeps the sessions in which something happens when others come, though their state be the same', () => {
    const timelines = createTimelines();
    timelines.moved('5Quiet', step('linked.ready', 0));
    timelines.moved('5Gone', step('linked.ready', 0));
    timelines.moved('5Moving', step('linked.ready', 0));
    for (let index = 0; index < 1_000; index += 1) {
      timelines.moved(`5Other${index}`, step('linked.dialing', index));
      timelines.moved('5Quiet', step('linked.ready', index));
      timelines.moved('5Moving', step(index % 2 === 0 ? 'linked.busy' : 'linked.ready', index));
    }
    expect(timelines.of('5Quiet')).toEqual([step('linked.ready', 0)]);
    expect(timelines.of('5Moving')).toHaveLength(100);
    expect(timelines.of('5Moving')[0]).toEqual(step('linked.ready', 999));
    expect(timelines.of('5Gone')).toEqual([]);
    expect(timelines.of('5Other400')).toEqual([]);
    expect(timelines.of('5Other999')).toHaveLength(1);
  });

  it('keeps the sessions in which something happens after the clock was set back', () => {
    const timelines = createTimelines();
    const hourMs = 3_600_000;
    for (let index = 0; index < 300; index += 1) timelines.moved(`5Gone${index}`, step('closed', hourMs));
    for (let index = 0; index < 300; index += 1) {
      timelines.moved('5Active', step('linked.ready', index));
      timelines.moved(`5New${index}`, step('linked.dialing', index));
    }
    expect(timelines.of('5Active')).toEqual([step('linked.ready', 0)]);
    expect(timelines.of('5New0')).toHaveLength(1);
    expect(timelines.of('5Gone0')).toEqual([]);
  });
});
