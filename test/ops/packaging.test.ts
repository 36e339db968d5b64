import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { loadConfig } from '#src/config.ts';
import { exitCodes } from '#src/exitCodes.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const ops = join(root, 'ops');
const textOf = (path: string): string => readFileSync(join(ops, path), 'utf8');
const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;
const roles = ['validator', 'miner'] as const;

/** Restarting with these changes nothing. */
const lasting = [exitCodes.settings, exitCodes.hotkey, exitCodes.password];

describe('ops / pm2', () => {
  type App = Readonly<Record<string, unknown>> & { readonly name: string; readonly script: string };
  const { apps }: { readonly apps: readonly App[] } = createRequire(import.meta.url)(
    join(ops, 'pm2/ecosystem.config.cjs'),
  );

  it('starts each daemon once, in a process of its own', () => {
    expect(apps.map(({ name }) => name)).toEqual(['miaoai-validator', 'miaoai-miner']);
    for (const { name, script, cwd, exec_mode, instances, wait_ready } of apps) {
      expect({ exec_mode, instances, wait_ready }).toEqual({
        exec_mode: 'fork',
        instances: 1,
        wait_ready: true,
      });
      expect(`${cwd}/`.replace(/\/+$/, '/')).toBe(root);
      expect(script).toBe(join(root, 'dist', `${name.replace('miaoai-', '')}.js`));
    }
  });

  it('does not restart what stays wrong, nor what was asked to end', () => {
    for (const { stop_exit_codes } of apps) expect(stop_exit_codes).toEqual([exitCodes.drained, ...lasting]);
  });

  it('leaves the time to drain, release, and withdraw an address', () => {
    for (const { kill_timeout } of apps) expect(kill_timeout).toBeGreaterThanOrEqual(100_000);
  });
});

describe('ops / systemd', () => {
  const folder = mkdtempSync(join(tmpdir(), 'miaoai-units-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const unitOf = (role: string): string => textOf(`systemd/miaoai-${role}.service`);
  const valuesOf = (unit: string, name: string): readonly string[] =>
    unit.split('\n').flatMap((line) => (line.startsWith(`${name}=`) ? [line.slice(name.length + 1)] : []));

  it.each(roles)('does not restart a %s that stays wrong', (role) => {
    expect(valuesOf(unitOf(role), 'RestartPreventExitStatus')).toEqual([lasting.join(' ')]);
  });

  it.each(roles)('gives a %s variables that its settings know', (role) => {
    const pairs = valuesOf(unitOf(role), 'Environment').map((pair) => pair.split('=') as [string, string]);
    const env = Object.fromEntries(pairs.map(([name, value]) => [name, value.replaceAll(/%[Sd]/g, '/x')]));
    const loaded = loadConfig(role, [], env, folder);
    if (!loaded.ok) throw new Error(loaded.error.message);
    expect(loaded.value).toMatchObject({
      walletPath: '/x/miaoai/wallets',
      dataDir: `/x/miaoai/${role}`,
      walletPasswordFile: '/x/wallet-password',
      logFormat: 'json',
      unknownNames: [],
    });
  });

  it.each(roles)('waits for a %s to be ready and watches it', (role) => {
    const unit = unitOf(role);
    expect(valuesOf(unit, 'Type')).toEqual(['notify']);
    expect(valuesOf(unit, 'NotifyAccess')).toEqual(['all']);
    expect(valuesOf(unit, 'WatchdogSec')).toEqual(['60']);
    expect(valuesOf(unit, 'LoadCredential')).toEqual(['wallet-password:/etc/miaoai/wallet-password']);
  });

  it.skipIf(!has('systemd-analyze')).each(roles)(
    'has a unit for a %s that systemd finds no fault with',
    (role) => {
      const file = join(folder, `miaoai-${role}.service`);
      // The installation does not exist here; everything else is as it is shipped.
      const unit = unitOf(role)
        .replace('/opt/miaoai/node_modules/node/bin/node', process.execPath)
        .replace('WorkingDirectory=/opt/miaoai', `WorkingDirectory=${folder}`);
      writeFileSync(file, unit);
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], {
        encoding: 'utf8',
      });
      expect(stderr).toBe('');
      expect(status).toBe(0);
    },
  );

  it.skipIf(!has('systemd-analyze'))('is found out when it has one', () => {
    const file = join(folder, 'wrong.service');
    writeFileSync(file, `[Service]\nExecStart=${process.execPath}\nWatchdogSecs=60\n`);
    const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
    expect(stderr).toContain('WatchdogSecs');
  });
});

