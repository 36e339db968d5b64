import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

import { readStaticFiles } from '#src/gateway/staticFiles.ts';
import { ask, gatewayStage } from '#test/support/gatewayStage.ts';

describe('gateway / staticFiles', () => {
  const dir = mkdtempSync(join(tmpdir(), 'miaoai-static-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  const folder = (name: string): string => {
    const path = join(dir, name);
    mkdirSync(join(path, 'assets', 'deep'), { recursive: true });
    writeFileSync(join(path, 'index.html'), '<!doctype html>');
    writeFileSync(join(path, 'assets', 'a.js'), 'a');
    writeFileSync(join(path, 'assets', 'deep', 'b.js'), 'b');
    return path;
  };

  it('finds the files of all folders, and none where the folder is missing', () => {
    expect([...readStaticFiles(folder('plain')).keys()].toSorted()).toEqual([
      'assets/a.js',
      'assets/deep/b.js',
      'index.html',
    ]);
    expect(readStaticFiles(join(dir, 'missing')).size).toBe(0);
  });

  it('leaves out what cannot be read, as a link of an editor to nowhere', () => {
    const path = folder('dangling');
    symlinkSync('somebody@nowhere.1234:5678', join(path, '.#index.html'));
    symlinkSync('loop', join(path, 'loop'));
    expect(readStaticFiles(path).size).toBe(3);
  });

  it('follows no link to a folder, so that none leads around in circles', () => {
    const path = folder('circle');
    for (const name of ['one', 'two']) symlinkSync('.', join(path, name));
    expect(readStaticFiles(path).size).toBe(3);
  });
});

describe('gateway / staticFiles of a damaged page', () => {
  const stage = gatewayStage();
  afterAll(() => stage.close());

  it('open with the page all the same', async () => {
    symlinkSync('somebody@nowhere.1234:5678', join(stage.dir, 'ui', '.#index.html'));
    symlinkSync('nowhere.json', join(stage.dir, 'charts', 'lost.json'));
    const { port } = await stage.open();
    expect((await ask(port, '/')).body).toContain('<title>page</title>');
    expect((await ask(port, '/api/charts')).body).toBe('["epoch"]');
  });

  it('never take the place of an address of the daemon', async () => {
    for (const name of ['livez', 'metrics', 'machines']) writeFileSync(join(stage.dir, 'ui', name), 'a file');
    const { port } = await stage.open();
    expect((await ask(port, '/livez')).body).toContain('"status":"ok"');
    expect((await ask(port, '/metrics')).body).toBe('miaoai_test 1\n');
    expect((await ask(port, '/machines')).body).toContain('<title>page</title>');
  });
});
