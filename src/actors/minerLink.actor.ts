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
import type { Message } from '../transport/protocol.ts';
import type { LinkSettings } from '../transport/settings.ts';
import { type ActorRuntime, fromScoped, type Link } from './bridge.ts';
import type { CurrentChain } from './currentChain.ts';
import { knownGenesis } from './currentChain.ts';
import { linkClosed } from './linkClosed.ts';
import { deliver, type LiveLink, MinerLinks, type MinerLinkTable } from './minerLinks.ts';

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

/** Replies go to whoever asked; the first `ready` tells what the miner offers. */
const route = (options: {
  readonly peer: PeerConnection;
  readonly table: MinerLinkTable;
  readonly onReady: (kinds: readonly string[]) => void;
}) => {
  const { peer, table } = options;
  return (message: Message, receivedAtMs: number): void => {
    if (message.type === 'ready') options.onReady(message.kinds);
    if (message.type === 'answer' || message.type === 'refusal') {
      deliver({ table, hotkey: peer.remote.hotkey, reply: message, receivedAtMs });
    }
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
    peer.listen(
      route({ peer, table, onReady: (kinds) => void Deferred.doneUnsafe(ready, Exit.succeed(kinds)) }),
    );
    const kinds = yield* Effect.raceFirst(
      Deferred.await(ready),
      Effect.flatMap(peer.closed, (failure) => Effect.fail(failure)),
    );
    const live = createLiveLink(peer, kinds, link.emit);
    yield* Effect.acquireRelease(
      Effect.sync(() => table.links.set(hotkey, live)),
      () =>
        Effect.sync(() => {
          if (table.links.get(hotkey) === live) table.links.delete(hotkey);
        }),
    );
    link.emit({ type: 'link.opened', kinds });
    return yield* Effect.flatMap(peer.closed, (failure: LinkFailure) => Effect.fail(failure));
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
