import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';

import { createChainNews } from '#src/actors/views/chainNews.ts';
import type { HeightReading } from '#src/domain/chainHeight.ts';
import { fail, succeed } from '#src/domain/outcome.ts';
import type { ChainSession, ReadSubnet } from '#src/machines/chainLife.ts';
import { chainLinkMachine } from '#src/machines/chainLink.machine.ts';
import { delays } from '#src/machines/delays.ts';
import { type CompareHeights, endpointWatchMachine } from '#src/machines/endpointWatch.machine.ts';
import { fakeLink, fakeTask, start } from '#test/support/machines.ts';

const endpointCheckMs = 60_000;
const gone = { _tag: 'Unreachable', message: 'refused', retry: { when: 'reconnected' } } as const;

const reading = (ours: number, other: number): HeightReading => ({
  ours: { block: ours, timestampMs: 12_000 * ours, blockMs: 12_000 },
  other: { block: other, timestampMs: 12_000 * other },
  isSameChain: true,
  nowMs: 12_000 * Math.max(ours, other),
  clockBehindMs: 0,
});

/** A link to the first of two endpoints, with a head, and what is told of it. */
const following = (block: number) => {
  const session = fakeLink<ChainSession>();
  const compare = fakeTask<CompareHeights>();
  const chainLink = chainLinkMachine.provide({
    actors: {
      chainSession: session.logic,
      readSubnet: fakeTask<ReadSubnet>().logic,
      endpointWatch: endpointWatchMachine.provide({ actors: { compareHeights: compare.logic } }),
    },
  });
  const input = {
    endpoints: ['ws://a', 'ws://b'],
    headPatienceMs: 10 * endpointCheckMs,
    endpointCheckMs,
    readEveryBlocks: 1_000,
  };
  const root = setup({ actors: { chainLink } }).createMachine({
    invoke: { id: 'chainLink', src: 'chainLink', input },
  });
  const news = createChainNews();
  const { actor, clock } = start(root);
  actor.system.inspect((inspected) => news.saw(inspected, 0));
  const context = () => {
    const link = actor.getSnapshot().children.chainLink;
    if (link === undefined) throw new Error('there is no link');
    return link.getSnapshot().context;
  };
  const open = (at: number): void => {
    session.newest().emit({ type: 'chain.opened', genesisHash: '0xab', specVersion: 425 });
    session.newest().emit({ type: 'head.finalized', head: { block: at, blockHash: `0x${at}` } });
  };
  open(block);
  return {
    open,
    /** The next comparison, and its answer. */
    tell: async (output: Parameters<typeof compare.answer>[0]) => {
      clock.increment(endpointCheckMs);
      await compare.answer(output);
    },
    /** The link leaves for the next endpoint. */
    lose: () => {
      session.newest().emit({ type: 'chain.closed', failure: gone, jitter: 0 });
      clock.increment(delays.reconnectMaxMs);
    },
    goOver: () => clock.increment(delays.switchPauseMs),
    inUse: () => context().endpoint,
    lag: () => news.heights.lag(context()),
    views: () => news.heights.views(context()),
  };
};

describe('actors/views / heights', () => {
  it('tells how far the endpoint in use is behind another one', async () => {
    const { tell, lag, views } = following(100);
    expect(lag()).toBeNull();
    await tell(succeed(reading(100, 103)));
    expect(lag()).toBe(3);
    expect(views()).toMatchObject([
      { url: 'ws://a', isCurrent: true, block: 100, lag: 3 },
      { url: 'ws://b', isCurrent: false, block: 103, lag: 0 },
    ]);
  });

  it('forgets what was compared before the endpoint changed, when it is gone back to', async () => {
    const { tell, goOver, open, lose, inUse, lag } = following(100);
    await tell(succeed(reading(100, 120)));
    goOver();
    open(120);
    expect([inUse(), lag()]).toEqual([1, null]);
    lose();
    open(400);
    expect([inUse(), lag()]).toEqual([0, null]);
    await tell(succeed(reading(400, 401)));
    expect(lag()).toBe(1);
  });

  it('remembers over a change which endpoint did not answer', async () => {
    const { tell, open, lose, views } = following(100);
    await tell(fail(gone));
    expect(views()[1]).toMatchObject({ block: null, lag: null, lastFailure: 'refused' });
    lose();
    lose();
    open(101);
    expect(views()[1]).toMatchObject({ isCurrent: false, block: null, lag: null, lastFailure: 'refused' });
  });
});
