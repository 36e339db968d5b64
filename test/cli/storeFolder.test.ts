import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Role } from '#src/config.ts';
import { identityFromUri, keysReady } from '#src/keys/identity.ts';
import { resolveDataDir } from '#src/store/dataDir.ts';
import { EmbeddedStore } from '#src/store/sqlite.ts';
import { cliWithin } from './cliWithin.ts';

describe('cli / storeFolder', () => {
  const home = mkdtempSync(join(tmpdir(), 'miaoai-folder-'));
  const made: { [name: string]: string } = {};

  const folderOf = (uri: string, role: Role): { dir: string; owner: string } => {
    const identity = identityFromUri(uri);
    if (!identity.ok) throw new Error('no key');
    const { hotkey } = identity.value;
    const dir = resolveDataDir({ explicit: null, home, network: 'local', netuid: 86, hotkey, role });
    return { dir, owner: `local/86/${hotkey}/${role}` };
  };
  const make = async (uri: string, role: Role): Promise<void> => {
    const { dir, owner } = folderOf(uri, role);
    await Effect.runPromise(
      Effect.scoped(Effect.flatMap(EmbeddedStore.open({ dir, owner }), (store) => store.addTo('starts', 1))),
    );
    made[`${uri} ${role}`] = dir;
  };

  beforeAll(async () => {
    await keysReady();
    await make('//Alice', 'validator');
  });
  beforeEach(() => {
    vi.stubEnv('HOME', home);
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(home, { recursive: true, force: true });
  });

  it('takes the only folder that fits what was said, and says where there is none', async () => {
    const only = await cliWithin('store', 'check', '--network', 'local');
    expect(only).toMatchObject({ code: 0, stdout: expect.stringContaining(made['//Alice validator'] ?? '') });
    const other = await cliWithin('store', 'check', '--network', 'local', '--hotkey-uri', '//Bob');
    expect(other).toMatchObject({ code: 2, stdout: '' });
    expect(other.stderr).toContain(folderOf('//Bob', 'validator').dir);
    expect(other.stderr).toContain(`  ${made['//Alice validator']}`);
    const unknown = await cliWithin('audit', '--network', 'local', '--wallet-name', 'nobody');
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('no hotkey') });
  });

  it('finds the folder of each daemon by its flags, and names all where these leave several', async () => {
    await make('//Bob', 'validator');
    await make('//Bob', 'miner');
    const bob = ['--network', 'local', '--hotkey-uri', '//Bob'];
    const audited = await cliWithin('audit', '--json', ...bob);
    expect(audited).toMatchObject({ code: 0, stderr: '' });
    const several = await cliWithin('audit', '--network', 'local');
    expect(several).toMatchObject({ code: 2, stdout: '' });
    for (const name of ['//Alice validator', '//Bob validator'])
      expect(several.stderr).toContain(`  ${made[name]}`);
    expect(several.stderr).not.toContain(made['//Bob miner']);
    const roles = await cliWithin('store', 'check', ...bob);
    expect(roles).toMatchObject({ code: 2, stderr: expect.stringContaining(`  ${made['//Bob miner']}`) });
    const miner = await cliWithin('store', 'check', '--role', 'miner', ...bob);
    expect(miner).toMatchObject({ code: 0, stdout: expect.stringContaining(made['//Bob miner'] ?? '') });
  });

  it('backs a store up and puts it back by the same flags, and never into a folder nobody named', async () => {
    const flags = ['--network', 'local', '--hotkey-uri', '//Alice'];
    const file = join(home, 'alice.sqlite');
    expect(await cliWithin('store', 'backup', ...flags, file)).toMatchObject({ code: 0 });
    const unnamed = await cliWithin('store', 'restore', file, '--network', 'local');
    expect(unnamed).toMatchObject({ code: 2, stdout: '' });
    const restored = await cliWithin('store', 'restore', file, ...flags);
    expect(restored).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(made['//Alice validator'] ?? ''),
    });
    const neither = await cliWithin(
      'store',
      'restore',
      file,
      '--network',
      'local',
      '--hotkey-uri',
      '//Charlie',
    );
    expect(neither).toMatchObject({ code: 2, stderr: expect.stringContaining('--role') });
    const fresh = folderOf('//Charlie', 'validator').dir;
    const charlie = ['--network', 'local', '--hotkey-uri', '//Charlie', '--role', 'validator'];
    expect(await cliWithin('store', 'restore', file, ...charlie)).toMatchObject({ code: 0 });
    expect(existsSync(join(fresh, 'store.sqlite'))).toBe(true);
  });

  it('refuses to audit the store of a miner, which has no evidence', async () => {
    const ended = await cliWithin('audit', '--data-dir', made['//Bob miner'] ?? '');
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain('this is the store of a miner');
  });

  it('says of a daemon whose state is in Redis to name that', async () => {
    vi.stubEnv('MIAOAI_REDIS', 'redis://127.0.0.1:1');
    const ended = await cliWithin('audit', '--network', 'local', '--hotkey-uri', '//Alice');
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('--redis') });
  });
});
