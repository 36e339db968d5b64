import {
  type AnyActorRef,
  type AnyEventObject,
  type CallbackActorLogic,
  createActor,
  fromCallback,
  type InspectionEvent,
  setup,
  spawnChild,
} from 'xstate';

import { createMetrics } from '#src/actors/metrics/metrics.ts';
import { createObserver } from '#src/actors/observer.ts';
import { createValidatorView } from '#src/actors/views/validatorView.ts';
import type { Axon } from '#src/domain/metagraph.ts';
import { createInspection, type Inspection } from '#src/inspector/inspection.ts';
import { createLogger } from '#src/logging.ts';
import { type DialMiner, minerSessionMachine } from '#src/machines/minerSession.machine.ts';
import { rootId } from '#src/machines/root.ts';
import { shown } from '#src/machines/shown.ts';
import { viewParts } from '#test/support/views.ts';

export type InspectorBenchOptions = {
  /** Live sessions of one validator, each with its link. */
  readonly sessions: number;
  readonly eventsPerTurn: number;
  /** Turns before anything counts. */
  readonly warmUps: number;
  /** Measured turns of each mode. */
  readonly turns: number;
  readonly repetitions: number;
  readonly onProgress: (line: string) => void;
};

const modes = ['without', 'unwatched', 'watched', 'serialised', 'daemon'] as const;
type Mode = (typeof modes)[number];

/** Above what a turn makes between two deliveries, which come by the clock however fast the events are. */
const capacity = 8_000;
/** Events between two turns of the event loop: deliveries are timers, which a loop without end would starve. */
const eventsAtOnce = 250;

const kinds = ['infer.text', 'infer.image'];
const busyAndIdle: readonly AnyEventObject[] = [{ type: 'link.busy' }, { type: 'link.idle' }];
/** Mostly work; once in a while a link is lost, dialled again at a new address, and trusted. */
const cycle: readonly AnyEventObject[] = [
  ...Array.from({ length: 14 }, () => busyAndIdle).flat(),
  { type: 'link.idle' },
  { type: 'link.closed', failure: { _tag: 'Lost', message: 'the connection was reset' }, jitter: 0.5 },
  { type: 'axon.moved', axon: { ip: '192.0.2.1', port: 9_000 } },
  { type: 'link.opened', kinds },
];

type Stage = {
  readonly run: (events: number) => Promise<void>;
  readonly inspection: Inspection | null;
  readonly stop: () => void;
  readonly delivered: () => { readonly entries: number; readonly bytes: number };
};

/** All that watches the system of a daemon besides its own log: the feed, the page's view and the metrics. */
const daemonObservers = (inspection: Inspection) => {
  const view = createValidatorView(viewParts());
  const metrics = createMetrics({ role: 'validator', version: '0.0.0', slices: view.slices });
  return {
    observe: (inspected: InspectionEvent): void => {
      inspection.observe(inspected);
      view.onInspection(inspected);
      metrics.onInspection(inspected);
    },
    close: (): void => {
      view.close();
      metrics.close();
    },
  };
};

