import { describe, expect, it } from 'vitest';
import { initialTransition, transition } from 'xstate';

import type { HeightReading } from '#src/domain/chainHeight.ts';
import type { ChainFailure } from '#src/domain/failures.ts';
import { fail, succeed } from '#src/domain/outcome.ts';
import type { ChainLinkInput, ChainSession, ReadSubnet } from '#src/machines/chainLife.ts';
import { chainLinkMachine } from '#src/machines/chainLink.machine.ts';
import { delays } from '#src/machines/delays.ts';
import { type CompareHeights, endpointWatchMachine } from '#src/machines/endpointWatch.machine.ts';
import {
  done,
  fakeLink,
  fakeTask,
  isPlainJson,
  reachedStates,
  start,
  stateIds,
  timeout,
} from '#test/support/machines.ts';
import { subnetAt } from '#test/support/machinesSubnet.ts';

const input: ChainLinkInput = {
  endpoints: ['ws://one', 'ws://two'],
  headPatienceMs: 60_000,
  endpointCheckMs: 60_000,
  readEveryBlocks: 10,
};
const gone: ChainFailure = { _tag: 'Unreachable', message: 'closed', retry: { when: 'reconnected' } };
const opened = { type: 'chain.opened', genesisHash: '0xabc', specVersion: 425 } as const;
const head = (block: number) =>
  ({ type: 'head.finalized', head: { block, blockHash: `0x${block}` } }) as const;
const closed = (jitter: number) => ({ type: 'chain.closed', failure: gone, jitter }) as const;

const run = (settings = input) => {
  const session = fakeLink<ChainSession>();
  const readSubnet = fakeTask<ReadSubnet>();
  const compareHeights = fakeTask<CompareHeights>();
  const machine = chainLinkMachine.provide({
    actors: {
      chainSession: session.logic,
      readSubnet: readSubnet.logic,
      endpointWatch: endpointWatchMachine.provide({ actors: { compareHeights: compareHeights.logic } }),
    },
  });
  const running = start(machine, { input: settings });
  const types = () => running.facts.map(({ type }) => type);
  return { session, readSubnet, compareHeights, types, ...running };
};

const synced = async (settings = input) => {
  const link = run(settings);
  link.actor.send(opened);
  link.actor.send(head(100));
  await link.readSubnet.answer(succeed(subnetAt({ block: 100, nextEpochBlock: 300 })));
  return link;
};

