import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WalletError } from '#src/keys/errors.ts';
import { type Identity, identityFromUri, keysReady, verifySignature } from '#src/keys/identity.ts';
import { hotkeyFile, loadHotkey, openKey } from '#src/keys/wallet.ts';

/** Keyfile of the development phrase as btwallet writes it. */
const FULL = {
  accountId: '0x46ebddef8cd9bb167dc30878d7113b7e168e6f0646beffd77d69d39bad76b47a',
  publicKey: '0x46ebddef8cd9bb167dc30878d7113b7e168e6f0646beffd77d69d39bad76b47a',
  privateKey:
    '0x05d65584630d16cd4af6d0bec10f34bb504a5dcb62dba2122d49f5a663763d0afd190cce74df356432b410bd64682309d6dedb27c76845daf388557cbac3ca34',
  secretPhrase: 'bottom drive obey lake curtain smoke basket hold race lonely fit walk',
  secretSeed: '0xfac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e',
  ss58Address: '5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV',
};
const PUBLIC = { accountId: FULL.accountId, publicKey: FULL.publicKey, ss58Address: FULL.ss58Address };
const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';

let path: string;
const write = async (hotkey: string, content: string | object): Promise<void> => {
  await mkdir(join(path, 'default', 'hotkeys'), { recursive: true });
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  await writeFile(join(path, 'default', 'hotkeys', hotkey), text);
};
const load = (hotkey: string): Promise<Identity> =>
  Effect.runPromise(loadHotkey({ path, name: 'default', hotkey }));
const refusal = (hotkey: string): Promise<WalletError> =>
  Effect.runPromise(Effect.flip(loadHotkey({ path, name: 'default', hotkey })));

describe('keys / wallet', () => {
  beforeAll(async () => {
    await keysReady();
    path = await mkdtemp(join(tmpdir(), 'miaoai-wallet-'));
  });
  afterAll(() => rm(path, { recursive: true, force: true }));

  it.each([
    ['everything', FULL],
    ['the phrase', { secretPhrase: FULL.secretPhrase, ss58Address: FULL.ss58Address }],
    ['the seed', { ...PUBLIC, secretSeed: FULL.secretSeed, secretPhrase: null }],
    ['the seed without 0x', { ...PUBLIC, secretSeed: FULL.secretSeed.slice(2) }],
    ['the private key', { ...PUBLIC, privateKey: FULL.privateKey }],
    ['a private key and no address', { publicKey: FULL.publicKey, privateKey: FULL.privateKey }],
    [
      'a seed that is no hex beside a private key',
      { ...PUBLIC, secretSeed: 'x', privateKey: FULL.privateKey },
    ],
  ])('signs with a keyfile that holds %s', async (_name, content) => {
    await write('plain', content);
    const identity = await load('plain');
    expect(identity.hotkey).toBe(FULL.ss58Address);
    const message = new TextEncoder().encode('probe');
    expect(
      verifySignature({ message, signature: identity.sign(message), publicKey: identity.publicKey }),
    ).toBe(true);
  });

  it('prefers the phrase over a suspicious seed', async () => {
    await write('textSeed', { ...FULL, secretSeed: 'a seed of exactly 32 characters!' });
    expect((await load('textSeed')).hotkey).toBe(FULL.ss58Address);
  });

  it('accepts a seed written as text only when the address confirms it', async () => {
    const seed = '12345678901234567890123456789012';
    const expected = identityFromUri(`0x${Buffer.from(seed).toString('hex')}`);
    if (!expected.ok) throw new Error(expected.error.message);
    await write('raw', { secretSeed: seed, ss58Address: expected.value.hotkey });
    expect((await load('raw')).hotkey).toBe(expected.value.hotkey);
    await write('rawOther', { secretSeed: seed, ss58Address: ALICE });
    expect((await refusal('rawOther')).reason).toBe('Mismatch');
    await write('rawAlone', { secretSeed: seed });
    expect((await refusal('rawAlone')).reason).toBe('Malformed');
  });

  it.each([
    ['a secret of another key', { ...FULL, ss58Address: ALICE }, 'Mismatch'],
    ['a private key of another key', { privateKey: FULL.privateKey, ss58Address: ALICE }, 'Mismatch'],
    ['no secret', PUBLIC, 'PublicOnly'],
    ['a broken address', { ...FULL, ss58Address: ALICE.replace('Q', 'R') }, 'Malformed'],
    ['a broken phrase', { ...FULL, secretPhrase: 'drive drive drive' }, 'Malformed'],
    ['numbers', { ...FULL, secretPhrase: 5 }, 'Malformed'],
    ['no JSON', 'hello', 'Malformed'],
    ['brackets to the limit of its size', '['.repeat(60_000), 'Malformed'],
    ['a public key that is none', { secretSeed: FULL.secretSeed, publicKey: '0x12' }, 'Malformed'],
    ['a secretbox', '$NACL\u0001\u0002', 'NoPassword'],
    ['an Ansible vault', '$ANSIBLE_VAULT;1.1;AES256\n31', 'NoPassword'],
    ['a Fernet token', 'gAAAAABh', 'NoPassword'],
    ['too much', 'x'.repeat(70_000), 'TooLarge'],
  ])('refuses a keyfile with %s', async (_name, content, reason) => {
    await write('bad', content);
    const error = await refusal('bad');
    expect(error).toMatchObject({ _tag: 'WalletError', reason });
    expect(error.message).toContain(error.file);
    for (const secret of [FULL.secretPhrase, FULL.secretSeed, FULL.privateKey]) {
      expect(error.message).not.toContain(secret);
    }
  });

  it('lists the ways to give a password when an encrypted keyfile has none', async () => {
    await write('sealed', '$NACL...');
    const { message } = await refusal('sealed');
    for (const way of ['--wallet-password-file', 'hotkey_password', 'BT_PW_', 'HOTKEYS_SEALED', 'terminal']) {
      expect(message).toContain(way);
    }
  });

  it('does not wait for a pipe in place of the file', async () => {
    execFileSync('mkfifo', [join(path, 'default', 'hotkeys', 'pipe')]);
    expect((await refusal('pipe')).reason).toBe('Unreadable');
  });

  it('warns of a keyfile that others may read', async () => {
    await write('shared', FULL);
    const file = join(path, 'default', 'hotkeys', 'shared');
    const open = () =>
      Effect.runPromise(
        openKey({ path, name: 'default', hotkey: 'shared' }, 'hotkey', {
          passwordFile: null,
          env: {},
          ask: null,
        }),
      );
    await chmod(file, 0o640);
    expect((await open()).warning).toContain(`chmod 600 ${file}`);
    await chmod(file, 0o600);
    expect((await open()).warning).toBeNull();
  });

  it('names the variables to check when there is no such file', async () => {
    const error = await refusal('missing');
    expect(error.reason).toBe('NotFound');
    expect(error.message).toContain('BT_WALLET_HOTKEY');
    expect((await refusal('../escape')).reason).toBe('NotFound');
  });

  it('refuses a folder in place of the file', async () => {
    await mkdir(join(path, 'default', 'hotkeys', 'folder'), { recursive: true });
    expect((await refusal('folder')).reason).toBe('Unreadable');
  });

  it('expands the home directory', () => {
    const file = hotkeyFile({ path: '~/.bittensor/wallets', name: 'a', hotkey: 'b' });
    expect(file).toMatch(/^\/.*\/\.bittensor\/wallets\/a\/hotkeys\/b$/);
    expect(file).not.toContain('~');
  });
});
