import * as Data from 'effect/Data';

/** Why a key, an address or a secret was refused. Never contains any part of a secret. */
export type KeyFailure = {
  readonly _tag: 'InvalidAddress' | 'InvalidSecret';
  readonly message: string;
};

/** What is wrong with a wallet folder or one of its keyfiles. */
export type WalletReason =
  | 'NotFound'
  | 'Unreadable'
  | 'TooLarge'
  | 'Encrypted'
  | 'Malformed'
  | 'PublicOnly'
  | 'Mismatch';

/** A hotkey could not be loaded; `message` says which file and what to do next, without its content. */
export class WalletError extends Data.TaggedError('WalletError')<{
  readonly reason: WalletReason;
  readonly file: string;
  readonly message: string;
}> {}
