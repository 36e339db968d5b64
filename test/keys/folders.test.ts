import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

import { makeFolder } from '#src/keys/folders.ts';
import { codeOf } from '#src/keys/systemError.ts';

describe('keys / folders', () => {
  const home = mkdtempSync(join(tmpdir(), 'miaoai-folders-'));
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it('are made with those above them, and left as they are where they exist', async () => {
    const dir = join(home, 'a', 'b', 'c');
    await makeFolder(dir, 0o700);
    await makeFolder(dir, 0o777);
    for (const made of [dir, join(home, 'a')]) expect(statSync(made).mode & 0o777).toBe(0o700);
  });

  it('are not made in the place of a file', async () => {
    const file = join(home, 'file');
    writeFileSync(file, '');
    expect(await makeFolder(file, 0o700).catch(codeOf)).toBe('ENOTDIR');
  });

  it.skipIf(process.platform !== 'linux')('are given up where none can be made, at once', async () => {
    expect(await makeFolder('/proc/nope/deeper', 0o700).catch(codeOf)).toBe('ENOENT');
  });
});
