import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { freePort } from '#src/cli/demo/ports.ts';
import { diagnose } from '#src/cli/doctor.ts';
import { reportEnding } from '#src/cli/doctorReport.ts';
import { decodeGenesis } from '#src/devnet/genesis.ts';
import { type Devnet, startDevnet } from '#src/devnet/node.ts';
import type { DoctorView } from '#src/domain/view/commonView.ts';
import { keysReady } from '#src/keys/identity.ts';
import { NETUID } from '#test/chain/devnetFixture.ts';
import { makeWorkspace } from '#test/inference/modelFolders.ts';
import { type Daemon, startDaemon } from '#test/support/actorsDaemon.ts';

const genesis = decodeGenesis({
  chain: 'doctor of a running miner',
  blockTimeMs: 200,
  subnets: [
    {
      netuid: NETUID,
      tempo: 50,
      ownerColdkey: '//Eve',
      ownerHotkey: '//Ferdie',
      neurons: [{ hotkey: '//Bob', coldkey: '//Dave', stake: '1000000000' }],
    },
  ],
  flags: { allowLoopbackAxon: true },
});

describe('cli / doctor of a miner that runs and that no daemon.json tells of', () => {
  const home = mkdtempSync(join(tmpdir(), 'miaoai-doctor-running-'));
  const workspace = makeWorkspace();
  const running: Daemon[] = [];
  let devnet: Devnet;

  beforeAll(async () => {
    await keysReady();
    devnet = await startDevnet({ sealing: 'interval', genesis });
  });
  afterEach(async () => {
    for (const daemon of running) if (!daemon.isOver()) daemon.signal('SIGTERM');
    for (const daemon of running.splice(0)) await daemon.ended;
  });
  afterAll(async () => {
    await devnet.stop();
    workspace.dispose();
    rmSync(home, { recursive: true, force: true });
  });

  const serving = async (dir: string, hasPage: boolean) => {
    const args = [
      ...['--network', 'local', '--chain-endpoints', devnet.url, '--hotkey-uri', '//Bob', '--data-dir', dir],
      ...['--model-dirs', workspace.folder({ name: 'quick' }), '--provider', 'cpu', '--workers', '1'],
      ...['--axon-ip', '127.0.0.1', '--axon-port', String(await freePort('0.0.0.0'))],
      ...['--dashboard-port', '0'],
    ];
    const daemon = startDaemon({ entry: 'miner.js', args, home, hasPage });
    running.push(daemon);
    await daemon.saw('listener.bound');
    return { daemon, args };
  };

  it('takes the port of a miner without a page for its own', async () => {
    const dir = join(home, 'without-page');
    const { daemon, args: argv } = await serving(dir, false);
    const ask = () =>
      diagnose({ role: 'miner', argv, env: { HOME: home, MIAOAI_DASHBOARD: 'off' }, cwd: home, ask: null });
    const report = await ask();
    expect(report.findings.filter(({ status }) => status === 'blocked')).toEqual([]);
    expect(report.findings).toContainEqual(expect.objectContaining({ check: 'Ports', status: 'ok' }));
    expect(reportEnding(report).code).toBe(0);
    // Killed, it leaves the file with its number behind, and its port free.
    daemon.signal('SIGKILL');
    await daemon.ended;
    const after = await ask();
    expect(after.findings).toContainEqual(expect.objectContaining({ check: 'AxonPort', status: 'ok' }));
  });

  it('takes its own port for its own on its page', async () => {
    const dir = join(home, 'unannounced');
    // A folder stands where the file would be written.
    mkdirSync(join(dir, 'daemon.json'), { recursive: true, mode: 0o700 });
    const { daemon } = await serving(dir, true);
    await daemon.saw('dashboard.unannounced');
    const { url } = await daemon.saw('dashboard.opened');
    const response = await fetch(`${String(url)}/api/doctor`);
    const { checks } = (await response.json()) as DoctorView;
    expect(checks.filter(({ verdict }) => verdict === 'failed')).toEqual([]);
    expect(checks).toContainEqual(expect.objectContaining({ name: 'address.Ports', verdict: 'ok' }));
  });
});