/** A root with sessions of the machine that ships; links are told what to say. */
const stageOf = (mode: Mode, sessions: number): Stage => {
  const inspection = mode === 'without' ? null : createInspection({ role: 'validator', shown, capacity });
  const observers = mode === 'daemon' && inspection !== null ? daemonObservers(inspection) : null;
  const delivered = { entries: 0, bytes: 0 };
  if (mode === 'watched' || mode === 'serialised') {
    inspection?.subscribe((entries) => {
      delivered.entries += entries.length;
      if (mode === 'serialised') delivered.bytes += JSON.stringify(entries).length;
    });
  }
  const speakers = new Map<string, (event: AnyEventObject) => void>();
  const link: CallbackActorLogic<AnyEventObject, { readonly hotkey: string; readonly axon: Axon }> =
    fromCallback(({ input, sendBack }) => {
      speakers.set(input.hotkey, sendBack);
    });
  const session = minerSessionMachine.provide({ actors: { peerLink: link as unknown as DialMiner } });
  const hotkeys = Array.from({ length: sessions }, (_, uid) => `5Session${uid}`);
  const inputOf = (hotkey: string) => ({ hotkey, axon: { ip: '192.0.2.1', port: 8_000 } });
  const validator = setup({ actors: { session } }).createMachine({
    id: 'validator',
    on: { '*': {} },
    entry: hotkeys.map((hotkey) =>
      spawnChild('session', { id: `session/${hotkey}`, input: inputOf(hotkey) }),
    ),
  });
  const root = createActor(validator, {
    id: 'validator',
    systemId: rootId,
    inspect: createObserver({
      log: createLogger({ role: 'validator', level: 'silent', format: 'json', hotkey: null }),
      onTransition: () => {},
      onInspection: observers?.observe ?? inspection?.observe,
    }),
  });
  root.start();
  const living: Readonly<Record<string, AnyActorRef | undefined>> = root.getSnapshot().children;
  const children = hotkeys.map((hotkey) => ({ hotkey, child: living[`session/${hotkey}`] }));
  for (const hotkey of hotkeys) speakers.get(hotkey)?.({ type: 'link.opened', kinds });

  let sent = 0;
  const send = (): void => {
    const session = children[sent % sessions];
    const event = cycle[Math.floor(sent / sessions) % cycle.length];
    sent += 1;
    if (session === undefined || event === undefined) return;
    // A session whose address moved has a new link; what no link says comes from its validator.
    if (event.type === 'axon.moved') session.child?.send(event);
    else speakers.get(session.hotkey)?.(event);
  };

  return {
    inspection,
    delivered: () => delivered,
    stop: () => {
      inspection?.close();
      observers?.close();
      root.stop();
    },
    run: async (events) => {
      for (let done = 0; done < events; done += eventsAtOnce) {
        for (let index = 0; index < eventsAtOnce; index += 1) send();
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
};

const cpuMicros = async (work: () => Promise<void>): Promise<number> => {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
};

/** The dearer turns say more of what else the machine does than of this. */
const lowerQuartile = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 4)] ?? Number.NaN;

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;

const rotated = <T>(list: readonly T[], by: number): readonly T[] => {
  const cut = by % list.length;
  return [...list.slice(cut), ...list.slice(0, cut)];
};

type Means = Readonly<Record<Mode, number>>;

/** One repetition, with systems of its own: where they happen to lie in memory moves a ratio by several per cent. */
const repetition = async (options: InspectorBenchOptions, number: number) => {
  const { sessions, eventsPerTurn, warmUps, turns } = options;
  const stages = rotated(modes, number).map((mode) => ({ mode, ...stageOf(mode, sessions) }));
  const costs: Record<Mode, number[]> = {
    without: [],
    unwatched: [],
    watched: [],
    serialised: [],
    daemon: [],
  };
  for (let turn = 0; turn < warmUps + turns; turn += 1) {
    // Who comes first changes with each turn: garbage of one is collected in the time of the next.
    for (const stage of rotated(stages, turn)) {
      const micros = await cpuMicros(() => stage.run(eventsPerTurn));
      if (turn >= warmUps) costs[stage.mode].push(micros / eventsPerTurn);
    }
  }
  const { bytes } = checked(stages, eventsPerTurn * turns);
  for (const { stop } of stages) stop();
  const means: Means = {
    without: lowerQuartile(costs.without),
    unwatched: lowerQuartile(costs.unwatched),
    watched: lowerQuartile(costs.watched),
    serialised: lowerQuartile(costs.serialised),
    daemon: lowerQuartile(costs.daemon),
  };
  return { means, bytesPerEvent: bytes / (eventsPerTurn * (warmUps + turns)) };
};

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/**
 * The same events through the same machines: without the feed, with it and nobody looking, with one subscriber, with one
 * that writes what it gets as JSON, and with all that a daemon attaches while nobody looks. The modes take turns of a few hundredths of a second, so that a slow moment of the
 * machine meets all of them alike; numbers are medians over the repetitions.
 */
export const runInspectorBench = async (options: InspectorBenchOptions) => {
  const runs: Awaited<ReturnType<typeof repetition>>[] = [];
  for (let number = 0; number < options.repetitions; number += 1) {
    runs.push(await repetition(options, number));
    options.onProgress(`repetition ${number + 1} of ${options.repetitions}`);
  }
  const costOf = (mode: Mode): number => rounded(median(runs.map(({ means }) => means[mode])));
  const ratiosOf = (mode: Mode): readonly number[] =>
    runs.map(({ means }) => rounded(means[mode] / means.without)).toSorted((a, b) => a - b);
  const told = ['unwatched', 'watched', 'serialised', 'daemon'] as const;
  return {
    bench: 'inspector',
    sessions: options.sessions,
    events: options.eventsPerTurn * options.turns * options.repetitions,
    microsPerEvent: Object.fromEntries(modes.map((mode) => [mode, costOf(mode)])),
    ratios: {
      unwatched: median(ratiosOf('unwatched')),
      watched: median(ratiosOf('watched')),
      serialised: median(ratiosOf('serialised')),
      daemon: median(ratiosOf('daemon')),
    },
    repetitions: Object.fromEntries(told.map((mode) => [mode, ratiosOf(mode)])),
    bytesPerEvent: rounded(median(runs.map(({ bytesPerEvent }) => bytesPerEvent))),
    aims: { unwatched: 1.05, watched: 1.2 },
  };
};

/** A feed that failed, or lost entries on the way, would be cheap. */
const checked = (stages: readonly (Stage & { readonly mode: Mode })[], events: number) => {
  for (const { inspection, mode } of stages) {
    const failures = inspection?.sizes().failures ?? 0;
    if (failures > 0) throw new Error(`the feed failed ${failures} times in the mode ${mode}`);
  }
  for (const { delivered, mode } of stages) {
    const isTold = mode === 'watched' || mode === 'serialised';
    if (isTold && delivered().entries < events) throw new Error(`entries were lost: ${mode}`);
  }
  return stages.find(({ mode }) => mode === 'serialised')?.delivered() ?? { entries: 0, bytes: 0 };
};
