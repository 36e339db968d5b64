import * as Data from 'effect/Data';

import type { LinkFailure } from '../domain/failures.ts';
import type { RefusalReason } from './refusals.ts';

/** Nothing answers at the address, or what answers is no link of ours. */
export class PeerUnreachable extends Data.TaggedError('PeerUnreachable')<{
  readonly host: string;
  readonly port: number;
  readonly message: string;
  readonly cause?: unknown;
}> {}

/** The handshake ended here: the peer's proof, network, clock or timing was not acceptable. */
export class HandshakeRejected extends Data.TaggedError('HandshakeRejected')<{
  readonly reason: RefusalReason;
  readonly message: string;
}> {}

/** The peer ended the handshake. `reason` is its own word, unauthenticated: good for a log, not for a decision. */
export class RefusedByPeer extends Data.TaggedError('RefusedByPeer')<{
  readonly reason: RefusalReason | 'Unknown';
  readonly closeCode: number;
  /** Its wall clock, Unix ms, where it refused ours. */
  readonly clockMs: number | null;
  readonly message: string;
}> {}

/** The link broke while it was being set up. */
export class LinkBroken extends Data.TaggedError('LinkBroken')<{ readonly failure: LinkFailure }> {
  override get message(): string {
    return this.failure.message;
  }
}

/** The port cannot be listened on. */
export class ListenFailed extends Data.TaggedError('ListenFailed')<{
  readonly host: string;
  readonly port: number;
  readonly message: string;
  readonly cause?: unknown;
}> {}

/** The settings of a link cannot work; a fault of the caller, named before any socket is opened. */
export class InvalidLinkSettings extends Data.TaggedError('InvalidLinkSettings')<{
  readonly setting: string;
  readonly message: string;
}> {}

export type LinkError =
  | PeerUnreachable
  | HandshakeRejected
  | RefusedByPeer
  | LinkBroken
  | ListenFailed
  | InvalidLinkSettings;

/** What a machine may know of a link error: plain data without causes or stacks. */
export const toLinkFailure = (error: LinkError): LinkFailure => {
  switch (error._tag) {
    case 'PeerUnreachable':
    case 'ListenFailed':
      return { _tag: 'Unreachable', message: error.message };
    case 'HandshakeRejected':
      return { _tag: error.reason === 'Internal' ? 'Defect' : 'HandshakeFailed', message: error.message };
    case 'InvalidLinkSettings':
      return { _tag: 'HandshakeFailed', message: error.message };
    case 'RefusedByPeer':
      return { _tag: 'Refused', message: error.message };
    case 'LinkBroken':
      return error.failure;
  }
};
