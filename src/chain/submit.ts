import * as Effect from 'effect/Effect';

import type { Retry } from '../domain/failures.ts';
import { customCheck, retryOfCustom, withAdvice } from './checks.ts';
import {
  type ChainError,
  ChainMalformed,
  type RpcRefused,
  type SubmitError,
  SubmitNotIncluded,
  SubmitRefused,
  SubmitUnconfirmed,
} from './errors.ts';
import type { PreparedExtrinsic } from './extrinsics.ts';
import type { Rpc } from './rpc.ts';

/** Codes of `author_submitExtrinsic` (Substrate client/rpc-api author/error.rs). */
const POOL = {
  verification: 1_002,
  invalid: 1_010,
  unknownValidity: 1_011,
  temporarilyBanned: 1_012,
  alreadyImported: 1_013,
  tooLowPriority: 1_014,
  cycle: 1_015,
  immediatelyDropped: 1_016,
  unactionable: 1_018,
} as const;

const NEVER: Retry = { when: 'never' };
const NEXT_BLOCK: Retry = { when: 'nextBlock' };

const refused = (check: string, detail: string, retry: Retry): SubmitRefused =>
  new SubmitRefused({
    check,
    message: withAdvice(check, `the chain's pool refused the extrinsic: ${check} (${detail})`),
    retry,
  });
const unconfirmed = (detail: string): SubmitUnconfirmed =>
  new SubmitUnconfirmed({ message: `${detail}: look for it in the blocks since it was signed` });

/** Code 1010, told apart by its text (sp_runtime transaction_validity.rs). */
const invalidTransaction = (text: string): SubmitError => {
  const custom = /Custom error: (\d+)/i.exec(text)?.[1];
  if (custom !== undefined) {
    const code = Number(custom);
    return refused(customCheck(code), text, retryOfCustom(code));
  }
  // The nonce is used: by these very bytes, included already, or by another extrinsic of the account.
  if (/outdated|stale/i.test(text)) return unconfirmed('its nonce is used already');
  if (/ancient birth block/i.test(text)) {
    return new SubmitNotIncluded({ message: 'its era has passed; sign it again' });
  }
  if (/bad signature|BadProof/i.test(text)) {
    return refused(
      'BadProof',
      'its era has passed or the runtime changed since it was signed; sign again',
      NEXT_BLOCK,
    );
  }
  if (/in the future/i.test(text)) return refused('FutureNonce', text, NEXT_BLOCK);
  if (/exhaust/i.test(text)) return refused('ExhaustsResources', text, NEXT_BLOCK);
  if (/fees|balance too low/i.test(text)) return refused('Payment', text, NEVER);
  // A newer node may have reasons unknown here: nobody can say that they last.
  return refused('InvalidTransaction', text, NEXT_BLOCK);
};

/** What a JSON-RPC error of `author_submitExtrinsic` means; null: the pool has these bytes already. */
export const poolFailure = (error: RpcRefused): SubmitError | null => {
  const text = `${error.reason} ${error.data}`.trim();
  switch (error.code) {
    case POOL.alreadyImported:
      return null;
    case POOL.invalid:
      return invalidTransaction(text);
    case POOL.temporarilyBanned:
      // Included not long ago, or invalid not long ago: the pool does not tell which.
      return unconfirmed('the pool has seen these bytes before and bars them for now');
    case POOL.tooLowPriority:
      return refused(
        'PriorityTooLow',
        'another extrinsic of this account waits with the same nonce',
        NEXT_BLOCK,
      );
    case POOL.immediatelyDropped:
      return refused('PoolFull', text, NEXT_BLOCK);
    case POOL.unknownValidity:
    case POOL.cycle:
    case POOL.unactionable:
    case POOL.verification:
      return refused('NotValidated', text, NEXT_BLOCK);
    default:
      return error;
  }
};

/**
 * Sends a prepared extrinsic once, without waiting for inclusion. Sending the same bytes again is safe: the pool knows
 * them, or the nonce is used. When the answer is lost the bytes may still be on their way, hence `SubmitUnconfirmed`.
 */
export const submitPrepared = Effect.fn('chain.submitPrepared')(function* (options: {
  readonly rpc: Rpc;
  readonly prepared: PreparedExtrinsic;
}) {
  const { rpc, prepared } = options;
  const answer = yield* Effect.result(rpc.call('author_submitExtrinsic', [prepared.hex]));
  if (answer._tag === 'Success') {
    if (typeof answer.success === 'string') return 'sent' as const;
    return yield* unconfirmed('the node answered without the hash');
  }
  const error: ChainError = answer.failure;
  if (error._tag === 'ChainUnreachable') return yield* unconfirmed(error.message);
  if (error._tag !== 'RpcRefused')
    return yield* new ChainMalformed({ operation: 'submit', detail: error.message });
  const failure = poolFailure(error);
  if (failure === null) return 'alreadyKnown' as const;
  return yield* Effect.fail(failure);
});
