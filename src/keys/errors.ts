import * as Data from 'effect/Data';

/** Why a key, an address or a secret was refused. Never contains any part of a secret. */
export type KeyFailure = {
  readonly _tag: 'InvalidAddress' | 'InvalidSecret';
  readonly message: string;
};

/**
 * What is wrong with a wallet folder or one of its keyfiles.
 *
 * - `NoPassword`: it is encrypted and nothing gives its password; `WrongPassword`: what was given does not open it.
 * - `NoMemory`: decryption needs more memory than the process may have.
 * - `Exists`: a file that would have to be overwritten.
 */
export type WalletReason =
  | 'NotFound'
  | 'Unreadable'
  | 'Unwritable'
  | 'TooLarge'
  | 'NoPassword'
  | 'WrongPassword'
  | 'NoMemory'
  | 'Malformed'
  | 'PublicOnly'
  | 'Mismatch'
  | 'Exists';

/** A key could not be loaded or written; `message` says which file and what to do next, without its content. */
export class WalletError extends Data.TaggedError('WalletError')<{
  readonly reason: WalletReason;
  readonly file: string;
  readonly message: string;
}> {}

/** Whether the operator must give another password, and nothing else is wrong. */
export const isPasswordProblem = ({ reason }: WalletError): boolean =>
  reason === 'NoPassword' || reason === 'WrongPassword';
