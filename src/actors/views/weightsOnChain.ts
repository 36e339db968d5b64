import * as Effect from 'effect/Effect';

import type { Uid } from '../../domain/ids.ts';
import type { WeightVector } from '../../domain/weightVector.ts';
import { connection } from '../currentChain.ts';
import type { ValidatorRuntime } from '../layers.ts';

/** A read that failed is tried again after this long. */
const retryMs = 60_000;
const patienceMs = 20_000;

/** The weights of this validator that are in force, read once for each change that is known of. */
export type WeightsOnChain = {
  /**
   * Reads the row if `occasion` is another one than at the last reading, never two at once. An occasion is what can have
   * changed the row: the epoch of the last confirmed weights, the hash of the last commit whose end is known.
   */
  readonly look: (given: {
    readonly runtime: ValidatorRuntime;
    readonly uid: Uid;
    readonly occasion: string;
  }) => void;
  readonly row: () => WeightVector | null;
};

const readRow = Effect.fn('views.readWeights')(function* (uid: Uid) {
  const live = yield* connection;
  const head = yield* live.finalizedHead();
  return yield* live.readWeights({ head, uid });
});

export const createWeightsOnChain = (now: () => number = () => performance.now()): WeightsOnChain => {
  let row: WeightVector | null = null;
  let readFor: string | null = null;
  let isReading = false;
  let notBefore = 0;
  return {
    row: () => row,
    look: ({ runtime, uid, occasion }) => {
      if (isReading || occasion === readFor || now() < notBefore) return;
      isReading = true;
      notBefore = now() + retryMs;
      const reading = Effect.timeout(readRow(uid), patienceMs);
      const settled = Effect.match(reading, {
        onSuccess: (read) => {
          row = read;
          readFor = occasion;
          notBefore = 0;
        },
        // The page goes on with the row before.
        onFailure: () => {},
      });
      const done = (): void => {
        isReading = false;
      };
      runtime.runPromise(settled).then(done, done);
    },
  };
};
