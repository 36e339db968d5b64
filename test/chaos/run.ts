import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';

import { openPlace, placeOf } from '#src/cli/storePlaces.ts';

import * as cast from './cast.ts';
import { createDriver, type Driver } from './driver.ts';
import { askCommands, readLog } from './evidenceFacts.ts';
import type { RunFacts, Span } from './facts.ts';
import { checkInvariants, type Verdict } from './invariants.ts';
import { type Fault, type Means, planFaults, type StoreKind } from './plan.ts';
import { membersOf } from './processGroups.ts';
import { openPulse } from './pulse.ts';
import type { Resources, UnaskedEnd } from './roleProcess.ts';
import { openStage, type Stage } from './stage.ts';
import { openVolume, type Volume } from './volume.ts';
import { isAtWork } from './waits.ts';
import { openWallClock, type WallClock } from './wallClock.ts';

export type ChaosOptions = {
  /** Folder of the built daemons. */
  readonly dist: string;
  readonly store: StoreKind;
  readonly seed: string;
  /** null: the short form, as many faults as are asked for. */
  readonly minutes: number | null;
  readonly processFaults: number;
  readonly sideFaults: number;
  readonly miners: number;
  /** Deliberate bug of the test build; null for none. */
  readonly bug: string | null;
  readonly say: (text: string) => void;
};

export type ChaosResult = {
  readonly plan: readonly Fault[];
  readonly facts: RunFacts;
  readonly verdicts: readonly Verdict[];
  readonly recoveries: ReadonlyMap<string, number>;
  readonly unaskedEnds: readonly UnaskedEnd[];
  readonly seconds: number;
};

const drainPatienceMs = 20_000;
const firstRoundMs = 60_000;
const sampleMs = 1_000;
/** For the last pauses of those that lost the chain often (`reconnectMaxMs`, and a try that fails). */
const calmPatienceMs = 75_000;
/** For two epochs of a chain on a machine that has much else to do. */
const peacePatienceMs = 120_000;
const lookMs = 100;
/** Faults of one process kind per minute that a machine surely does not exceed; the plan of a long run is this long. */
const processFaultsPerMinute = 20;

type Machine = { readonly volume: Volume | null; readonly clock: WallClock | null; readonly means: Means };

const openMachine = (dir: string, { store, say }: ChaosOptions): Machine => {
  const volume = openVolume(join(dir, 'volume'));
  const clock = openWallClock(dir);
  if ('reason' in volume) say(`disk faults are left out: ${volume.reason}`);
  else say(`disk faults by ${volume.means}`);
  if ('reason' in clock) say(`clock faults are left out: ${clock.reason}`);
  return {
    volume: 'reason' in volume ? null : volume,
    clock: 'reason' in clock ? null : clock,
    means: {
      store,
      hasDisk: !('reason' in volume),
      hasClock: !('reason' in clock),
    },
  };
};

const peaksOf = (samples: readonly Resources[]): RunFacts['processes']['peaks'] =>
  [...Map.groupBy(samples, ({ name }) => name)].map(([name, own]) => ({
    name,
    rssMiB: Math.max(...own.map(({ rssMiB }) => rssMiB)),
    descriptors: Math.max(...own.map(({ descriptors }) => descriptors)),
  }));

/** Drains everything, the chain and Redis last, and says how each ended. */
const drain = async (stage: Stage): Promise<RunFacts['processes']['ends']> => {
  const ends: RunFacts['processes']['ends'][number][] = [];
  for (const group of [stage.validators, stage.miners]) {
    const ended = group
      .filter((role) => role.isUp())
      .map(async (role) => ({ name: role.name, ...(await role.stop(drainPatienceMs)) }));
    ends.push(...(await Promise.all(ended)));
  }
  await stage.ledger.finish(drainPatienceMs);
  await stage.ledger.close();
  ends.push({ name: 'chain', ...(await stage.chain.stop(drainPatienceMs)) });
  return ends;
};

const readBack = ({ place }: Stage) =>
  placeOf(place, {}).pipe(
    Effect.flatMap(openPlace),
    Effect.flatMap(readLog),
    Effect.scoped,
    Effect.runPromise,
  );

type Played = {
  readonly stage: Stage;
  readonly driver: Driver;
  readonly samples: readonly Resources[];
  readonly stalls: readonly Span[];
  readonly fromMs: number;
  readonly toMs: number;
};

/** Waits for a condition; where it does not come about, the invariants say what is missing. */
const unlessLate = async (condition: () => boolean, limitMs: number): Promise<void> => {
  const deadlineMs = performance.now() + limitMs;
  while (!condition() && performance.now() < deadlineMs)
    await new Promise((resolve) => setTimeout(resolve, lookMs));
};

/** A whole epoch that begins when somebody works again: the pauses that the faults have left behind are over by then. */
const restInPeace = async (stage: Stage): Promise<void> => {
  const journals = () => stage.validators.map((role) => role.journal());
  const surroundings = () => ({ blocks: stage.ledger.blocks(), troubles: [], untilMs: Date.now() });
  await unlessLate(() => isAtWork(journals(), surroundings()), calmPatienceMs);
  const last = stage.ledger.epoch() + 2;
  await unlessLate(() => stage.ledger.epoch() >= last, peacePatienceMs);
};

