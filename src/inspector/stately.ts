import { createInspector } from '@statelyai/inspect';
import type { AnyActorRef, InspectionEvent } from 'xstate';

import type { Shown } from '../domain/view/shown.ts';
import { createChartings, machineSnapshot } from './charting.ts';
import { type ShownPath, shownOf, shownPaths, valueAt } from './redaction.ts';
import { definitionOf } from './statelyDefinition.ts';
import { openSocketSender, type SocketSender } from './statelySocket.ts';

export type StatelyBridgeOptions = {
  readonly shown: Shown;
  /** Of a receiver or relay; `ws://localhost:8080`, as Stately's own tools use, unless given. */
  readonly url?: string;
  readonly onProblem?: (reason: string) => void;
  readonly retryMs?: number;
  readonly steadyMs?: number;
};

export type StatelyBridge = {
  /** For `onInspection` of a system. Never throws. */
  readonly observe: (event: InspectionEvent) => void;
  /** Announces what runs below a root already. */
  readonly attach: (root: AnyActorRef) => void;
  readonly state: () => ReturnType<SocketSender['state']> & { readonly failures: number };
  readonly close: () => void;
};

const defaultUrl = 'ws://localhost:8080';
/** Deeper than any machine: at 10, the default, states from the sixth level on arrive as a word. */
const depthLimit = 40;
const maxLiving = 8_192;

/** The parts of an actor that Stately's message is made of, with nothing else in reach. */
type Likeness = {
  readonly sessionId: string;
  readonly id: string;
  readonly send: () => void;
  readonly logic: { readonly config: object };
};

const statusOf = (ref: AnyActorRef): unknown => valueAt(ref.getSnapshot(), ['status']);

/**
 * The same system in Stately's inspection protocol (`@statelyai/inspect`), for the viewer at stately.ai and for whatever
 * else speaks it.
 *
 * Messages are made by Stately's own code, but at once and from redacted parts: handed the actors themselves, it reads
 * them later, in a timer, where an actor that failed while it was made ends the process. Definitions go out again at
 * each connection. The receiver is the operator's; nothing is listened to.
 */
export const createStatelyBridge = (options: StatelyBridgeOptions): StatelyBridge => {
  const { shown, url = defaultUrl, onProblem = () => {}, retryMs, steadyMs } = options;
  const chartingOf = createChartings(shown.context);
  const fields: ReadonlyMap<string, readonly ShownPath[]> = new Map(
    Object.entries(shown.events).map(([type, paths]) => [type, shownPaths(paths)]),
  );
  const living = new Map<string, AnyActorRef>();
  let failures = 0;
  /** Where messages go that are made now; null: on their way out. */
  let collected: string[] | null = null;
  let origin = { rootId: '', parentId: undefined as string | undefined };

  const inspector = createInspector(
    {
      send: (message) => {
        // Stately's hand-made messages know no root, and of an actor no parent.
        const text = JSON.stringify(
          message.type === '@xstate.actor'
            ? { ...message, ...origin }
            : { ...message, rootId: origin.rootId },
        );
        if (collected !== null) collected.push(text);
        else if (message.type === '@xstate.actor') socket.announce(text);
        else socket.send(text);
      },
    },
    { autoStart: false, serializationDepthLimit: depthLimit },
  );

  const likenessOf = (ref: AnyActorRef): Likeness => {
    const charting = chartingOf(ref);
    const config = charting === null ? { id: ref.id } : definitionOf(valueAt(ref, ['logic', 'config']));
    return { sessionId: ref.sessionId, id: ref.id, send: () => {}, logic: { config } };
  };

  const snapshotOf = (ref: AnyActorRef, snapshot: unknown) => {
    const machine = machineSnapshot(snapshot);
    const status = valueAt(snapshot, ['status']) as 'active' | 'done' | 'error' | 'stopped' | undefined;
    if (machine === null) return { status: status ?? 'active' };
    return {
      status: status ?? 'active',
      value: valueAt(snapshot, ['value']),
      context: shownOf(machine.context, chartingOf(ref)?.paths),
      children: Object.fromEntries(Object.keys(machine.children).map((id) => [id, { xstate$$type: 1, id }])),
      historyValue: {},
      tags: [],
    };
  };

  const eventOf = (event: { readonly type: string }) => ({
    ...shownOf(event, fields.get(event.type)),
    type: event.type,
  });

  const rootOf = (ref: AnyActorRef): string =>
    ref._parent === undefined ? ref.sessionId : rootOf(ref._parent);

  const announce = (ref: AnyActorRef): void => {
    origin = { rootId: rootOf(ref), parentId: ref._parent?.sessionId };
    inspector.actor(likenessOf(ref) as never, snapshotOf(ref, ref.getSnapshot()));
  };

  const forgetEnded = (): void => {
    for (const [id, ref] of living) if (statusOf(ref) !== 'active') living.delete(id);
  };

  /** Whether messages about it are understood: it is announced before anything else is said of it. */
  const isKnown = (ref: AnyActorRef): boolean => {
    if (living.has(ref.sessionId)) return true;
    if (living.size >= maxLiving) forgetEnded();
    if (living.size >= maxLiving || ref.getSnapshot() === undefined) return false;
    living.set(ref.sessionId, ref);
    announce(ref);
    return true;
  };

  const tell = (inspected: InspectionEvent): void => {
    const ref = inspected.actorRef as AnyActorRef;
    if (inspected.type === '@xstate.event') {
      if (!isKnown(ref)) return;
      origin = { rootId: inspected.rootId, parentId: undefined };
      const source = inspected.sourceRef?.sessionId;
      inspector.event(ref.sessionId, eventOf(inspected.event), source === undefined ? {} : { source });
    } else if (inspected.type === '@xstate.snapshot') {
      if (!isKnown(ref)) return;
      origin = { rootId: inspected.rootId, parentId: undefined };
      inspector.snapshot(ref.sessionId, snapshotOf(ref, inspected.snapshot), {
        event: eventOf(inspected.event),
      });
      if (inspected.snapshot.status !== 'active') living.delete(ref.sessionId);
    }
  };

  const safely = (act: () => void): void => {
    try {
      act();
    } catch {
      failures += 1;
    }
  };

  const walk = (ref: AnyActorRef): void => {
    safely(() => void isKnown(ref));
    for (const child of Object.values(machineSnapshot(ref.getSnapshot())?.children ?? {})) walk(child);
  };

  /** Of those that live now; each as it is when its turn comes. */
  const announceAll = function* (): Generator<string> {
    safely(forgetEnded);
    for (const ref of [...living.values()]) {
      // Its turn may come in the middle of a message about another.
      const [messages, outer]: [string[], typeof origin] = [[], origin];
      collected = messages;
      safely(() => announce(ref));
      collected = null;
      origin = outer;
      yield* messages;
    }
  };

  const socket = openSocketSender({
    url,
    onOpen: announceAll,
    onProblem: (reason) => safely(() => onProblem(reason)),
    ...(retryMs === undefined ? {} : { retryMs }),
    ...(steadyMs === undefined ? {} : { steadyMs }),
  });

  return {
    observe: (inspected) => safely(() => tell(inspected)),
    attach: (root) => safely(() => walk(root)),
    state: () => ({ ...socket.state(), failures }),
    close: () => socket.close(),
  };
};
