import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { Arrivals } from '#src/actors/arrivals.ts';
import { readSubnet } from '#src/actors/chainSession.actor.ts';
import { cohort } from '#src/actors/cohort.actor.ts';
import { appendEvidence } from '#src/actors/evidenceLog.ts';
import { inferenceWorkers } from '#src/actors/inferenceWorkers.actor.ts';
import { type ListenerSettings, listener } from '#src/actors/listener.actor.ts';
import { minerLink } from '#src/actors/minerLink.actor.ts';
import type { Reply } from '#src/actors/minerLinks.ts';
import { CurrentPool, createTaskDesk } from '#src/actors/taskDesk.ts';
import { validatorLink } from '#src/actors/validatorLink.actor.ts';
import type { Devnet } from '#src/devnet/node.ts';
import type { Hotkey } from '#src/domain/ids.ts';
import type { SubnetSnapshot } from '#src/domain/metagraph.ts';
import { NETUID, startSubnet } from '#test/chain/devnetFixture.ts';
import { makeWorkspace } from '#test/inference/modelFolders.ts';
import {
  askOnce,
  dataFolder,
  evidenceOnDisk,
  followChain,
  type Host,
  hostLink,
  openMinerLife,
  openValidatorLife,
  recordsOf,
  type ValidatorLife,
} from '#test/support/actors.ts';
import { planFor } from '#test/support/actorsMiners.ts';
import { identityOfUri, testLimits, until } from '#test/support/peers.ts';

const alice = identityOfUri('//Alice');
const bob = identityOfUri('//Bob');
const wellMeant = ['good', 'great', 'fast', 'lovely'];

