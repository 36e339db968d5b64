import type * as Schema from 'effect/Schema';

import type { Hotkey } from '#src/domain/ids.ts';
import type { PeerConnection } from '#src/transport/connection.ts';
import { type Message, PROTOCOL_VERSION } from '#src/transport/protocol.ts';
import { within } from './systemProcess.ts';
import { answerOf, takeWitnessSeat } from './witnessSeat.ts';

/** One task as the witness was asked it, and what became of its answer. */
export type Witnessed = {
  readonly validator: Hotkey;
  readonly roundId: string;
  /** Place of the task in its round. */
  readonly index: number;
  readonly kind: string;
  readonly request: Schema.Json;
  readonly answer: Readonly<Record<string, Schema.Json>>;
  /** The validator said that the answer is on its disk. */
  isAcknowledged: boolean;
};

export type Witness = {
  readonly hotkey: Hotkey;
  readonly seen: () => readonly Witnessed[];
  /** Resolves in the same turn of the event loop in which the next message arrives that fits. */
  readonly next: (
    type: 'asked' | 'acknowledged',
    fits: (task: Witnessed) => boolean,
    limitMs: number,
  ) => Promise<Witnessed>;
  readonly close: () => Promise<void>;
};

type Notify = (type: 'asked' | 'acknowledged', task: Witnessed) => void;

/** Quick, and right by chance alone. */
const guess = { score: 1, confidence: 1, place: 0 };

/** Answers one validator and remembers what it acknowledges. */
const serve = (peer: PeerConnection, seen: Map<string, Witnessed>, notify: Notify): void => {
  peer.listen((message: Message) => {
    if (message.type === 'tasks') {
      for (const [index, { id, kind, request }] of message.tasks.entries()) {
        const answer = answerOf({ kind, request }, guess);
        const validator = peer.remote.hotkey;
        const task = {
          validator,
          roundId: message.round,
          index,
          kind,
          request,
          answer,
          isAcknowledged: false,
        };
        seen.set(id, task);
        peer.send({ type: 'answer', v: PROTOCOL_VERSION, id, answer, elapsedMs: 0 });
        notify('asked', task);
      }
    }
    if (message.type !== 'ack') return;
    for (const id of message.ids) {
      const task = seen.get(id);
      if (task === undefined) throw new Error(`acknowledged ${id}, which was never asked`);
      task.isAcknowledged = true;
      notify('acknowledged', task);
    }
  });
};

/** A miner inside the test: it knows exactly which of its answers a validator has acknowledged. */
export const openWitness = async (options: {
  readonly uri: string;
  readonly chainUrl: string;
  readonly netuid: number;
  readonly ip: string;
}): Promise<Witness> => {
  const seen = new Map<string, Witnessed>();
  const listeners = new Set<Notify>();
  const notify: Notify = (type, task) => {
    for (const listener of listeners) listener(type, task);
  };
  const seat = await takeWitnessSeat({
    ...options,
    host: options.ip,
    port: 0,
    published: null,
    serve: (peer) => serve(peer, seen, notify),
  });
  return {
    hotkey: seat.hotkey,
    seen: () => [...seen.values()],
    next: (type, fits, limitMs) => {
      const coming = new Promise<Witnessed>((resolve) => {
        const listener: Notify = (happened, task) => {
          if (happened !== type || !fits(task)) return;
          listeners.delete(listener);
          resolve(task);
        };
        listeners.add(listener);
      });
      return within(coming, limitMs, () => `a task that is ${type} by the validator`);
    },
    close: seat.close,
  };
};
