import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { announceAxon } from '#src/actors/announceAxon.actor.ts';
import { settingsOf } from '#src/config/roles.ts';
import { defaultText } from '#src/config/setting.ts';
import { decodeGenesis } from '#src/devnet/genesis.ts';
import { type Devnet, startDevnet } from '#src/devnet/node.ts';
import type { PeerConnection } from '#src/transport/connection.ts';
import type { Tasks } from '#src/transport/protocol.ts';
import { makeWorkspace } from '#test/inference/modelFolders.ts';
import { askOnce, evidenceOnDisk, followChain, openMinerLife, recordsOf } from '#test/support/actors.ts';
import { type Daemon, runScript, startDaemon } from '#test/support/actorsDaemon.ts';
import { readStream } from '#test/support/gatewayStage.ts';
import { identityOfUri, startListener, type TestListener, until } from '#test/support/peers.ts';

const roles = ['validator', 'miner'] as const;
const entryOf = { validator: 'validator.js', miner: 'miner.js' } as const;

/** The daemons as their operators run them: arguments in, exit codes, messages and signals. */
describe('cli / daemon', () => {
  const home = mkdtempSync(join(tmpdir(), 'miaoai-daemon-'));
  const workspace = makeWorkspace();
  const running: Daemon[] = [];
  let folders = 0;

  afterEach(async () => {
    for (const daemon of running.splice(0)) {
      if (!daemon.isOver()) daemon.signal('SIGKILL');
      await daemon.ended;
    }
  });
  afterAll(() => {
    rmSync(home, { recursive: true, force: true });
    workspace.dispose();
  });

  const start = (role: (typeof roles)[number], args: readonly string[] = []): Daemon => {
    const daemon = startDaemon({ entry: entryOf[role], args, home });
    running.push(daemon);
    return daemon;
  };
  const freshDir = (): string => {
    folders += 1;
    return join(home, `data${folders}`);
  };
  /** An endpoint where nobody listens: the daemon starts all the same and keeps trying. */
  const nowhere = ['--chain-endpoints', 'ws://127.0.0.1:9'];

  it.each(roles)('prints every setting of a %s with flag, variable and default', async (role) => {
    const daemon = start(role, ['--help']);
    expect(await daemon.ended).toEqual({ code: 0, signal: null });
    expect(daemon.stderr()).toBe('');
    const words = daemon.stdout().replaceAll(/\s+/g, ' ');
    for (const setting of Object.values(settingsOf[role])) {
      expect(words).toContain(`${setting.flag} `);
      expect(words).toContain(`[env ${setting.env}] [default ${defaultText(setting)}]`);
    }
    expect(words).toContain('Exit codes');
  });

  it.each(roles)('refuses an unknown flag of a %s with code 2 and one message', async (role) => {
    const daemon = start(role, ['--netuidd', '86']);
    expect(await daemon.ended).toEqual({ code: 2, signal: null });
    expect(daemon.stdout()).toBe('');
    expect(daemon.stderr()).toContain('--netuidd');
    expect(daemon.stderr()).toContain(`node dist/${role}.js --help`);
    expect(daemon.stderr().trimEnd().split('\n').length).toBeLessThanOrEqual(3);
  });

  it('names every setting that is wrong at once', async () => {
    const daemon = start('validator', [
      '--netuid',
      '70000',
      '--round-deadline-ms',
      'soon',
      '--burn-share',
      '2',
    ]);
    expect(await daemon.ended).toEqual({ code: 2, signal: null });
    for (const flag of ['--netuid', '--round-deadline-ms', '--burn-share']) {
      expect(daemon.stderr()).toContain(flag);
    }
  });

  it.each(roles)('ends a %s without its wallet with code 3, and names the place', async (role) => {
    const daemon = start(role, [...nowhere, '--wallet-name', 'nobody', '--data-dir', freshDir()]);
    expect(await daemon.ended).toEqual({ code: 3, signal: null });
    expect(daemon.stderr()).toContain(join(home, '.bittensor', 'wallets', 'nobody'));
    expect(daemon.stderr()).not.toContain('    at ');
  });

  it('explains an older Node before anything else, and is silent on a newer one', async () => {
    const ask = (version: string) =>
      runScript(`import('./src/nodeVersion.ts').then(({ requireNode }) => requireNode('${version}'));`);
    const old = await ask('20.1.0');
    expect(old.code).toBe(1);
    expect(old.stderr).toContain('22.19');
    expect(old.stderr).toContain('20.1.0');
    expect(old.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect((await ask('22.18.9')).code).toBe(1);
    // A clone has a Node of its own beside the program, an installation from the tarball has none.
    expect(old.stderr).toContain(join('node_modules', '.bin', 'node'));
    const alone = await runScript(
      `import('./src/nodeVersion.ts').then(({ requireNode }) => requireNode('20.1.0', '/nowhere/node'));`,
    );
    expect(alone).toMatchObject({ code: 1, stderr: expect.stringContaining('install a newer one.') });
    expect(await ask('22.19.0')).toMatchObject({ code: 0, stderr: '' });
    expect(await ask('24.0.0')).toMatchObject({ code: 0, stderr: '' });
  });

  it('lets a second validator of one data folder stand by, and refuses the other role', async () => {
    const dir = freshDir();
    const args = [...nowhere, '--hotkey-uri', '//Alice', '--data-dir', dir];
    const first = start('validator', args);
    await first.saw('daemon.writing');
    const second = start('validator', args);
    const { holder } = await second.saw('lease.standingBy');
    expect(holder).toContain(`pid ${first.pid} `);
    const other = start('miner', args);
    expect((await other.ended).code).toBe(1);
    expect(other.stderr()).toContain(dir);
    expect(other.stderr()).toContain('--data-dir');
    // However the first one dies, the other one goes on.
    first.signal('SIGKILL');
    expect(await first.ended).toEqual({ code: null, signal: 'SIGKILL' });
    await second.saw('chain.lost');
    const third = start('validator', args);
    await third.saw('lease.standingBy');
    // There is nothing to drain in one that only stands by.
    third.signal('SIGTERM');
    expect(await third.ended).toEqual({ code: 0, signal: null });
    expect(third.stdout()).not.toContain('daemon.writing');
    second.signal('SIGINT');
    expect(await second.ended).toEqual({ code: 0, signal: null });
    const last = start('validator', args);
    expect(await last.saw('daemon.writing')).toMatchObject({ starts: 3 });
  });

  it('gives the right to write back at a SIGTERM that comes before its work began', async () => {
    const args = [...nowhere, '--hotkey-uri', '//Alice', '--data-dir', freshDir()];
    const validator = start('validator', args);
    await validator.saw('daemon.writing');
    validator.signal('SIGTERM');
    expect(await validator.ended).toEqual({ code: 0, signal: null });
    expect(validator.stdout()).toContain('daemon.ended');
  });

  it('refuses a second miner on one data folder and says who holds it', async () => {
    const dir = freshDir();
    const args = [...nowhere, '--hotkey-uri', '//Bob', '--data-dir', dir];
    const first = start('miner', args);
    await first.saw('daemon.started');
    const second = start('miner', args);
    expect(await second.ended).toEqual({ code: 1, signal: null });
    expect(second.stderr()).toContain(`process ${first.pid}`);
    expect(second.stderr()).toContain('--data-dir');
  });

  it('ends a miner whose model folder is none with code 1 and the reason', async () => {
    const daemon = start('miner', [
      ...nowhere,
      '--hotkey-uri',
      '//Bob',
      '--data-dir',
      freshDir(),
      '--model-dirs',
      join(home, 'no-models'),
    ]);
    const ended = await daemon.saw('daemon.ended');
    expect(ended).toMatchObject({ level: 'fatal', exit: 'failed' });
    expect(JSON.stringify(ended)).toContain('no-models');
    expect(await daemon.ended).toEqual({ code: 1, signal: null });
  });

  it('drains a miner at SIGTERM and leaves no process behind', async () => {
    const models = workspace.folder({ name: 'quick' });
    const daemon = start('miner', [
      ...nowhere,
      ...['--hotkey-uri', '//Bob', '--data-dir', freshDir(), '--model-dirs', models, '--workers', '1'],
    ]);
    await daemon.saw('inference.ready');
    daemon.signal('SIGTERM');
    expect(await daemon.saw('daemon.ended')).toMatchObject({ exit: 'drained', reason: 'SIGTERM' });
    // The pipes close only when the worker processes are gone as well.
    expect(await daemon.ended).toEqual({ code: 0, signal: null });
  });

  it('never writes the secret of its hotkey', async () => {
    const daemon = start('validator', [
      ...nowhere,
      ...['--hotkey-uri', '//Alice//very-secret-path', '--data-dir', freshDir(), '--log-level', 'trace'],
    ]);
    await daemon.saw('daemon.started');
    daemon.signal('SIGTERM');
    await daemon.ended;
    expect(daemon.stdout() + daemon.stderr()).not.toContain('very-secret-path');
  });
});

const pathsOfApi = [
  '/api/status',
  '/api/config',
  '/api/inspection',
  '/api/sessions/1',
  '/api/history',
  '/api/logs',
  '/metrics',
];

type TasksMessage = typeof Tasks.Type;

describe('cli / daemon, a validator with a round under way', () => {
  const home = mkdtempSync(join(tmpdir(), 'miaoai-drain-'));
  const bob = identityOfUri('//Bob');
  let devnet: Devnet;
  let listener: TestListener;
  let peers: PeerConnection[] = [];
  let asked: TasksMessage[] = [];
  let daemon: Daemon;

  /** Bob's address on chain, and Bob himself, who takes tasks and answers when he is told to. */
  beforeAll(async () => {
    devnet = await startDevnet({
      genesis: decodeGenesis({
        chain: 'daemon test',
        blockTimeMs: 200,
        subnets: [
          {
            netuid: 86,
            tempo: 360,
            ownerColdkey: '//Eve',
            ownerHotkey: '//Ferdie',
            hyperparameters: { commitRevealWeightsEnabled: false },
            neurons: [
              { hotkey: '//Alice', coldkey: '//Dave', stake: '300000000000', validatorPermit: true },
              { hotkey: '//Bob', coldkey: '//Dave', stake: '0' },
            ],
          },
        ],
        flags: { allowLoopbackAxon: true },
      }),
    });
    const life = await openMinerLife();
    await followChain(life.runtime, devnet.url);
    listener = await startListener({ identity: bob, genesisHash: life.chain.connection?.genesisHash ?? '' });
    const announce = announceAxon(life.runtime, {
      identity: bob,
      ip: '127.0.0.1',
      externalPort: null,
      version: 1,
    });
    for (let isThere = false; !isThere; ) {
      isThere = (await askOnce(announce, { boundPort: listener.port })).ok;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await life.end();
    void serve();
  });
  afterEach(async () => {
    if (!daemon.isOver()) daemon.signal('SIGKILL');
    await daemon.ended;
    peers = [];
    asked = [];
  });
  afterAll(async () => {
    await listener.close();
    await devnet.stop();
    rmSync(home, { recursive: true, force: true });
  });

  const serve = async (): Promise<void> => {
    for (;;) {
      const peer = await listener.acceptNext();
      peers.push(peer);
      peer.listen((message) => {
        if (message.type === 'tasks') asked.push(message);
      });
      peer.send({ type: 'ready', v: 1, kinds: ['sentiment_analysis'], models: [], maxInFlight: 64 });
    }
  };

  const startAsking = async (name: string, more: readonly string[] = []): Promise<string> => {
    const dir = join(home, name);
    daemon = startDaemon({
      entry: 'validator.js',
      home,
      hasPage: more.includes('--dashboard-port'),
      args: [
        ...more,
        ...['--chain-endpoints', devnet.url, '--hotkey-uri', '//Alice', '--data-dir', dir],
        ...['--round-deadline-ms', '60000', '--drain-grace-ms', '60000', '--tasks-per-round', '2'],
      ],
    });
    await daemon.saw('daemon.started');
    await until(() => asked.length > 0, 'the tasks of a round', 30_000);
    return dir;
  };

  it('finishes the round at SIGTERM, with all of it on record, and exits with 0', async () => {
    const dir = await startAsking('drained');
    daemon.signal('SIGTERM');
    await daemon.saw('daemon.draining');
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(daemon.isOver()).toBe(false);
    for (const { id } of asked[0]?.tasks ?? []) {
      peers[0]?.send({
        type: 'answer',
        v: 1,
        id,
        answer: { sentiment_score: 1, confidence: 1 },
        elapsedMs: 1,
      });
    }
    expect(await daemon.saw('daemon.ended')).toMatchObject({ exit: 'drained', reason: 'SIGTERM' });
    expect(await daemon.ended).toEqual({ code: 0, signal: null });
    expect(asked).toHaveLength(1);
    const log = await evidenceOnDisk(dir);
    expect(recordsOf(log, 'round.settled')).toMatchObject([{ dispatched: 2, missed: 0, unreachable: 0 }]);
    expect(recordsOf(log, 'answer.judged')).toHaveLength(2);
  });

  it('tells neither truths, nor keys, nor what was asked: in no line of its log and at no address', async () => {
    const dir = await startAsking('silent', ['--log-level', 'trace', '--dashboard-port', '0']);
    const { url } = await daemon.saw('dashboard.opened');
    const { port } = new URL(String(url));
    const reader = await readStream(Number(port), 'view,inspection,logs');
    const said: string[] = [];
    const askAll = async (): Promise<void> => {
      for (const path of pathsOfApi) said.push(await (await fetch(`${String(url)}${path}`)).text());
    };
    await askAll();
    for (const { id } of asked[0]?.tasks ?? []) {
      const answer = { sentiment_score: 1, confidence: 1 };
      peers[0]?.send({ type: 'answer', v: 1, id, answer, elapsedMs: 1 });
    }
    await daemon.saw('round.ended');
    await askAll();
    await reader.saw('view.patch');
    said.push(JSON.stringify(reader.events));
    reader.close();
    daemon.signal('SIGTERM');
    await daemon.ended;
    said.push(daemon.stdout(), daemon.stderr());
    const [plan] = recordsOf(await evidenceOnDisk(dir), 'round.planned');
    const tasks = plan?.tasks ?? [];
    const secrets = [
      plan?.requestKey ?? '',
      ...tasks.flatMap(({ request, truth }) => [JSON.stringify(request), JSON.stringify(truth)]),
      // Their texts alone, as they stand in JSON, where they are long enough to be nothing else; some are one word.
      ...tasks.flatMap(({ request }) => JSON.stringify(request).match(/[^"{}]{20,}/g) ?? []),
    ];
    expect(tasks).toHaveLength(2);
    const all = said.join('\n');
    // The view does show this round.
    expect(all).toContain(plan?.roundId);
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(2);
      expect(all).not.toContain(secret);
      expect(all).not.toContain(JSON.stringify(secret).slice(1, -1));
    }
    expect(all).not.toMatch(/"(requestKey|truths?)"/);
  });

  it('ends at once and not with 0 at a second signal', async () => {
    const dir = await startAsking('killed');
    daemon.signal('SIGTERM');
    await daemon.saw('daemon.draining');
    const askedToEndMs = performance.now();
    daemon.signal('SIGINT');
    expect(await daemon.ended).toEqual({ code: 1, signal: null });
    expect(performance.now() - askedToEndMs).toBeLessThan(3_000);
    const log = await evidenceOnDisk(dir);
    expect(recordsOf(log, 'round.planned')).toHaveLength(1);
    expect(recordsOf(log, 'round.settled')).toEqual([]);
    // The next life takes up the round that was cut short, under the ids its requests had.
    const idsOf = (message: (typeof asked)[number] | undefined) => message?.tasks.map(({ id }) => id);
    const before = idsOf(asked[0]);
    asked = [];
    await startAsking('killed');
    expect(idsOf(asked[0])).toEqual(before);
    const again = recordsOf(await evidenceOnDisk(dir), 'round.planned');
    expect(again.map(({ roundId }) => roundId)).toEqual([asked[0]?.round]);
    expect(recordsOf(await evidenceOnDisk(dir), 'round.abandoned')).toEqual([]);
  });
});
