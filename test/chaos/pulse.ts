import type { Span } from './facts.ts';

/** The driver's own pulse: a beat that comes late shows that the machine had no processor to give. */
export type Pulse = { readonly stalls: () => readonly Span[]; readonly close: () => void };

const beatMs = 100;
/** Later than this is no matter of a garbage collection, or of a block read. */
const lateMs = 500;

export const openPulse = (): Pulse => {
  const stalls: Span[] = [];
  let lastMs = Date.now();
  const timer = setInterval(() => {
    const nowMs = Date.now();
    if (nowMs - lastMs > beatMs + lateMs) stalls.push({ fromMs: lastMs, toMs: nowMs });
    lastMs = nowMs;
  }, beatMs);
  return { stalls: () => stalls, close: () => clearInterval(timer) };
};
