import { delays } from '#src/machines/delays.ts';

import { blockTimeMs, tempo } from './cast.ts';
import type { Outage } from './facts.ts';
import { type Fault, groupOf } from './plan.ts';
import type { Role } from './roleProcess.ts';
import { type Stage, tasksPerRound } from './stage.ts';
import type { Volume } from './volume.ts';
import type { WallClock } from './wallClock.ts';
import type { Wire } from './wire.ts';

export type Driver = {
  /** Carries the plan out, until it is done or the time is over. */
  readonly run: (faults: readonly Fault[], untilMs: number) => Promise<void>;
  readonly outages: () => readonly Outage[];
  /** What was awaited in vain. */
  readonly notRecovered: () => readonly string[];
  /** Longest recovery of each kind, milliseconds. */
  readonly recoveries: () => ReadonlyMap<string, number>;
  /** Waits for a round in which every miner took part, after a moment of the monotonic clock. */
  readonly wholeRound: (afterMs: number, limitMs: number) => Promise<void>;
};

type DriverOptions = {
  readonly stage: Stage;
  readonly volume: Volume | null;
  readonly clock: WallClock | null;
  readonly say: (text: string) => void;
  /** Called after each recovery, for taking samples. */
  readonly onCalm: () => void;
};

/** A miner whose link was lost often is dialled again after a minute at the latest; then a round is held. */
const recoveryPatienceMs = delays.coolingMaxMs + 15_000;
const pollMs = 25;
/** An epoch and a half: then whatever is under way is struck instead. */
const aimPatienceMs = 1.5 * tempo * blockTimeMs;
/** Share of a round's pairs that must be judged: a round during a side fault, or on a busy machine, has missed ones. */
const wholeShare = 0.75;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

type RoundCounts = { readonly dispatched?: number; readonly judged?: number; readonly unreachable?: number };

const isWhole = (summary: unknown, pairs: number): boolean => {
  const { dispatched = 0, judged = 0, unreachable = 0 }: RoundCounts = Object(summary);
  return dispatched === pairs && unreachable === 0 && judged >= wholeShare * pairs;
};

/** The validator that was the last to begin to write, and the one that stands by. */
const validatorsOf = ({ validators }: Stage): { readonly active: Role; readonly standby: Role } => {
  const newestMs = (role: Role): number => role.heard('daemon.writing').at(-1)?.atMs ?? 0;
  const [active, standby] = [...validators].sort((a, b) => newestMs(b) - newestMs(a));
  if (active === undefined) throw new Error('there is no validator');
  return { active, standby: standby ?? active };
};

const roleOf = (stage: Stage, { kind, target }: Fault): Role => {
  const { active, standby } = validatorsOf(stage);
  switch (kind.split('.')[1]) {
    case 'active':
      return active;
    case 'standby':
      return standby;
    case 'chain':
      return stage.chain;
    case 'redis':
      return stage.redis ?? active;
    default:
      return stage.miners[target % stage.miners.length] ?? active;
  }
};

const wireOf = ({ lines }: Stage, { kind, target }: Fault): Wire => {
  if (kind.endsWith('.chain')) return lines.chain;
  if (kind.endsWith('.redis') && lines.redis !== null) return lines.redis;
  return lines.miners[target % lines.miners.length] ?? lines.chain;
};

/** The event by which a role says that it is back. */
const backEvents = {
  chain: 'devnet.listening',
  miner: 'listener.bound',
  validator: 'daemon.started',
} as const;
const backEventOf = ({ name }: Role): string => {
  if (name === 'chain') return backEvents.chain;
  return name.startsWith('miner') ? backEvents.miner : backEvents.validator;
};

type Applied = { readonly undo: () => Promise<void> | void };

