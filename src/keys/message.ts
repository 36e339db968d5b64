import { u8aUnwrapBytes, u8aWrapBytes } from '@polkadot/util';

import { verifySignature } from './sr25519.ts';

/**
 * Signing of messages by people, as btwallet and polkadot-js do it. A message between `<Bytes>` and `</Bytes>` can
 * never be a transaction, whoever chose it.
 */

/** `<Bytes>…</Bytes>` around the message, unless it has them. */
export const wrapMessage = (message: Uint8Array): Uint8Array => u8aWrapBytes(message);

const decoder = new TextDecoder('utf-8', { fatal: true });
/** What the chain has signed in place of a transaction of more than 256 bytes: its Blake2b hash. */
const HASH_BYTES = 32;
/** Somebody who looks for a transaction with such a hash has to try 2^64 of them; among all texts, 2^46 suffice. */
const UNLIKELY_HASH = /^[\w-]*$/;

/**
 * Whether a message is text that can be signed as it is, the way btcli does. Everything else may be a transaction that
 * somebody wants signed: bytes that are no text (each transaction names the genesis block by its hash), and text of
 * exactly the length of a hash.
 */
export const isPlainText = (message: Uint8Array): boolean => {
  try {
    const text = decoder.decode(message);
    return !/[^\P{Cc}\t\r\n]/u.test(text) && (message.length !== HASH_BYTES || UNLIKELY_HASH.test(text));
  } catch {
    return false;
  }
};

/** Whether the signature fits the message as it is, or with `<Bytes>` around it or without. */
export const verifyMessage = (input: {
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly publicKey: Uint8Array;
}): boolean =>
  [input.message, u8aWrapBytes(input.message), u8aUnwrapBytes(input.message)].some((message) =>
    verifySignature({ ...input, message }),
  );
