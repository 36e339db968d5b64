/** When blocks are made: one per slot of wall-clock time. A slot that was missed is skipped, not made up for. */
export type Producer = { stop(): void };

/**
 * Calls `seal` at every multiple of `blockTimeMs` after the start. The next slot is computed from the start,
 * so that timers that fire late do not add up.
 */
export const startProducer = (blockTimeMs: number, seal: () => void): Producer => {
  const startMs = performance.now();
  let slot = 0;
  let timer: NodeJS.Timeout | undefined;
  const schedule = (): void => {
    const elapsedMs = performance.now() - startMs;
    slot = Math.max(slot + 1, Math.ceil(elapsedMs / blockTimeMs));
    timer = setTimeout(tick, slot * blockTimeMs - elapsedMs);
  };
  const tick = (): void => {
    seal();
    schedule();
  };
  schedule();
  return { stop: () => clearTimeout(timer) };
};
