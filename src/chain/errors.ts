import * as Data from 'effect/Data';
import * as Effect from 'effect/Effect';

import type { ChainFailure, Retry, SubmitFailure } from '../domain/failures.ts';
import type { Outcome } from '../domain/outcome.ts';

/** The endpoint refused, closed or did not answer within the deadline of one operation. */
export class ChainUnreachable extends Data.TaggedError('ChainUnreachable')<{
  /** Masked: messages end up in logs and snapshots. */
  readonly endpoint: string;
  readonly operation: string;
  readonly detail: string;
}> {
  override get message(): string {
    return `${this.operation} at ${this.endpoint}: ${this.detail}`;
  }
}

/** The runtime or the node lacks something this client needs. */
export class ChainUnsupported extends Data.TaggedError('ChainUnsupported')<{
  readonly message: string;
}> {}

/** An answer does not decode, or contradicts itself. */
export class ChainMalformed extends Data.TaggedError('ChainMalformed')<{
  readonly operation: string;
  readonly detail: string;
}> {
  override get message(): string {
    return `${this.operation}: ${this.detail}`;
  }
}

/** The node answered a request with a JSON-RPC error. */
export class RpcRefused extends Data.TaggedError('RpcRefused')<{
  readonly method: string;
  readonly code: number;
  readonly reason: string;
  /** The error's `data` as text, empty when absent. */
  readonly data: string;
}> {
  override get message(): string {
    const data = this.data === '' ? '' : `: ${this.data}`;
    return `${this.method} was refused with ${this.code} ${this.reason}${data}`;
  }
}

/** Pre-flight, the pool or the dispatch named the check that failed. */
export class SubmitRefused extends Data.TaggedError('SubmitRefused')<{
  readonly check: string;
  readonly message: string;
  readonly retry: Retry;
}> {}

/** The extrinsic's era passed without inclusion: it can never be included any more. */
export class SubmitNotIncluded extends Data.TaggedError('SubmitNotIncluded')<{
  readonly message: string;
}> {}

/** The bytes may or may not be on their way into a block: ask the chain before sending anything else. */
export class SubmitUnconfirmed extends Data.TaggedError('SubmitUnconfirmed')<{
  readonly message: string;
}> {}

export type ChainError = ChainUnreachable | ChainUnsupported | ChainMalformed | RpcRefused;
export type SubmitError = ChainError | SubmitRefused | SubmitNotIncluded | SubmitUnconfirmed;

/** JSON-RPC 2.0: the method does not exist or is disabled on this node. */
const METHOD_NOT_FOUND = -32_601;
/**
 * What a node says of a block it does not have yet, because it lags, or whose state it dropped: without archive it
 * keeps about 300 blocks (sc_client_api and sp_blockchain errors). Either passes: the next head, or another node.
 */
const UNKNOWN_BLOCK = /discarded|pruned|unknown ?block|header was not found/i;

const rpcFailure = (error: RpcRefused): ChainFailure => {
  const { message } = error;
  if (error.code === METHOD_NOT_FOUND) return { _tag: 'Unsupported', message, retry: { when: 'never' } };
  const isUnknown = UNKNOWN_BLOCK.test(`${error.reason} ${error.data}`);
  return { _tag: isUnknown ? 'UnknownBlock' : 'Malformed', message, retry: { when: 'nextBlock' } };
};

/** Plain, persistable form of what went wrong with a read. */
export const toChainFailure = (error: ChainError): ChainFailure => {
  switch (error._tag) {
    case 'ChainUnreachable':
      return { _tag: 'Unreachable', message: error.message, retry: { when: 'reconnected' } };
    case 'ChainUnsupported':
      return { _tag: 'Unsupported', message: error.message, retry: { when: 'never' } };
    case 'ChainMalformed':
      return { _tag: 'Malformed', message: error.message, retry: { when: 'nextBlock' } };
    case 'RpcRefused':
      return rpcFailure(error);
  }
};

/** Plain, persistable form of what went wrong with a submission. */
export const toSubmitFailure = (error: SubmitError): SubmitFailure => {
  switch (error._tag) {
    case 'SubmitRefused':
      return { _tag: 'Refused', check: error.check, message: error.message, retry: error.retry };
    case 'SubmitNotIncluded':
      return { _tag: 'NotIncluded', message: error.message, retry: { when: 'nextBlock' } };
    case 'SubmitUnconfirmed':
      return { _tag: 'Unconfirmed', message: error.message, retry: { when: 'nextBlock' } };
    default:
      return toChainFailure(error);
  }
};

/** Raises a plain refusal as a tagged error. */
export const orRefused = <A>(outcome: Outcome<A, SubmitFailure>): Effect.Effect<A, SubmitRefused> => {
  if (outcome.ok) return Effect.succeed(outcome.value);
  const { error } = outcome;
  const check = error._tag === 'Refused' ? error.check : error._tag;
  return Effect.fail(new SubmitRefused({ check, message: error.message, retry: error.retry }));
};
