import * as Effect from 'effect/Effect';

import type { BlockNumber, Hotkey, Uid } from '../domain/ids.ts';
import type { Identity } from '../keys/identity.ts';
import type { ChainConnection } from './client.ts';
import { submitAndConfirm } from './confirm.ts';
import { SubmitUnconfirmed } from './errors.ts';
import type { PreparedExtrinsic } from './extrinsics.ts';

/** Blocks in which a registration can be included: a price given up for later should not be paid after all. */
const LIFETIME_BLOCKS = 32;

export type Registered = {
  readonly uid: Uid;
  /** Finalized block that contains the registration. */
  readonly block: BlockNumber;
  readonly extrinsicHash: string;
  /** What the price was when it was signed, rao. */
  readonly priceRao: bigint;
  readonly immunityPeriodBlocks: number;
};

/**
 * Registers a hotkey on the connection's subnet and waits for the finalized block that did it. Burns TAO of the
 * coldkey: at most `maxPriceRao`, and a fee.
 *
 * Nothing is sent when the chain would refuse it. `HotKeyAlreadyRegisteredInSubNet` and a price above the limit come
 * as `SubmitRefused` with that check. After `SubmitUnconfirmed` it is safe to call it again: a hotkey is registered at
 * most once.
 *
 * @param onSigned told what is sent, right before that: from then on TAO may be burned
 * @param silenceMs how long no block may be finalized before the wait ends; two minutes when not given
 * @param onBlock told each finalized block that does not have it yet, and the one that has
 */
export const registerHotkey = Effect.fn('chain.registerHotkey')(function* (options: {
  readonly connection: ChainConnection;
  readonly coldkey: Identity;
  readonly hotkey: Hotkey;
  readonly maxPriceRao: bigint;
  readonly onSigned?: (prepared: PreparedExtrinsic) => void;
  readonly silenceMs?: number;
  readonly onBlock?: (block: BlockNumber) => void;
}) {
  const { connection, coldkey, hotkey, maxPriceRao } = options;
  const head = yield* connection.finalizedHead();
  const { prepared, terms } = yield* connection.prepareRegistration({
    identity: coldkey,
    hotkey,
    maxPriceRao,
    head,
    periodBlocks: LIFETIME_BLOCKS,
  });
  const { silenceMs, onBlock } = options;
  options.onSigned?.(prepared);
  const included = yield* submitAndConfirm({
    connection,
    prepared,
    ...(silenceMs === undefined ? {} : { silenceMs }),
    ...(onBlock === undefined ? {} : { onBlock }),
  });
  const inBlock = `the registration ${prepared.hash} is in block ${included.block}`;
  const { uid } = yield* connection
    .readRegistration({ head: included, hotkey, coldkey: coldkey.hotkey })
    .pipe(
      Effect.mapError(
        ({ message }) =>
          new SubmitUnconfirmed({ message: `${inBlock}, but the uid cannot be read: ${message}` }),
      ),
    );
  if (uid === null) {
    return yield* new SubmitUnconfirmed({ message: `${inBlock}, but the hotkey has no uid there` });
  }
  return {
    uid,
    block: included.block,
    extrinsicHash: prepared.hash,
    priceRao: terms.priceRao,
    immunityPeriodBlocks: terms.immunityPeriodBlocks,
  } satisfies Registered;
});
