import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Daemon, startDaemon } from '#test/support/actorsDaemon.ts';
import { readStream } from '#test/support/gatewayStage.ts';
import { runCli } from './cliProcess.ts';

type View = { readonly slices: { readonly health: { readonly text: string } } };

describe('cli / status and log-level', () => {
  const home = mkdtempSync(join(tmpdir(), 'miaoai-status-'));
  const dir = join(home, 'data');
  const nowhere = ['--chain-endpoints', 'ws://127.0.0.1:9'];
  const place = ['--data-dir', dir];
  const args = [...nowhere, ...place, '--hotkey-uri', '//Alice', '--dashboard-port', '0'];
  const running: Daemon[] = [];
  const start = (): Daemon => {
    const daemon = startDaemon({ entry: 'validator.js', args, home, hasPage: true });
    running.push(daemon);
    return daemon;
  };
  let daemon: Daemon;
  let port: number;

  beforeAll(async () => {
    daemon = start();
    const { url } = await daemon.saw('dashboard.opened');
    port = Number(new URL(String(url)).port);
    await daemon.saw('daemon.writing');
  });
  afterAll(async () => {
    for (const one of running) if (!one.isOver()) one.signal('SIGKILL');
    for (const one of running) await one.ended;
    rmSync(home, { recursive: true, force: true });
  });

  it('finds the daemon by its data folder, or by its hotkey, and tells the verdict', async () => {
    expect(statSync(join(dir, 'daemon.json')).mode & 0o777).toBe(0o600);
    const { code, stdout } = await runCli(['status', ...place], { home });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^(STARTING|ATTENTION|FAILING|OK): /);
    expect(stdout).toContain('validator 5GrwvaEF');
    const json = await runCli(['status', '--json', ...place], { home });
    expect(JSON.parse(json.stdout)).toMatchObject({
      pid: daemon.pid,
      url: `http://127.0.0.1:${port}`,
      about: { role: 'validator', netuid: 86 },
    });
  });

  it('writes a link that opens the page once', async () => {
    const { code, stdout } = await runCli(['status', '--link', ...place], { home });
    expect(code).toBe(0);
    const link = stdout.trim();
    expect((await fetch(link)).status).toBe(200);
    expect((await fetch(link)).status).toBe(401);
  });

  it('changes the level of a running daemon, as SIGUSR2 does', async () => {
    const { code, stdout } = await runCli(['log-level', 'debug', ...place], { home });
    expect([code, stdout]).toEqual([0, expect.stringContaining('debug')]);
    await daemon.saw('log.levelChanged', (line) => line['level'] === 'debug');
    daemon.signal('SIGUSR2');
    await daemon.saw('log.levelChanged', (line) => line['level'] === 'info');
    expect((await runCli(['log-level', 'loud', ...place], { home })).code).toBe(2);
  });

  it('shows a validator that stands by as one, and its own machines when its turn comes', async () => {
    const second = start();
    const { url } = await second.saw('dashboard.opened');
    await second.saw('lease.standingBy');
    const { port: secondPort } = new URL(String(url));
    expect(existsSync(join(dir, `standby.${second.pid}.json`))).toBe(true);
    expect(JSON.parse(readFileSync(join(dir, 'daemon.json'), 'utf8'))).toMatchObject({ pid: daemon.pid });
    const reader = await readStream(Number(secondPort), 'view,inspection');
    const [hello] = await reader.saw('view.hello');
    const shown = hello?.data as View | undefined;
    expect(shown?.slices.health.text).toMatch(/stand/i);
    const [lease] = await reader.saw('inspection.hello');
    expect(JSON.stringify(lease?.data)).toContain('writerLease');
    daemon.signal('SIGTERM');
    expect(await daemon.ended).toEqual({ code: 0, signal: null });
    const [, own] = await reader.saw('inspection.hello', 2);
    await second.saw('daemon.writing');
    expect(JSON.stringify(own?.data)).not.toContain('writerLease');
    expect(JSON.parse(readFileSync(join(dir, 'daemon.json'), 'utf8'))).toMatchObject({ pid: second.pid });
    reader.close();
    second.signal('SIGTERM');
    expect(await second.ended).toEqual({ code: 0, signal: null });
    expect(existsSync(join(dir, 'daemon.json'))).toBe(false);
    expect(existsSync(join(dir, `standby.${second.pid}.json`))).toBe(false);
  });

  it('ends with 69 where no daemon runs, and with 2 where the settings are wrong', async () => {
    const none = await runCli(['status', '--json', '--data-dir', join(home, 'nothing')], { home });
    expect(none.code).toBe(69);
    expect(JSON.parse(none.stdout)).toMatchObject({ error: { reason: 'NotRunning' } });
    expect((await runCli(['log-level', 'debug', '--data-dir', join(home, 'nothing')], { home })).code).toBe(
      69,
    );
    expect((await runCli(['status', '--netuid', 'x'], { home })).code).toBe(2);
  });

  it('goes on without a page where its port is taken', async () => {
    const taken = start();
    const { url } = await taken.saw('dashboard.opened');
    const other = startDaemon({
      entry: 'validator.js',
      home,
      hasPage: true,
      args: [
        ...nowhere,
        ...['--hotkey-uri', '//Bob', '--data-dir', join(home, 'other')],
        ...['--dashboard-port', new URL(String(url)).port],
      ],
    });
    running.push(other);
    expect(await other.saw('dashboard.refused')).toMatchObject({ level: 'error' });
    await other.saw('daemon.writing');
  });

  it('refuses to open the page to others without a token', async () => {
    const open = startDaemon({
      entry: 'validator.js',
      home,
      hasPage: true,
      args: [...args, '--dashboard-host', '0.0.0.0'],
    });
    running.push(open);
    expect(await open.ended).toEqual({ code: 2, signal: null });
    expect(open.stderr()).toContain('--dashboard-token-file');
  });
});
