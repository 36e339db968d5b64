/**
 * The processes of the recovery benchmark: `fill` writes thirty epochs and goes on writing until it is killed,
 * `recover` opens what is left and prepares a validator, as the daemon does.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import * as Scope from 'effect/Scope';
import { createActor, toPromise } from 'xstate';

import { saveReadFrom } from '#src/actors/evidenceCursor.ts';
import { evidenceLogName } from '#src/actors/evidenceLog.ts';
import { validatorRuntime } from '#src/actors/layers.ts';
import { prepareValidator } from '#src/actors/prepareValidator.actor.ts';
import { loadSnapshots } from '#src/actors/snapshots.ts';
import type { EvidenceRecord } from '#src/domain/evidence.ts';
import { createLogger } from '#src/logging.ts';
import { EmbeddedStore } from '#src/store/sqlite.ts';
import { type Store, StoreService } from '#src/store/store.ts';
import { hotkeyOf } from '#test/domain/evidenceBuilder.ts';
import { epochs, roundOf, roundsPerEpoch, scoresOf, toRecord } from './benchStoreEvidence.ts';

export type FillReport = { readonly type: 'filled'; readonly rows: number; readonly bytesPerAnswer: number };
export type RecoverReport = {
  readonly type: 'recovered';
  readonly rows: number;
  /** Opening the store, which takes up the write-ahead log that the killed process left. */
  readonly openSeconds: number;
  /** Snapshots, and the evidence of the last epoch and of the one that was cut off. */
  readonly prepareSeconds: number;
  readonly resumableRounds: number;
};

const report = (line: FillReport | RecoverReport): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};

const append = (store: Store, records: readonly EvidenceRecord[]) =>
  Effect.map(store.append(evidenceLogName, records.map(toRecord)), ({ lastSeq }) => lastSeq);

/** One scored epoch, and the hint from where a start reads. */
const fillEpoch = Effect.fn('bench.fillEpoch')(function* (store: Store, epoch: number) {
  const fromSeq = (yield* store.lastSeq(evidenceLogName)) + 1;
  let lastSeq = fromSeq;
  for (let index = 0; index < roundsPerEpoch; index += 1) {
    lastSeq = yield* append(store, roundOf(epoch, index).records);
  }
  yield* append(store, [scoresOf(epoch, fromSeq, lastSeq + 1)]);
  yield* Effect.provideService(saveReadFrom(fromSeq), StoreService, store);
});

const fill = Effect.fn('bench.fill')(function* (dir: string) {
  const store = yield* EmbeddedStore.open({ dir });
  for (let epoch = 0; epoch < epochs; epoch += 1) yield* fillEpoch(store, epoch);
  const rows = yield* store.lastSeq(evidenceLogName);
  const bytesPerAnswer = Math.round(statSync(join(dir, 'store.sqlite')).size / rows);
  // Half an epoch more, whose last round has no end.
  for (let index = 0; index < roundsPerEpoch / 2; index += 1) {
    yield* append(store, roundOf(epochs, index).records);
  }
  yield* append(store, roundOf(epochs, roundsPerEpoch, true).records);
  report({ type: 'filled', rows, bytesPerAnswer });
  for (;;) yield* store.saveSnapshot({ name: 'until killed', version: 1, value: Date.now() });
});

const log = createLogger({ level: 'silent', format: 'json', role: 'validator', hotkey: null });

const recover = async (dir: string): Promise<void> => {
  const scope = Scope.makeUnsafe();
  const startedMs = performance.now();
  const store = await Effect.runPromise(Scope.provide(EmbeddedStore.open({ dir }), scope));
  const openedMs = performance.now();
  const runtime = validatorRuntime({ store, vitals: store, log });
  await runtime.runPromise(loadSnapshots);
  const actor = createActor(prepareValidator(runtime), { input: { hotkey: hotkeyOf(0) } });
  const done = toPromise(actor);
  actor.start();
  const outcome = await done;
  const preparedMs = performance.now();
  if (!outcome.ok) throw new Error(outcome.error.message);
  const rows = await Effect.runPromise(store.lastSeq(evidenceLogName));
  report({
    type: 'recovered',
    rows,
    openSeconds: (openedMs - startedMs) / 1_000,
    prepareSeconds: (preparedMs - openedMs) / 1_000,
    resumableRounds: outcome.value.resumableRounds,
  });
  await runtime.dispose();
  await Effect.runPromise(Scope.close(scope, Exit.void));
};

const [mode, dir = ''] = process.argv.slice(2);
if (mode === 'fill') await Effect.runPromise(Effect.scoped(fill(dir)));
else await recover(dir);
