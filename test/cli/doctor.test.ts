import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as Effect from 'effect/Effect';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { toSubmitFailure } from '#src/chain/errors.ts';
import { freePort } from '#src/cli/demo/ports.ts';
import { diagnose } from '#src/cli/doctor.ts';
import { type DoctorReport, type Finding, reportEnding, reportText } from '#src/cli/doctorReport.ts';
import type { Role } from '#src/config.ts';
import { decodeGenesis } from '#src/devnet/genesis.ts';
import { type Devnet, type DevnetOptions, startDevnet } from '#src/devnet/node.ts';
import type { BlockNumber } from '#src/domain/ids.ts';
import { sealVault } from '#src/keys/ansibleVault.ts';
import { keysReady } from '#src/keys/identity.ts';
import { keyfileJson } from '#src/keys/keyfile.ts';
import { secretFromText } from '#src/keys/secret.ts';
import { NETUID, planWeights, withConnection } from '#test/chain/devnetFixture.ts';
import { runCli } from './cliProcess.ts';

const TEMPO = 20;
const VECTOR = { uids: [1, 2], values: [32_768, 65_535] };
const models = fileURLToPath(new URL('../../models', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'miaoai-doctor-'));

type Rules = Record<string, number | boolean | string>;

/** Alice validates, Bob has stake but no permit yet, Charlie has no stake; blocks are made by hand. */
const start = (
  rules: Rules = {},
  sealing: 'manual' | 'interval' = 'manual',
  node: Partial<DevnetOptions> = {},
): Promise<Devnet> =>
  startDevnet({
    sealing,
    ...node,
    genesis: decodeGenesis({
      chain: 'doctor test',
      blockTimeMs: sealing === 'manual' ? 1_000 : 200,
      subnets: [
        {
          netuid: NETUID,
          tempo: TEMPO,
          ownerColdkey: '//Eve',
          ownerHotkey: '//Ferdie',
          hyperparameters: {
            commitRevealWeightsEnabled: false,
            weightsSetRateLimit: 5,
            minAllowedWeights: 1,
            ...rules,
          },
          neurons: [
            { hotkey: '//Alice', coldkey: '//Dave', stake: '300000000000', validatorPermit: true },
            { hotkey: '//Bob', coldkey: '//Dave', stake: '200000000000', validatorPermit: false },
            { hotkey: '//Charlie', coldkey: '//Dave', stake: '0', validatorPermit: true },
          ],
        },
      ],
    }),
  });

type Question = {
  readonly role?: Role;
  readonly endpoints?: string;
  readonly uri?: string | null;
  readonly more?: readonly string[];
};

const examined = (devnet: Devnet, question: Question = {}): Promise<DoctorReport> => {
  const { role = 'validator', endpoints = devnet.url, uri = '//Alice', more = [] } = question;
  const own = uri === null ? [] : ['--hotkey-uri', uri];
  const argv = ['--network', 'local', '--chain-endpoints', endpoints, ...own, ...more];
  return diagnose({ role, argv, env: { HOME: home }, cwd: home, ask: null });
};

const findingOf = ({ findings }: DoctorReport, check: string): Finding | undefined =>
  findings.find((finding) => finding.check === check);

/** Signs weights on the newest head, sends them and makes one block: the block that took them, or who refused. */
const attempt = (devnet: Devnet, uri: string): Promise<BlockNumber | string> =>
  withConnection(devnet.url, (connection) =>
    Effect.gen(function* () {
      const { prepared } = yield* planWeights(connection, { uri, vector: VECTOR });
      const sent = yield* Effect.result(connection.submitPrepared({ prepared }));
      const { number: block } = devnet.seal();
      if (sent._tag === 'Failure') {
        const failure = toSubmitFailure(sent.failure);
        return failure._tag === 'Refused' ? failure.check : failure._tag;
      }
      const search = { prepared, fromBlock: prepared.bornAtBlock, toBlock: block };
      const inclusion = yield* connection.findInclusion(search);
      if (!inclusion.found) return 'not included';
      const { outcome } = inclusion;
      if (outcome.ok) return inclusion.block;
      return outcome.error._tag === 'Refused' ? outcome.error.check : outcome.error._tag;
    }),
  );

