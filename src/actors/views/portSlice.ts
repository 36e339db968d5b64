import type { PortView } from '../../domain/view/minerView.ts';
import type { CounterName } from '../../transport/counters.ts';

/** Names of refusals, before and within the handshake, as a page and a metric show them. */
const refusalOf = (name: string): string | null => {
  if (name === 'notALink') return 'NotALink';
  if (name === 'evicted') return 'Evicted';
  return /^(?:turnedAway|refused)\.(.+)$/.exec(name)?.[1] ?? null;
};

/** Who knocked at the port, from what its listener counts. */
export const portViewOf = (counts: Readonly<Record<CounterName, number>>): PortView => ({
  connections: counts.connections,
  established: counts.established,
  refused: Object.fromEntries(
    Object.entries(counts).flatMap(([name, count]) => {
      const reason = refusalOf(name);
      return reason === null ? [] : [[reason, count] as const];
    }),
  ),
});
