import { describe, expect, it } from 'vitest';
import { createActor, initialTransition, transition } from 'xstate';

import type { Retry, SubmitFailure } from '#src/domain/failures.ts';
import { fail, succeed } from '#src/domain/outcome.ts';
import { delays } from '#src/machines/delays.ts';
import { minerMachine } from '#src/machines/miner.machine.ts';
import { workerRestartLimit } from '#src/machines/restart.ts';
import { done, isPlainJson, reachedStates, settled, stateIds, timeout } from '#test/support/machines.ts';
import {
  announcing,
  minerInput,
  registered,
  runMiner,
  serving,
  unregistered,
  withSessions,
} from '#test/support/machinesMiner.ts';

const lost = { _tag: 'Lost', message: 'reset' } as const;
const refusedWith = (retry: Retry): SubmitFailure => ({
  _tag: 'Refused',
  check: 'ServingRateLimitExceeded',
  message: 'too often',
  retry,
});
const open = (inner: string) => ({ alive: { open: inner } });

describe('machines / miner', () => {
  it('promises nothing before its models are loaded', () => {
    const [warming, actions] = initialTransition(minerMachine, minerInput);
    expect(warming.value).toEqual({ alive: 'warming' });
    expect(actions.map(({ type }) => type)).toEqual(['xstate.spawnChild', 'xstate.spawnChild']);
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
      done('announceAxon', succeed({ block: 100 })),
      done('announceAxon', fail(refusedWith({ when: 'nextBlock' }))),
      timeout('retryPause', 'miner.alive.rebinding'),
      timeout('drainGrace', 'miner.alive.open.draining'),
    ];
    const distinguish = (context: { uid: number | null; genesisHash: string | null; sessions: object }) => [
      context.uid,
      context.genesisHash,
      Object.keys(context.sessions),
    ];
    expect(reachedStates(minerMachine, { input: minerInput, events, distinguish })).toEqual(
      stateIds(minerMachine),
    );
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
    await announce.answer(succeed({ block: 100 }));
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
    for (const height of [101, 5_000]) seeBlock(height);
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
    expect(facts).toEqual([]);
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
