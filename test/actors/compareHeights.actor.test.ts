import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AnyEventObject, createActor } from 'xstate';

import { firstChainSeen } from '#src/actors/chainIdentity.ts';
import { chainSession, readSubnet } from '#src/actors/chainSession.actor.ts';
import { compareHeights, endpointWatch } from '#src/actors/compareHeights.actor.ts';
import type { Devnet } from '#src/devnet/node.ts';
import { isOld, judgeHeight } from '#src/domain/chainHeight.ts';
import { chainLinkMachine } from '#src/machines/chainLink.machine.ts';
import { rootId } from '#src/machines/root.ts';
import { DEADLINES, NETUID, startProxy, startSubnet } from '#test/chain/devnetFixture.ts';
import { askOnce, followChain, openMinerLife } from '#test/support/actors.ts';
import { until } from '#test/support/peers.ts';

/** Two nodes of one chain: the same genesis, the same blocks, an hour ago. */
const startMs = Date.now() - 3_600_000;
const settings = { connectTimeoutMs: 1_000, chainCallTimeoutMs: 500 };
const sockets = (): number =>
  process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap').length;

describe('actors / compareHeights', () => {
  let one: Devnet;
  let two: Devnet;
  let life: Awaited<ReturnType<typeof openMinerLife>>;
  const stops: (() => unknown)[] = [];

  beforeEach(async () => {
    [one, two] = await Promise.all([
      startSubnet({ sealing: 'manual', node: { startMs } }),
      startSubnet({ sealing: 'manual', node: { startMs } }),
    ]);
    one.sealBlocks(60);
    two.sealBlocks(60);
    life = await openMinerLife();
  });
  afterEach(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
    await life.end();
    await Promise.all([one.stop(), two.stop()]);
  });

  const compare = (endpoint: string) => {
    const { head } = life.chain;
    if (head === null) throw new Error('no head yet');
    return askOnce(compareHeights(life.runtime, settings), { endpoint, head });
  };
  const verdict = async (endpoint: string) => {
    const outcome = await compare(endpoint);
    return outcome.ok ? judgeHeight(outcome.value) : outcome.error._tag;
  };
  const follow = async (): Promise<void> => {
    const host = await followChain(life.runtime, one.url);
    stops.push(host.leave);
  };

  it('tells an endpoint that is level from one that is ahead, and both from one that is behind', async () => {
    await follow();
    expect(one.head().hash).toBe(two.head().hash);
    expect(await verdict(two.url)).toBe('level');
    two.sealBlocks(5);
    expect(await verdict(two.url)).toBe('level');
    two.seal();
    expect(await verdict(two.url)).toBe('ahead');
    one.sealBlocks(30);
    await until(() => life.chain.head?.block === 90, 'block 90');
    expect(await verdict(two.url)).toBe('behind');
  });

  it('does not take an endpoint at its word', async () => {
    await follow();
    // Blocks that had no time to be made: one millisecond each.
    const last = startMs + 60_000;
    for (let made = 1; made <= 20; made += 1) two.seal({ nowMs: last + made });
    expect(await verdict(two.url)).toBe('implausible');
    // Blocks of tomorrow.
    two.seal({ nowMs: Date.now() + 86_400_000 });
    expect(await verdict(two.url)).toBe('implausible');
  });

  it('sees another fork, and another chain', async () => {
    await follow();
    const fork = await startSubnet({ sealing: 'manual', node: { startMs: startMs + 1 } });
    stops.push(() => fork.stop());
    fork.sealBlocks(80);
    expect(await verdict(fork.url)).toBe('forked');
    const other = await startSubnet({ sealing: 'manual', funded: ['//Dave'], node: { startMs } });
    stops.push(() => other.stop());
    other.sealBlocks(80);
    expect(await verdict(other.url)).toBe('Malformed');
  });

  it('closes its socket however a comparison ends, and never holds two', async () => {
    await follow();
    const silent = await startProxy(two.url, ({ method }) =>
      method === 'chain_getFinalizedHead' ? 'swallow' : 'pass',
    );
    stops.push(silent.stop);
    const before = sockets();
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await verdict(two.url)).toBe('level');
      expect(await verdict(silent.url)).toBe('Unreachable');
      expect(await verdict('ws://127.0.0.1:9')).toBe('Unreachable');
    }
    await until(() => sockets() <= before, 'all sockets closed');
  });

  it('tells the age of its own head where there is no other endpoint', async () => {
    await follow();
    const { head } = life.chain;
    if (head === null) throw new Error('no head yet');
    const outcome = await askOnce(compareHeights(life.runtime, settings), { endpoint: null, head });
    expect(outcome.ok && isOld(outcome.value)).toBe(true);
    one.seal({ nowMs: Date.now() });
    await until(() => life.chain.head?.block === 61, 'block 61');
    const now = await askOnce(compareHeights(life.runtime, settings), {
      endpoint: null,
      head: life.chain.head ?? head,
    });
    expect(now.ok && isOld(now.value)).toBe(false);
  });

  it('learns nothing while there is no connection of its own', async () => {
    const head = { block: 60, blockHash: one.head().hash };
    expect(await askOnce(compareHeights(life.runtime, settings), { endpoint: two.url, head })).toMatchObject({
      ok: false,
      error: { _tag: 'Unreachable' },
    });
  });

  it('has the chain link leave a node that lags, and go back when it is level again', async () => {
    const facts: AnyEventObject[] = [];
    const machine = chainLinkMachine.provide({
      actors: {
        chainSession: chainSession(life.runtime, {
          netuid: NETUID,
          ...DEADLINES,
          checkChain: firstChainSeen(),
        }),
        readSubnet: readSubnet(life.runtime),
        endpointWatch: endpointWatch(life.runtime, settings),
      },
    });
    const link = createActor(machine, {
      systemId: rootId,
      inspect: (inspected) => {
        if (inspected.type === '@xstate.event') facts.push(inspected.event);
      },
      input: {
        endpoints: [one.url, two.url],
        headPatienceMs: 60_000,
        endpointCheckMs: 100,
        readEveryBlocks: 10,
      },
    });
    link.start();
    stops.push(() => link.stop());
    const told = (type: string) => facts.find((fact) => fact.type === type);
    await until(() => life.chain.head?.block === 60, 'the first head');
    two.sealBlocks(10);
    await until(() => told('chain.lagging') !== undefined, 'that the first node lags');
    expect(told('chain.lagging')).toMatchObject({ endpoint: one.url, other: two.url, otherBlock: 70 });
    await until(() => life.chain.connection?.endpoint === two.url, 'the second node');
    two.seal();
    await until(() => life.chain.head?.block === 71, 'heads of the second node');
    one.sealBlocks(11);
    await until(() => told('chain.preferred') !== undefined, 'that the first node is well');
    await until(() => life.chain.connection?.endpoint === one.url, 'the first node again');
    expect(told('chain.preferred')).toMatchObject({ endpoint: two.url, other: one.url });
  });
});