export const createDriver = (options: DriverOptions): Driver => {
  const { stage, volume, clock, say } = options;
  const outages: Outage[] = [];
  const notRecovered: string[] = [];
  const recoveries = new Map<string, number>();
  const busy = new Map<object, Promise<void>>();
  const pairs = tasksPerRound * stage.lines.miners.length;

  const apply = async (fault: Fault): Promise<Applied> => {
    const [action] = fault.kind.split('.');
    switch (action) {
      case 'kill': {
        const role = roleOf(stage, fault);
        await role.kill();
        return { undo: role.start };
      }
      case 'pause':
      case 'freeze': {
        const role = roleOf(stage, fault);
        role.pause();
        return { undo: role.resume };
      }
      case 'cut': {
        const wire = wireOf(stage, fault);
        await wire.cut();
        return { undo: wire.mend };
      }
      case 'snap':
        wireOf(stage, fault).snap();
        return { undo: () => {} };
      case 'stall': {
        const wire = wireOf(stage, fault);
        wire.stall();
        return { undo: wire.mend };
      }
      case 'fill': {
        const pids = [...stage.validators, ...(stage.redis === null ? [] : [stage.redis])].map((role) =>
          role.pid(),
        );
        volume?.fill(pids);
        return { undo: () => volume?.empty(pids) };
      }
      default:
        clock?.step(fault.hours);
        return { undo: () => clock?.step(0) };
    }
  };

  /** What two faults must not hold at the same time. */
  const resourceOf = (fault: Fault): object => {
    if (fault.kind === 'fill.disk') return volume ?? stage;
    if (fault.kind === 'step.clock') return clock ?? stage;
    return /^(kill|pause|freeze)/.test(fault.kind) ? roleOf(stage, fault) : wireOf(stage, fault);
  };

  /** Applies a fault, holds it, undoes it. */
  const strike = async (fault: Fault): Promise<void> => {
    const fromMs = Date.now();
    const { undo } = await apply(fault);
    await pause(fault.holdMs);
    await undo();
    outages.push({ kind: fault.kind, fromMs, toMs: Date.now() });
  };

  /** Begins a fault, once an earlier one of the same resource is undone. */
  const begin = async (fault: Fault): Promise<{ readonly done: Promise<void> }> => {
    const resource = resourceOf(fault);
    await busy.get(resource);
    const done = strike(fault).catch((error: unknown) => {
      notRecovered.push(`${fault.kind} (fault ${fault.index}) could not be carried out: ${String(error)}`);
    });
    busy.set(resource, done);
    return { done };
  };

  const wholeRound = async (afterMs: number, limitMs: number): Promise<void> => {
    const deadlineMs = performance.now() + limitMs;
    const isThere = (): boolean =>
      stage.validators.some((role) =>
        role.heard('round.ended').some(({ atMs, line }) => atMs > afterMs && isWhole(line['summary'], pairs)),
      );
    while (!isThere()) {
      if (performance.now() > deadlineMs) throw new Error(`no whole round within ${limitMs} ms`);
      await pause(pollMs);
    }
  };

  /** The next epoch is scored: its weights are about to be signed and sent. */
  const untilWeights = async (): Promise<void> => {
    const scored = (): number =>
      stage.validators.reduce((sum, role) => sum + role.heard('epoch.scored').length, 0);
    const before = scored();
    const deadlineMs = performance.now() + aimPatienceMs;
    while (scored() === before && performance.now() < deadlineMs) await pause(pollMs);
  };

  const recover = async (fault: Fault, role: Role, sinceMs: number): Promise<void> => {
    const undoneMs = performance.now();
    try {
      if (fault.kind.startsWith('kill')) await role.hears(backEventOf(role), sinceMs, recoveryPatienceMs);
      await wholeRound(Math.max(undoneMs, performance.now() - 1), recoveryPatienceMs);
      const tookMs = performance.now() - undoneMs;
      recoveries.set(fault.kind, Math.max(recoveries.get(fault.kind) ?? 0, tookMs));
    } catch (error) {
      notRecovered.push(`${fault.kind} of ${role.name} (fault ${fault.index}): ${String(error)}`);
    }
    options.onCalm();
  };

  const run = async (faults: readonly Fault[], untilMs: number): Promise<void> => {
    for (const fault of faults) {
      if (performance.now() > untilMs) break;
      if (!fault.isAimed) await pause(fault.gapMs);
      if (groupOf(fault.kind) !== 'process') {
        await begin(fault);
        continue;
      }
      if (fault.isAimed) {
        await untilWeights();
        await pause(fault.gapMs);
      }
      const role = roleOf(stage, fault);
      const sinceMs = performance.now();
      const { done } = await begin(fault);
      await done;
      await recover(fault, role, sinceMs);
      say(
        `fault ${fault.index}: ${fault.kind} of ${role.name}, recovered after ${Math.round(performance.now() - sinceMs - fault.holdMs)} ms`,
      );
    }
    await Promise.all(busy.values());
  };

  return {
    run,
    wholeRound,
    outages: () => outages,
    notRecovered: () => notRecovered,
    recoveries: () => recoveries,
  };
};
