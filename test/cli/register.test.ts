import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { decodeGenesis } from '#src/devnet/genesis.ts';
import { type Devnet, startDevnet } from '#src/devnet/node.ts';
import { sealVault } from '#src/keys/ansibleVault.ts';
import { keysReady } from '#src/keys/identity.ts';
import { runCli } from './cliProcess.ts';

describe('cli / register', () => {
  const home = mkdtempSync(join(tmpdir(), 'miaoai-cli-register-'));
  let devnet: Devnet | undefined;
  const cli = (args: readonly string[], input = '', more: { interruptOn?: string } = {}) =>
    runCli(args, {
      home,
      input,
      ...more,
      env: { BT_SUBTENSOR_CHAIN_ENDPOINT: devnet?.url ?? '', BT_WALLET_NAME: 'main' },
    });
  const register = (...args: readonly string[]) => cli(['register', '--json', ...args]);

  /** Alice's coldkey has money, Bob's has none; each wallet has a hotkey of its own. */
  beforeAll(async () => {
    await keysReady();
    devnet = await startDevnet({
      genesis: decodeGenesis({
        chain: 'register test',
        blockTimeMs: 200,
        accounts: ['//Alice', '//Charlie'].map((address) => ({ address, free: '10000000000' })),
        subnets: [{ netuid: 86, tempo: 360, ownerColdkey: '//Eve', ownerHotkey: '//Ferdie' }],
      }),
    });
    const regen = (kind: string, uri: string, ...args: readonly string[]) =>
      cli(['wallet', 'regen', '--only', kind, '--no-password', ...args], uri);
    await regen('coldkey', '//Alice');
    await regen('hotkey', '//Alice//miner');
    await regen('coldkey', '//Bob', '--name', 'poor');
    await regen('hotkey', '//Bob//miner', '--name', 'poor');
  });
  afterAll(async () => {
    await devnet?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  it.each([
    ['the price is above the limit', ['--max-price', '0.001', '--yes'], 5, 'RegistrationPriceLimitExceeded'],
    ['the coldkey cannot pay', ['--max-price', '2', '--yes', '--name', 'poor'], 5, 'NotEnoughBalanceToStake'],
    ['there is no such subnet', ['--max-price', '2', '--yes', '--netuid', '7'], 5, 'SubnetNotExists'],
    ['nobody confirms', ['--max-price', '2'], 2, 'Settings'],
    ['there is no such wallet', ['--max-price', '2', '--yes', '--name', 'nobody'], 3, 'NotFound'],
    [
      'no node answers',
      ['--max-price', '2', '--yes', '--chain-endpoints', 'ws://127.0.0.1:9'],
      6,
      'Unreachable',
    ],
  ])('sends nothing when %s', async (_name, args, code, reason) => {
    const ended = await register(...args);
    expect(JSON.parse(ended.stdout)).toMatchObject({ error: { reason } });
    expect(ended.code).toBe(code);
  });

  it('names the node that it could not use without its credentials', async () => {
    const network = 'ws://operator:hunter2@127.0.0.1:9/key123';
    const ended = await runCli(['register', '--max-price', '2', '--yes', '--network', network], {
      home,
      env: { BT_WALLET_NAME: 'main' },
    });
    expect(ended).toMatchObject({ code: 6, stderr: expect.stringContaining('ws://127.0.0.1:9/***') });
    for (const secret of ['hunter2', 'key123']) expect(ended.stderr).not.toContain(secret);
  });

  it('tells a wallet that is not there from a key that is not, and from one without its address', async () => {
    const nobody = await register('--max-price', '2', '--yes', '--name', 'nobody');
    const { message } = JSON.parse(nobody.stdout).error;
    expect(message).toContain(`there is no wallet nobody in ${join(home, '.bittensor', 'wallets')}`);
    expect(message).toContain('`miaoai wallet list`');
    expect(message).toContain('`miaoai wallet new --name nobody --hotkey default`');
    expect(message).not.toContain('regen');
    const other = await register('--max-price', '2', '--yes', '--hotkey', 'other');
    expect(other).toMatchObject({ code: 3 });
    expect(JSON.parse(other.stdout).error.message).toContain('wallet main in');
    expect(JSON.parse(other.stdout).error.message).toContain(
      'has no hotkey other: `miaoai wallet list` shows what is there, `miaoai wallet new --name main --only hotkey --hotkey other` makes one',
    );
  });

  it('refuses an amount that is none', async () => {
    const wrong = await register('--max-price', '1,5');
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('TAO as a decimal number') });
    const missing = await register();
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('--max-price') });
  });

  it('shows the price, registers with the coldkey and prints the uid; a second time it sends nothing', async () => {
    const first = await register('--max-price', '2', '--yes');
    expect(first).toMatchObject({ code: 0 });
    for (const words of ['price', 'balance 10 TAO', 'your limit is 2 TAO', 'immunity', 'burned']) {
      expect(first.stderr).toContain(words);
    }
    const registered = JSON.parse(first.stdout);
    expect(registered).toMatchObject({ netuid: 86, wasRegistered: false });
    expect(registered.immuneUntilBlock).toBeGreaterThan(registered.block);
    const second = await register('--max-price', '2', '--yes');
    expect(second.code).toBe(0);
    expect(JSON.parse(second.stdout)).toMatchObject({ uid: registered.uid, wasRegistered: true });
  });

  it('pays for the hotkey whose secret is there, whatever its public file and other wallets say', async () => {
    await cli(['wallet', 'regen', '--only', 'hotkey', '--hotkey', 'third'], '//Alice//third');
    const wallets = join(home, '.bittensor', 'wallets');
    const { ss58Address } = JSON.parse(readFileSync(join(wallets, 'main/hotkeys/third'), 'utf8'));
    const someoneElse = '{"ss58Address":"5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y"}';
    writeFileSync(join(wallets, 'main/hotkeys/thirdpub.txt'), someoneElse);
    // Cannot be read by anybody, as a wallet of another user cannot.
    symlinkSync('loop', join(wallets, 'loop'));
    const ended = await register('--max-price', '2', '--yes', '--hotkey', 'third');
    rmSync(join(wallets, 'loop'));
    expect(JSON.parse(ended.stdout)).toMatchObject({ hotkey: ss58Address, wasRegistered: false });
  });

  it('does not call a hotkey registered that belongs to another coldkey', async () => {
    const move = ['wallet', 'regen', '--only', 'hotkey', '--name', 'poor', '--hotkey', 'alien'];
    await cli(move, '//Alice//third');
    const ended = await register('--max-price', '2', '--yes', '--name', 'poor', '--hotkey', 'alien');
    expect(JSON.parse(ended.stdout)).toMatchObject({ error: { reason: 'NonAssociatedColdKey' } });
    expect(ended.code).toBe(5);
  });

  it('leaves word of what was sent when it is interrupted, and a second time burns nothing more', async () => {
    await cli(['wallet', 'regen', '--only', 'hotkey', '--hotkey', 'fourth'], '//Alice//fourth');
    const args = ['register', '--json', '--max-price', '2', '--yes', '--hotkey', 'fourth'];
    const first = await cli(args, '', { interruptOn: 'Sending' });
    expect(first.code).toBe(6);
    const { error } = JSON.parse(first.stdout);
    expect(error.reason).toBe('Unconfirmed');
    expect(error.message).toMatch(/interrupted after 0x[0-9a-f]{64} was sent.*safe to repeat/);
    const second = await cli(args);
    expect(second.code).toBe(0);
    expect(JSON.parse(second.stdout)).toMatchObject({ netuid: 86, uid: expect.any(Number) });
  });

  it('does not take a coldkey that is not the one whose balance was shown', async () => {
    const wallets = join(home, '.bittensor', 'wallets', 'main');
    await cli(['wallet', 'regen', '--only', 'hotkey', '--hotkey', 'second'], '//Alice//second');
    const pub = '{"ss58Address":"5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y"}';
    writeFileSync(join(wallets, 'coldkeypub.txt'), pub);
    // Only an encrypted coldkey leaves its public file to be believed.
    const plain = readFileSync(join(wallets, 'coldkey'));
    writeFileSync(join(wallets, 'coldkey'), await sealVault(plain, 'right'));
    writeFileSync(join(home, 'password'), 'right');
    const args = ['--max-price', '2', '--yes', '--hotkey', 'second', '--password-file', 'password'];
    const ended = await register(...args);
    expect(JSON.parse(ended.stdout)).toMatchObject({ error: { reason: 'Mismatch' } });
    expect(ended.code).toBe(3);
  });
});
