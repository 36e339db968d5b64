import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { sealVault } from '#src/keys/ansibleVault.ts';
import { keysReady } from '#src/keys/identity.ts';
import { keyfileJson } from '#src/keys/keyfile.ts';
import { maskPassword, passwordVariable } from '#src/keys/password.ts';
import { newSecret } from '#src/keys/secret.ts';
import { startDaemon } from '#test/support/actorsDaemon.ts';
import { runCli, spawnCli } from './cliProcess.ts';

const PHRASE = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk';
const ADDRESS = '5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV';
const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';

describe('cli / wallet', () => {
  const home = mkdtempSync(join(tmpdir(), 'miaoai-cli-wallet-'));
  const folder = join(home, '.bittensor', 'wallets');
  const fileOf = (...parts: readonly string[]): string => join(folder, ...parts);
  const cli = (args: readonly string[], more: { input?: string; env?: Record<string, string> } = {}) =>
    runCli(['wallet', ...args], { home, ...more });

  beforeAll(keysReady);
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it('makes a wallet that a script can use, without writing a phrase anywhere else', async () => {
    const made = await cli(['new', '--name', 'plain', '--hotkey', 'one', '--no-password', '--json']);
    expect(made).toMatchObject({ code: 0 });
    const { keys } = JSON.parse(made.stdout);
    expect(keys).toMatchObject([
      {
        kind: 'coldkey',
        isEncrypted: false,
        files: [fileOf('plain/coldkey'), fileOf('plain/coldkeypub.txt')],
      },
      { kind: 'hotkey', isEncrypted: false },
    ]);
    const { secretPhrase, ss58Address } = JSON.parse(readFileSync(fileOf('plain/hotkeys/one'), 'utf8'));
    expect(ss58Address).toBe(keys[1].address);
    expect(secretPhrase.split(' ')).toHaveLength(12);
    expect(made.stdout + made.stderr).not.toContain(secretPhrase);
    expect(made.stderr).toContain('no terminal');
    expect(statSync(fileOf('plain/hotkeys/one')).mode & 0o777).toBe(0o600);

    const again = await cli(['new', '--name', 'plain', '--hotkey', 'two', '--no-password']);
    expect(again.code).toBe(5);
    expect(again.stderr).toContain('--only hotkey');
    const added = await cli(['new', '--name', 'plain', '--hotkey', 'two', '--only', 'hotkey']);
    expect(added.code).toBe(0);

    const coldkey = readFileSync(fileOf('plain/coldkey'), 'utf8');
    const both = await cli(['new', '--name', 'plain', '--hotkey', 'two', '--no-password', '--overwrite']);
    expect(both).toMatchObject({ code: 5, stderr: expect.stringContaining('--only coldkey') });
    expect(readFileSync(fileOf('plain/coldkey'), 'utf8')).toBe(coldkey);
  });

  it('encrypts the coldkey by default and says how to give a password where none is', async () => {
    const refused = await cli(['new', '--name', 'sealed']);
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain('BT_WALLET_PASSWORD_FILE');
    writeFileSync(join(home, 'password'), 'a good password\n');
    const made = await cli(['new', '--name', 'sealed', '--password-file', 'password']);
    expect(made.code).toBe(0);
    expect(readFileSync(fileOf('sealed/coldkey')).subarray(0, 5).toString()).toBe('$NACL');
    const { ss58Address } = JSON.parse(readFileSync(fileOf('sealed/coldkeypub.txt'), 'utf8'));
    const sign = ['sign', '--name', 'sealed', '--coldkey', '--message', 'mine', '--json'];
    const signed = await cli([...sign, '--password-file', 'password']);
    expect(JSON.parse(signed.stdout)).toMatchObject({ address: ss58Address });
    expect(signed.code).toBe(0);
  }, 180_000);

  it('tells of a key that is there although the next one could not be written', async () => {
    mkdirSync(fileOf('half'), { recursive: true });
    writeFileSync(fileOf('half/hotkeys'), 'a file where a folder should be');
    const made = await cli(['new', '--name', 'half', '--no-password']);
    expect(made.code).toBe(3);
    expect(made.stderr).toContain('ENOTDIR');
    expect(made.stderr).toContain('the phrase of the coldkey is not shown');
    expect(made.stderr).not.toContain('the phrase of the hotkey');
    expect(JSON.parse(readFileSync(fileOf('half/coldkey'), 'utf8')).secretPhrase).toBeTypeOf('string');
  });

  it('ends quietly when its reader has enough', async () => {
    const child = spawnCli(['wallet', 'list', '--json'], { home });
    child.stdout.destroy();
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += String(chunk);
    });
    await once(child, 'close');
    expect(said).toBe('');
  });

  it('brings a key back from standard input, under the name the environment gives', async () => {
    const env = { BT_WALLET_NAME: 'back', BT_WALLET_HOTKEY: 'again' };
    const made = await cli(['regen', '--only', 'hotkey', '--json'], { input: `${PHRASE}\n`, env });
    expect(JSON.parse(made.stdout)).toMatchObject({ keys: [{ kind: 'hotkey', address: ADDRESS }] });
    expect(made.stdout + made.stderr).not.toContain('lonely');
    const wrong = await cli(['regen', '--only', 'hotkey', '--hotkey', 'other'], {
      input: 'drive '.repeat(12),
      env,
    });
    expect(wrong.code).toBe(3);
    expect(wrong.stderr).toContain('not valid');
    const none = await cli(['regen', '--only', 'hotkey', '--hotkey', 'other'], { env });
    expect(none.code).toBe(2);
    const shown = await cli(['regen', '--only', 'coldkey', '--address', ALICE], { env });
    expect(shown.code).toBe(0);
    const listed = JSON.parse((await cli(['list', '--json'])).stdout);
    expect(listed.wallets.find(({ name }: { name: string }) => name === 'back')).toMatchObject({
      coldkey: { address: ALICE, encryption: 'absent' },
      hotkeys: [{ name: 'again', address: ADDRESS, encryption: 'none' }],
    });
    expect((await cli(['show'], { env })).stdout).toContain(ADDRESS);
    expect((await cli(['show', '--name', 'nobody'])).code).toBe(3);
  });

  it('signs what it verifies, and nothing else', async () => {
    await cli(['regen', '--only', 'hotkey', '--name', 'signer'], { input: '//Alice' });
    const { stdout } = await cli(['sign', '--name', 'signer'], { input: 'from a pipe' });
    const verify = (signature: string, ...message: readonly string[]) =>
      cli(['verify', '--address', ALICE, '--signature', signature, ...message]);
    expect(await verify(stdout.trim(), '--message', 'from a pipe')).toMatchObject({ code: 0 });
    expect(await verify(stdout.trim(), '--message', 'from a pip')).toMatchObject({ code: 1 });
    expect(await verify('0x12', '--message', 'x')).toMatchObject({ code: 2 });
    const bytes = await cli(['sign', '--name', 'signer', '--hex', '--message', '0x0400', '--json']);
    const { signature, isWrapped } = JSON.parse(bytes.stdout);
    expect(isWrapped).toBe(true);
    expect(await verify(signature, '--hex', '--message', '0400')).toMatchObject({ code: 0 });
    writeFileSync(join(home, 'transaction'), Buffer.from('0500ff2f0555cc76fc2840', 'hex'));
    const file = await cli(['sign', '--name', 'signer', '--message-file', 'transaction', '--json']);
    expect(JSON.parse(file.stdout)).toMatchObject({ isWrapped: true });
  });

  it("prints the variable that holds a password in btcli's form", async () => {
    writeFileSync(join(home, 'testing'), 'testing-password');
    const { stdout } = await cli(['password-variable', '--name', 'v', '--password-file', 'testing']);
    const name = passwordVariable(fileOf('v', 'hotkeys', 'default'));
    expect(stdout).toBe(`${name}=${maskPassword('testing-password', name)}\n`);
  });

  it('answers wrong settings with all of them and code 2', async () => {
    const named = await cli(['new', '--name', '../up', '--hotkey', 'a/b', '--json']);
    expect(named.code).toBe(2);
    const { error } = JSON.parse(named.stdout);
    expect(error.message).toContain('--wallet-name');
    expect(error.message).toContain('--wallet-hotkey');
  });

  describe('of a daemon', () => {
    const nowhere = ['--chain-endpoints', 'ws://127.0.0.1:9', '--wallet-name', 'locked'];
    let address: string;
    const start = (...args: readonly string[]) =>
      startDaemon({ entry: 'validator.js', home, args: [...nowhere, ...args] });

    beforeAll(async () => {
      const secret = newSecret(12);
      address = secret.address;
      const made = await cli(['new', '--only', 'hotkey', '--name', 'locked']);
      expect(made.code).toBe(0);
      writeFileSync(
        fileOf('locked/hotkeys/default'),
        await sealVault(Buffer.from(keyfileJson(secret)), 'right'),
      );
      writeFileSync(join(home, 'right'), 'right\n');
      writeFileSync(join(home, 'wrong'), 'wrong\n');
    });

    it('opens with its password at the start, without any coldkey', async () => {
      const daemon = start('--wallet-password-file', 'right', '--data-dir', join(home, 'data'));
      const { hotkey } = await daemon.saw('daemon.started');
      expect(hotkey).toBe(address);
      daemon.signal('SIGKILL');
      await daemon.ended;
    });

    it('ends it at once with a code of its own without a password, or with a wrong one', async () => {
      const without = start();
      expect(await without.ended).toEqual({ code: 4, signal: null });
      expect(without.stderr()).toContain('hotkey_password');
      const wrong = start('--wallet-password-file', 'wrong');
      expect(await wrong.ended).toEqual({ code: 4, signal: null });
      expect(wrong.stderr()).toContain(join(home, 'wrong'));
    });
  });
});
