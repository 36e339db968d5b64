import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { AnyActorRef } from 'xstate';

import type { Logger } from './logging.ts';
import { ownTerminal, showProgress } from './progress.ts';

/** Bytes of the files in these folders and one level below, as models lie there; 0 for what cannot be read. */
const bytesIn = (dirs: readonly string[]): number => {
  let bytes = 0;
  for (const dir of dirs) {
    try {
      for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' }))
        bytes += statSync(join(dir, name), { throwIfNoEntry: false })?.size ?? 0;
    } catch {
      // Reading the models is what tells the operator that they cannot be read.
    }
  }
  return bytes;
};

/** Workers that are ready; null while there is no pool, or none any more. */
const readyWorkers = (root: AnyActorRef): number | null => {
  const pool: AnyActorRef | undefined = root.system.get('inferencePool');
  const { context }: { readonly context?: { readonly ready?: readonly number[] } } = Object(
    pool?.getSnapshot(),
  );
  return context?.ready?.length ?? null;
};

/** Tells how far the loading of the models is, from the start of a miner until its first worker is ready. */
export const followModelLoad = (
  root: AnyActorRef,
  {
    workers,
    modelDirs,
    log,
  }: { readonly workers: number; readonly modelDirs: readonly string[]; readonly log: Logger },
): void => {
  const megabytes = (bytesIn(modelDirs) / 1e6).toFixed(0);
  const done = () => {
    const ready = readyWorkers(root) ?? 0;
    return { share: ready / workers, text: `${ready} of ${workers} workers` };
  };
  const place = ownTerminal((text) => log.info({ event: 'inference.loading' }, text));
  const end = showProgress({ name: `loading models of ${megabytes} MB`, done }, place);
  const look = (): void => {
    if ((readyWorkers(root) ?? 0) >= 1) finish();
  };
  const subscription = root.subscribe({ next: look, complete: () => finish(), error: () => finish() });
  const finish = (): void => {
    end();
    subscription.unsubscribe();
  };
};
