import { writeSync } from 'node:fs';
import * as Effect from 'effect/Effect';

import { EmbeddedStore } from '#src/store/sqlite.ts';

/**
 * A process to be killed: appends from several fibers for as long as it lives, and writes a key to stdout once the
 * store has acknowledged it. Arguments: folder, prefix of the keys.
 */
const [dir = '', prefix = ''] = process.argv.slice(2);
const WRITERS = 8;

const program = Effect.gen(function* () {
  const store = yield* EmbeddedStore.open({ dir });
  const writer = (id: number) =>
    Effect.gen(function* () {
      for (let count = 0; ; count += 1) {
        const key = `${prefix}/${id}/${count}`;
        yield* store.append('answers', [{ key, value: { key } }]);
        writeSync(1, `${key}\n`);
      }
    });
  yield* Effect.all(
    Array.from({ length: WRITERS }, (_, id) => writer(id)),
    { concurrency: 'unbounded' },
  );
});

await Effect.runPromise(Effect.scoped(program));
