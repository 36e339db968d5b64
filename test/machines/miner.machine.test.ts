import { describe, expect, it } from 'vitest';
import { createActor, initialTransition, transition } from 'xstate';

import type { Retry, SubmitFailure } from '#src/domain/failures.ts';
import { fail, succeed } from '#src/domain/outcome.ts';
import { delays } from '#src/machines/delays.ts';
import { minerMachine } from '#src/machines/miner.machine.ts';
import { sessionDefectLimit, workerRestartLimit } from '#src/machines/restart.ts';
import { done, isPlainJson, reachedStates, settled, stateIds, timeout } from '#test/support/machines.ts';
import {
  announced,
  announcing,
  minerInput,
  registered,
  runMiner,
  serving,
  unregistered,
  withBrokenLinks,
  withSessions,
} from '#test/support/machinesMiner.ts';
import { axonAt, subnetAt } from '#test/support/machinesSubnet.ts';

const lost = { _tag: 'Lost', message: 'reset' } as const;
const refusedWith = (retry: Retry): SubmitFailure => ({
  _tag: 'Refused',
  check: 'ServingRateLimitExceeded',
  message: 'too often',
  retry,
});
const shortOf = {
  heapUsedBytes: 9,
  heapLimitBytes: 10,
  descriptors: null,
  descriptorLimit: null,
  diskFreeBytes: null,
};
const open = (inner: string) => ({ alive: { open: inner } });

