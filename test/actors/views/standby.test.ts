import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import * as Scope from 'effect/Scope';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createValidatorView } from '#src/actors/views/validatorView.ts';
import { startWriterLease } from '#src/actors/writerLease.system.ts';
import { createLogger } from '#src/logging.ts';
import { EmbeddedStore } from '#src/store/sqlite.ts';
import { until } from '#test/support/peers.ts';
import { viewParts } from '#test/support/views.ts';

const log = createLogger({ level: 'silent', format: 'json', role: 'validator', hotkey: '5Test' });

let dir: string;
let scope: Scope.Closeable;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'miaoai-standby-'));
  scope = Scope.makeUnsafe();
});
afterEach(async () => {
  await Effect.runPromise(Scope.close(scope, Exit.void));
  rmSync(dir, { recursive: true, force: true });
});

const open = () =>
  Effect.runPromise(Scope.provide(EmbeddedStore.open({ dir, owner: 'test', shared: true }), scope));

describe('actors/views / standby', () => {
  it('says that another validator writes, which one, and when this one takes over', async () => {
    const other = await open();
    const held = await Effect.runPromise(
      other.takeLease({ name: 'writer', holder: 'another machine', over: null }),
    );
    const view = createValidatorView(viewParts());
    const lease = startWriterLease({
      leases: await open(),
      leaseMs: 1_000,
      takeHolderLock: null,
      log,
      onInspection: view.onInspection,
    });
    const isTold = (code: string) => view.slices().health.reasons.some((reason) => reason.code === code);
    await until(() => isTold('lease.standby'), 'it is told who writes');
    expect(view.slices()).toMatchObject({
      root: { state: 'standingBy' },
      health: {
        level: 'starting',
        text: 'Standing by: another validator of this hotkey writes (another machine).',
      },
    });
    expect(view.ready()).toMatchObject({ isWell: false, reasons: [expect.stringMatching(/lease.standby/)] });
    expect(view.live().isWell).toBe(true);
    await Effect.runPromise(other.releaseLease(held));
    expect((await lease.held).ok).toBe(true);
    await until(() => !isTold('lease.standby'), 'it is told that this one writes');
    await lease.end();
    view.close();
  });
});
