import * as Effect from 'effect/Effect';
import { afterEach, describe, expect, it } from 'vitest';

import { CurrentListener } from '#src/actors/currentListener.ts';
import { inferenceWorkers } from '#src/actors/inferenceWorkers.actor.ts';
import { listener } from '#src/actors/listener.actor.ts';
import { minerLink } from '#src/actors/minerLink.actor.ts';
import { createTaskDesk, kindOfLabels, type PoolHolder, type TaskDesk } from '#src/actors/taskDesk.ts';
import { validatorLink } from '#src/actors/validatorLink.actor.ts';
import { succeed } from '#src/domain/outcome.ts';
import type { InferencePool } from '#src/inference/pool.ts';
import { inspectMachine, planProvider } from '#src/inference/providers.ts';
import { dial } from '#src/transport/client.ts';
import type { Message } from '#src/transport/protocol.ts';
import { makeWorkspace } from '#test/inference/modelFolders.ts';
import { dataFolder, type Host, hostLink, openMinerLife, openValidatorLife } from '#test/support/actors.ts';
import { neuron, subnetAt } from '#test/support/machinesSubnet.ts';
import {
  dialSettings,
  GENESIS_HASH,
  identityOfUri,
  minerIdentity,
  NETUID,
  openScope,
  startListener,
  strangerIdentity,
  testLimits,
  until,
  validatorIdentity,
} from '#test/support/peers.ts';

/** Manifests with nothing but what the desk looks at. */
const poolOf = (labels: readonly string[], queueLimit = 256) => {
  const open: (() => void)[] = [];
  const asked: (string | undefined)[] = [];
  const classify: InferencePool['classify'] = (_model, { client }) =>
    new Promise((resolve) => {
      asked.push(client);
      const even = labels.map((label) => ({ label, probability: 1 / labels.length }));
      open.push(() => resolve(succeed(even)));
    });
  const models = [{ name: 'm', sha256: '0'.repeat(64), labels }];
  const pool = { models, queueLimit, classify } as unknown as InferencePool;
  return { holder: { pool } satisfies PoolHolder, asked, finish: () => open.splice(0).map((done) => done()) };
};

const sentiment = ['negative', 'positive'];
const task = { kind: 'sentiment_analysis', request: { text: 'good' }, deadlineAt: Number.POSITIVE_INFINITY };
const ignore = (): void => {};

describe('actors / taskDesk', () => {
  it('reads two labels without names as sentiment, and nothing else without names', () => {
    expect(kindOfLabels(['LABEL_0', 'LABEL_1'])).toBe('sentiment_analysis');
    expect(kindOfLabels(['label_1', 'label_0'])).toBe('sentiment_analysis');
    expect(kindOfLabels(['LABEL_0', 'LABEL_1', 'LABEL_2'])).toBe('text_classification');
    expect(kindOfLabels(['LABEL_0', 'LABEL_0'])).toBe('text_classification');
    expect(kindOfLabels(['LABEL_1', 'refund'])).toBe('text_classification');
  });

  it('refuses to guess among classes that its model does not know', async () => {
    const { holder, finish } = poolOf(['refund', 'delivery']);
    const seat = createTaskDesk(holder).join('5One', ignore);
    const classify = (allowed: readonly string[]) =>
      seat.answer({
        ...task,
        kind: 'text_classification',
        request: { text: 'where is it', allowed_classes: allowed },
      });
    expect(await classify(['sports', 'politics'])).toEqual({ ok: false, error: 'unsupported' });
    const answered = classify(['delivery', 'politics']);
    await until(() => finish().length === 1, 'the task at the pool');
    expect(await answered).toMatchObject({ ok: true, value: { class_id: 'delivery' } });
  });

  it('shares its queue between validators, and tells each of them when its share changes', () => {
    const desk = createTaskDesk(poolOf(sentiment, 256).holder);
    const heard: number[] = [];
    const first = desk.join('5One', (share) => heard.push(share));
    expect(first.share()).toBe(256);
    const second = desk.join('5Two', ignore);
    const again = desk.join('5Two', ignore);
    expect([first.share(), second.share(), again.share()]).toEqual([128, 128, 128]);
    again.leave();
    second.leave();
    expect(heard).toEqual([128, 256]);
    for (let index = 0; index < 100; index += 1) desk.join(`5N${index}`, ignore);
    expect(first.share()).toBe(16);
  });

  it('lets one validator take its share and no more, whatever links it opens', async () => {
    const { holder, asked, finish } = poolOf(sentiment, 64);
    const desk = createTaskDesk(holder);
    const [greedy, modest] = [desk.join('5Greedy', ignore), desk.join('5Modest', ignore)];
    const answers = Array.from({ length: 100 }, () => greedy.answer(task));
    await until(() => asked.length === 32, 'its share at the pool');
    greedy.leave();
    const again = desk.join('5Greedy', ignore);
    expect(await again.answer(task)).toEqual({ ok: false, error: 'busy' });
    const served = modest.answer(task);
    await until(() => asked.length === 33, 'the other validator');
    expect(asked.at(-1)).toBe('5Modest');
    finish();
    expect((await served).ok).toBe(true);
    const results = await Promise.all(answers);
    expect(results.filter(({ ok }) => ok)).toHaveLength(32);
    const once = again.answer(task);
    await until(() => finish().length === 1, 'a place that is free again');
    expect((await once).ok).toBe(true);
  });
});