describe('machines / miner', () => {
  it('promises nothing before its models are loaded', () => {
    const [warming, actions] = initialTransition(minerMachine, minerInput);
    expect(warming.value).toEqual({ alive: 'warming' });
    expect(actions.map(({ type }) => type)).toEqual(Array.from({ length: 4 }, () => 'xstate.spawnChild'));
    const [seen] = transition(minerMachine, warming, { type: 'chain.subnet', subnet: registered });
    expect(seen.value).toEqual({ alive: 'warming' });
    expect(seen.context.uid).toBe(1);
  });

  it('reaches every state', () => {
    const events = [
      { type: 'inference.ready', provider: 'cpu' },
      { type: 'inference.failed', reason: 'killed' },
      { type: 'chain.opened', genesisHash: '0xabc' },
      { type: 'chain.subnet', subnet: registered },
      { type: 'chain.subnet', subnet: unregistered },
      { type: 'chain.block', head: { block: 500, blockHash: '0x500' } },
      { type: 'listener.bound', port: 8091 },
      { type: 'listener.closed', failure: lost },
      { type: 'peer.arrived', arrival: 'a' },
      { type: 'validator.left', arrival: 'a', failure: lost },
      { type: 'system.drain', reason: 'SIGTERM' },
      done('announceAxon', succeed(announced)),
      done('announceAxon', fail(refusedWith({ when: 'nextBlock' }))),
      timeout('retryPause', 'miner.alive.rebinding'),
      timeout('drainGrace', 'miner.alive.open.draining'),
      done('withdrawAxon', fail(refusedWith({ when: 'nextBlock' }))),
    ];
    const distinguish = (context: { uid: number | null; genesisHash: string | null; sessions: object }) => [
      context.uid,
      context.genesisHash,
      Object.keys(context.sessions),
    ];
    const input = { ...minerInput, withdrawAxonOnStop: true };
    expect(reachedStates(minerMachine, { input, events, distinguish })).toEqual(stateIds(minerMachine));
  });

  it('refuses new tasks while something is short, and keeps its sessions', async () => {
    const { actor, gate, sessions, facts, value, context } = await withSessions();
    const before = sessions();
    actor.send({ type: 'resources.short', of: ['memory'], ...shortOf });
    expect(gate.newest().received).toEqual([{ type: 'work.held', reasons: ['short of memory'] }]);
    actor.send({ type: 'resources.short', of: ['memory', 'disk'], ...shortOf });
    expect(context().shortages).toEqual(['memory', 'disk']);
    actor.send({ type: 'resources.ample', afterMs: 10 });
    expect(gate.newest().received.at(-1)).toEqual({ type: 'work.held', reasons: [] });
    expect(facts.filter(({ type }) => type.startsWith('tasks.'))).toEqual([
      { type: 'tasks.held', reasons: ['short of memory'] },
      { type: 'tasks.held', reasons: ['short of memory', 'short of disk'] },
      { type: 'tasks.freed' },
    ]);
    expect(sessions()).toEqual(before);
    expect(value()).toEqual(open('serving'));
  });

  it('listens once it is warm, linked and registered, in any order', () => {
    const orders = [
      ['warm', 'openChain', 'see'],
      ['openChain', 'see', 'warm'],
      ['openChain', 'warm', 'see'],
    ];
    for (const order of orders) {
      const miner = runMiner();
      for (const step of order) {
        expect(miner.listener.lives).toHaveLength(0);
        if (step === 'warm') miner.warm();
        if (step === 'openChain') miner.openChain();
        if (step === 'see') miner.seeSubnet(registered);
      }
      expect(miner.listener.newest().input, String(order)).toEqual({ genesisHash: '0xabc' });
    }
  });

  it('publishes its address only when the port answers', async () => {
    const { announce, value, bind, warm, openChain, seeSubnet } = runMiner();
    warm();
    openChain();
    seeSubnet(registered);
    expect(announce.calls).toEqual([]);
    bind(9_000);
    expect(announce.calls).toEqual([{ boundPort: 9_000 }]);
    await announce.answer(succeed(announced));
    expect(value()).toEqual(open('serving'));
  });

  it('waits for registration and goes on by itself', () => {
    const { warm, openChain, seeSubnet, value, listener } = runMiner();
    warm();
    openChain();
    seeSubnet(unregistered);
    seeSubnet(unregistered);
    expect(value()).toEqual({ alive: 'unregistered' });
    seeSubnet(registered);
    expect(listener.lives).toHaveLength(1);
  });

  it('announces again at the block that the chain named', async () => {
    const { announce, seeBlock, value } = announcing();
    seeBlock(100);
    await announce.answer(fail(refusedWith({ when: 'atBlock', block: 150 })));
    expect(value()).toEqual(open('announceBackingOff'));
    seeBlock(149);
    expect(announce.calls).toHaveLength(1);
    seeBlock(150);
    expect(announce.calls).toHaveLength(2);
    await announce.answer(fail(refusedWith({ when: 'reconnected' })));
    seeBlock(151);
    expect(announce.calls).toHaveLength(3);
  });

  it('serves those who find it although its address cannot be announced', async () => {
    const { announce, seeBlock, value, arrive, sessions } = announcing();
    await announce.answer(fail(refusedWith({ when: 'never' })));
    seeBlock(101);
    expect(announce.calls).toHaveLength(1);
    expect(value()).toEqual(open('announceBackingOff'));
    arrive('a');
    expect(sessions()).toEqual(['session/a']);
  });

  it('turns arrivals into sessions and forgets those that ended', async () => {
    const { context, linkOf, sessions, facts } = await withSessions();
    expect(context().sessions).toEqual({ busy: '5busy', idle: '5idle' });
    expect(sessions()).toEqual(['session/busy', 'session/idle']);
    linkOf('busy').emit({ type: 'link.closed', failure: lost });
    expect(context().sessions).toEqual({ idle: '5idle' });
    expect(sessions()).toEqual(['session/idle']);
    expect(facts.filter(({ type }) => type.startsWith('session.'))).toEqual([]);
  });

  it('takes no more arrivals than a subnet has neurons, and one more when one left', async () => {
    const { arrive, sessions, linkOf } = await serving();
    for (let index = 0; index < 257; index += 1) arrive(`a${index}`);
    expect(sessions()).toHaveLength(256);
    linkOf('a0').emit({ type: 'link.closed', failure: lost });
    arrive('late');
    expect(sessions()).toContain('session/late');
  });

  it('binds its port again when it was lost, and keeps its sessions', async () => {
    const { listener, value, clock, linkOf, sessions } = await withSessions();
    listener.newest().emit({ type: 'listener.closed', failure: lost });
    expect(value()).toEqual({ alive: 'rebinding' });
    clock.increment(delays.retryPauseMs - 1);
    expect(listener.lives).toHaveLength(1);
    clock.increment(1);
    expect(listener.lives).toHaveLength(2);
    expect(value()).toEqual(open('binding'));
    linkOf('busy').emit({ type: 'link.idle' });
    expect(sessions()).toHaveLength(2);
  });

  it('closes its port and its sessions when it is deregistered, and comes back', async () => {
    const { seeSubnet, value, listener, linkOf, sessions } = await withSessions();
    seeSubnet(unregistered);
    expect(value()).toEqual({ alive: 'unregistered' });
    expect(listener.newest().isReleased).toBe(true);
    expect(sessions()).toEqual(['session/busy']);
    linkOf('busy').emit({ type: 'link.idle' });
    expect(sessions()).toEqual([]);
    seeSubnet(registered);
    expect(value()).toEqual(open('binding'));
  });

  it('fails when inference fails, and ends everything else', async () => {
    const { workers, actor, links, listener, chain } = await withSessions();
    for (let death = 0; death <= workerRestartLimit.restarts; death += 1) {
      workers.newest().emit({ type: 'worker.exited', slot: 0, reason: 'SIGSEGV', overran: false, at: death });
    }
    expect(actor.getSnapshot().output).toEqual({ exit: 'failed', reason: 'SIGSEGV' });
    const lives = [...links.lives, ...listener.lives, ...chain.lives];
    expect(lives.every((life) => life.isReleased)).toBe(true);
  });

  it('fails with a defect of a child', async () => {
    const { announce, actor } = announcing();
    await announce.crash('bad address');
    expect(actor.getSnapshot().output?.exit).toBe('failed');
    expect(actor.getSnapshot().output?.reason).toContain('bad address');
  });

  it('fails by name when nobody provided its edges', async () => {
    const bare = createActor(minerMachine, { input: minerInput, systemId: 'root' });
    bare.start();
    await settled();
    expect(bare.getSnapshot().output?.reason).toContain('was not provided');
  });

  it('keeps only plain JSON in its context', async () => {
    const { context } = await withSessions();
    expect(isPlainJson(context())).toBe(true);
  });
});

