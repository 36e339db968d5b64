/** Server-sent events: one hub for all readers, which serialises each message once. */
import type { ServerResponse } from 'node:http';

import { beatMs, type StreamTopic } from '../domain/view/stream.ts';
import type { GatewayLog } from './log.ts';
import { createReplay, type StreamMessage } from './replay.ts';
import type { GatewaySources } from './sources.ts';

export const maxReaders = 16;
/** What may wait in the socket of a reader before it counts as too slow. */
export const maxWaitingBytes = 1024 * 1024;
/** A topic is followed for so long after its last reader, so that one that comes back has missed nothing. */
export const lingerMs = 15_000;

type Reader = {
  readonly topics: ReadonlySet<StreamTopic>;
  readonly response: ServerResponse;
  /** Bytes that were too many at once but had to be sent: the greeting. Nothing once they are through. */
  greetingBytes: number;
};

type Feed = {
  readonly hello: () => unknown;
  readonly subscribe: (onNews: (news: unknown) => void) => () => void;
  readonly helloEvent: string;
  readonly newsEvent: string;
};

type Following = {
  readonly stop: () => void;
  /** Messages of this topic are complete from here on. */
  readonly since: number;
  readonly isHeard: () => boolean;
  ending: NodeJS.Timeout | null;
};

const feedsOf = ({ view, inspection, logs }: GatewaySources): Readonly<Record<StreamTopic, Feed>> => ({
  view: { ...view, helloEvent: 'view.hello', newsEvent: 'view.patch' },
  inspection: { ...inspection, helloEvent: 'inspection.hello', newsEvent: 'inspection.entries' },
  logs: { hello: logs.recent, subscribe: logs.subscribe, helloEvent: 'logs.hello', newsEvent: 'logs.lines' },
});

/** JSON holds no line break, so one `data` line is enough. */
const frame = (event: string, data: unknown, id: number | null): string =>
  `${id === null ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

export type Hub = {
  readonly isFull: () => boolean;
  /** Greets a reader whose headers were sent already, or lets it go on where it stopped. */
  readonly add: (reader: {
    readonly topics: readonly StreamTopic[];
    readonly lastId: number | null;
    readonly response: ServerResponse;
  }) => void;
  /** The source has become another one: all its readers are greeted again. */
  readonly restart: (topic: StreamTopic) => void;
  readonly count: () => number;
  /** Whether the source of this topic is being listened to. */
  readonly isFollowing: (topic: StreamTopic) => boolean;
  readonly close: () => void;
};

export const createHub = (options: {
  readonly sources: GatewaySources;
  readonly log: GatewayLog;
  readonly lingerMs?: number;
}): Hub => {
  const { sources, log } = options;
  const feeds = feedsOf(sources);
  const readers = new Set<Reader>();
  const following = new Map<StreamTopic, Following>();
  const replay = createReplay();
  /** Begins with the clock, so that an id of an earlier life of this daemon is never taken for one of this. */
  let lastId = Date.now();
  let beat: NodeJS.Timeout | null = null;

  const remove = (reader: Reader): void => {
    if (!readers.delete(reader)) return;
    for (const topic of reader.topics) settle(topic);
    if (readers.size === 0 && beat !== null) {
      clearInterval(beat);
      beat = null;
    }
  };

  const send = (reader: Reader, text: string): void => {
    const { response } = reader;
    if (response.writableLength === 0) reader.greetingBytes = 0;
    if (response.writableLength > maxWaitingBytes + reader.greetingBytes) {
      log.debug({ event: 'dashboard.readerDropped' }, 'a page was too slow; it comes back by itself');
      response.destroy();
      remove(reader);
    } else response.write(text);
  };

  const publish = (topic: StreamTopic, news: unknown): void => {
    lastId += 1;
    const message: StreamMessage = { id: lastId, topic, text: frame(feeds[topic].newsEvent, news, lastId) };
    replay.keep(message);
    for (const reader of [...readers]) if (reader.topics.has(topic)) send(reader, message.text);
  };

  /** An error of a source or of its data stays here. */
  const guarded = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      log.warn({ event: 'dashboard.failed', failure: String(error) }, 'a message to the page was left out');
    }
  };

  const follow = (topic: StreamTopic): Following => {
    const known = following.get(topic);
    if (known !== undefined) {
      if (known.ending !== null) clearTimeout(known.ending);
      known.ending = null;
      return known;
    }
    const stop = feeds[topic].subscribe((news) => guarded(() => publish(topic, news)));
    const made: Following = {
      stop,
      since: lastId,
      isHeard: () => [...readers].some((reader) => reader.topics.has(topic)),
      ending: null,
    };
    following.set(topic, made);
    return made;
  };

  /** Stops following a topic that nobody reads, a little later. */
  const settle = (topic: StreamTopic): void => {
    const known = following.get(topic);
    if (known === undefined || known.isHeard() || known.ending !== null) return;
    known.ending = setTimeout(() => {
      guarded(known.stop);
      following.delete(topic);
      replay.drop(topic);
    }, options.lingerMs ?? lingerMs);
    known.ending.unref();
  };

  /** What this reader has missed of a topic, or everything as it is now. */
  const greeting = (topic: StreamTopic, from: number | null, since: number): readonly string[] => {
    const missed = from === null || from < since || from > lastId ? null : replay.after(from, topic);
    if (missed !== null) return missed.map(({ text }) => text);
    return [frame(feeds[topic].helloEvent, feeds[topic].hello(), lastId)];
  };

  const greet = (reader: Reader, from: number | null): void => {
    for (const topic of reader.topics) {
      guarded(() => {
        const isNew = !following.has(topic);
        const { since } = follow(topic);
        for (const text of greeting(topic, isNew ? null : from, since)) {
          reader.greetingBytes += Buffer.byteLength(text);
          reader.response.write(text);
        }
      });
    }
  };

  const beatText = (): string => frame('beat', { at: Date.now() }, null);
  const restart = (topic: StreamTopic): void => {
    const known = following.get(topic);
    if (known === undefined) return;
    if (known.ending !== null) clearTimeout(known.ending);
    guarded(known.stop);
    following.delete(topic);
    replay.drop(topic);
    // Nobody may go on from before it.
    lastId += 1;
    const heard = [...readers].filter((reader) => reader.topics.has(topic));
    if (heard.length === 0) return;
    guarded(() => {
      follow(topic);
      const text = frame(feeds[topic].helloEvent, feeds[topic].hello(), lastId);
      for (const reader of heard) send(reader, text);
    });
  };

  const sendBeat = (): void => {
    const text = beatText();
    for (const reader of [...readers]) send(reader, text);
  };

  return {
    restart,
    isFull: () => readers.size >= maxReaders,
    count: () => readers.size,
    isFollowing: (topic) => following.has(topic),
    add: ({ topics, lastId: from, response }) => {
      const reader: Reader = { topics: new Set(topics), response, greetingBytes: 0 };
      response.on('close', () => remove(reader));
      response.on('error', () => remove(reader));
      // What happens while it is greeted is part of its greeting.
      greet(reader, from);
      readers.add(reader);
      send(reader, beatText());
      beat ??= setInterval(sendBeat, beatMs).unref();
    },
    close: () => {
      for (const { response } of [...readers]) response.end();
      readers.clear();
      if (beat !== null) clearInterval(beat);
      for (const { stop, ending } of following.values()) {
        if (ending !== null) clearTimeout(ending);
        guarded(stop);
      }
      following.clear();
    },
  };
};