describe('ops / docker', () => {
  const dockerfile = textOf('docker/Dockerfile');
  type Service = {
    readonly command?: readonly string[];
    readonly volumes?: readonly string[];
    readonly ports?: readonly string[];
    readonly environment?: Readonly<Record<string, string>>;
    readonly build?: { readonly context: string; readonly dockerfile: string; readonly target: string };
  };
  const services: Readonly<Record<string, Service>> = parse(textOf('docker/compose.yaml'), {
    merge: true,
  }).services;

  it('has a Dockerfile that its linter finds no fault with', () => {
    // The linter takes options apart at their dashes and so knows no --start-period.
    const text = dockerfile.replaceAll(/ --start-period=\d+s/g, '');
    const lint = (content: string) =>
      spawnSync(
        process.execPath,
        [join(root, 'node_modules/dockerfilelint/bin/dockerfilelint'), '-j', content],
        {
          encoding: 'utf8',
        },
      );
    const { stdout } = lint(text);
    expect(JSON.parse(stdout).totalIssues, stdout).toBe(0);
    expect(JSON.parse(lint('FROM node\nRUN sudo ls').stdout).totalIssues).toBeGreaterThan(0);
  });

  it('copies what exists, runs as nobody in particular, and is told to end by SIGTERM', () => {
    for (const [, from = ''] of dockerfile.matchAll(/&& mv (.+) \/app\//g)) {
      const made = new Set(['dist', 'node_modules']);
      for (const path of from.split(' '))
        expect(made.has(path) || existsSync(join(root, path)), path).toBe(true);
    }
    for (const stage of ['cpu', 'cuda']) {
      const text = dockerfile.split(` AS ${stage}\n`)[1]?.split('\nFROM ')[0] ?? '';
      expect(text).toContain('USER 10001:10001');
      expect(text).toContain('STOPSIGNAL SIGTERM');
      expect(text).toContain('HEALTHCHECK');
    }
  });

  it('keeps secrets and foreign packages out of an image', () => {
    const ignored = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n');
    for (const line of ['.git', '.env', '.env.*', '**/node_modules', 'wallets'])
      expect(ignored).toContain(line);
  });

  it('composes daemons whose settings exist, on files that exist', () => {
    for (const [name, service] of Object.entries(services)) {
      for (const volume of service.volumes ?? []) {
        const [from = ''] = volume.split(':');
        const isMade = from === '../../wallets' || !from.startsWith('.');
        expect(isMade || existsSync(join(ops, 'docker', from)), `${name}: ${volume}`).toBe(true);
      }
      if (service.build === undefined) continue;
      expect(existsSync(join(ops, 'docker', service.build.context, service.build.dockerfile))).toBe(true);
      expect(dockerfile).toContain(` AS ${service.build.target}\n`);
      const role = name === 'validator' ? 'validator' : 'miner';
      expect(service.command).toEqual([`dist/${role}.js`]);
      const loaded = loadConfig(role, [], service.environment ?? {}, tmpdir());
      if (!loaded.ok) throw new Error(loaded.error.message);
      expect(loaded.value).toMatchObject({ dashboardHost: '0.0.0.0', unknownNames: [] });
    }
  });

  it('publishes nothing but the port of a miner beyond this machine', () => {
    const open = Object.values(services).flatMap(({ ports = [] }) =>
      ports.filter((port) => !port.startsWith('127.')),
    );
    expect(new Set(open)).toEqual(new Set(['8091:8091']));
  });

  it.skipIf(!has('promtool'))('has a scrape configuration that promtool finds no fault with', () => {
    const folder = mkdtempSync(join(tmpdir(), 'miaoai-scrape-'));
    const file = join(folder, 'prometheus.yml');
    const rules = join(ops, 'prometheus/alerts.yml');
    writeFileSync(file, textOf('docker/prometheus.yml').replace('/etc/prometheus/alerts.yml', rules));
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'config', file], { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    expect(`${stdout}${stderr}`).toContain('SUCCESS: 1 rule files found');
    expect(status).toBe(0);
  });

  describe('its probe', () => {
    let code = 200;
    const server = createServer((request, response) => {
      response.writeHead(request.url === '/livez' ? code : 404).end();
    });
    beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
    afterAll(() => new Promise((resolve) => server.close(resolve)));

    it('passes while the event loop turns, and not otherwise', async () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      const probe = (at: number): Promise<number | null> => {
        const { promise, resolve } = Promise.withResolvers<number | null>();
        const env = { ...process.env, MIAOAI_DASHBOARD_PORT: String(at) };
        spawn(process.execPath, [join(ops, 'docker/healthcheck.mjs')], { env }).on('exit', resolve);
        return promise;
      };
      expect(await probe(port)).toBe(0);
      code = 503;
      expect(await probe(port)).toBe(1);
      expect(await probe(1)).toBe(1);
    });
  });
});

describe('ops / logrotate', () => {
  // Debian: apt-get install logrotate.
  it.skipIf(!has('logrotate'))('is a file that logrotate can read', () => {
    const { status } = spawnSync('logrotate', ['--debug', join(ops, 'logrotate/miaoai')], {
      encoding: 'utf8',
    });
    expect(status).toBe(0);
  });

  it('truncates, because nobody could be told to open a new file', () => {
    const text = textOf('logrotate/miaoai').replaceAll(/^#.*$/gm, '');
    expect(text).toMatch(/^\s*copytruncate$/m);
    expect(text.split('{')).toHaveLength(text.split('}').length);
  });
});
