import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import * as Redacted from 'effect/Redacted';
import { afterAll, describe, expect, it } from 'vitest';

import { tokenOfFile } from '#src/gateway/tokenFile.ts';

/** Opens one file after the other, each at the same moment as the others do. */
const racer = `
const { parentPort, workerData } = require('node:worker_threads');
const { module, redacted, paths, racers, shared } = workerData;
const arrived = new Int32Array(shared);
Promise.all([import(module), import(redacted)]).then(([{ tokenOfFile }, Redacted]) => {
  parentPort.postMessage(paths.map((path, turn) => {
    Atomics.add(arrived, 0, 1);
    while (Atomics.load(arrived, 0) < racers * (turn + 1));
    const read = tokenOfFile(path);
    return read.ok ? Redacted.value(read.value) : 'refused: ' + read.error;
  }));
});
`;

/** What each of some threads got for each of these files. */
const race = (paths: readonly string[], racers: number): Promise<readonly (readonly string[])[]> => {
  const module = new URL('../../src/gateway/tokenFile.ts', import.meta.url).href;
  const redacted = import.meta.resolve('effect/Redacted');
  const workerData = { module, redacted, paths, racers, shared: new SharedArrayBuffer(4) };
  return Promise.all(
    Array.from(
      { length: racers },
      () =>
        new Promise<readonly string[]>((resolve, reject) => {
          const worker = new Worker(racer, { eval: true, workerData });
          worker.once('message', resolve);
          worker.once('error', reject);
        }),
    ),
  );
};

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

  it('gives everybody the same token who makes the file at the same moment', async () => {
    const folder = join(dir, 'raced');
    mkdirSync(folder);
    const paths = Array.from({ length: 200 }, (_, index) => join(folder, `token${index}`));
    const [one = [], other = []] = await race(paths, 2);
    expect(one).toHaveLength(paths.length);
    expect(other).toEqual(one);
    expect(one.filter((token) => Buffer.from(token, 'base64url').length !== 32)).toEqual([]);
    expect(readdirSync(folder)).toHaveLength(paths.length);
  });

  it.skipIf(process.platform !== 'linux')('keeps no file open', () => {
    const path = join(dir, 'closed');
    tokenOfFile(path);
    expect(tokenOfFile(path).ok).toBe(true);
    const open = readdirSync('/proc/self/fd').map((descriptor) => {
      try {
        return readlinkSync(join('/proc/self/fd', descriptor));
      } catch {
        return '';
      }
    });
    expect(open).not.toContain(path);
  });
});
