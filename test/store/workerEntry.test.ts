import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';

import { storeWorkerUrl } from '#src/store/workerEntry.ts';

import { freshDir } from './openStore.ts';

describe('store / workerEntry', () => {
  it('finds the source beside a source and the bundle beside a bundle or above its chunks', () => {
    const dist = freshDir();
    mkdirSync(join(dist, 'chunks'));
    writeFileSync(join(dist, 'storeWorker.js'), '');
    const at = (path: string) => pathToFileURL(join(dist, path)).href;
    expect(storeWorkerUrl().pathname).toMatch(/\/src\/store\/sqliteWorker\.ts$/);
    expect(storeWorkerUrl(at('daemon.js')).href).toBe(at('storeWorker.js'));
    expect(storeWorkerUrl(at('chunks/store-abc.js')).href).toBe(at('storeWorker.js'));
  });
});
