import type { Verdict } from './invariants.ts';
import { type Fault, type FaultGroup, groupOf } from './plan.ts';

const groups: readonly FaultGroup[] = ['process', 'link', 'redis', 'disk', 'clock'];

const countBy = (kinds: readonly string[]): ReadonlyMap<string, number> =>
  new Map([...Map.groupBy(kinds, (kind) => kind)].map(([kind, all]) => [kind, all.length]));

/** The plan, one fault per line, so that two runs of a seed can be compared. */
export const describePlan = (faults: readonly Fault[]): string =>
  faults
    .map(
      ({ index, kind, target, gapMs, holdMs, hours, isAimed }) =>
        `  ${String(index).padStart(3)}  +${String(gapMs).padStart(4)} ms  ${kind.padEnd(13)} ${String(holdMs).padStart(5)} ms${kind.endsWith('.miner') ? `  target ${target}` : ''}${isAimed ? '  after an epoch is scored' : ''}${hours === 0 ? '' : `  ${hours > 0 ? '+' : ''}${hours} h`}`,
    )
    .join('\n');

/** Faults that were carried out, by type, with the longest recovery. */
export const faultTable = (
  outages: readonly { readonly kind: Fault['kind'] }[],
  recoveries: ReadonlyMap<string, number>,
): string => {
  const rows = groups.flatMap((group) => {
    const own = outages.map(({ kind }) => kind).filter((kind) => groupOf(kind) === group);
    const kinds = [...countBy(own)].sort(([a], [b]) => a.localeCompare(b));
    const lines = kinds.map(([kind, count]) => {
      const longest = recoveries.get(kind);
      const recovery = longest === undefined ? '' : `   longest recovery ${(longest / 1_000).toFixed(1)} s`;
      return `    ${kind.padEnd(16)}${String(count).padStart(4)}${recovery}`;
    });
    return own.length === 0 ? [] : [`  ${group.padEnd(18)}${String(own.length).padStart(4)}`, ...lines];
  });
  return [`faults: ${outages.length}`, ...rows].join('\n');
};

const listedViolations = 12;

export const describeVerdicts = (verdicts: readonly Verdict[]): string =>
  verdicts
    .flatMap(({ name, checked, violations }) => [
      `${violations.length === 0 ? 'ok  ' : 'FAIL'} ${name} (${checked} checked)`,
      ...violations.slice(0, listedViolations).map((violation) => `       ${violation}`),
      ...(violations.length > listedViolations
        ? [`       … ${violations.length - listedViolations} more`]
        : []),
    ])
    .join('\n');
