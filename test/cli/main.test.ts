import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

import { runCli } from './cliProcess.ts';

describe('cli / main', () => {
  const home = mkdtempSync(join(tmpdir(), 'miaoai-cli-main-'));
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it.each([
    [['levitate'], "unknown command 'levitate'"],
    [['devnet', '--genesis', '/nope.json'], 'cannot read /nope.json'],
    [['devnet', '--spec', '1'], 'choose one of'],
    [['demo', '--epochs', '0'], 'whole number from 1'],
    [['audit'], '--data-dir'],
    [[], 'Usage: miaoai'],
  ])('ends %j with the code of wrong settings', async (args, message) => {
    expect(await runCli(args, { home })).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining(message),
    });
  });

  it('ends a question about itself with 0', async () => {
    expect(await runCli(['--version'], { home })).toMatchObject({ code: 0, stderr: '' });
    const help = await runCli(['register', '--help'], { home });
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('credential coldkey_password');
    expect(help.stdout).toContain('required: the most to burn');
  });
});
