import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import * as Effect from 'effect/Effect';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { auditCommand } from '#src/cli/audit.ts';
import { storeCommand } from '#src/cli/store.ts';
import type { Role } from '#src/config.ts';
import { identityFromUri, keysReady } from '#src/keys/identity.ts';
import { resolveDataDir } from '#src/store/dataDir.ts';
import { EmbeddedStore } from '#src/store/sqlite.ts';
import type { CliEnd } from './cliProcess.ts';

/** A command within this process: its words and its code, as a terminal would see them. */
const cli = async (...args: readonly string[]): Promise<CliEnd> => {
  const said = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      said[name] += String(chunk);
      return true;
    }),
  );
  try {
    const program = new Command('miaoai').addCommand(auditCommand()).addCommand(storeCommand());
    await program.parseAsync(args, { from: 'user' });
    return { code: Number(process.exitCode ?? 0), ...said };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = 0;
  }
};

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
    const only = await cli('store', 'check', '--network', 'local');
    expect(only).toMatchObject({ code: 0, stdout: expect.stringContaining(made['//Alice validator'] ?? '') });
    const other = await cli('store', 'check', '--network', 'local', '--hotkey-uri', '//Bob');
    expect(other).toMatchObject({ code: 2, stdout: '' });
    expect(other.stderr).toContain(folderOf('//Bob', 'validator').dir);
    expect(other.stderr).toContain(`  ${made['//Alice validator']}`);
    const unknown = await cli('audit', '--network', 'local', '--wallet-name', 'nobody');
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('no hotkey') });
  });

  it('finds the folder of each daemon by its flags, and names all where these leave several', async () => {
    await make('//Bob', 'validator');
    await make('//Bob', 'miner');
    const bob = ['--network', 'local', '--hotkey-uri', '//Bob'];
    const audited = await cli('audit', '--json', ...bob);
    expect(audited).toMatchObject({ code: 0, stderr: '' });
    const several = await cli('audit', '--network', 'local');
    expect(several).toMatchObject({ code: 2, stdout: '' });
    for (const name of ['//Alice validator', '//Bob validator'])
      expect(several.stderr).toContain(`  ${made[name]}`);
    expect(several.stderr).not.toContain(made['//Bob miner']);
    const roles = await cli('store', 'check', ...bob);
    expect(roles).toMatchObject({ code: 2, stderr: expect.stringContaining(`  ${made['//Bob miner']}`) });
    const miner = await cli('store', 'check', '--role', 'miner', ...bob);
    expect(miner).toMatchObject({ code: 0, stdout: expect.stringContaining(made['//Bob miner'] ?? '') });
  });

  it('backs a store up and puts it back by the same flags, and never into a folder nobody named', async () => {
    const flags = ['--network', 'local', '--hotkey-uri', '//Alice'];
    const file = join(home, 'alice.sqlite');
    expect(await cli('store', 'backup', ...flags, file)).toMatchObject({ code: 0 });
    const unnamed = await cli('store', 'restore', file, '--network', 'local');
    expect(unnamed).toMatchObject({ code: 2, stdout: '' });
    const restored = await cli('store', 'restore', file, ...flags);
    expect(restored).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(made['//Alice validator'] ?? ''),
    });
    const neither = await cli('store', 'restore', file, '--network', 'local', '--hotkey-uri', '//Charlie');
    expect(neither).toMatchObject({ code: 2, stderr: expect.stringContaining('--role') });
    const fresh = folderOf('//Charlie', 'validator').dir;
    const charlie = ['--network', 'local', '--hotkey-uri', '//Charlie', '--role', 'validator'];
    expect(await cli('store', 'restore', file, ...charlie)).toMatchObject({ code: 0 });
    expect(existsSync(join(fresh, 'store.sqlite'))).toBe(true);
  });

  it('refuses to audit the store of a miner, which has no evidence', async () => {
    const ended = await cli('audit', '--data-dir', made['//Bob miner'] ?? '');
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain('this is the store of a miner');
  });

  it('says of a daemon whose state is in Redis to name that', async () => {
    vi.stubEnv('MIAOAI_REDIS', 'redis://127.0.0.1:1');
    const ended = await cli('audit', '--network', 'local', '--hotkey-uri', '//Alice');
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('--redis') });
  });
});
