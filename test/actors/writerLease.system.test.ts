import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import * as Scope from 'effect/Scope';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { type LeaseNews, startWriterLease } from '#src/actors/writerLease.system.ts';
import { createLogger } from '#src/logging.ts';
import { EmbeddedStore } from '#src/store/sqlite.ts';
import type { StoreHandle } from '#src/store/store.ts';
import { becomeWriter, openHolderLock } from '#src/writership.ts';

const leaseMs = 1_000;
const log = createLogger({ level: 'silent', format: 'json', role: 'validator', hotkey: '5Test' });

let dir: string;
let ends: (() => Promise<unknown>)[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'miaoai-lease-'));
  ends = [];
});
afterEach(async () => {
  for (const end of ends.reverse()) await end();
  rmSync(dir, { recursive: true, force: true });
});

/** One of several handles on the same folder, as processes have them. */
const open = async (): Promise<StoreHandle> => {
  const scope = Scope.makeUnsafe();
  ends.push(() => Effect.runPromise(Scope.close(scope, Exit.void)));
  return Effect.runPromise(Scope.provide(EmbeddedStore.open({ dir, owner: 'test', shared: true }), scope));
};
const begin = async (options: { readonly lock?: boolean; readonly leaseMs?: number } = {}) => {
  const store = await open();
  const takeHolderLock = options.lock === true ? openHolderLock(dir).take : null;
  const lease = startWriterLease({
    leases: store,
    leaseMs: options.leaseMs ?? leaseMs,
    takeHolderLock,
    log,
  });
  ends.push(lease.end);
  return { store, lease };
};
/** A holder of which nothing can be known but its beats. */
const anonymous = async (): Promise<StoreHandle> => {
  const store = await open();
  await Effect.runPromise(store.takeLease({ name: 'writer', holder: 'somebody', over: null }));
  return store;
};

describe('actors / writerLease.system', () => {
  it('does not begin to act when it is told to end after it got the lease', async () => {
    const store = await open();
    const before = new Set(process.listeners('SIGTERM'));
    const counting = Effect.suspend(() => {
      for (const listener of process.listeners('SIGTERM')) if (!before.has(listener)) listener('SIGTERM');
      return store.addTo('starts', 1);
    });
    const left = becomeWriter({
      store: { ...store, addTo: () => counting },
      leaseMs,
      takeHolderLock: null,
      log,
      leave: (exit, reason) => Promise.reject(new Error(`${exit}: ${reason}`)),
    });
    await expect(left).rejects.toThrow('drained: stopped before it began to write');
    expect(await Effect.runPromise(store.readLease('writer'))).toMatchObject({ token: 1, holder: null });
    expect(new Set(process.listeners('SIGTERM'))).toEqual(before);
  });

  it('takes a free lease at once, and gives it up for the next one', async () => {
    const first = await begin();
    expect(await first.lease.held).toMatchObject({ ok: true, value: { token: 1 } });
    await first.lease.end();
    const second = await begin();
    expect(await second.lease.held).toMatchObject({ ok: true, value: { token: 2 } });
  });

  it('takes over from a silent holder, whose writes are refused from then on', async () => {
    const silent = await anonymous();
    const lease = await Effect.runPromise(silent.readLease('writer'));
    if (lease !== null) silent.fence(lease);
    await Effect.runPromise(silent.addTo('before', 1));
    const beganMs = performance.now();
    const { lease: next, store } = await begin();
    const held = await next.held;
    expect(held).toMatchObject({ ok: true, value: { token: 2 } });
    expect(performance.now() - beganMs).toBeGreaterThan(0.7 * leaseMs);
    if (held.ok) store.fence(held.value);
    const refused = await Effect.runPromise(Effect.flip(silent.addTo('after', 1)));
    expect(refused).toMatchObject({ _tag: 'StoreFenced' });
    expect(await Effect.runPromise(store.addTo('after', 1))).toBe(1);
  });

  it('does not wait where the lock of the dead is free', async () => {
    await anonymous();
    const beganMs = performance.now();
    const { lease } = await begin({ lock: true, leaseMs: 60_000 });
    expect(await lease.held).toMatchObject({ ok: true });
    expect(performance.now() - beganMs).toBeLessThan(0.7 * 60_000);
  });

  it('tells whoever acts under it that it is lost, once', async () => {
    const { store, lease } = await begin();
    const held = await lease.held;
    if (!held.ok) throw new Error(held.error.reason);
    const news: LeaseNews[] = [];
    const lost = new Promise<void>((resolve) => {
      lease.watch((one) => {
        news.push(one);
        if (one.type === 'lease.lost') resolve();
      });
    });
    const thief = await open();
    // The holder may beat between the two, and then has to be read again.
    const steal = Effect.gen(function* () {
      const over = yield* store.readLease('writer');
      return yield* thief.takeLease({ name: 'writer', holder: 'a thief', over });
    });
    await Effect.runPromise(
      Effect.retry(steal, { while: ({ _tag }) => _tag === 'StoreConflict', times: 20 }),
    );
    await lost;
    // A busy machine may make it doubt before.
    expect(news.filter(({ type }) => type === 'lease.lost')).toEqual([
      { type: 'lease.lost', reason: expect.stringContaining('another process') },
    ]);
    await lease.end();
    expect(await Effect.runPromise(thief.readLease('writer'))).toMatchObject({ holder: 'a thief' });
  });

  it('stops waiting when it is ended', async () => {
    const holder = await begin();
    await holder.lease.held;
    const { lease } = await begin();
    const ended = lease.end();
    expect(await lease.held).toMatchObject({ ok: false, error: { end: 'withdrawn' } });
    await ended;
    expect(await Effect.runPromise(holder.store.readLease('writer'))).toMatchObject({ token: 1 });
  });
});
