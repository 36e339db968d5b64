import { u8aUnwrapBytes, u8aWrapBytes } from '@polkadot/util';

import { verifySignature } from './sr25519.ts';

/**
 * Signing of messages by people, as btwallet and polkadot-js do it. A message between `<Bytes>` and `</Bytes>` can
 * never be a transaction, whoever chose it.
 */

/** `<Bytes>…</Bytes>` around the message, unless it has them. */
export const wrapMessage = (message: Uint8Array): Uint8Array => u8aWrapBytes(message);

/** Whether the signature fits the message as it is, or with `<Bytes>` around it or without. */
export const verifyMessage = (input: {
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly publicKey: Uint8Array;
}): boolean =>
  [input.message, u8aWrapBytes(input.message), u8aUnwrapBytes(input.message)].some((message) =>
    verifySignature({ ...input, message }),
  );
