import * as Deferred from 'effect/Deferred';
import * as Effect from 'effect/Effect';
import * as Result from 'effect/Result';
import * as Schema from 'effect/Schema';
import type * as Scope from 'effect/Scope';

import { maskEndpoint, maskIn } from '../domain/endpoint.ts';
import { type ChainError, ChainMalformed, ChainUnreachable, RpcRefused } from './errors.ts';
import { earlyNotifications } from './quirks/earlyNotifications.ts';
import { openSocket, type Socket } from './webSocket.ts';

/** JSON-RPC 2.0 over one WebSocket. Never reconnects: who opened it decides what follows its loss. */
export interface Rpc {
  readonly endpoint: string;
  /** One call with the connection's deadline; a call that passes it fails as unreachable. */
  readonly call: (method: string, params: readonly unknown[]) => Effect.Effect<unknown, ChainError>;
  /** Delivers a subscription's results until the scope ends. */
  readonly subscribe: (options: {
    readonly method: string;
    readonly unsubscribe: string;
    readonly onResult: (result: unknown) => void;
  }) => Effect.Effect<void, ChainError, Scope.Scope>;
  /** Fails when the connection is lost; never succeeds. */
  readonly lost: Effect.Effect<never, ChainUnreachable>;
}

export type RpcOptions = {
  readonly endpoint: string;
  /** TCP, TLS and WebSocket handshake together. */
  readonly connectMs: number;
  /** From sending a request to its answer. */
  readonly callMs: number;
};

const Id = Schema.Union([Schema.String, Schema.Finite]);
const RpcErrorBody = Schema.Struct({
  code: Schema.Finite,
  message: Schema.String,
  data: Schema.optionalKey(Schema.Unknown),
});
/** Either an answer (`id`, `result` or `error`) or a notification (`params`). */
const Frame = Schema.Struct({
  id: Schema.optionalKey(Schema.NullOr(Schema.Finite)),
  result: Schema.optionalKey(Schema.Unknown),
  error: Schema.optionalKey(RpcErrorBody),
  params: Schema.optionalKey(Schema.Struct({ subscription: Id, result: Schema.optionalKey(Schema.Unknown) })),
});
const decodeFrame = Schema.decodeUnknownResult(Schema.fromJsonString(Frame));
const isId = Schema.is(Id);

/** More unanswered calls than this mean that the endpoint has stopped answering. */
const MAX_PENDING = 1_024;
/** Longest text taken over from a node's error. */
const MAX_ERROR_TEXT = 500;
const MAX_ERROR_FIELDS = 8;
/** Values in one frame. Whatever is long in the answers of a node is one hex text; a block has some thousand of them. */
const MAX_VALUES = 200_000;
const [COMMA, BRACKET, BRACE] = [0x2c, 0x5b, 0x7b];

type Answer = Effect.Effect<unknown, ChainError>;
type Pending = { readonly method: string; readonly resume: (answer: Answer) => void };

/** A node's own text; what is neither text nor a number may be nested deeper than any program can follow. */
const textOf = (data: unknown): string => {
  if (typeof data === 'string') return data.slice(0, MAX_ERROR_TEXT);
  if (typeof data !== 'object' || data === null)
    return data === undefined || data === null ? '' : String(data);
  return Object.entries(data)
    .slice(0, MAX_ERROR_FIELDS)
    .map(([name, value]) => `${name}: ${typeof value === 'object' ? '…' : String(value)}`)
    .join(', ')
    .slice(0, MAX_ERROR_TEXT);
};

/** Parsed values take up to forty times the memory of their text, so a long frame may not hold too many of them. */
const hasTooManyValues = (text: string): boolean => {
  if (text.length <= MAX_VALUES) return false;
  let values = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === COMMA || code === BRACKET || code === BRACE) values += 1;
  }
  return values > MAX_VALUES;
};

