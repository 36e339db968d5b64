import * as Deferred from 'effect/Deferred';
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import type { EventObject } from 'xstate';

import type { LinkFailure } from '../domain/failures.ts';
import type { Hotkey } from '../domain/ids.ts';
import type { Axon } from '../domain/metagraph.ts';
import type { DialMiner, MinerSessionEvent } from '../machines/minerSession.machine.ts';
import { dial } from '../transport/client.ts';
import type { PeerConnection } from '../transport/connection.ts';
import { type Message, PROTOCOL_VERSION } from '../transport/protocol.ts';
import { createTokenBucket } from '../transport/rates.ts';
import type { LinkSettings } from '../transport/settings.ts';
import { type ActorRuntime, fromScoped, type Link } from './bridge.ts';
import type { CurrentChain } from './currentChain.ts';
import { knownGenesis } from './currentChain.ts';
import { linkClosed } from './linkClosed.ts';
import { deliver, enterLink, type LiveLink, MinerLinks, type MinerLinkTable } from './minerLinks.ts';

export type DialerSettings = Omit<LinkSettings, 'genesisHash' | 'role'>;

type Input = { readonly hotkey: Hotkey; readonly axon: Axon };
type Emit = (event: MinerSessionEvent) => void;

/** Counts what the miner owes and tells the session when it becomes busy or idle. */
const createLiveLink = (peer: PeerConnection, kinds: readonly string[], emit: Emit): LiveLink => {
  let owed = 0;
  return {
    connection: peer,
    kinds,
    owes: (replies) => {
      const before = owed;
      owed = Math.max(0, owed + replies);
      if (before === 0 && owed > 0) emit({ type: 'link.busy' });
      if (before > 0 && owed === 0) emit({ type: 'link.idle' });
    },
  };
};

/** Answers that count for nothing are replied to together, after this long. */
const remindMs = 20;
/** Most ids of one message (`Ack`, `Unknown`); what is beyond waits for the miner to ask again. */
const maxReminders = 1_024;
/** From so many unwanted answers on, one link is worth a line of its own. */
const strayWarning = 100;

/**
 * Replies that a link may send although nobody waits for them: all that an outbox holds (`answersPerValidator`) some
 * times over at once, and a miner that is always too late. Reading them costs us more than the miner to send them, and
 * many such miners together could keep this process from running, which excuses everybody's silence.
 */
const unwantedReplies = { burst: 1_024, perSecond: 20 };
const flooding: LinkFailure = {
  _tag: 'Refused',
  message: 'the miner went on sending answers that nobody waits for',
};

/** Tells a miner of answers that it need not keep: on record already, or unknown. */
const createReminders = (peer: PeerConnection) => {
  const ids = { ack: new Set<string>(), unknown: new Set<string>() };
  const counts = { ack: 0, unknown: 0 };
  let timer: NodeJS.Timeout | null = null;
  const send = (): void => {
    timer = null;
    if (ids.ack.size > 0) peer.send({ type: 'ack', v: PROTOCOL_VERSION, ids: [...ids.ack] });
    if (ids.unknown.size > 0) peer.send({ type: 'unknown', v: PROTOCOL_VERSION, ids: [...ids.unknown] });
    ids.ack.clear();
    ids.unknown.clear();
  };
  return {
    counts,
    remind: (type: 'ack' | 'unknown', id: string): void => {
      counts[type] += 1;
      if (ids[type].size < maxReminders) ids[type].add(id);
      timer ??= setTimeout(send, remindMs);
    },
    stop: (): void => {
      if (timer !== null) clearTimeout(timer);
    },
  };
};

type Reminders = ReturnType<typeof createReminders>;

/** One line per link, however much was sent over it. */
const reportStrays = ({ counts }: Reminders, hotkey: Hotkey): Effect.Effect<void> => {
  if (counts.unknown === 0) return Effect.void;
  const log = counts.unknown < strayWarning ? Effect.logDebug : Effect.logWarning;
  const fields = { peer: hotkey, unknown: counts.unknown, repeated: counts.ack };
  return log('a miner sent answers to requests that nobody has open', fields);
};

/** Replies go to whoever asked; the first `ready` tells what the miner offers. */
const route = (options: {
  readonly peer: PeerConnection;
  readonly table: MinerLinkTable;
  readonly reminders: Reminders;
  readonly onReady: (kinds: readonly string[]) => void;
  readonly onFlood: () => void;
}) => {
  const { peer, table, reminders } = options;
  const unwanted = createTokenBucket(unwantedReplies);
  return (message: Message, receivedAtMs: number): void => {
    if (message.type === 'ready') options.onReady(message.kinds);
    if (message.type !== 'answer' && message.type !== 'refusal') return;
    const delivery = deliver({ table, hotkey: peer.remote.hotkey, reply: message, receivedAtMs });
    if (delivery !== 'taken' && !unwanted.take(1, receivedAtMs)) options.onFlood();
    // Nobody keeps a refusal.
    if (message.type === 'refusal') return;
    if (delivery === 'recorded') reminders.remind('ack', message.id);
    if (delivery === 'unknown') reminders.remind('unknown', message.id);
  };
};

const open = (settings: DialerSettings) =>
  Effect.fn('minerLink.open')(function* (link: Link<Input, EventObject, MinerSessionEvent>) {
    const { hotkey, axon } = link.input;
    // Not of the connection: a miner that comes back during an outage of the chain is dialled all the same.
    const genesisHash = yield* knownGenesis;
    const table = yield* MinerLinks;
    const peer = yield* dial({
      ...settings,
      genesisHash,
      role: 'validator',
      host: axon.ip,
      port: axon.port,
      expectedHotkey: hotkey,
    });
    const ready = yield* Deferred.make<readonly string[]>();
    const reminders = yield* Effect.acquireRelease(
      Effect.sync(() => createReminders(peer)),
      (used) => Effect.andThen(Effect.sync(used.stop), reportStrays(used, hotkey)),
    );
    const onReady = (kinds: readonly string[]) => void Deferred.doneUnsafe(ready, Exit.succeed(kinds));
    const flooded = yield* Deferred.make<never, LinkFailure>();
    const onFlood = () => void Deferred.doneUnsafe(flooded, Exit.fail(flooding));
    peer.listen(route({ peer, table, reminders, onReady, onFlood }));
    const over = Effect.raceFirst(
      Deferred.await(flooded),
      Effect.flatMap(peer.closed, (failure: LinkFailure) => Effect.fail(failure)),
    );
    const kinds = yield* Effect.raceFirst(Deferred.await(ready), over);
    const live = createLiveLink(peer, kinds, link.emit);
    yield* Effect.acquireRelease(
      Effect.sync(() => enterLink(table, hotkey, live)),
      (leave) => Effect.sync(leave),
    );
    link.emit({ type: 'link.opened', kinds });
    return yield* over;
  });

/** One link to one miner, from the dial until it ends, whatever the reason. */
export const minerLink = (
  runtime: ActorRuntime<CurrentChain | MinerLinks>,
  settings: DialerSettings,
): DialMiner =>
  fromScoped(runtime)(open(settings), (exit) => ({
    type: 'link.closed' as const,
    failure: linkClosed(exit),
    jitter: Math.random(),
  }));