/** Starts everything, waits for the first round, lets the faults strike, and then leaves the network in peace for an epoch. */
const play = async (
  stage: Stage,
  machine: Machine,
  options: ChaosOptions & { readonly plan: readonly Fault[] },
): Promise<Played> => {
  const samples: Resources[] = [];
  const sample = (): void => {
    for (const role of [stage.chain, ...stage.validators, ...stage.miners]) {
      const found = role.resources();
      if (found !== null) samples.push(found);
    }
  };
  const driver = createDriver({ stage, ...machine, say: options.say, onCalm: sample });
  const sampling = setInterval(sample, sampleMs);
  const pulse = openPulse();
  try {
    await driver.wholeRound(0, firstRoundMs);
    const fromMs = Date.now();
    options.say('the first whole round is settled; faults begin');
    const untilMs =
      options.minutes === null ? Number.POSITIVE_INFINITY : performance.now() + options.minutes * 60_000;
    await driver.run(options.plan, untilMs);
    options.say('faults are over; one epoch in peace');
    await restInPeace(stage);
    return { stage, driver, samples, stalls: pulse.stalls(), fromMs, toMs: Date.now() };
  } finally {
    pulse.close();
    clearInterval(sampling);
  }
};

const gather = async (played: Played, dist: string): Promise<RunFacts> => {
  const { stage, driver } = played;
  const ends = await drain(stage);
  const { log, unreadable, setAside } = await readBack(stage);
  const commands = askCommands({ dist, commands: cast.storeCommands, place: stage.place });
  await stage.redis?.stop(drainPatienceMs);
  const journals = stage.validators.map((role) => role.journal());
  return {
    witnessHotkey: stage.witness.hotkey,
    validators: [{ hotkey: cast.validatorHotkey(), log, unreadable, setAside, commands, journals }],
    witnessed: stage.witness.seen(),
    strayAcks: stage.witness.strays(),
    submissions: stage.ledger.submissions(),
    blocks: stage.ledger.blocks(),
    outages: driver.outages(),
    stalls: played.stalls,
    schedule: {
      tempo: cast.tempo,
      dueAfter: cast.dueAfter,
      lastBlocks: cast.lastBlocks,
      enoughBlocks: cast.enoughBlocks,
      fromMs: played.fromMs,
      toMs: played.toMs,
    },
    processes: { stillRunning: membersOf(stage.groups), ends, peaks: peaksOf(played.samples) },
    notRecovered: driver.notRecovered(),
  };
};

/** A run that is under way: how to end it at any time, and what becomes of its folder. */
export type Running = {
  readonly dir: string;
  readonly plan: readonly Fault[];
  readonly result: Promise<ChaosResult>;
  /** Ends every process, unmounts, and removes the folder unless it is to be kept. */
  readonly close: (keep: boolean) => Promise<void>;
};

const planOf = (options: ChaosOptions, means: Means): readonly Fault[] => {
  const { minutes, miners } = options;
  const processFaults =
    minutes === null ? options.processFaults : Math.ceil(minutes * processFaultsPerMinute);
  const sideFaults = Math.ceil((options.sideFaults / options.processFaults) * processFaults);
  return planFaults({
    ...means,
    seed: options.seed,
    // The witness is one more, and its line is cut as well.
    miners: miners + 1,
    processFaults,
    sideFaults,
    leaseMs: cast.leaseMs,
  });
};

/** One run, from an empty folder to its verdicts. */
export const startChaos = (options: ChaosOptions): Running => {
  const startedMs = performance.now();
  const { dist } = options;
  const dir = mkdtempSync(join(tmpdir(), 'miaoai-chaos-'));
  const machine = openMachine(dir, options);
  const plan = planOf(options, machine.means);
  const unaskedEnds: UnaskedEnd[] = [];
  const onUnaskedEnd = (end: UnaskedEnd) => void unaskedEnds.push(end);
  const opening = openStage({ ...options, ...machine, dir, onUnaskedEnd });
  const run = async (): Promise<ChaosResult> => {
    const stage = await opening.opened;
    const played = await play(stage, machine, { ...options, plan });
    const facts = await gather(played, dist);
    writeFileSync(join(dir, 'facts.json'), JSON.stringify(facts));
    const verdicts = checkInvariants(facts);
    const seconds = Math.round((performance.now() - startedMs) / 1_000);
    return { plan, facts, verdicts, recoveries: played.driver.recoveries(), unaskedEnds, seconds };
  };
  const close = async (keep: boolean): Promise<void> => {
    await opening.close();
    machine.volume?.empty([]);
    if (keep && machine.volume !== null) cpSync(machine.volume.dir, join(dir, 'data'), { recursive: true });
    machine.volume?.close();
    if (!keep && existsSync(dir)) rmSync(dir, { recursive: true, force: true });
  };
  return { dir, plan, result: run(), close };
};
