import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import * as Effect from 'effect/Effect';

import { tryHolderLock } from '#src/store/holderLock.ts';
import { EmbeddedStore } from '#src/store/sqlite.ts';

/** A process that shares a store: does what each line of its input says and answers with one line. */
const [dir = ''] = process.argv.slice(2);
const say = (line: string): void => void writeSync(1, `${line}\n`);

const program = Effect.gen(function* () {
  const store = yield* EmbeddedStore.open({ dir, shared: true });
  say('open');
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = yield* Effect.promise(() => lines.next());
    if (done === true) return;
    const [command, argument = ''] = String(value).split(' ');
    if (command === 'append') {
      const { lastSeq } = yield* store.append('log', [{ key: argument, value: argument }]);
      say(String(lastSeq));
    } else if (command === 'many') {
      yield* Effect.all(
        Array.from({ length: Number(argument) }, (_, n) =>
          store.append('log', [{ key: `theirs ${n}`, value: n }]),
        ),
        { concurrency: 'unbounded' },
      );
      say('done');
    } else if (command === 'hold') say(String(yield* tryHolderLock(dir)));
  }
});

await Effect.runPromise(Effect.scoped(program));
