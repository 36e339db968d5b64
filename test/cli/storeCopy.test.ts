import * as Effect from 'effect/Effect';
import { describe, expect, it } from 'vitest';

import { signHolder } from '#src/actors/writerLeaseHolder.ts';
import { becomeWriter } from '#src/cli/storeCopy.ts';

import { freshDir, withStore } from '#test/store/openStore.ts';

describe('cli / storeCopy', () => {
  it('waits for as long as the holder of the lease may be silent by its own words', async () => {
    await withStore({ dir: freshDir(), owner: 'test' }, (store) =>
      Effect.gen(function* () {
        const holder = signHolder(3_000, new Date());
        const held = yield* store.takeLease({ name: 'writer', holder, over: null });
        // Later than the patience that the command was given, and long before its own lease is over.
        yield* Effect.forkScoped(Effect.delay(store.renewLease(held), 700));
        const error = yield* Effect.flip(becomeWriter(store, 500));
        expect(error).toMatchObject({ _tag: 'StoreConflict', actual: held.token });
        expect(error.message).toContain('stop it first');
      }),
    );
  });
});