describe('machines / miner and its validators', () => {
  const without = (hotkey: string) =>
    subnetAt({ block: 105, neurons: registered.neurons.filter((one) => one.hotkey !== hotkey) });

  it('sends those away who lost their permit, their stake or their uid, and keeps the others', async () => {
    const changed = (given: object) =>
      registered.neurons.map((one) => (one.hotkey === '5busy' ? { ...one, ...given } : one));
    const cases = [
      [without('5busy'), 'not registered on this subnet'],
      [subnetAt({ neurons: changed({ validatorPermit: false }) }), 'no validator permit'],
      [subnetAt({ neurons: changed({ stake: -1 }) }), 'stake below the minimum of this miner'],
    ] as const;
    for (const [subnet, reason] of cases) {
      const { seeSubnet, linkOf, context, value } = await withSessions();
      seeSubnet(subnet);
      expect(linkOf('busy').received).toEqual([{ type: 'link.dismiss', reason }]);
      expect(linkOf('idle').received).toEqual([]);
      linkOf('busy').emit({ type: 'link.closed', failure: lost });
      expect(context().sessions).toEqual({ idle: '5idle' });
      expect(value()).toEqual(open('serving'));
    }
  });

  it('gives a validator one link, the newest, however many it opens', async () => {
    const { arrive, linkOf, context, sessions } = await withSessions();
    arrive('again');
    expect(linkOf('busy').received).toEqual([]);
    linkOf('again').emit({ type: 'link.opened', hotkey: '5busy' });
    expect(linkOf('busy').received).toEqual([
      { type: 'link.dismiss', reason: 'replaced by a newer link of the same hotkey' },
    ]);
    linkOf('busy').emit({ type: 'link.closed', failure: lost });
    expect(context().sessions).toEqual({ idle: '5idle', again: '5busy' });
    expect(sessions()).toEqual(['session/idle', 'session/again']);
  });

  it('goes on when the actor of one session has a defect, and fails when too many have', async () => {
    const { facts, actor, value, clock, arrive, sessions } = await withBrokenLinks();
    for (let index = 0; index < sessionDefectLimit.restarts; index += 1) arrive(`a${index}`);
    expect(value()).toEqual(open('serving'));
    expect(sessions()).toEqual([]);
    expect(facts.find(({ type }) => type === 'session.failed')).toEqual({
      type: 'session.failed',
      actorId: 'session/a0',
      error: 'Error: a bug',
    });
    clock.increment(sessionDefectLimit.withinMs);
    for (let index = 0; index < sessionDefectLimit.restarts; index += 1) arrive(`b${index}`);
    expect(value()).toEqual(open('serving'));
    arrive('one too many');
    expect(actor.getSnapshot().output).toMatchObject({ exit: 'failed' });
  });
});