/** What is shared between the socket's callbacks and the calls; `endpoint` is the masked one, for messages. */
const makeRouter = (endpoint: string) => {
  const pending = new Map<number, Pending>();
  const listeners = new Map<string, (result: unknown) => void>();
  const early = earlyNotifications<unknown>();
  const lost = Deferred.makeUnsafe<never, ChainUnreachable>();

  const lose = (detail: string): void => {
    for (const [id, { method, resume }] of pending) {
      pending.delete(id);
      resume(Effect.fail(new ChainUnreachable({ endpoint, operation: method, detail })));
    }
    Deferred.doneUnsafe(
      lost,
      Effect.fail(new ChainUnreachable({ endpoint, operation: 'connection', detail })),
    );
  };
  const answer = (id: number, reply: (method: string) => Answer): void => {
    const call = pending.get(id);
    if (call === undefined) return;
    pending.delete(id);
    call.resume(reply(call.method));
  };
  /** Routes one text frame; gives what is wrong with one that cannot be. */
  const receive = (text: string): string | null => {
    if (hasTooManyValues(text)) return `sent a frame of more than ${MAX_VALUES} values`;
    const decoded = decodeFrame(text);
    if (Result.isFailure(decoded)) return 'sent a frame that is no JSON-RPC';
    const { id, error, params, result } = decoded.success;
    if (params !== undefined) {
      const subscription = String(params.subscription);
      const listener = listeners.get(subscription);
      if (listener === undefined) early.keep(subscription, params.result, text.length);
      else listener(params.result);
    } else if (typeof id === 'number') {
      answer(id, (method) =>
        error === undefined
          ? Effect.succeed(result)
          : Effect.fail(
              new RpcRefused({
                method,
                code: error.code,
                reason: error.message.slice(0, MAX_ERROR_TEXT),
                data: textOf(error.data),
              }),
            ),
      );
    }
    return null;
  };
  return { pending, listeners, early, lost, lose, receive };
};
type Router = ReturnType<typeof makeRouter>;

const connect = (options: RpcOptions, router: Router): Effect.Effect<Socket, ChainUnreachable> => {
  const { endpoint, connectMs } = options;
  const unreachable = (detail: string): ChainUnreachable =>
    new ChainUnreachable({
      endpoint: maskEndpoint(endpoint),
      operation: 'connect',
      detail: maskIn(detail, endpoint),
    });
  const opening = Effect.callback<Socket, ChainUnreachable>((resume) => {
    let opened: Socket | null = null;
    try {
      const cancel = openSocket({
        endpoint,
        onOpen: (socket) => {
          opened = socket;
          resume(Effect.succeed(socket));
        },
        onFailed: (detail) => resume(Effect.fail(unreachable(detail))),
        onLost: router.lose,
        onMessage: (text) => {
          const fault = router.receive(text);
          if (fault === null) return;
          router.lose(fault);
          opened?.close();
        },
      });
      return Effect.sync(cancel);
    } catch (cause) {
      resume(Effect.fail(unreachable(cause instanceof Error ? cause.message : String(cause))));
      return Effect.void;
    }
  });
  return Effect.timeoutOrElse(opening, {
    duration: connectMs,
    orElse: () => Effect.fail(unreachable(`no connection within ${connectMs} ms`)),
  });
};

/** Opens a JSON-RPC connection; the scope's end closes it and destroys its socket. */
export const openRpc = Effect.fn('chain.openRpc')(function* (options: RpcOptions) {
  const { endpoint, callMs } = options;
  const shown = maskEndpoint(endpoint);
  const router = makeRouter(shown);
  const closeWith = (socket: Socket) =>
    Effect.sync(() => {
      socket.close();
      router.lose('closed here');
    });
  const socket = yield* Effect.acquireRelease(connect(options, router), closeWith, { interruptible: true });
  let lastId = 0;

  const call: Rpc['call'] = (method, params) => {
    const unreachable = (detail: string) =>
      new ChainUnreachable({ endpoint: shown, operation: method, detail });
    const sending = Effect.callback<unknown, ChainError>((resume) => {
      if (router.pending.size >= MAX_PENDING) {
        resume(Effect.fail(unreachable(`${MAX_PENDING} calls are unanswered`)));
        return Effect.void;
      }
      lastId += 1;
      const id = lastId;
      router.pending.set(id, { method, resume });
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
      return Effect.sync(() => {
        router.pending.delete(id);
      });
    });
    return Effect.raceFirst(sending, Deferred.await(router.lost)).pipe(
      Effect.timeoutOrElse({
        duration: callMs,
        orElse: () => Effect.fail(unreachable(`no answer within ${callMs} ms`)),
      }),
    );
  };

  const subscribe: Rpc['subscribe'] = ({ method, unsubscribe, onResult }) => {
    const open = Effect.flatMap(call(method, []), (result) => {
      if (!isId(result))
        return Effect.fail(new ChainMalformed({ operation: method, detail: 'no subscription id' }));
      const id = String(result);
      router.listeners.set(id, onResult);
      for (const early of router.early.take(id)) onResult(early);
      return Effect.succeed(result);
    });
    const close = (id: string | number) =>
      Effect.sync(() => {
        router.listeners.delete(String(id));
        lastId += 1;
        socket.send(JSON.stringify({ jsonrpc: '2.0', id: lastId, method: unsubscribe, params: [id] }));
      });
    return Effect.asVoid(Effect.acquireRelease(open, close, { interruptible: true }));
  };

  return { endpoint, call, subscribe, lost: Deferred.await(router.lost) } satisfies Rpc;
});
