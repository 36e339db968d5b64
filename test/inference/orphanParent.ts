/** Opens a pool, tells the process id of its worker, and stays until it is killed. */
import * as Effect from 'effect/Effect';

import type { InferencePool } from '#src/inference/pool.ts';
import { openPool } from '#src/inference/pool.ts';

let opened: InferencePool | undefined;

const main = Effect.gen(function* () {
  opened = yield* openPool({
    modelDirs: [process.argv[2] ?? ''],
    slots: 1,
    provider: 'cpu',
    queueLimit: 1,
    onEvent: (event) => {
      if (event.type === 'worker.ready') process.send?.(opened?.stats().workers[0]?.pid ?? 0);
    },
  });
  opened.startWorker(0);
  return yield* Effect.never;
});

void Effect.runPromise(Effect.scoped(main));
