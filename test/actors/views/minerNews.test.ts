import { describe, expect, it } from 'vitest';
import { fromCallback } from 'xstate';

import { createMinerNews } from '#src/actors/views/minerNews.ts';
import { sessionDefectLimit } from '#src/machines/restart.ts';
import type { AcceptValidator } from '#src/machines/validatorSession.machine.ts';
import { serving } from '#test/support/machinesMiner.ts';

const refused = { type: 'link.closed', failure: { _tag: 'Refused', message: 'no permit' } } as const;

/** Links that prove a hotkey at once, but for arrivals of this name, which have a defect. */
const brokenFor = (name: string): AcceptValidator =>
  fromCallback(({ input, sendBack }) => {
    if (input.arrival.startsWith(name)) throw new Error('a bug');
    sendBack({ type: 'link.opened', hotkey: '5busy' });
  });

/** A miner that serves, and what its page is told; the clock ticks once for each inspected event. */
const watched = async (peerLink?: AcceptValidator) => {
  const miner = await serving(peerLink);
  const news = createMinerNews('5Own');
  let now = 0;
  miner.actor.system.inspect((inspected) => {
    now += 1;
    news.saw(inspected, now);
  });
  return { miner, news };
};

describe('actors/views / minerNews', () => {
  it('forgets an arrival that left, though its last snapshot comes after that news', async () => {
    const { miner, news } = await watched();
    miner.arrive('a1');
    expect(news.arrivedAt('a1')).not.toBeNull();
    miner.linkOf('a1').emit(refused);
    expect(miner.sessions()).toEqual([]);
    expect(news.arrivedAt('a1')).toBeNull();
  });

  it('knows since when a long-lived validator is there, and whose its link was, however many knock meanwhile', async () => {
    const { miner, news } = await watched();
    miner.arrive('long');
    miner.linkOf('long').emit({ type: 'link.opened', hotkey: '5busy' });
    const since = news.arrivedAt('long');
    expect(since).not.toBeNull();
    for (let index = 0; index < 600; index += 1) {
      miner.arrive(`knock${index}`);
      miner.linkOf(`knock${index}`).emit(refused);
    }
    expect(news.arrivedAt('long')).toBe(since);
    miner.linkOf('long').emit(refused);
    expect(news.leftOf('5busy')?.reason).toBe('no permit');
    expect(miner.errors).toEqual([]);
  });

  it('keeps what it knows of a session in use when others end without a word, as by a defect', async () => {
    const { miner, news } = await watched(brokenFor('bad'));
    const link = (type: string) =>
      miner.actor.getSnapshot().children['session/long']?.send({ type } as never);
    miner.arrive('long');
    link('link.busy');
    const since = news.arrivedAt('long');
    for (let index = 0; index < 600; index += 1) {
      miner.arrive(`bad${index}`);
      miner.clock.increment(sessionDefectLimit.withinMs);
      link(index % 2 === 0 ? 'link.idle' : 'link.busy');
    }
    expect(news.arrivedAt('long')).toBe(since);
    expect(news.arrivedAt('bad0')).toBeNull();
    link('link.idle');
    link('session.close');
    expect(news.leftOf('5busy')?.reason).toBe('closed by this miner');
    expect(miner.errors).toEqual([]);
  });
});