describe('machines / chainLink', () => {
  it('opens the first endpoint and reports nothing before it has answered', () => {
    const [snapshot, actions] = initialTransition(chainLinkMachine, input);
    expect(snapshot.value).toEqual({ linked: 'connecting' });
    expect(actions.map(({ type }) => type)).toEqual([
      'xstate.spawnChild',
      'xstate.spawnChild',
      'xstate.raise',
    ]);
    const { session, facts } = run();
    expect(session.lives.map((life) => life.input)).toEqual([{ endpoint: 'ws://one' }]);
    expect(facts).toEqual([]);
  });

  it('counts a loss and moves to the next endpoint as data', () => {
    const [connecting] = initialTransition(chainLinkMachine, input);
    const [lost] = transition(chainLinkMachine, connecting, closed(0.5));
    expect(lost.value).toBe('reconnecting');
    expect(lost.context).toMatchObject({ endpoint: 1, attempt: 1, jitter: 0.5, lastFailure: gone });
  });

  it('reaches every state', () => {
    const subnet = subnetAt({ block: 100, nextEpochBlock: 300 });
    const events = [
      opened,
      head(100),
      closed(0),
      done('readSubnet', succeed(subnet)),
      timeout('headPatience', 'chainLink.linked.synced'),
      timeout('stalePatience', 'chainLink.linked.stale'),
      timeout('connectPatience', 'chainLink.linked.connecting'),
      timeout('reconnectDelay', 'chainLink.reconnecting'),
      done('endpointWatch', { reason: 'lagging', endpoint: 1, block: 100, otherBlock: 200 }),
      timeout('switchPause', 'chainLink.switching'),
    ];
    const distinguish = (context: { readAtBlock: number; head: object | null }) => [
      context.readAtBlock,
      context.head !== null,
    ];
    expect(reachedStates(chainLinkMachine, { input, events, distinguish })).toEqual(
      stateIds(chainLinkMachine),
    );
  });

  it('reads the metagraph at the first head, and then when it is due', async () => {
    const { actor, readSubnet, types, facts } = await synced();
    expect(readSubnet.calls).toEqual([{ head: { block: 100, blockHash: '0x100' } }]);
    expect(types()).toEqual(['chain.opened', 'chain.block', 'chain.subnet']);
    expect(facts[0]).toEqual({ type: 'chain.opened', genesisHash: '0xabc' });
    actor.send(head(109));
    expect(readSubnet.calls).toHaveLength(1);
    actor.send(head(110));
    expect(readSubnet.calls).toHaveLength(2);
  });

  it('reads when the epoch is due, however far away the next regular read is', async () => {
    const { actor, readSubnet } = await synced();
    actor.send(head(110));
    await readSubnet.answer(succeed(subnetAt({ block: 110, nextEpochBlock: 113 })));
    actor.send(head(112));
    expect(readSubnet.calls).toHaveLength(2);
    actor.send(head(113));
    expect(readSubnet.calls).toHaveLength(3);
    await readSubnet.answer(succeed(subnetAt({ block: 113, nextEpochBlock: 113 })));
    expect(readSubnet.calls).toHaveLength(3);
    actor.send(head(114));
    expect(readSubnet.calls).toHaveLength(4);
  });

  it('reads at the next head when somebody asks for it', async () => {
    const { actor, readSubnet } = await synced();
    actor.send({ type: 'subnet.read' });
    expect(readSubnet.calls).toHaveLength(2);
  });

  it('goes on reporting heads during a read, and reads again after one that failed', async () => {
    const { actor, readSubnet, facts } = await synced();
    actor.send(head(110));
    actor.send(head(111));
    await readSubnet.answer(fail(gone));
    expect(readSubnet.calls).toHaveLength(2);
    expect(actor.getSnapshot().context.lastFailure).toEqual(gone);
    actor.send(head(112));
    expect(readSubnet.calls.at(-1)).toEqual({ head: { block: 112, blockHash: '0x112' } });
    expect(facts.filter(({ type }) => type === 'chain.block').map(({ head: at }) => at.block)).toEqual([
      100, 110, 111, 112,
    ]);
  });

  it('opens an endpoint that gives a head and then dies ever more rarely', () => {
    const { actor, clock, session, value } = run();
    let waited = 0;
    for (let loss = 0; loss < 10; loss += 1) {
      actor.send(opened);
      actor.send(head(100 + loss));
      session.newest().emit(closed(0));
      waited = 0;
      while (value() === 'reconnecting') {
        clock.increment(50);
        waited += 50;
      }
    }
    expect(waited).toBe(15_000);
  });

  it('says that the metagraph cannot be read, once for a reason and now and then while it lasts', async () => {
    const { actor, readSubnet, facts } = await synced({ ...input, endpoints: ['ws://one', 'ws://one'] });
    const malformed: ChainFailure = { _tag: 'Malformed', message: 'no uid', retry: { when: 'nextBlock' } };
    const unreadable = () =>
      facts
        .filter(({ type }) => type === 'chain.unreadable')
        .map(({ block, failure }) => [block, failure._tag]);
    const readAt = async (block: number, failure: ChainFailure) => {
      actor.send(head(block));
      await readSubnet.answer(fail(failure));
    };
    for (let block = 110; block <= 170; block += 1) await readAt(block, malformed);
    expect(unreadable()).toEqual([
      [110, 'Malformed'],
      [160, 'Malformed'],
    ]);
    await readAt(171, gone);
    expect(unreadable().at(-1)).toEqual([171, 'Unreachable']);
    actor.send(head(172));
    await readSubnet.answer(succeed(subnetAt({ block: 172, nextEpochBlock: 300 })));
    expect(actor.getSnapshot().context).toMatchObject({ unreadable: null, lastFailure: null });
    await readAt(182, gone);
    expect(unreadable()).toHaveLength(4);
  });

  it('leaves an endpoint that delivers heads but no metagraph, later and later while none is better', async () => {
    const { actor, clock, session, readSubnet, facts } = await synced();
    let block = 110;
    const readsUntilLeft = async (): Promise<number> => {
      let reads = 0;
      while (actor.getSnapshot().matches('linked')) {
        actor.send(head(block));
        block += 1;
        await readSubnet.answer(fail(gone));
        reads += 1;
      }
      return reads;
    };
    const reopen = (): void => {
      while (!actor.getSnapshot().matches('linked')) clock.increment(50);
      actor.send(opened);
    };
    expect(await readsUntilLeft()).toBe(5);
    expect(facts.at(-1)).toEqual({ type: 'chain.lost', failure: gone });
    reopen();
    expect(session.lives.at(-1)?.input).toEqual({ endpoint: 'ws://two' });
    const patience: number[] = [];
    for (let turn = 0; turn < 8; turn += 1) {
      patience.push(await readsUntilLeft());
      reopen();
    }
    expect(patience).toEqual([10, 20, 40, 80, 160, 320, 320, 320]);
    actor.send(head(block));
    await readSubnet.answer(succeed(subnetAt({ block, nextEpochBlock: block + 5 })));
    block += 5;
    expect(await readsUntilLeft()).toBe(5);
  });

  it('moves from a silent endpoint to the next one: synced, stale, reconnecting, linked', async () => {
    const { actor, clock, session, value, types } = await synced();
    clock.increment(59_999);
    expect(value()).toEqual({ linked: { synced: 'following' } });
    clock.increment(1);
    expect(value()).toEqual({ linked: 'stale' });
    expect(types().at(-1)).toBe('chain.lost');
    clock.increment(delays.stalePatienceMs - 1);
    expect(value()).toEqual({ linked: 'stale' });
    expect(session.newest().isReleased).toBe(false);
    clock.increment(1);
    expect(value()).toBe('reconnecting');
    expect(session.newest().isReleased).toBe(true);
    clock.increment(delays.reconnectBaseMs);
    expect(session.lives.map((life) => life.input.endpoint)).toEqual(['ws://one', 'ws://two']);
    expect(actor.getSnapshot().status).toBe('active');
  });

  it('is synced again when a silent endpoint speaks', async () => {
    const { actor, clock, value } = await synced();
    clock.increment(60_000);
    actor.send(head(101));
    expect(value()).toEqual({ linked: { synced: 'following' } });
    clock.increment(delays.stalePatienceMs);
    expect(value()).toEqual({ linked: { synced: 'following' } });
  });

  it('restarts the watchdog with every head', async () => {
    const { actor, clock, value } = await synced();
    for (const block of [101, 102, 103]) {
      clock.increment(50_000);
      actor.send(head(block));
    }
    clock.increment(50_000);
    expect(value()).toEqual({ linked: { synced: 'following' } });
  });

  it('gives up a read together with its endpoint', async () => {
    const { actor, readSubnet, clock, value } = await synced();
    actor.send(head(110));
    clock.increment(60_000);
    expect(value()).toEqual({ linked: 'stale' });
    expect(readSubnet.aborted()).toBe(1);
  });

  it('gives up an endpoint that neither answers nor refuses', () => {
    const { clock, value, facts } = run();
    clock.increment(delays.connectPatienceMs - 1);
    expect(value()).toEqual({ linked: 'connecting' });
    clock.increment(1);
    expect(value()).toBe('reconnecting');
    expect(facts).toMatchObject([{ type: 'chain.lost', failure: { _tag: 'Unreachable' } }]);
  });

  it('waits for an endpoint as long as the operator allows, where that is longer than usual', () => {
    const { clock, value } = run({ ...input, connectPatienceMs: 90_000 });
    clock.increment(89_999);
    expect(value()).toEqual({ linked: 'connecting' });
    clock.increment(1);
    expect(value()).toBe('reconnecting');
    const short = run({ ...input, connectPatienceMs: 1_000 });
    short.clock.increment(delays.connectPatienceMs - 1);
    expect(short.value()).toEqual({ linked: 'connecting' });
  });

  it('has no connection patience once it is synced', async () => {
    const { actor, clock, value } = await synced();
    clock.increment(delays.connectPatienceMs - 1);
    actor.send(head(101));
    clock.increment(delays.connectPatienceMs);
    expect(value()).toEqual({ linked: { synced: 'following' } });
  });

  it('doubles its pause with each loss up to the maximum, and starts again after a steady minute', () => {
    const { actor, clock, session, value } = run();
    const pauseAfterLoss = () => {
      session.newest().emit(closed(0));
      expect(value()).toBe('reconnecting');
      let waited = 0;
      while (value() === 'reconnecting') {
        clock.increment(50);
        waited += 50;
      }
      return waited;
    };
    const pauses = Array.from({ length: 8 }, pauseAfterLoss);
    expect(pauses).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
    const heads = (first: number, count: number) => {
      for (let block = first; block < first + count; block += 1) {
        clock.increment(12_000);
        actor.send(head(block));
      }
    };
    actor.send(opened);
    heads(5, 4);
    expect(pauseAfterLoss()).toBe(15_000);
    actor.send(opened);
    heads(9, 5);
    expect(pauseAfterLoss()).toBe(250);
    expect(session.lives.map((life) => life.input.endpoint).slice(0, 3)).toEqual([
      'ws://one',
      'ws://two',
      'ws://one',
    ]);
  });

  it('spreads its pauses by the jitter that came with the loss', () => {
    const { clock, session, value } = run();
    session.newest().emit(closed(0.5));
    clock.increment(374);
    expect(value()).toBe('reconnecting');
    clock.increment(1);
    expect(value()).toEqual({ linked: 'connecting' });
  });

  const ahead: HeightReading = {
    ours: { block: 100, timestampMs: 1_000_000, blockMs: 12_000 },
    other: { block: 110, timestampMs: 1_120_000 },
    isSameChain: true,
    nowMs: 1_121_000,
    clockBehindMs: 0,
  };

  it('leaves an endpoint that lags for the one that is ahead, and says so', async () => {
    const { clock, compareHeights, session, value, facts } = await synced();
    clock.increment(59_999);
    expect(compareHeights.calls).toEqual([]);
    session.newest().emit(head(101));
    clock.increment(1);
    expect(compareHeights.calls).toEqual([
      { endpoint: 'ws://two', head: { block: 101, blockHash: '0x101' } },
    ]);
    await compareHeights.answer(succeed(ahead));
    expect(value()).toBe('switching');
    expect(session.newest().isReleased).toBe(true);
    expect(facts.at(-1)).toEqual({
      type: 'chain.lagging',
      endpoint: 'ws://one',
      other: 'ws://two',
      block: 100,
      otherBlock: 110,
    });
    clock.increment(delays.switchPauseMs);
    expect(value()).toEqual({ linked: 'connecting' });
    expect(session.newest().input).toEqual({ endpoint: 'ws://two' });
  });

  it('goes back to the first endpoint once it has been level for a while', async () => {
    const { actor, clock, compareHeights, session, readSubnet, value, facts } = await synced();
    session.newest().emit(closed(0));
    clock.increment(delays.reconnectBaseMs);
    expect(session.newest().input).toEqual({ endpoint: 'ws://two' });
    actor.send(opened);
    const level: HeightReading = { ...ahead, other: ahead.ours };
    for (let block = 101; value() !== 'switching'; block += 1) {
      actor.send(head(block));
      if (block === 101) await readSubnet.answer(succeed(subnetAt({ block, nextEpochBlock: 300 })));
      for (let waited = 0; waited < 60_000; waited += 20_000) {
        clock.increment(20_000);
        actor.send(head(block));
      }
      await compareHeights.answer(succeed(level));
    }
    expect(compareHeights.calls).toHaveLength(5);
    expect(facts.at(-1)).toEqual({ type: 'chain.preferred', endpoint: 'ws://two', other: 'ws://one' });
    clock.increment(delays.switchPauseMs);
    expect(session.newest().input).toEqual({ endpoint: 'ws://one' });
  });

  it('says that the runtime was upgraded, once, and not that a lagging endpoint has an older one', async () => {
    const { actor, readSubnet, facts, session, clock } = await synced();
    const upgrades = () => facts.filter(({ type }) => type === 'chain.upgraded');
    actor.send(head(110));
    await readSubnet.answer(succeed(subnetAt({ block: 110, nextEpochBlock: 300, specVersion: 426 })));
    expect(upgrades()).toEqual([{ type: 'chain.upgraded', from: 425, to: 426, block: 110 }]);
    session.newest().emit(closed(0));
    clock.increment(delays.reconnectBaseMs);
    actor.send(opened);
    actor.send(head(111));
    await readSubnet.answer(succeed(subnetAt({ block: 111, nextEpochBlock: 300, specVersion: 426 })));
    expect(upgrades()).toHaveLength(1);
    session.newest().emit(closed(0));
    clock.increment(delays.reconnectMaxMs);
    actor.send({ ...opened, specVersion: 430 });
    expect(upgrades().at(-1)).toEqual({ type: 'chain.upgraded', from: 426, to: 430, block: 111 });
  });

  it('keeps only plain JSON in its context', async () => {
    const { context } = await synced();
    expect(isPlainJson(context())).toBe(true);
  });
});
