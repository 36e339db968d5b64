import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

type End = { readonly code: number; readonly stdout: string; readonly stderr: string };

const repository = fileURLToPath(new URL('../..', import.meta.url));
/** Of an installation from scratch, most of which is waiting for the registry. */
const installPatienceMs = 300_000;

const run = (
  command: string,
  args: readonly string[],
  options: { cwd: string; env?: object },
): Promise<End> =>
  new Promise((resolve) => {
    const env = { ...process.env, ...options.env };
    execFile(
      command,
      [...args],
      { cwd: options.cwd, env, maxBuffer: 64 * 1_048_576 },
      (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? 1 : 0, stdout, stderr }),
    );
  });

/** A Node of this machine that is too old, where it has one beside that of the repository. */
const oldNode = async (): Promise<string | null> => {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const node = join(folder, 'node');
    if (!existsSync(node)) continue;
    const { stdout } = await run(node, ['--version'], { cwd: tmpdir() });
    const [major = 0, minor = 0] = stdout.slice(1).split('.').map(Number);
    if (major < 22 || (major === 22 && minor < 19)) return node;
  }
  return null;
};

const old = await oldNode();

describe('scenario / the package, installed from its tarball', () => {
  const dir = mkdtempSync(join(tmpdir(), 'miaoai-package-'));
  const prefix = join(dir, 'prefix');
  const bin = join(prefix, 'bin');
  const home = { cwd: dir, env: { HOME: dir, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` } };
  let tarball = '';

  beforeAll(async () => {
    const packed = await run('npm', ['pack', '--pack-destination', dir, '--loglevel=error'], {
      cwd: repository,
    });
    expect(packed).toMatchObject({ code: 0 });
    tarball = join(dir, readdirSync(dir).find((file) => file.endsWith('.tgz')) ?? 'none');
    const installed = await run(
      'npm',
      ['install', '--global', '--prefix', prefix, tarball, '--loglevel=error'],
      {
        cwd: dir,
        // Without it the package of the runtime for models would load CUDA libraries from the internet.
        env: { ONNXRUNTIME_NODE_INSTALL: 'skip' },
      },
    );
    expect(installed).toMatchObject({ code: 0 });
  }, installPatienceMs);
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('is small enough to be downloaded in seconds', () => {
    expect(statSync(tarball).size).toBeLessThan(32 * 1_048_576);
  });

  it('says its version and its commands', async () => {
    const version = await run('miaoai', ['--version'], home);
    expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    const help = await run('miaoai', ['--help'], home);
    expect(help.stdout).toContain('doctor');
    for (const daemon of ['miaoai-validator', 'miaoai-miner']) {
      expect(await run(daemon, ['--help'], home)).toMatchObject({ code: 0, stderr: '' });
    }
  });

  it('brings the statecharts and the licences of what is bundled', async () => {
    const exported = await run(
      'miaoai',
      ['machines', 'export', '--format', 'json', '--machine', 'round'],
      home,
    );
    expect(exported).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(exported.stdout)).toMatchObject({ chart: { id: 'round' } });
    const licences = join(prefix, 'lib', 'node_modules', 'miaoai', 'dist', 'THIRD-PARTY-LICENCES.txt');
    expect(statSync(licences).size).toBeGreaterThan(10_000);
  });

  it('runs the whole network', { timeout: 240_000 }, async () => {
    const demo = await run('miaoai', ['demo', '--epochs', '1', '--json'], home);
    expect(demo).toMatchObject({ code: 0 });
    expect(JSON.parse(demo.stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({ epochs: 1 });
  });

  // Machines whose only Node is new enough have nothing to try this with.
  it.skipIf(old === null)('says in one line that a Node is too old', async () => {
    const daemon = join(prefix, 'lib', 'node_modules', 'miaoai', 'dist', 'miner.js');
    const ended = await run(old ?? '', [daemon], home);
    expect(ended).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^[^\n]*22\.19[^\n]*\n$/),
    });
  });
});
