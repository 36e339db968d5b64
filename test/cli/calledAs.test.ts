import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

import { callOf, settingsHint } from '#src/config/calledAs.ts';
import { runScript } from '#test/support/actorsDaemon.ts';
import { freshDist } from '#test/support/systemBuild.ts';
import { runCli } from './cliProcess.ts';

const dist = await freshDist();

describe('config / calledAs', () => {
  const home = mkdtempSync(join(tmpdir(), 'miaoai-called-'));
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it('names programs as they were called: installed by npm, or as files', () => {
    const installed = ['/usr/local/bin/node', '/usr/local/bin/miaoai', 'status'];
    expect(callOf('validator', installed)).toBe('miaoai-validator');
    expect(settingsHint('miner', installed)).toBe(
      'miaoai status --help lists its flags, miaoai-miner --help all settings.',
    );
    expect(settingsHint('validator', ['node', '/bin/miaoai-validator', '--netuid', 'x'])).toBe(
      'miaoai-validator --help lists all settings.',
    );
    const file = ['node', '/opt/miaoai/dist/cli.js', 'store', 'check', '--netuid', 'x'];
    expect(settingsHint('validator', file)).toBe(
      'node dist/cli.js store check --help lists its flags, node dist/validator.js --help all settings.',
    );
    expect(settingsHint('miner', ['node', '/opt/miaoai/dist/miner.js'])).toBe(
      'node dist/miner.js --help lists all settings.',
    );
  });

  it('shows an installed daemon its own name in its messages and its help', async () => {
    const link = join(home, 'miaoai-validator');
    symlinkSync(join(dist, 'validator.js'), link);
    const start = (flag: string) =>
      runScript(
        `import { spawnSync } from 'node:child_process';
        const ended = spawnSync(process.execPath, [${JSON.stringify(link)}, '${flag}']);
        process.stderr.write(ended.stdout); process.stderr.write(ended.stderr); process.exit(ended.status);`,
      );
    const wrong = await start('--netuidd');
    expect(wrong).toMatchObject({ code: 2 });
    expect(wrong.stderr).toContain('miaoai-validator --help lists all settings.');
    expect(wrong.stderr).not.toContain('node dist/');
    expect(await start('--help')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('Usage: miaoai-validator [options]'),
    });
  });

  it('offers a command what its own misspelt flag may have meant, and its own help', async () => {
    const ended = await runCli(['status', '--rol', 'miner'], { home });
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain('(Did you mean --role?)');
    expect(ended.stderr).toContain('node dist/cli.js status --help lists its flags');
  });
});
