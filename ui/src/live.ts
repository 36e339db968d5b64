import { useEffect, useLayoutEffect, useReducer } from 'preact/hooks';

import type { StreamTopic, ViewHello, ViewPatch } from '../../src/domain/view/stream.ts';
import { afterHello, afterPatch, changedNames, emptyState, type LiveState, staleSince } from './liveStore.ts';

type Listener = () => void;
type MessageListener = (data: unknown) => void;

/** Pause before a stream that the browser gave up (an answer other than 200) is asked for again. */
const reopenMs = 2_000;
const messageTypes = ['inspection.hello', 'inspection.entries', 'logs.hello', 'logs.lines'] as const;
export type MessageType = (typeof messageTypes)[number];

const emptyRows: ReadonlyMap<string, never> = new Map<string, never>();
const listeners = new Map<string, Set<Listener>>();
const messageListeners = new Map<string, Set<MessageListener>>();
const topicUsers = new Map<StreamTopic, number>();

let state: LiveState = emptyState;
let painted: LiveState = emptyState;
let isPaintRequested = false;
let source: EventSource | null = null;
let openTopics = '';
let isOpeningSoon = false;
let lastSignAt = Date.now();
let isDown = false;
/** The daemon does not know this browser (any more): its cookie ends with the daemon. */
let isRefused = false;
let shownStaleSince: number | null = null;
/** Clock of the daemon less that of this machine; a page may be far from its daemon. */
let clockOffsetMs = 0;
let version: string | null = null;

const tell = (name: string): void => {
  for (const listener of listeners.get(name) ?? []) listener();
};

/** Tells components what has changed since the last frame, once per frame. */
const paint = (): void => {
  isPaintRequested = false;
  const changed = changedNames(painted, state);
  painted = state;
  for (const name of changed) tell(name);
};

const requestPaint = (): void => {
  if (isPaintRequested) return;
  isPaintRequested = true;
  requestAnimationFrame(paint);
};

const checkStale = (): void => {
  const since = staleSince({ lastSignAt, isDown, now: Date.now() });
  if (since === shownStaleSince) return;
  shownStaleSince = since;
  tell('stale');
};

const signOfLife = (): void => {
  lastSignAt = Date.now();
  isDown = false;
  setRefused(false);
  checkStale();
};

/** A daemon of another version brings another page with it. */
const reloadWhenUpgraded = (hello: ViewHello): void => {
  const about = hello.slices['about'];
  if (typeof about !== 'object' || about === null || !('version' in about)) return;
  const found = String(about.version);
  if (version !== null && version !== found) location.reload();
  version = found;
};

const onHello = (hello: ViewHello): void => {
  reloadWhenUpgraded(hello);
  state = afterHello(hello);
  requestPaint();
};

const onPatch = (patch: ViewPatch): void => {
  state = afterPatch(state, patch);
  requestPaint();
};

const onBeat = (beat: { readonly at: number }): void => {
  const offset = beat.at - Date.now();
  // Below a second it is the way here, not the clock.
  clockOffsetMs = Math.abs(offset) < 1_000 ? 0 : offset;
};

const deliver = (type: string, data: unknown): void => {
  for (const listener of messageListeners.get(type) ?? []) listener(data);
};

const listen = (stream: EventSource, type: string, take: (data: never) => void): void => {
  stream.addEventListener(type, (message: MessageEvent<string>) => {
    if (stream !== source) return;
    signOfLife();
    take(JSON.parse(message.data) as never);
  });
};

const setRefused = (refused: boolean): void => {
  if (isRefused === refused) return;
  isRefused = refused;
  tell('refused');
};

/** A stream does not say with which status it was refused; a plain question does. */
const askWhetherRefused = async (): Promise<void> => {
  const answer = await fetch('/api/config', { method: 'HEAD' }).catch(() => null);
  if (isDown) setRefused(answer?.status === 401);
};

const onError = (stream: EventSource): void => {
  if (stream !== source) return;
  isDown = true;
  checkStale();
  if (stream.readyState !== EventSource.CLOSED) return;
  void askWhetherRefused();
  openTopics = '';
  setTimeout(requestOpen, reopenMs);
};

const open = (): void => {
  isOpeningSoon = false;
  const topics = [...topicUsers.keys()].sort().join(',');
  if (topics === openTopics) return;
  source?.close();
  openTopics = topics;
  source = topics === '' ? null : new EventSource(`/api/stream?topics=${topics}`);
  if (source === null) return;
  const stream = source;
  stream.addEventListener('open', signOfLife);
  stream.addEventListener('error', () => onError(stream));
  listen(stream, 'view.hello', onHello);
  listen(stream, 'view.patch', onPatch);
  listen(stream, 'beat', onBeat);
  for (const type of messageTypes) listen(stream, type, (data) => deliver(type, data));
};

/** Deferred, so that a change of the screen, which lets topics go and asks for others, opens one stream. */
const requestOpen = (): void => {
  if (isOpeningSoon) return;
  isOpeningSoon = true;
  setTimeout(open, 0);
};

const count = (topic: StreamTopic, by: 1 | -1): void => {
  const users = (topicUsers.get(topic) ?? 0) + by;
  if (users > 0) topicUsers.set(topic, users);
  else topicUsers.delete(topic);
};

const subscribe = (name: string, listener: Listener): (() => void) => {
  const set = listeners.get(name) ?? new Set();
  listeners.set(name, set.add(listener));
  return () => set.delete(listener);
};

const useLive = <T>(name: string, read: () => T): T => {
  const [, redraw] = useReducer((drawn: number, _: null) => drawn + 1, 0);
  const value = read();
  useLayoutEffect(() => {
    // What came between the drawing and now has told nobody here.
    if (read() !== value) redraw(null);
    return subscribe(name, () => redraw(null));
  }, [name]);
  return value;
};

/** The newest value of a slice; undefined until the daemon has sent it. */
export const useSlice = <T>(name: string): T | undefined =>
  useLive(`slices/${name}`, () => painted.slices.get(name) as T | undefined);

/** The rows of a set by their keys; empty until the daemon has sent them. */
export const useRows = <T>(name: string): ReadonlyMap<string, T> =>
  useLive(`rows/${name}`, () => (painted.rows.get(name) ?? emptyRows) as ReadonlyMap<string, T>);

/** When the daemon was last heard of, in milliseconds of this machine's clock; null while the stream is well. */
export const useStaleSince = (): number | null => useLive('stale', () => shownStaleSince);

/** Whether the daemon wants a login before it says anything. */
export const useRefused = (): boolean => useLive('refused', () => isRefused);

/**
 * Keeps topics in the page's one stream while the component lives. A topic that is new to the stream opens it again,
 * so its `hello` reaches every listener that the same component sets up in an effect.
 */
export const useTopics = (topics: readonly StreamTopic[]): void => {
  const key = topics.join(',');
  useEffect(() => {
    for (const topic of topics) count(topic, 1);
    requestOpen();
    return () => {
      for (const topic of topics) count(topic, -1);
      requestOpen();
    };
  }, [key]);
};

/** Hears messages that are no slices, at once and in order; returns the way to stop it. */
export const onMessage = (type: MessageType, take: (data: never) => void): (() => void) => {
  const set = messageListeners.get(type) ?? new Set();
  const listener: MessageListener = (data) => take(data as never);
  messageListeners.set(type, set.add(listener));
  return () => set.delete(listener);
};

/** Milliseconds since the Unix epoch by the daemon's clock. */
export const daemonNow = (): number => Date.now() + clockOffsetMs;

setInterval(checkStale, 1_000);
