import * as Context from 'effect/Context';
import * as Layer from 'effect/Layer';

import type { Hotkey } from '../domain/ids.ts';
import type { PeerConnection } from '../transport/connection.ts';
import type { Message } from '../transport/protocol.ts';

/** A miner's reply to one request. */
export type Reply = Extract<Message, { type: 'answer' | 'refusal' }>;

/** An open request; it is good for one reply, from one hotkey. */
export type OpenRequest = {
  readonly hotkey: Hotkey;
  readonly settle: (reply: Reply, receivedAtMs: number) => void;
};

/** One authenticated link and how many replies it owes. */
export type LiveLink = {
  readonly connection: PeerConnection;
  readonly kinds: readonly string[];
  readonly owes: (replies: number) => void;
};

/**
 * Live links by hotkey and open requests by id, shared by the link actors, which fill it, and the cohort actors,
 * which use it. A reply counts only if it comes over the link of the very hotkey that was asked, and only once.
 */
export type MinerLinkTable = {
  readonly links: Map<Hotkey, LiveLink>;
  readonly requests: Map<string, OpenRequest>;
  /** Replies to nothing that was asked, by reason. */
  readonly strays: { unknownRequest: number; wrongHotkey: number };
};

export class MinerLinks extends Context.Service<MinerLinks, MinerLinkTable>()('actors/MinerLinks') {
  static readonly layer = Layer.sync(MinerLinks, () => ({
    links: new Map<Hotkey, LiveLink>(),
    requests: new Map<string, OpenRequest>(),
    strays: { unknownRequest: 0, wrongHotkey: 0 },
  }));
}

/** Hands a reply to whoever asked, exactly once. Returns whether somebody had. */
export const deliver = (options: {
  readonly table: MinerLinkTable;
  readonly hotkey: Hotkey;
  readonly reply: Reply;
  readonly receivedAtMs: number;
}): boolean => {
  const { table, reply } = options;
  const request = table.requests.get(reply.id);
  if (request === undefined) {
    table.strays.unknownRequest += 1;
    return false;
  }
  if (request.hotkey !== options.hotkey) {
    table.strays.wrongHotkey += 1;
    return false;
  }
  table.requests.delete(reply.id);
  request.settle(reply, options.receivedAtMs);
  return true;
};