/** Alice validates with a permit, Bob mines, Charlie has no permit: on a real chain, over real sockets. */
describe('actors / minerLink, listener, validatorLink', () => {
  const workspace = makeWorkspace();
  const folder = dataFolder();
  let devnet: Devnet;
  let miner: Awaited<ReturnType<typeof openMinerLife>>;
  let validator: ValidatorLife;
  let workers: Host;
  const open: Host[] = [];

  beforeAll(async () => {
    devnet = await startSubnet({ sealing: 'manual' });
    miner = await openMinerLife();
    validator = await openValidatorLife(folder.dir);
    await Promise.all([followChain(miner.runtime, devnet.url), followChain(validator.runtime, devnet.url)]);
    const settings = {
      modelDirs: [workspace.folder({ name: 'quick' })],
      provider: 'cpu',
      queueLimit: 64,
    } as const;
    workers = hostLink(inferenceWorkers(miner.runtime, settings), { slots: 1 });
    await workers.event('worker.ready');
  });
  afterEach(() => {
    for (const host of open.splice(0).toReversed()) host.leave();
  });
  afterAll(async () => {
    await validator.end();
    await miner.end();
    await devnet.stop();
    folder.remove();
    workspace.dispose();
  });

  const hosted = (host: Host): Host => {
    open.push(host);
    return host;
  };
  const genesisHash = (): string => miner.chain.connection?.genesisHash ?? '';
  const refreshSubnet = async (): Promise<SubnetSnapshot> => {
    const { head } = miner.chain;
    if (head === null) throw new Error('no head yet');
    const subnet = await askOnce(readSubnet(miner.runtime), { head });
    if (!subnet.ok) throw new Error(subnet.error.message);
    return subnet.value;
  };

  const rules = { requirePermit: true, minValidatorStake: 0 };

  /** Bob's open port. */
  const listen = async (overrides: Partial<ListenerSettings> = {}) => {
    await refreshSubnet();
    const logic = listener(miner.runtime, {
      identity: bob,
      netuid: NETUID,
      limits: testLimits,
      host: '127.0.0.1',
      port: 0,
      ...rules,
      ...overrides,
    });
    const host = hosted(hostLink(logic, { genesisHash: genesisHash() }));
    const { port } = await host.event('listener.bound');
    return { host, port: Number(port) };
  };

  /** The validator's side of a link to a port. */
  const dialBob = (port: number, uri = '//Alice', hotkey: Hotkey = bob.hotkey): Host => {
    const settings = { identity: identityOfUri(uri), netuid: NETUID, limits: testLimits };
    return hosted(
      hostLink(minerLink(validator.runtime, settings), { hotkey, axon: { ip: '127.0.0.1', port } }),
    );
  };

  /** The miner's side of the nth arrival. */
  const accept = async (door: Host, nth = 1): Promise<Host> => {
    const pool = await miner.runtime.runPromise(CurrentPool);
    const { arrival } = await door.event('peer.arrived', nth);
    const logic = validatorLink(miner.runtime, { desk: createTaskDesk(pool), rules });
    return hosted(hostLink(logic, { arrival: String(arrival) }));
  };

  const connect = async () => {
    const { host: door, port } = await listen();
    const asking = dialBob(port);
    const serving = await accept(door);
    await asking.event('link.opened');
    return { door, port, asking, serving };
  };

  /** Asks Bob to judge the sentiment of texts, and gives what went on record. */
  const ask = async (texts: readonly string[], during?: (round: Host) => Promise<void>) => {
    const base = planFor({ hotkeys: [bob.hotkey], tasks: texts.length });
    const plan = {
      ...base,
      tasks: texts.map((text, index) => ({
        taskId: `${base.roundId}-${index}`,
        kind: 'sentiment_analysis',
        request: { text },
        truth: { label: wellMeant.some((word) => text.includes(word)) ? 'Positive' : 'Negative' },
      })),
    };
    await validator.runtime.runPromise(appendEvidence([plan]));
    validator.book.plans.set(plan.roundId, plan);
    const round = hosted(hostLink(cohort(validator.runtime), { roundId: plan.roundId }));
    await during?.(round);
    await round.event('cohort.complete');
    round.tell({ type: 'round.expire' });
    await round.event('cohort.settled');
    const log = recordsOf(await evidenceOnDisk(folder.dir), 'answer.judged');
    return log.filter(({ roundId }) => roundId === plan.roundId);
  };

  it('opens a link between two proven hotkeys and tells what the miner offers', async () => {
    const { asking, serving } = await connect();
    expect(asking.events).toEqual([{ type: 'link.opened', kinds: ['sentiment_analysis'] }]);
    expect(serving.events).toEqual([{ type: 'link.opened', hotkey: alice.hotkey }]);
    expect(validator.table.links.get(bob.hotkey)?.kinds).toEqual(['sentiment_analysis']);
  });

  it('answers with a real model, and both sides say when they are busy and idle', async () => {
    const { asking, serving } = await connect();
    const verdicts = await ask(['the shop is great', 'awful broken parcel', 'fast and lovely']);
    expect(verdicts.map(({ outcome, accuracy }) => ({ outcome, accuracy }))).toEqual(
      Array(3).fill({ outcome: 'judged', accuracy: 1 }),
    );
    expect(asking.types()).toEqual(['link.opened', 'link.busy', 'link.idle']);
    await until(() => serving.types().at(-1) === 'link.idle', 'the miner is idle');
    expect(serving.types()).toEqual(['link.opened', 'link.busy', 'link.idle']);
  });

  it.each([
    [
      'a kind without a model',
      'text_classification',
      { text: 'good', allowed_classes: ['a', 'b'] },
      'unsupported',
    ],
    ['an unknown kind', 'constructor', { text: 'good' }, 'unsupported'],
    ['an empty text', 'sentiment_analysis', { text: '' }, 'invalid'],
    ['a request that is none', 'sentiment_analysis', null, 'invalid'],
  ])('refuses %s, with its reason', async (_what, kind, request, reason) => {
    await connect();
    const link = validator.table.links.get(bob.hotkey);
    const reply = Promise.withResolvers<Reply>();
    validator.table.requests.set('odd', { hotkey: bob.hotkey, settle: reply.resolve });
    const sent = link?.connection.send({
      type: 'tasks',
      v: 1,
      round: 'r',
      deadlineMs: 5_000,
      tasks: [{ id: 'odd', kind, request }],
    });
    expect(sent).toEqual({ ok: true, value: undefined });
    expect(await reply.promise).toMatchObject({ type: 'refusal', id: 'odd', reason });
  });

  it('refuses a task that comes too late to be answered', async () => {
    await connect();
    const link = validator.table.links.get(bob.hotkey);
    const reply = Promise.withResolvers<Reply>();
    validator.table.requests.set('late', { hotkey: bob.hotkey, settle: reply.resolve });
    const tasks = [{ id: 'late', kind: 'sentiment_analysis', request: { text: 'good' } }];
    link?.connection.send({ type: 'tasks', v: 1, round: 'r', deadlineMs: 0, tasks });
    expect(await reply.promise).toMatchObject({ type: 'refusal', reason: 'expired' });
  });

  it('finishes what is open while it drains, and refuses what is new', async () => {
    const { serving } = await connect();
    const first = await ask(['good'], async () => {
      await serving.event('link.busy');
      serving.tell({ type: 'link.refuseTasks' });
    });
    expect(first.map(({ outcome }) => outcome)).toEqual(['judged']);
    await serving.event('link.idle');
    const second = await ask(['good', 'great']);
    expect(second.map(({ outcome }) => outcome)).toEqual(['refused', 'refused']);
    expect(serving.types().filter((type) => type === 'link.busy')).toHaveLength(1);
  });

  it('says at once that it is idle when it drains without open tasks', async () => {
    const { serving } = await connect();
    serving.tell({ type: 'link.refuseTasks' });
    expect(serving.types()).toEqual(['link.opened', 'link.idle']);
  });

  it.each([
    ['//Charlie', 'a neuron without a permit'],
    ['//Zoe', 'a hotkey that is not registered'],
  ])('refuses %s: %s', async (uri) => {
    const { host: door, port } = await listen();
    const asking = dialBob(port, uri);
    const serving = await accept(door);
    const { failure } = await asking.event('link.closed');
    expect(failure).toMatchObject({ _tag: 'Refused' });
    await serving.event('link.closed');
    expect(serving.types()).toEqual(['link.closed']);
    expect(asking.types()).toEqual(['link.closed']);
    expect(validator.table.links.size).toBe(0);
  });

  it('refuses a validator with too little stake, and serves one without a permit where the operator says so', async () => {
    const strict = await listen({ minValidatorStake: 1_000_000 });
    const poor = dialBob(strict.port);
    await accept(strict.host);
    expect((await poor.event('link.closed'))['failure']).toMatchObject({ _tag: 'Refused' });
    const open = await listen({ requirePermit: false });
    const charlie = dialBob(open.port, '//Charlie');
    await accept(open.host);
    await charlie.event('link.opened');
  });

  it('serves nobody before it has seen a metagraph', async () => {
    const { host: door, port } = await listen();
    miner.chain.subnet = null;
    const asking = dialBob(port);
    await accept(door);
    expect((await asking.event('link.closed'))['failure']).toMatchObject({ _tag: 'Refused' });
  });

  it('ends the link of a validator whose permit was revoked when it asks again', async () => {
    const { asking, serving } = await connect();
    expect(await ask(['good'])).toMatchObject([{ outcome: 'judged' }]);
    const subnet = await refreshSubnet();
    miner.chain.subnet = {
      ...subnet,
      neurons: subnet.neurons.map((neuron) => ({ ...neuron, validatorPermit: false })),
    };
    const plan = planFor({ hotkeys: [bob.hotkey], tasks: 1 });
    await validator.runtime.runPromise(appendEvidence([plan]));
    validator.book.plans.set(plan.roundId, plan);
    const round = hosted(hostLink(cohort(validator.runtime), { roundId: plan.roundId }));
    const { failure } = await serving.event('link.closed');
    expect(failure).toEqual({ _tag: 'Refused', message: 'no validator permit' });
    await asking.event('link.closed');
    expect(validator.table.links.has(bob.hotkey)).toBe(false);
    round.tell({ type: 'round.expire' });
    expect((await round.event('cohort.settled'))['summary']).toMatchObject({ dispatched: 1, missed: 1 });
  });

  it('does not talk to a peer that proves another hotkey than the chain says', async () => {
    const { host: door, port } = await listen();
    const asking = dialBob(port, '//Alice', identityOfUri('//Charlie').hotkey);
    await accept(door);
    const { failure } = await asking.event('link.closed');
    expect(['Refused', 'HandshakeFailed']).toContain((failure as { readonly _tag: string })._tag);
    expect(validator.table.links.size).toBe(0);
  });

  it('says once that nobody answers at an address', async () => {
    const { host: door, port } = await listen();
    door.leave();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const asking = dialBob(port);
    const { failure, jitter } = await asking.event('link.closed');
    expect(failure).toMatchObject({ _tag: 'Unreachable' });
    expect(jitter).toBeGreaterThanOrEqual(0);
    expect(jitter).toBeLessThan(1);
    expect(asking.types()).toEqual(['link.closed']);
  });

  it('says that the link ended when the miner closes its port, exactly once on each side', async () => {
    const { door, asking, serving } = await connect();
    door.leave();
    await asking.event('link.closed');
    await serving.event('link.closed');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(asking.types()).toEqual(['link.opened', 'link.closed']);
    expect(serving.types()).toEqual(['link.opened', 'link.closed']);
    expect(validator.table.links.size).toBe(0);
  });

  it('forgets the link when the validator leaves it', async () => {
    const { asking, serving } = await connect();
    asking.leave();
    const { failure } = await serving.event('link.closed');
    expect(failure).toMatchObject({ _tag: 'ClosedByPeer' });
    await until(() => validator.table.links.size === 0, 'no link');
    expect(asking.types()).toEqual(['link.opened']);
  });

  it('tells a session whose arrival is gone that there is nothing to serve', async () => {
    const { port } = await listen();
    expect(port).toBeGreaterThan(0);
    const pool = await miner.runtime.runPromise(CurrentPool);
    const logic = validatorLink(miner.runtime, { desk: createTaskDesk(pool), rules });
    const host = hosted(hostLink(logic, { arrival: '999' }));
    expect((await host.event('link.closed'))['failure']).toMatchObject({ _tag: 'Lost' });
  });

  it('forgets an arrival that nobody takes as soon as its socket is gone', async () => {
    const { host: door, port } = await listen();
    const limits = { ...testLimits, handshakeDeadlineMs: 300 };
    const settings = { identity: alice, netuid: NETUID, limits };
    const arrivals = await miner.runtime.runPromise(Arrivals);
    for (let wave = 0; wave < 3; wave += 1) {
      const hosts = Array.from({ length: 4 }, () =>
        hosted(
          hostLink(minerLink(validator.runtime, settings), {
            hotkey: bob.hotkey,
            axon: { ip: '127.0.0.1', port },
          }),
        ),
      );
      await Promise.all(hosts.map((host) => host.event('link.closed')));
      await until(() => arrivals.size === 0, 'no arrival outlives its socket');
    }
    expect(door.types().filter((type) => type === 'peer.arrived')).toHaveLength(12);
    hosted(
      hostLink(minerLink(validator.runtime, settings), {
        hotkey: bob.hotkey,
        axon: { ip: '127.0.0.1', port },
      }),
    );
    await until(() => arrivals.size === 1, 'one more arrival');
    door.leave();
    await until(() => arrivals.size === 0, 'no arrival outlives the port');
  });

  it('says that the port cannot be bound, and names it', async () => {
    const { port } = await listen();
    const logic = listener(miner.runtime, {
      identity: bob,
      netuid: NETUID,
      limits: testLimits,
      host: '127.0.0.1',
      port,
      ...rules,
    });
    const second = hosted(hostLink(logic, { genesisHash: genesisHash() }));
    const { failure } = await second.event('listener.closed');
    expect(JSON.stringify(failure)).toContain(String(port));
    expect(second.types()).toEqual(['listener.closed']);
  });

  it('drains the pool, and ends its processes when the state is left', async () => {
    const pool = await miner.runtime.runPromise(CurrentPool);
    const live = pool.pool;
    expect(live?.stats().workers.map(({ state }) => state)).toEqual(['ready']);
    workers.tell({ type: 'pool.drain' });
    await workers.event('pool.drained');
    workers.leave();
    await until(() => pool.pool === null, 'the pool is closed');
    await until(() => live?.stats().workers[0]?.pid === null, 'the process is gone');
  });
});
