import { type RawData, WebSocket, WebSocketServer } from 'ws';

import { within } from './systemProcess.ts';

/** What happens to one submission at the gate. A gate that was shut meanwhile passes nothing on any more. */
export type Strike = {
  /** The request has arrived; when this is done it is passed on to the node. */
  readonly beforePassing?: () => void | Promise<void>;
  /** The node has answered; when this is done the answer is passed on. */
  readonly beforeAnswering?: () => void | Promise<void>;
};

export type StrikeOptions = {
  readonly limitMs: number;
  /** Last words of who should have sent something, for the message of a failure. */
  readonly tail: () => string;
};

/** An endpoint of a chain whose end a test decides to the message. */
export type Gate = {
  readonly url: string;
  /** Strikes the next `author_submitExtrinsic`; resolves when it was struck. */
  readonly strikeNext: (strike: Strike, options: StrikeOptions) => Promise<void>;
  /** Ends every connection at once and refuses new ones. */
  readonly shut: () => void;
};

type Request = { readonly id?: unknown; readonly method?: unknown };

/** Text of one frame; the node and its clients send nothing else. */
const textOf = (data: RawData): string => data.toString();
const parse = (text: string): Request => Object(JSON.parse(text));

type Armed = {
  readonly strike: Strike;
  readonly struck: () => void;
  readonly failed: (reason: unknown) => void;
};

/** A WebSocket proxy on loopback in front of the node at `target`. */
export const openGate = async (target: string): Promise<Gate> => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await new Promise<void>((resolve) => server.once('listening', resolve));
  let armed: Armed | null = null;
  let isShut = false;
  const shut = (): void => {
    isShut = true;
    for (const client of server.clients) client.terminate();
    server.close();
  };

  server.on('connection', (client) => {
    const node = new WebSocket(target);
    const opened = new Promise<void>((resolve) => node.once('open', resolve));
    /** Answers to be struck, by the id of their request. */
    const awaited = new Map<unknown, Armed>();
    const pass = async (text: string): Promise<void> => {
      const request = parse(text);
      const hit = request.method === 'author_submitExtrinsic' ? armed : null;
      if (hit !== null) {
        armed = null;
        awaited.set(request.id, hit);
        await Promise.resolve(hit.strike.beforePassing?.()).catch(hit.failed);
        if (isShut || hit.strike.beforeAnswering === undefined) hit.struck();
      }
      if (!isShut) node.send(text);
    };
    const answer = async (text: string): Promise<void> => {
      const hit = awaited.get(parse(text).id);
      if (hit !== undefined) {
        await Promise.resolve(hit.strike.beforeAnswering?.()).catch(hit.failed);
        hit.struck();
      }
      if (client.readyState === WebSocket.OPEN) client.send(text);
    };
    // In order, also while one of them waits.
    let passing: Promise<void> = opened;
    client.on('message', (data) => {
      passing = passing.then(() => pass(textOf(data)));
    });
    node.on('message', (data) => void answer(textOf(data)));
    // What is under way to the node arrives, even if its sender dies now.
    client.on('close', () => void passing.finally(() => node.close()));
    client.on('error', () => client.terminate());
    node.on('close', () => client.terminate());
    node.on('error', () => client.terminate());
  });

  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the gate is not listening');
  return {
    url: `ws://127.0.0.1:${address.port}`,
    shut,
    strikeNext: (strike, { limitMs, tail }) =>
      within(
        new Promise<void>((struck, failed) => {
          armed = { strike, struck, failed };
        }),
        limitMs,
        () => `a submission at the gate${tail()}`,
      ),
  };
};