describe('machines / miner that earns nothing', () => {
  it('says that it is not registered, once and again every hundred blocks', () => {
    const { warm, openChain, seeSubnet, facts } = runMiner();
    warm();
    openChain();
    const before = facts.length;
    for (const block of [100, 110, 199, 200, 250]) seeSubnet(subnetAt({ block }));
    expect(facts.slice(before).filter(({ type }) => type.startsWith('hotkey.'))).toEqual([
      { type: 'hotkey.unregistered', hotkey: '5Own', netuid: 86, block: 100 },
      { type: 'hotkey.unregistered', hotkey: '5Own', netuid: 86, block: 200 },
    ]);
  });

  it('says why its axon is refused, and not the same at every block', async () => {
    const { announce, seeBlock, facts } = announcing();
    const before = facts.length;
    for (const block of [100, 101, 102]) {
      seeBlock(block);
      await announce.answer(fail(refusedWith({ when: 'nextBlock' })));
    }
    seeBlock(103);
    await announce.answer(fail({ ...refusedWith({ when: 'never' }), check: 'NoAxonIp' } as SubmitFailure));
    const message = 'too often';
    expect(facts.slice(before)).toEqual([
      { type: 'axon.refused', check: 'ServingRateLimitExceeded', message, retryAtBlock: 101 },
      { type: 'axon.refused', check: 'NoAxonIp', message, retryAtBlock: 203 },
    ]);
  });

  it('tries a hopeless announcement again after a hundred blocks', async () => {
    const { announce, seeBlock } = announcing();
    await announce.answer(fail(refusedWith({ when: 'never' })));
    for (const block of [101, 199]) seeBlock(block);
    expect(announce.calls).toHaveLength(1);
    seeBlock(200);
    expect(announce.calls).toHaveLength(2);
  });

  it('tries a hopeless announcement again as soon as the metagraph shows a change', async () => {
    const { announce, seeSubnet } = announcing();
    await announce.answer(fail(refusedWith({ when: 'never' })));
    seeSubnet({ ...registered, block: 101 });
    expect(announce.calls).toHaveLength(1);
    const neurons = registered.neurons.map((one) =>
      one.hotkey === '5Own' ? { ...one, blockAtRegistration: 90 } : one,
    );
    seeSubnet({ ...registered, block: 102, neurons });
    expect(announce.calls).toHaveLength(2);
  });

  it('announces at the next endpoint although the last one put the rate limit beyond all blocks', async () => {
    const { announce, seeBlock, openChain, facts } = announcing();
    seeBlock(4_000_000_000);
    await announce.answer(fail(refusedWith({ when: 'atBlock', block: 4_000_000_050 })));
    seeBlock(101);
    expect(announce.calls).toHaveLength(1);
    openChain();
    seeBlock(102);
    expect(announce.calls).toHaveLength(2);
    await announce.answer(fail(refusedWith({ when: 'atBlock', block: 150 })));
    const refused = facts.filter(({ type }) => type === 'axon.refused');
    expect(refused.map(({ retryAtBlock }) => retryAtBlock)).toEqual([4_000_000_050, 150]);
  });

  it('sees its axon replaced although an endpoint that lied had shown it in a later block', async () => {
    const { announce, seeSubnet, value } = announcing();
    await announce.answer(succeed({ ...announced, block: 4_000_000_000 }));
    const neurons = registered.neurons.map((one) => (one.hotkey === '5Own' ? { ...one, axon: null } : one));
    seeSubnet(subnetAt({ block: 101, neurons }));
    expect(value()).toEqual(open('announcing'));
  });

  it('announces again when the chain shows another axon than the one announced', async () => {
    const { announce, seeSubnet, value, facts } = await serving();
    const foreign = (block: number) =>
      subnetAt({
        block,
        neurons: registered.neurons.map((one) =>
          one.hotkey === '5Own' ? { ...one, axon: axonAt(9_999) } : one,
        ),
      });
    seeSubnet({ ...registered, block: 101 });
    // A metagraph from before the announcement says nothing about it.
    seeSubnet(foreign(99));
    expect(announce.calls).toHaveLength(1);
    seeSubnet(foreign(102));
    expect(value()).toEqual(open('announcing'));
    expect(announce.calls).toHaveLength(2);
    expect(facts.at(-1)).toEqual({ type: 'axon.replaced', ours: axonAt(8_091), onChain: axonAt(9_999) });
    await announce.answer(succeed(announced));
    expect(value()).toEqual(open('serving'));
  });
});

