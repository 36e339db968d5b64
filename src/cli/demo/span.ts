import type { ChainWatch } from './chainWatch.ts';
import { revealPeriodEpochs } from './demoGenesis.ts';
import type { Stage } from './stage.ts';
import type { Span } from './verdict.ts';

const pollMs = 200;
/** An epoch takes 20 s; whoever needs four times as long is stuck. */
const epochPatienceMs = 80_000;
/**
 * Epochs after the one in which a process died, so that the table shows what everyone earns when nothing is killed: the
 * dead one missed answers, and its trust takes the next epoch to come back.
 */
const calmEpochs = 2;
/** Whoever goes on killing gets the table as it is then. */
const mostExtraEpochs = 6;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The last epoch that counts: that many as were wanted, and more where a process died in `disturbed`. */
export const lastEpochOf = (given: {
  readonly first: number;
  readonly epochs: number;
  /** Epoch of the last death; null while nothing died. */
  readonly disturbed: number | null;
}): number => {
  const wanted = given.first + given.epochs - 1;
  const calm = given.disturbed === null ? wanted : given.disturbed + calmEpochs;
  return Math.max(wanted, Math.min(calm, wanted + mostExtraEpochs));
};

/**
 * Waits for the epochs that count. The one in which the validator came up is none of them: it saw only a part of it. The
 * end of the last one is when the next has begun, because then Yuma has turned its weights into incentive; with
 * commit-reveal they stand one epoch later.
 */
export const awaitSpan = async (options: {
  readonly watch: ChainWatch;
  readonly stage: Stage;
  readonly epochs: number;
  readonly commitReveal: boolean;
  readonly say: (text: string) => void;
}): Promise<Span> => {
  const { watch, stage, epochs, say } = options;
  const delayEpochs = options.commitReveal ? revealPeriodEpochs : 0;
  const beganMs = performance.now();
  let first: number | null = null;
  let told = epochs;
  let deaths = 0;
  let disturbed: number | null = null;
  for (;;) {
    if (first === null && watch.block() > 0) first = watch.epoch() + 1;
    if (first !== null) {
      if (stage.deaths() > deaths) {
        deaths = stage.deaths();
        disturbed = watch.epoch();
      }
      const last = lastEpochOf({ first, epochs, disturbed });
      if (watch.epoch() > last + delayEpochs) return { first, last };
      const length = last - first + 1;
      if (length > told)
        say(`${length} epochs instead of ${told}: a process died, and its effect has to pass`);
      told = length;
    }
    if (performance.now() - beganMs > (told + delayEpochs + 1) * epochPatienceMs)
      throw new Error('the epochs took too long; see the logs with --keep');
    const reason = await Promise.race([stage.collapsed, pause(pollMs)]);
    if (typeof reason === 'string') throw new Error(reason);
  }
};