describe('cli / doctor', () => {
  const running: Devnet[] = [];
  const startWith = async (...how: Parameters<typeof start>): Promise<Devnet> => {
    const devnet = await start(...how);
    running.push(devnet);
    return devnet;
  };
  const sealTo = (devnet: Devnet, block: BlockNumber): void => {
    devnet.sealBlocks(block - devnet.head().number);
  };

  beforeAll(keysReady);
  afterEach(async () => {
    for (const devnet of running.splice(0)) await devnet.stop();
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  /** The forecast names a block: one before it the chain refuses, in it the chain accepts. */
  const expectBlock = async (
    devnet: Devnet,
    expected: { readonly uri?: string; readonly check: string; readonly refusedAs: string },
  ): Promise<DoctorReport> => {
    const { uri = '//Alice', check, refusedAs } = expected;
    const report = await examined(devnet, { uri });
    const next = report.nextAcceptedBlock;
    if (next === null) throw new Error('no block is named');
    expect(findingOf(report, check)?.message).toContain(String(next));
    sealTo(devnet, next - 2);
    expect(await attempt(devnet, uri)).toBe(refusedAs);
    expect(devnet.head().number).toBe(next - 1);
    expect((await examined(devnet, { uri })).nextAcceptedBlock).toBe(next);
    expect(await attempt(devnet, uri)).toBe(next);
    return report;
  };

  describe('of a validator whose weights the chain refuses', () => {
    it('names the block at which the rate limit ends, and the chain agrees', async () => {
      const devnet = await startWith();
      sealTo(devnet, 3);
      const set = await attempt(devnet, '//Alice');
      const report = await expectBlock(devnet, {
        check: 'SettingWeightsTooFast',
        refusedAs: 'RateLimitExceeded',
      });
      expect(report.nextAcceptedBlock).toBe(Number(set) + 5);
      expect(findingOf(report, 'SettingWeightsTooFast')?.status).toBe('waiting');
      expect(report.ok).toBe(true);
    });

    it('names the epoch that gives permits, and the chain agrees', async () => {
      const devnet = await startWith();
      sealTo(devnet, 3);
      const report = await expectBlock(devnet, {
        uri: '//Bob',
        check: 'NeuronNoValidatorPermit',
        refusedAs: 'NeuronNoValidatorPermit',
      });
      expect(report).toMatchObject({ ok: false, nextAcceptedBlock: report.forecast?.nextAcceptedBlock });
    });

    it('names the epoch after which commits are taken again, and the chain agrees', async () => {
      const devnet = await startWith({ commitRevealWeightsEnabled: true, weightsSetRateLimit: 0 });
      sealTo(devnet, TEMPO + 2);
      for (let commit = 0; commit < 10; commit += 1) {
        expect(await attempt(devnet, '//Alice')).toBe(devnet.head().number);
      }
      const report = await expectBlock(devnet, {
        check: 'TooManyUnrevealedCommits',
        refusedAs: 'TooManyUnrevealedCommits',
      });
      expect(report.forecast?.mode).toBe('commitReveal');
    });

    it.each<[string, Rules, string, string, string | RegExp]>([
      ['is not registered', {}, '//Zoe', 'HotKeyNotRegisteredInSubNet', 'HotKeyNotRegisteredInSubNet'],
      [
        'has too little stake',
        { stakeThreshold: '1000000000000' },
        '//Alice',
        'NotEnoughStakeToSetWeights',
        'NotEnoughStakeToSetWeights',
      ],
      [
        'has too old a version',
        { weightsVersionKey: 9_999 },
        '//Alice',
        'IncorrectWeightVersionKey',
        'IncorrectWeightVersionKey',
      ],
      [
        'writes commits of another version',
        { commitRevealWeightsEnabled: true, commitRevealWeightsVersion: 5 },
        '//Alice',
        'IncorrectCommitRevealVersion',
        /version 5, this program writes version 4/,
      ],
    ])(
      'names no block where it %s, because somebody has to act',
      async (_name, rules, uri, check, refusedAs) => {
        const devnet = await startWith(rules);
        sealTo(devnet, 3);
        const report = await examined(devnet, { uri });
        expect(report).toMatchObject({ ok: false, nextAcceptedBlock: null, nextAcceptedAt: null });
        expect(findingOf(report, check)?.status).toBe('blocked');
        expect(reportEnding(report).code).toBe(7);
        expect(reportText(report)).toContain('no block accepts them');
        // This program's own client refuses to sign what the last of them asks for.
        const outcome = await attempt(devnet, uri).catch((error: unknown) => String(error));
        expect(outcome).toEqual(typeof refusedAs === 'string' ? refusedAs : expect.stringMatching(refusedAs));
        expect(typeof outcome).toBe('string');
      },
    );
  });

  it('names the very next block when all is well, and when that is', async () => {
    const devnet = await startWith();
    sealTo(devnet, 6);
    const report = await examined(devnet);
    expect(report).toMatchObject({ ok: true, nextAcceptedBlock: 7, hotkey: expect.stringMatching(/^5Grw/) });
    expect(report.forecast).toMatchObject({ isAccepted: true, mode: 'plain' });
    const inMs = Date.parse(report.nextAcceptedAt ?? '') - Date.now();
    expect(Math.abs(inMs)).toBeLessThan(60_000);
    expect(reportEnding(report)).toMatchObject({ code: 0, json: report });
    expect(await attempt(devnet, '//Alice')).toBe(7);
    for (const check of [
      'Epoch',
      'CommitReveal',
      'Neuron',
      'Immunity',
      'DeregistrationRisk',
      'AdminFreezeWindow',
    ]) {
      expect(findingOf(report, check)).toBeDefined();
    }
  });

  it('judges by the node that the daemon would use, not by one that is behind the others', async () => {
    const [slow, fast] = [await startWith(), await startWith()];
    sealTo(slow, 2);
    sealTo(fast, 30);
    const report = await examined(slow, { endpoints: [slow.url, fast.url].join(',') });
    expect(findingOf(report, 'NodeLags')).toMatchObject({
      status: 'warning',
      message: expect.stringContaining(`${slow.url} is 28 blocks behind`),
    });
    expect(report.nextAcceptedBlock).toBe(31);
  });

  it('promises no time on a chain that stands still', async () => {
    const devnet = await startWith({}, 'manual', { startMs: Date.now() - 3_600_000 });
    sealTo(devnet, 6);
    const report = await examined(devnet);
    expect(findingOf(report, 'HeadAge')?.status).toBe('warning');
    expect(report).toMatchObject({ nextAcceptedBlock: 7, nextAcceptedAt: null });
    expect(reportText(report)).toContain('accepted from block 7 on.');
  });

  it('shows of a network given by URL no credentials, in no form', async () => {
    const argv = ['--network', 'ws://operator:hunter2@127.0.0.1:9/key123', '--hotkey-uri', '//Alice'];
    const report = await diagnose({ role: 'validator', argv, env: { HOME: home }, cwd: home, ask: null });
    const { text, json } = reportEnding(report);
    expect(report.network).toBe('ws://127.0.0.1:9/***');
    for (const secret of ['operator', 'hunter2', 'key123']) {
      expect(text + JSON.stringify(json)).not.toContain(secret);
    }
  });

  it('says so where the subnet does not exist', async () => {
    const report = await examined(await startWith(), { more: ['--netuid', '7'] });
    expect(findingOf(report, 'ReadSubnet')).toMatchObject({
      status: 'blocked',
      message: expect.stringContaining('subnet 7 does not exist'),
    });
    expect(reportText(report)).toContain('1 finding keeps it from its work.');
  });

  it('reports every node, and does not mix two chains', async () => {
    const [one, other] = [await startWith(), await startWith({ weightsSetRateLimit: 6 })];
    const dead = 'ws://user:secret@127.0.0.1:9';
    const report = await examined(one, { endpoints: [dead, one.url].join(',') });
    expect(report.endpoints).toMatchObject([
      { isReachable: false, error: expect.stringContaining('ECONNREFUSED') },
      { isReachable: true, bestBlock: one.head().number, specVersion: expect.any(Number) },
    ]);
    expect(JSON.stringify(report)).not.toContain('secret');
    expect(findingOf(report, 'Endpoints')?.status).toBe('warning');
    expect(report.forecast).not.toBeNull();
    const mixed = await examined(one, { endpoints: [one.url, other.url].join(',') });
    expect(findingOf(mixed, 'Genesis')?.status).toBe('blocked');
    const none = await examined(one, { endpoints: dead });
    expect(findingOf(none, 'Endpoints')?.status).toBe('blocked');
    expect(none).toMatchObject({ ok: false, forecast: null });
  });

  it('notices a clock that the chain is ahead of', async () => {
    const devnet = await startWith();
    // Blocks made by hand carry on the chain's time at its pace, however fast they come.
    devnet.sealBlocks(45);
    const clock = findingOf(await examined(devnet), 'Clock');
    expect(clock).toMatchObject({ status: 'blocked', message: expect.stringContaining('NTP') });
  });

  it('tells what keeps a miner from being asked', async () => {
    const devnet = await startWith();
    devnet.seal();
    // A miner of this machine may have the default one.
    const port = String(await freePort('0.0.0.0'));
    const quick = ['--model-dirs', models, '--provider', 'cpu', '--axon-port', port];
    const silent = await examined(devnet, { role: 'miner', uri: '//Bob', more: quick });
    expect(findingOf(silent, 'Axon')).toMatchObject({
      status: 'blocked',
      message: expect.stringContaining('--axon-ip'),
    });
    expect(silent.forecast).toBeNull();
    expect(findingOf(silent, 'NeuronNoValidatorPermit')).toBeUndefined();
    const reachable = await examined(devnet, {
      role: 'miner',
      uri: '//Bob',
      more: [...quick, '--axon-ip', '203.0.113.7'],
    });
    expect(reachable.findings.filter(({ status }) => status === 'blocked')).toEqual([]);
    expect(reachable.ok).toBe(true);
    expect(findingOf(reachable, 'Model')?.message).toMatch(/sha256 [0-9a-f]{64}/);
    const broken = await examined(devnet, { role: 'miner', uri: '//Zoe', more: ['--model-dirs', home] });
    expect(findingOf(broken, 'Model')?.status).toBe('blocked');
    expect(findingOf(broken, 'HotKeyNotRegisteredInSubNet')).toMatchObject({ status: 'blocked' });
  });

  it('judges the wallet, and goes on with the address of one that does not open', async () => {
    const devnet = await startWith();
    const folder = join(home, '.bittensor/wallets/locked/hotkeys');
    const alice = secretFromText('//Alice');
    if (!alice.ok) throw new Error(alice.error.message);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'default'), await sealVault(Buffer.from(keyfileJson(alice.value)), 'right'));
    writeFileSync(join(folder, 'defaultpub.txt'), JSON.stringify({ ss58Address: alice.value.address }));
    writeFileSync(join(home, 'password'), 'right');
    const more = ['--wallet-path', join(home, '.bittensor/wallets'), '--wallet-name', 'locked'];
    const shut = await examined(devnet, { uri: null, more });
    expect(findingOf(shut, 'Hotkey')?.status).toBe('blocked');
    expect(findingOf(shut, 'HotkeyEncryption')?.status).toBe('warning');
    expect(shut.hotkey).toBe(alice.value.address);
    expect(shut.forecast).not.toBeNull();
    const opened = await examined(devnet, {
      uri: null,
      more: [...more, '--wallet-password-file', join(home, 'password')],
    });
    expect(findingOf(opened, 'Hotkey')?.status).toBe('ok');
    expect(findingOf(opened, 'HotkeyEncryption')?.message).toContain(join(home, 'password'));
    const missing = await examined(devnet, { uri: null, more: [...more, '--wallet-hotkey', 'nobody'] });
    expect(missing).toMatchObject({ hotkey: null, ok: false });
  });

  it('finds a data folder that others may read', async () => {
    const devnet = await startWith();
    const dir = join(home, 'open');
    mkdirSync(dir);
    chmodSync(dir, 0o755);
    const open = await examined(devnet, { more: ['--data-dir', dir] });
    expect(findingOf(open, 'DataDir')).toMatchObject({
      status: 'blocked',
      message: expect.stringContaining('chmod 700'),
    });
    chmodSync(dir, 0o700);
    expect(findingOf(await examined(devnet, { more: ['--data-dir', dir] }), 'DataDir')?.status).toBe('ok');
  });

  it('ends as a command with a code for each kind of answer, and JSON on request', async () => {
    const devnet = await startWith({}, 'interval');
    const cli = (...args: readonly string[]) =>
      runCli(['doctor', ...args], { home, env: { BT_SUBTENSOR_CHAIN_ENDPOINT: devnet.url } });
    const fine = await cli('--json', '--hotkey-uri', '//Alice');
    expect(fine).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(fine.stdout)).toMatchObject({ ok: true, role: 'validator', netuid: NETUID });
    const blocked = await cli('--role', 'miner', '--hotkey-uri', '//Bob', '--model-dirs', models);
    expect(blocked.code).toBe(7);
    // A report is the result, whatever it says.
    expect(blocked.stdout).toContain('BLOCKED');
    expect(blocked.stderr).toBe('');
    expect((await cli('--netuid', 'none')).code).toBe(2);
  });
});
