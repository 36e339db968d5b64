import { lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { sealVault } from '#src/keys/ansibleVault.ts';
import { keysReady } from '#src/keys/identity.ts';
import { keyfileJson } from '#src/keys/keyfile.ts';
import { describeKey, listWallets } from '#src/keys/listWallets.ts';
import { saveKey, savePublicKey } from '#src/keys/saveKey.ts';
import { newSecret } from '#src/keys/secret.ts';
import { loadHotkey, walletFiles } from '#src/keys/wallet.ts';

let path: string;
const modeOf = async (file: string): Promise<number> => (await stat(file)).mode & 0o777;
const plain = { password: null, overwrite: false } as const;
const location = (name: string, hotkey = 'default') => ({ path, name, hotkey });
const save = (name: string, overwrite = false, secret = newSecret(12)) =>
  Effect.runPromise(
    Effect.result(saveKey({ location: location(name), kind: 'hotkey', secret, password: null, overwrite })),
  );

describe('keys / saveKey', () => {
  beforeAll(async () => {
    await keysReady();
    path = join(await mkdtemp(join(tmpdir(), 'miaoai-save-')), 'wallets');
  });
  afterAll(() => rm(join(path, '..'), { recursive: true, force: true }));

  it('writes what can be loaded, for the owner alone', async () => {
    const secret = newSecret(12);
    const where = location('modes');
    await Effect.runPromise(saveKey({ location: where, kind: 'hotkey', secret, ...plain }));
    await Effect.runPromise(saveKey({ location: where, kind: 'coldkey', secret, ...plain }));
    const files = walletFiles(where);
    for (const file of Object.values(files)) expect(await modeOf(file)).toBe(0o600);
    for (const folder of ['', 'modes', 'modes/hotkeys']) {
      expect(await modeOf(join(path, folder))).toBe(0o700);
    }
    expect(await readdir(join(path, 'modes/hotkeys'))).toEqual(['default', 'defaultpub.txt']);
    expect((await Effect.runPromise(loadHotkey(where))).hotkey).toBe(secret.address);
    const shown = JSON.parse(await readFile(files.coldkeyPublic, 'utf8'));
    expect(Object.keys(shown).toSorted()).toEqual(['accountId', 'publicKey', 'ss58Address']);
    expect(shown.ss58Address).toBe(secret.address);
  });

  it('leaves an existing key as it is, unless told to destroy it', async () => {
    await save('twice');
    const files = walletFiles(location('twice'));
    const before = await readFile(files.hotkey, 'utf8');
    const refused = await save('twice');
    expect(refused).toMatchObject({ failure: { reason: 'Exists', file: files.hotkey } });
    expect(await readFile(files.hotkey, 'utf8')).toBe(before);
    const secret = newSecret(12);
    expect(await save('twice', true, secret)).toMatchObject({ _tag: 'Success' });
    expect(await readFile(files.hotkey, 'utf8')).toBe(keyfileJson(secret));
  });

  it('makes nothing when only the public part is in the way', async () => {
    const files = walletFiles(location('half'));
    await mkdir(join(path, 'half/hotkeys'), { recursive: true });
    await writeFile(files.hotkeyPublic, '{}');
    expect(await save('half')).toMatchObject({ failure: { reason: 'Exists', file: files.hotkeyPublic } });
    expect(await readdir(join(path, 'half/hotkeys'))).toEqual(['defaultpub.txt']);
  });

  it('replaces a symbolic link and leaves what it leads to', async () => {
    const files = walletFiles(location('linked'));
    const target = join(path, '..', 'precious');
    await writeFile(target, 'precious');
    await mkdir(join(path, 'linked/hotkeys'), { recursive: true });
    await symlink(target, files.hotkey);
    expect(await save('linked')).toMatchObject({ failure: { reason: 'Exists' } });
    expect(await save('linked', true)).toMatchObject({ _tag: 'Success' });
    expect((await lstat(files.hotkey)).isFile()).toBe(true);
    expect(await readFile(target, 'utf8')).toBe('precious');
  });

  it('refuses names that lead elsewhere, and says what cannot be written', async () => {
    for (const name of ['..', 'a/b', 'red\u001b[31m', '']) {
      expect(await save(name)).toMatchObject({ failure: { reason: 'NotFound' } });
    }
    const shadow = { location: location('main', 'defaultpub.txt'), kind: 'hotkey', ...plain } as const;
    const refused = await Effect.runPromise(Effect.flip(saveKey({ ...shadow, secret: newSecret(12) })));
    expect(refused.message).toContain('public part of another');
    await mkdir(path, { recursive: true });
    await writeFile(join(path, 'occupied'), '');
    expect(await save('occupied')).toMatchObject({ failure: { reason: 'Unwritable' } });
    if (process.platform !== 'linux') return;
    const nowhere = { ...location('main'), path: '/proc/wallets' };
    const attempt = saveKey({ location: nowhere, kind: 'hotkey', secret: newSecret(12), ...plain });
    expect(await Effect.runPromise(Effect.flip(attempt))).toMatchObject({ reason: 'Unwritable' });
  });

  it('tells the address of the secret that is there, not of a public file beside it', async () => {
    const secret = newSecret(12);
    await save('lied to', false, secret);
    const where = location('lied to');
    await writeFile(walletFiles(where).hotkeyPublic, JSON.stringify({ ss58Address: newSecret(12).address }));
    expect(await Effect.runPromise(describeKey(where, 'hotkey'))).toMatchObject({ address: secret.address });
    expect(await Effect.runPromise(describeKey(where, 'coldkey'))).toBeNull();
  });

  it('lists wallets without any password', async () => {
    const folder = join(path, '..', 'listed');
    const where = { path: folder, name: 'main', hotkey: 'one' };
    const [cold, one, two] = [newSecret(12), newSecret(12), newSecret(12)];
    const run = Effect.runPromise;
    await run(
      savePublicKey({
        location: where,
        kind: 'coldkey',
        publicKey: cold.pair.publicKey,
        overwrite: false,
      }),
    );
    await run(saveKey({ location: where, kind: 'hotkey', secret: one, ...plain }));
    const sealed = walletFiles({ ...where, hotkey: 'two' });
    await writeFile(sealed.hotkey, await sealVault(Buffer.from(keyfileJson(two)), 'x'), { mode: 0o644 });
    await mkdir(join(folder, 'nothing here'));
    await writeFile(join(folder, 'main/hotkeys/name\u001b[2J'), '{}');
    expect(await run(listWallets(folder))).toMatchObject([
      {
        name: 'main',
        coldkey: { address: cold.address, encryption: 'absent' },
        hotkeys: [
          { name: 'one', address: one.address, encryption: 'none', isOpenToOthers: false },
          { name: 'two', address: null, encryption: 'ansible', isOpenToOthers: true },
        ],
      },
    ]);
    expect(await run(listWallets(join(folder, 'missing')))).toEqual([]);
  });
});