describe('machines / miner draining', () => {
  it('stops at once in every state that owes nobody anything', async () => {
    const warming = runMiner();
    const linking = runMiner();
    linking.warm();
    const without = runMiner();
    without.warm();
    without.seeSubnet(unregistered);
    const rebinding = await serving();
    rebinding.listener.newest().emit({ type: 'listener.closed', failure: lost });
    for (const miner of [warming, linking, without, announcing(), await serving(), rebinding]) {
      miner.drain();
      expect(miner.actor.getSnapshot().output).toEqual({ exit: 'drained', reason: 'SIGTERM' });
      const lives = [...miner.workers.lives, ...miner.listener.lives, ...miner.chain.lives];
      expect(lives.every((life) => life.isReleased)).toBe(true);
    }
  });

  it('gives the answers it owes, and takes no arrival meanwhile', async () => {
    const { drain, arrive, actor, value, sessions, linkOf, workers, seeSubnet } = await withSessions();
    drain();
    drain('SIGINT');
    arrive('late');
    seeSubnet(unregistered);
    expect(value()).toEqual(open('draining'));
    expect(sessions()).toEqual(['session/busy']);
    expect(linkOf('busy').received).toEqual([{ type: 'link.refuseTasks' }]);
    expect(workers.newest().received).toEqual([{ type: 'pool.drain' }]);
    linkOf('busy').emit({ type: 'link.idle' });
    expect(actor.getSnapshot().output).toEqual({ exit: 'drained', reason: 'SIGTERM' });
  });

  it('stops after the grace whatever is owed', async () => {
    const { drain, actor, clock, links } = await withSessions();
    drain();
    clock.increment(minerInput.drainGraceMs - 1);
    expect(actor.getSnapshot().status).toBe('active');
    clock.increment(1);
    expect(actor.getSnapshot().output?.exit).toBe('drained');
    expect(links.lives.every((life) => life.isReleased)).toBe(true);
  });

  it('stops at once when its port is lost, which nobody can bind again now', async () => {
    const { drain, listener, actor } = await withSessions();
    drain();
    listener.newest().emit({ type: 'listener.closed', failure: lost });
    expect(actor.getSnapshot().output).toEqual({ exit: 'drained', reason: 'SIGTERM' });
    expect(listener.lives).toHaveLength(1);
  });

  it('goes on draining when the pool is done first', async () => {
    const { drain, workers, value, linkOf, actor } = await withSessions();
    drain();
    workers.newest().emit({ type: 'pool.drained' });
    expect(value()).toEqual(open('draining'));
    linkOf('busy').emit({ type: 'link.closed', failure: lost });
    expect(actor.getSnapshot().output?.exit).toBe('drained');
  });
});

