// Run in a process of its own with a low limit of open files: everything of a daemon that needs a descriptor, while
// there is none, and afterwards. Obeys lines on standard input, answers with lines of JSON.
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import * as Effect from 'effect/Effect';

import { validatorRuntime } from '#src/actors/layers.ts';
import { sampleResources } from '#src/actors/resourceWatch.actor.ts';
import { readHeight } from '#src/chain/height.ts';
import { type ResourceSample, shortagesIn } from '#src/domain/resources.ts';
import { EmbeddedStore } from '#src/store/sqlite.ts';
import { dial } from '#src/transport/client.ts';
import { askOnce, recordingLog } from '#test/support/actors.ts';
import { dialSettings, openScope, startListener } from '#test/support/peers.ts';

const [, , dir = '', chainUrl = ''] = process.argv;
const tell = (event: string, fields: object = {}): void => {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
};

const scope = openScope();
const store = await scope.run(EmbeddedStore.open({ dir }));
const runtime = validatorRuntime({ store, vitals: store, log: recordingLog().log });
const look = sampleResources(runtime, { dir });
const accepted = openScope();
const { port } = await startListener({ onArrival: (arrival) => void accepted.exit(arrival.accept) });
const tagOf = (exit: { readonly _tag: string }): string => exit._tag;

const sample = async (): Promise<ResourceSample> => {
  const seen = await askOnce(look, {});
  if (!seen.ok) throw new Error('a look cannot fail');
  return seen.value;
};

/** How everything fares that needs a descriptor, or needs none but must not be harmed. */
const tryAll = async (key: string) => {
  const link = openScope();
  const dialled = await link.exit(dial(dialSettings(port)));
  await link.close();
  const height = readHeight({ endpoint: chainUrl, connectMs: 2_000, callMs: 2_000, asked: 0 });
  const appended = store.append('evidence', [{ key, value: { key } }]);
  return {
    dial: tagOf(dialled),
    chain: tagOf(await Effect.runPromiseExit(height)),
    store: tagOf(await Effect.runPromiseExit(appended)),
    shortages: shortagesIn(await sample(), [], null),
  };
};

const taken: number[] = [];
const exhaust = (): void => {
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'));
  } catch {
    // EMFILE: none is left, which is what was wanted.
  }
};

let turn = 0;
createInterface({ input: process.stdin }).on('line', async (line) => {
  turn += 1;
  if (line === 'exhaust') exhaust();
  if (line === 'free') for (const descriptor of taken.splice(0)) closeSync(descriptor);
  if (line === 'end') process.exit(0);
  tell('tried', { after: line, taken: taken.length, ...(await tryAll(`k${turn}`)) });
});
await sample();
tell('ready', { port });
