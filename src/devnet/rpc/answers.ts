/** From the text of a request, or of a batch of them, to the text's answer. */
import type { CallFault } from '../faults.ts';
import type { Client } from './client.ts';
import type { Methods, NodeContext } from './methods.ts';
import {
  INTERNAL_ERROR,
  INVALID_REQUEST,
  METHOD_NOT_FOUND,
  OVERSIZED_BATCH,
  PARSE_ERROR,
  type RpcError,
  RpcFailure,
  type RpcId,
  readRequest,
} from './protocol.ts';

const MAX_BATCH_REQUESTS = 500;

type Reply = { readonly jsonrpc: '2.0'; readonly id: RpcId } & (
  | { readonly result: unknown }
  | { readonly error: RpcError }
);
/** An answer that is made when its delay is over. */
export type PlannedAnswer = {
  readonly delayMs: number;
  /** Makes the answer; what it caused starts with `flush`, after it was sent. */
  run(): { readonly message: unknown; flush(): void };
};

const failed = (id: RpcId, error: RpcError): Reply => ({ jsonrpc: '2.0', id, error });
const atOnce = (message: unknown): PlannedAnswer => ({
  delayMs: 0,
  run: () => ({ message, flush: () => undefined }),
});

export type Answering = {
  readonly node: NodeContext;
  readonly methods: Methods;
  readonly client: Client;
};

const planOne = ({ node, methods, client }: Answering, value: unknown): PlannedAnswer => {
  const request = readRequest(value);
  if (request === undefined)
    return atOnce(failed(null, { code: INVALID_REQUEST, message: 'Invalid request' }));
  const { id, method, params } = request;
  const handle = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (handle === undefined)
    return atOnce(failed(id, { code: METHOD_NOT_FOUND, message: 'Method not found' }));
  const fault: CallFault = node.faults.onCall(method);
  const run: PlannedAnswer['run'] = () => {
    const { connection, flush } = client.request();
    try {
      if (fault.error !== undefined) return { message: failed(id, fault.error), flush };
      return { message: { jsonrpc: '2.0', id, result: handle(node, params, connection) }, flush };
    } catch (error) {
      const shown =
        error instanceof RpcFailure
          ? error.error
          : { code: INTERNAL_ERROR, message: 'Internal error', data: String(error) };
      return { message: failed(id, shown), flush: () => undefined };
    }
  };
  return { delayMs: fault.delayMs, run };
};

/** What is to be answered to a text. A batch's answer comes whole, when its slowest part is due. */
export const planAnswer = (answering: Answering, text: string): PlannedAnswer => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return atOnce(failed(null, { code: PARSE_ERROR, message: 'Parse error' }));
  }
  if (!Array.isArray(value)) return planOne(answering, value);
  if (value.length > MAX_BATCH_REQUESTS)
    return atOnce(
      failed(null, {
        code: OVERSIZED_BATCH,
        message: 'The batch request was too large',
        data: `Exceeded max limit of ${MAX_BATCH_REQUESTS}`,
      }),
    );
  if (value.length === 0) return atOnce(failed(null, { code: INVALID_REQUEST, message: 'Invalid request' }));
  const planned = value.map((request) => planOne(answering, request));
  return {
    delayMs: Math.max(...planned.map(({ delayMs }) => delayMs)),
    run: () => {
      const answers = planned.map(({ run }) => run());
      return {
        message: answers.map(({ message }) => message),
        flush: () => {
          for (const { flush } of answers) flush();
        },
      };
    },
  };
};