describe('machines / miner that withdraws its address', () => {
  const leaving = async () => {
    const miner = runMiner({ ...minerInput, withdrawAxonOnStop: true });
    miner.warm();
    miner.openChain();
    miner.seeSubnet(registered);
    miner.bind();
    await miner.announce.answer(succeed(announced));
    miner.drain();
    return miner;
  };

  it('stops when the chain names it no more, and is asked again at each block until then', async () => {
    const { withdraw, value, seeBlock, seeSubnet, drain, listener, actor, facts } = await leaving();
    expect(listener.newest().isReleased).toBe(true);
    expect(value()).toEqual({ alive: { withdrawing: 'asking' } });
    await withdraw.answer(fail(refusedWith({ when: 'nextBlock' })));
    expect(value()).toEqual({ alive: { withdrawing: 'awaitingBlock' } });
    drain('SIGINT');
    seeSubnet(unregistered);
    seeBlock(101);
    expect(withdraw.calls).toEqual([{ hotkey: '5Own' }, { hotkey: '5Own' }]);
    await withdraw.answer(succeed({ block: 101 }));
    expect(facts.at(-1)).toEqual({ type: 'axon.withdrawn', block: 101 });
    expect(actor.getSnapshot().output).toEqual({ exit: 'drained', reason: 'SIGTERM' });
  });

  it('first gives the answers it owes', async () => {
    const miner = runMiner({ ...minerInput, withdrawAxonOnStop: true });
    miner.warm();
    miner.openChain();
    miner.seeSubnet(registered);
    miner.bind();
    miner.arrive('busy');
    miner.linkOf('busy').emit({ type: 'link.opened', hotkey: '5busy' });
    miner.linkOf('busy').emit({ type: 'link.busy' });
    miner.drain();
    expect(miner.value()).toEqual(open('draining'));
    expect(miner.withdraw.calls).toEqual([]);
    miner.clock.increment(minerInput.drainGraceMs);
    expect(miner.withdraw.calls).toHaveLength(1);
  });

  it('does not wait longer than its patience, and says what it leaves behind', async () => {
    const { withdraw, clock, actor, facts } = await leaving();
    const failure = refusedWith({ when: 'atBlock', block: 140 });
    await withdraw.answer(fail(failure));
    clock.increment(delays.withdrawPatienceMs - 1);
    expect(actor.getSnapshot().status).toBe('active');
    clock.increment(1);
    expect(facts.at(-1)).toEqual({ type: 'axon.leftBehind', failure });
    expect(actor.getSnapshot().output).toEqual({ exit: 'drained', reason: 'SIGTERM' });
  });

  it('gives up a question that the chain does not answer', async () => {
    const { withdraw, clock, actor, facts } = await leaving();
    clock.increment(delays.withdrawPatienceMs);
    expect(withdraw.aborted()).toBe(1);
    expect(facts.at(-1)).toEqual({ type: 'axon.leftBehind', failure: null });
    expect(actor.getSnapshot().output?.exit).toBe('drained');
  });

  it('asks the chain also where the port is lost at that moment', async () => {
    const miner = runMiner({ ...minerInput, withdrawAxonOnStop: true });
    miner.warm();
    miner.openChain();
    miner.seeSubnet(registered);
    miner.listener.newest().emit({ type: 'listener.closed', failure: lost });
    miner.drain();
    expect(miner.value()).toEqual({ alive: { withdrawing: 'asking' } });
  });

  it('fails with a defect of its own', async () => {
    const { withdraw, actor } = await leaving();
    await withdraw.crash('a bug');
    expect(actor.getSnapshot().output).toMatchObject({ exit: 'failed' });
  });
});
