import * as Context from 'effect/Context';
import * as Layer from 'effect/Layer';

import type { Hotkey } from '../domain/ids.ts';
import type { PeerConnection } from '../transport/connection.ts';
import type { Message } from '../transport/protocol.ts';
import { createKnownRequests, type KnownRequests } from './knownRequests.ts';

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
  /** Monotonic milliseconds at which the last link of a hotkey ended, while it has no new one. */
  readonly brokenAtMs: Map<Hotkey, number>;
  readonly requests: Map<string, OpenRequest>;
  /** Requests of now and of the last rounds that are not open. */
  readonly known: KnownRequests;
  /** Replies that count for nothing, by reason. `repeated` ones are known: a miner sends until it is acknowledged. */
  readonly strays: { unknownRequest: number; wrongHotkey: number; repeated: number };
};

export class MinerLinks extends Context.Service<MinerLinks, MinerLinkTable>()('actors/MinerLinks') {
  static readonly layer = Layer.sync(MinerLinks, () => ({
    links: new Map<Hotkey, LiveLink>(),
    brokenAtMs: new Map<Hotkey, number>(),
    requests: new Map<string, OpenRequest>(),
    known: createKnownRequests(),
    strays: { unknownRequest: 0, wrongHotkey: 0, repeated: 0 },
  }));
}

/** More hotkeys than a subnet has; of those that are not registered any more nobody asks. */
const maxBroken = 1_024;

/** Enters a link as the newest one of its hotkey; returns how to take it out when it ends. */
export const enterLink = (table: MinerLinkTable, hotkey: Hotkey, live: LiveLink): (() => void) => {
  const { links, brokenAtMs } = table;
  links.set(hotkey, live);
  brokenAtMs.delete(hotkey);
  return () => {
    if (links.get(hotkey) !== live) return;
    links.delete(hotkey);
    brokenAtMs.set(hotkey, performance.now());
    const [oldest] = brokenAtMs.keys();
    if (brokenAtMs.size > maxBroken && oldest !== undefined) brokenAtMs.delete(oldest);
  };
};

/**
 * What became of a reply.
 *
 * - `taken`: handed to whoever asked.
 * - `waiting`: known, but not wanted now; the miner keeps it.
 * - `recorded`: on disk already; to be acknowledged again.
 * - `unknown`: nobody asked this hotkey, or it is too late; the miner need not keep it.
 */
export type Delivery = 'taken' | 'waiting' | 'recorded' | 'unknown';

/** Hands a reply to whoever asked, exactly once. */
export const deliver = (options: {
  readonly table: MinerLinkTable;
  readonly hotkey: Hotkey;
  readonly reply: Reply;
  readonly receivedAtMs: number;
}): Delivery => {
  const { table, reply, hotkey } = options;
  const request = table.requests.get(reply.id);
  if (request?.hotkey === hotkey) {
    table.requests.delete(reply.id);
    request.settle(reply, options.receivedAtMs);
    return 'taken';
  }
  const state = table.known.stateOf(reply.id, hotkey);
  if (state !== null) {
    table.strays.repeated += 1;
    return state;
  }
  if (request === undefined) table.strays.unknownRequest += 1;
  else table.strays.wrongHotkey += 1;
  return 'unknown';
};
