import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

import { isProcessAlive } from '../store/livingProcess.ts';

/**
 * How a process signs the lease it holds: for people, and so that another process of the same machine can tell whether
 * it is dead. Text, because stores keep it as it is.
 */

/**
 * Names what process ids count in: this boot of the machine, and the namespace of its processes. null where the system
 * does not say (proc(5): only Linux does).
 */
const placeOf = (): string | null => {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const place = `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
    return createHash('sha256').update(place).digest('hex').slice(0, 12);
  } catch {
    return null;
  }
};

const maxHostCharacters = 64;

/** `leaseMs` tells a standby with another setting how long this holder may be silent. */
export const signHolder = (leaseMs: number, startedAt: Date): string =>
  `${hostname().slice(0, maxHostCharacters)} pid ${process.pid} since ${startedAt.toISOString()} ` +
  `lease ${leaseMs} ms in ${placeOf() ?? 'unknown'}`;

export type Holder = {
  readonly pid: number;
  readonly leaseMs: number;
  readonly place: string;
};

const longestLeaseMs = 300_000;

/** Null for a signature that is not one of these, from whichever release: nothing follows from it then. */
export const parseHolder = (signature: string): Holder | null => {
  const [, pid, leaseMs, place] =
    / pid (\d{1,9}) since \S+ lease (\d{1,6}) ms in ([0-9a-f]{12}|unknown)$/.exec(signature) ?? [];
  if (pid === undefined || leaseMs === undefined || place === undefined) return null;
  return { pid: Number(pid), leaseMs: Math.min(longestLeaseMs, Number(leaseMs)), place };
};

/**
 * Whether the process that signed is alive; null where this process cannot know, because it ran elsewhere or before
 * the last boot. An id that was given again makes a dead process look alive, never the other way round.
 */
export const isHolderAlive = (signature: string): boolean | null => {
  const holder = parseHolder(signature);
  if (holder === null || holder.place === 'unknown' || holder.place !== placeOf()) return null;
  // The signature is not ours, or nobody would ask: an earlier process had our id.
  return holder.pid !== process.pid && isProcessAlive(holder.pid);
};
