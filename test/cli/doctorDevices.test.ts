import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';

import { freePort } from '#src/cli/demo/ports.ts';
import { diskFinding, gpuFinding, portFindings, reachFinding } from '#src/cli/doctorDevices.ts';
import { type ConfigOf, loadConfig } from '#src/config.ts';
import { deaf, fakeNvidiaSmi } from '#test/support/fakeNvidiaSmi.ts';

const home = mkdtempSync(join(tmpdir(), 'miaoai-devices-'));
const host = '127.0.0.1';

const minerConfig = (more: readonly string[]): ConfigOf<'miner'> => {
  const common = ['--network', 'local', '--bind-host', host, '--dashboard-host', host];
  const loaded = loadConfig('miner', [...common, ...more], { HOME: home }, home);
  if (!loaded.ok) throw new Error(loaded.error.message);
  return loaded.value;
};

describe('cli / doctorDevices', () => {
  const undo: (() => unknown)[] = [];
  afterEach(async () => {
    for (const act of undo.splice(0)) await act();
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  /** A port that somebody has. */
  const taken = async (): Promise<number> => {
    const server: Server = createServer((socket) => socket.destroy());
    server.listen({ host, port: 0 });
    await once(server, 'listening');
    undo.push(() => new Promise((resolve) => server.close(resolve)));
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  };

  describe('GPU', () => {
    /** The only `nvidia-smi` of this process, until the test ends. */
    const fake = (lines: string): void => {
      const before = process.env['PATH'] ?? '';
      const { folder, remove } = fakeNvidiaSmi(lines);
      process.env['PATH'] = `${folder}${delimiter}${before}`;
      undo.push(remove, () => {
        process.env['PATH'] = before;
      });
    };

    it('is told with its driver and its memory', async () => {
      fake("echo 'NVIDIA H200, 570.86, 140000, 143771'");
      expect(await gpuFinding({ provider: 'auto' })).toMatchObject({
        status: 'ok',
        message: 'NVIDIA H200, driver 570.86, 140000 of 143771 MiB free',
      });
    });

    it('that does not answer is a finding and not a wait without end', async () => {
      fake(deaf);
      expect(await gpuFinding({ provider: 'auto' }, 200)).toMatchObject({
        status: 'warning',
        message: expect.stringContaining('does not answer'),
      });
      expect(await gpuFinding({ provider: 'cuda' }, 200)).toMatchObject({ status: 'blocked' });
    });

    it('that is not there blocks a miner which insists on one', async () => {
      fake("echo 'No devices were found'; exit 6");
      expect(await gpuFinding({ provider: 'auto' })).toMatchObject({ status: 'information' });
      expect(await gpuFinding({ provider: 'cuda' })).toMatchObject({
        status: 'blocked',
        message: expect.stringContaining('shows no GPU'),
      });
    });

    it('is not asked for where models run on the CPU', async () => {
      fake(deaf);
      expect(await gpuFinding({ provider: 'cpu' })).toMatchObject({ status: 'information' });
    });
  });

  describe('ports', () => {
    it('that others have are told, each with its flag and its weight', async () => {
      const [axon, page] = [await taken(), await taken()];
      const config = minerConfig(['--axon-port', String(axon), '--dashboard-port', String(page)]);
      expect(await portFindings(config, false)).toEqual([
        {
          area: 'address',
          check: 'AxonPort',
          status: 'blocked',
          message: expect.stringMatching(`${axon} .*EADDRINUSE.*--axon-port`),
        },
        {
          area: 'address',
          check: 'DashboardPort',
          status: 'warning',
          message: expect.stringMatching(`${page} .*EADDRINUSE.*--dashboard-port`),
        },
      ]);
      // Nobody asked for this one: another is taken instead.
      const unasked = { ...config, sources: { ...config.sources, dashboardPort: 'default' as const } };
      expect(await portFindings(unasked, false)).toMatchObject([
        { status: 'blocked' },
        { status: 'information' },
      ]);
      expect(await portFindings(config, true)).toMatchObject([{ check: 'Ports', status: 'ok' }]);
    });

    it('that are free are free afterwards too', async () => {
      const port = await freePort(host);
      const config = minerConfig(['--axon-port', String(port), '--no-dashboard']);
      for (const _again of [1, 2]) {
        expect(await portFindings(config, false)).toMatchObject([{ check: 'AxonPort', status: 'ok' }]);
      }
    });
  });

  describe('announced address', () => {
    const axonAt = (port: number) => ({ ip: host, port });

    it('leads to something that listens, or does not', async () => {
      const [open, shut] = [axonAt(await taken()), axonAt(await freePort(host))];
      expect(await reachFinding(open, true)).toMatchObject({ status: 'ok' });
      expect(await reachFinding(shut, true)).toMatchObject({
        status: 'warning',
        message: expect.stringContaining('firewall'),
      });
      expect(await reachFinding(shut, false)).toMatchObject({
        status: 'information',
        message: expect.stringContaining('does not run'),
      });
    });
  });

  describe('disk', () => {
    it('is told with its room, and where it cannot be read with the reason', async () => {
      const found = await diskFinding(home);
      expect(found).toMatchObject({
        check: 'Disk',
        message: expect.stringMatching(/GiB of .* GiB free for/),
      });
      expect(found.message).toContain(home);
      expect(await diskFinding(join(home, 'absent'))).toMatchObject({
        status: 'warning',
        message: expect.stringContaining('ENOENT'),
      });
    });
  });
});
