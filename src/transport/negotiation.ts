import * as Deferred from 'effect/Deferred';
import * as Effect from 'effect/Effect';

import type { PeerConnection } from './connection.ts';
import { HandshakeRejected, LinkBroken, type LinkError, RefusedByPeer } from './errors.ts';
import type { FrameSocket } from './frameSocket.ts';
import type { Established, Initiator, Responder } from './handshake.ts';
import type { LinkLimits } from './limits.ts';
import { closedHere, type LinkEnd } from './linkEnd.ts';
import type { Role } from './protocol.ts';
import { type RefusalReason, type Rejection, refusalCodes, refusalReasonOf } from './refusals.ts';
import { type Session, startSession } from './session.ts';

/** A handshake on its way over one socket. It settles once, and ends the socket when it settles with an error. */
export interface Negotiation {
  readonly outcome: Effect.Effect<PeerConnection, LinkError>;
  /** Ends it with a refusal the peer sees as a code; nothing happens once it is settled. */
  refuse(rejection: Rejection): void;
  /** Runs the dialing side. */
  dial(initiator: Initiator): void;
  /** Runs the listening side; a first message that is already here is answered at once. */
  respond(responder: Responder): void;
  /** Closes whatever there is by now and waits for the operating system's socket. Never fails. */
  readonly release: Effect.Effect<void>;
}

type Settings = {
  readonly socket: FrameSocket;
  readonly role: Role;
  readonly limits: LinkLimits;
  /** Time left for the whole handshake. */
  readonly deadlineMs: number;
  readonly onRefused?: (reason: RefusalReason) => void;
  readonly onEstablished?: () => void;
};

/** Prepares the handshake of a socket and starts its deadline; a frame that comes early is kept, a second one is not. */
export const negotiate = (settings: Settings): Negotiation => {
  const { socket } = settings;
  const outcome = Deferred.makeUnsafe<PeerConnection, LinkError>();
  let session: Session | null = null;
  let isSettled = false;
  let early: Buffer | null = null;

  const settle = (result: Effect.Effect<PeerConnection, LinkError>): void => {
    isSettled = true;
    clearTimeout(timer);
    Deferred.doneUnsafe(outcome, result);
  };
  const refuse = ({ reason, message }: Rejection): void => {
    if (isSettled) return;
    settings.onRefused?.(reason);
    // Settling resumes whoever waits, who may close the socket: the code must be on its way before.
    isSettled = true;
    const failure = { _tag: 'HandshakeFailed', message } as const;
    socket.end({ cause: 'Refused', failure, closeCode: refusalCodes[reason] });
    settle(Effect.fail(new HandshakeRejected({ reason, message })));
  };
  const begin = (established: Established): Session => {
    session = startSession({ socket, established, role: settings.role, limits: settings.limits });
    return session;
  };
  const finish = (ready: Session): void => {
    if (isSettled) return;
    settings.onEstablished?.();
    settle(Effect.succeed(ready));
  };
  const timer = setTimeout(() => {
    refuse({ reason: 'TooLate', message: `the handshake took longer than its ${settings.deadlineMs} ms` });
  }, settings.deadlineMs);
  socket.onEnd((end) => {
    if (!isSettled) settle(Effect.fail(errorOf(end)));
  });
  socket.receive((frame) => {
    if (early === null) early = frame;
    else refuse({ reason: 'Malformed', message: 'a second message came before the first was answered' });
  });
  const drive = (onFrame: (frame: Buffer) => void): void => {
    socket.receive(onFrame);
    if (early !== null) onFrame(early);
  };
  const flushed = (): void => undefined;

  return {
    outcome: Deferred.await(outcome),
    refuse,
    dial(initiator) {
      drive((frame) => {
        const result = initiator.conclude(frame);
        if (!result.ok) return refuse(result.error);
        socket.send(Buffer.from(result.value.message3), flushed);
        const ready = begin(result.value);
        // Our proof may still be refused; the first sealed message shows that it was not.
        return ready.onProven(() => finish(ready));
      });
      socket.send(Buffer.from(initiator.begin()), flushed);
    },
    respond(responder) {
      let isAnswered = false;
      drive((frame) => {
        if (isAnswered) {
          const result = responder.conclude(frame);
          return result.ok ? finish(begin(result.value)) : refuse(result.error);
        }
        isAnswered = true;
        const result = responder.answer(frame);
        return result.ok ? socket.send(Buffer.from(result.value), flushed) : refuse(result.error);
      });
    },
    release: Effect.promise(() => {
      refuse({ reason: 'Unaccepted', message: 'nobody waits for this handshake any more' });
      if (session === null) socket.end(closedHere('the link was released'));
      else session.close('released');
      return socket.gone;
    }),
  };
};

/** Why no link came to be, from the way its socket ended. */
const errorOf = (end: LinkEnd): LinkError => {
  const reason = end.cause === 'Refused' ? refusalReasonOf(end.closeCode) : null;
  if (reason === null) return new LinkBroken({ failure: end.failure });
  return new RefusedByPeer({ reason, closeCode: end.closeCode, message: end.failure.message });
};
