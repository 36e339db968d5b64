import type * as Schema from 'effect/Schema';

import type { AxonEndpoint } from '#src/chain/serveAxon.ts';
import type { PeerConnection } from '#src/transport/connection.ts';
import { type Message, PROTOCOL_VERSION } from '#src/transport/protocol.ts';
import { answerOf, takeWitnessSeat } from '#test/support/witnessSeat.ts';

import { netuid } from './cast.ts';
import type { Witnessed } from './facts.ts';

/**
 * A miner inside the driver, which nothing kills: it remembers what it was asked, what it answered and what was
 * acknowledged. It keeps an answer until that, or until its deadline, and sends it again over each new link.
 */
export type Witness = {
  readonly hotkey: string;
  readonly seen: () => readonly Witnessed[];
  /** Ids that were acknowledged though nobody asked for them. */
  readonly strays: () => readonly string[];
  readonly close: () => Promise<void>;
};

type Kept = Witnessed & { isAcknowledged: boolean; readonly untilMs: number };

/** Right by chance alone, and unlike any other answer. */
const guess = (kind: string, request: Schema.Json): Witnessed['answer'] =>
  answerOf({ kind, request }, { score: Math.random(), confidence: Math.random(), place: Math.random() });

/** Answers come within this time, one by one, so that faults meet rounds of which a part is judged. */
const slownessMs = 300;

const createMemory = () => {
  const seen = new Map<string, Kept>();
  const strays: string[] = [];

  const sendAnswer = (peer: PeerConnection, id: string): void => {
    const kept = seen.get(id);
    if (kept === undefined || kept.isAcknowledged) return;
    peer.send({ type: 'answer', v: PROTOCOL_VERSION, id, answer: kept.answer, elapsedMs: 0 });
  };

  const onTasks = (peer: PeerConnection, message: Extract<Message, { readonly type: 'tasks' }>): void => {
    for (const { id, kind, request } of message.tasks) {
      if (!seen.has(id)) {
        const untilMs = performance.now() + message.deadlineMs;
        const [validator, roundId, answer] = [peer.remote.hotkey, message.round, guess(kind, request)];
        seen.set(id, { id, validator, roundId, kind, request, answer, isAcknowledged: false, untilMs });
      }
      setTimeout(() => sendAnswer(peer, id), Math.random() * slownessMs);
    }
  };

  const serve = (peer: PeerConnection): void => {
    const nowMs = performance.now();
    for (const [id, { validator, untilMs }] of seen) {
      if (validator === peer.remote.hotkey && untilMs > nowMs) sendAnswer(peer, id);
    }
    peer.listen((message: Message) => {
      if (message.type === 'tasks') onTasks(peer, message);
      if (message.type !== 'ack') return;
      for (const id of message.ids) {
        const kept = seen.get(id);
        if (kept === undefined) strays.push(id);
        else kept.isAcknowledged = true;
      }
    });
  };
  return { seen, strays, serve };
};

type WitnessOptions = {
  readonly uri: string;
  readonly chainUrl: string;
  readonly host: string;
  readonly port: number;
  /** Where the validators are sent to; a line that leads here. */
  readonly published: AxonEndpoint;
};

export const openWitness = async (options: WitnessOptions): Promise<Witness> => {
  const { seen, strays, serve } = createMemory();
  const seat = await takeWitnessSeat({ ...options, netuid, serve });
  return {
    hotkey: seat.hotkey,
    seen: () => [...seen.values()],
    strays: () => strays,
    close: seat.close,
  };
};
