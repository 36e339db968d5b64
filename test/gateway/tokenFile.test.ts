import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as Redacted from 'effect/Redacted';
import { afterAll, describe, expect, it } from 'vitest';

import { tokenOfFile } from '#src/gateway/tokenFile.ts';

describe('gateway / tokenFile', () => {
  const dir = mkdtempSync(join(tmpdir(), 'miaoai-token-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('makes a token of 32 random bytes that only its user can read, and reads it again', () => {
    const path = join(dir, 'made');
    const made = tokenOfFile(path);
    expect(made.ok).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(Buffer.from(readFileSync(path, 'utf8').trim(), 'base64url')).toHaveLength(32);
    const again = tokenOfFile(path);
    expect(made.ok && again.ok && Redacted.value(made.value) === Redacted.value(again.value)).toBe(true);
    expect(String(made.ok && made.value)).not.toContain(readFileSync(path, 'utf8').trim());
  });

  it('refuses a file that others can read, and says how to close it', () => {
    const path = join(dir, 'open');
    writeFileSync(path, 'x'.repeat(40));
    chmodSync(path, 0o640);
    expect(tokenOfFile(path)).toEqual({ ok: false, error: expect.stringContaining(`chmod 600 '${path}'`) });
  });

  it('refuses what is too short to be a token, and a folder that is not there', () => {
    const path = join(dir, 'short');
    writeFileSync(path, 'password\n', { mode: 0o600 });
    expect(tokenOfFile(path)).toMatchObject({ ok: false });
    expect(tokenOfFile(join(dir, 'missing', 'token'))).toMatchObject({ ok: false });
  });
});
