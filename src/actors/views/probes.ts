import type { Verdict } from '../../domain/view/verdict.ts';
import type { RuntimeGauge } from './runtimeGauge.ts';
import type { Probe } from './viewSource.ts';

/** An event loop that did not turn for this long is stuck: sampling is due every two seconds. */
const stuckAfterMs = 30_000;

/**
 * Whether the process lives. Only its event loop counts: what an outage of the chain, the store or the network costs is
 * told by `readiness`, because a restart helps none of them.
 */
export const liveness = (gauge: RuntimeGauge): Probe => {
  const silentMs = gauge.silentMs();
  if (silentMs < stuckAfterMs) return { isWell: true, reasons: [] };
  return { isWell: false, reasons: [`the event loop did not turn for ${Math.round(silentMs / 1_000)} s`] };
};

/** Codes of what keeps a daemon from its work; everything else of a verdict is worth a look and no more. */
const unready: ReadonlySet<string> = new Set([
  'daemon.starting',
  'daemon.draining',
  'daemon.ended',
  'lease.standby',
  'lease.unreadable',
  'lease.uncertain',
  'lease.lost',
  'chain.connecting',
  'chain.reading',
  'chain.lost',
  'chain.lagging',
  'chain.unreadable',
  'chain.old',
  'hotkey.unregistered',
  'store.troubled',
  'resources.short',
  'inference.warming',
  'inference.failed',
  'listener.closed',
]);

/** The same only at their worst: one of several workers that is down is replaced while the others work. */
const unreadyAtWorst: ReadonlySet<string> = new Set(['inference.workerDown']);

/** Whether a daemon does its work, by its verdict. */
export const readiness = ({ reasons }: Verdict): Probe => {
  const missing = reasons.filter(
    ({ code, level }) => unready.has(code) || (level === 'failing' && unreadyAtWorst.has(code)),
  );
  return { isWell: missing.length === 0, reasons: missing.map(({ code, text }) => `${code}: ${text}`) };
};