describe('actors / inferenceWorkers', () => {
  it('tells with the first worker why the preferred provider was given up before any was started', async () => {
    const workspace = makeWorkspace();
    const miner = await openMinerLife();
    const modelDirs = [workspace.folder({ name: 'quick' })];
    const logic = inferenceWorkers(miner.runtime, { modelDirs, provider: 'auto', queueLimit: 8 });
    const host = hostLink(logic, { slots: 1 });
    const { note, provider } = await host.event('worker.ready');
    const plan = await Effect.runPromise(planProvider('auto', inspectMachine()));
    if (plan.planned === 'cpu') expect(note).toBe(plan.reason);
    else expect(provider === plan.planned || note !== null).toBe(true);
    host.leave();
    await miner.end();
    workspace.dispose();
  });
});

describe('actors / links while the chain is away', () => {
  it('dials a miner without a connection to the chain, once it has known the chain', async () => {
    const folder = dataFolder();
    const life = await openValidatorLife(folder.dir);
    const axon = { ip: '127.0.0.1', port: 0 };
    const bob = await startListener();
    const logic = minerLink(life.runtime, {
      identity: validatorIdentity,
      netuid: NETUID,
      limits: testLimits,
    });
    const input = { hotkey: minerIdentity.hotkey, axon: { ...axon, port: bob.port } };
    const early = hostLink(logic, input);
    expect((await early.event('link.closed'))['failure']).toMatchObject({ _tag: 'Unreachable' });
    life.chain.genesisHash = GENESIS_HASH;
    expect(life.chain.connection).toBeNull();
    const accepting = bob.acceptNext();
    const late = hostLink(logic, input);
    const peer = await accepting;
    peer.send({ type: 'ready', v: 1, kinds: ['sentiment_analysis'], models: [], maxInFlight: 1 });
    await late.event('link.opened');
    late.leave();
    await bob.close();
    await life.end();
    folder.remove();
  });
});

describe('actors / validatorLink', () => {
  const cleanUp: (() => unknown)[] = [];
  afterEach(async () => {
    for (const step of cleanUp.splice(0).toReversed()) await step();
  });
  const rules = { requirePermit: true, minValidatorStake: 0 };

  /** A miner's open port and desk; each validator that comes is served. */
  const openDoor = async (desk: TaskDesk) => {
    const miner = await openMinerLife();
    cleanUp.push(miner.end);
    const uris = ['//Validator', '//Other'];
    const neurons = uris.map((uri, uid) => neuron(uid, identityOfUri(uri).hotkey, null));
    miner.chain.subnet = subnetAt({ neurons });
    const settings = { identity: minerIdentity, netuid: NETUID, limits: testLimits, ...rules };
    const logic = listener(miner.runtime, { ...settings, host: '127.0.0.1', port: 0 });
    const door = hostLink(logic, { genesisHash: GENESIS_HASH });
    cleanUp.push(door.leave);
    const { port } = await door.event('listener.bound');
    /** The next one at the door, whoever it is, at the session that it is given. */
    const greet = async (nth: number): Promise<Host> => {
      const { arrival } = await door.event('peer.arrived', nth);
      return hostLink(validatorLink(miner.runtime, { desk, rules }), { arrival: String(arrival) });
    };
    const join = async (uri: string, nth: number): Promise<{ host: Host; heard: Message[] }> => {
      const scope = openScope();
      cleanUp.push(scope.close);
      const dialing = scope.run(dial(dialSettings(Number(port), { identity: identityOfUri(uri) })));
      const host = await greet(nth);
      const peer = await dialing;
      const heard: Message[] = [];
      peer.listen((message) => heard.push(message));
      await until(() => heard.length === 1, 'ready');
      return { host, heard };
    };
    return { join, greet, port: Number(port), runtime: miner.runtime };
  };

  it('advertises the share of each validator, and again when it changes', async () => {
    const { join } = await openDoor(createTaskDesk(poolOf(sentiment, 256).holder));
    const first = await join('//Validator', 1);
    expect(first.heard).toMatchObject([{ type: 'ready', maxInFlight: 256 }]);
    const second = await join('//Other', 2);
    expect(second.heard).toMatchObject([{ type: 'ready', maxInFlight: 128 }]);
    await until(() => first.heard.length === 2, 'the new share');
    expect(first.heard[1]).toMatchObject({ type: 'ready', maxInFlight: 128 });
    second.host.leave();
    await until(() => first.heard.length === 3, 'the old share');
    expect(first.heard[2]).toMatchObject({ type: 'ready', maxInFlight: 256 });
  });

  it('counts for whoever looks on who knocked, and why they were not let in', async () => {
    const { join, greet, port, runtime } = await openDoor(createTaskDesk(poolOf(sentiment).holder));
    const counts = await runtime.runPromise(CurrentListener);
    await join('//Validator', 1);
    const scope = openScope();
    cleanUp.push(scope.close);
    // A hotkey that is not registered, and something that does not speak the protocol.
    const refused = scope.run(dial(dialSettings(port, { identity: strangerIdentity }))).catch(ignore);
    await greet(2);
    await refused;
    const page = await fetch(`http://127.0.0.1:${port}/`).catch(() => null);
    expect(page?.ok).not.toBe(true);
    const read = (): Partial<ReturnType<NonNullable<typeof counts.read>>> => counts.read?.() ?? {};
    await until(() => read()['refused.NotAuthorised'] === 1 && read().notALink === 1, 'both refusals');
    expect(read()).toMatchObject({ connections: 3, established: 1 });
  });

  it('ends with the reason for which its session was dismissed', async () => {
    const { join } = await openDoor(createTaskDesk(poolOf(sentiment).holder));
    const { host } = await join('//Validator', 1);
    host.tell({ type: 'link.dismiss', reason: 'no validator permit' } as { type: string });
    expect((await host.event('link.closed'))['failure']).toEqual({
      _tag: 'ClosedHere',
      message: 'closed here: no validator permit',
    });
  });
});
