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
  /** Runs somebody else's code on behalf of this peer; what it throws ends this handshake and nothing more. */
  contain(run: () => void): void;
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
export const negotiate = (settings: Settings): Negotiation => new SocketNegotiation(settings);

const whenFlushed = (): void => undefined;

class SocketNegotiation implements Negotiation {
  readonly #settings: Settings;
  readonly #socket: FrameSocket;
  readonly #outcome = Deferred.makeUnsafe<PeerConnection, LinkError>();
  readonly #timer: NodeJS.Timeout;
  #session: Session | null = null;
  #isSettled = false;
  #early: Buffer | null = null;

  constructor(settings: Settings) {
    const { socket, deadlineMs } = settings;
    this.#settings = settings;
    this.#socket = socket;
    this.#timer = setTimeout(() => {
      this.refuse({ reason: 'TooLate', message: `the handshake took longer than its ${deadlineMs} ms` });
    }, deadlineMs);
    socket.onEnd((end) => {
      if (!this.#isSettled) this.#settle(Effect.fail(errorOf(end)));
    });
    socket.receive((frame) => {
      if (this.#early === null) this.#early = frame;
      else
        this.refuse({ reason: 'Malformed', message: 'a second message came before the first was answered' });
    });
  }

  get outcome(): Effect.Effect<PeerConnection, LinkError> {
    return Deferred.await(this.#outcome);
  }

  refuse({ reason, message, clockMs }: Rejection): void {
    if (this.#isSettled) return;
    this.#settings.onRefused?.(reason);
    // Settling resumes whoever waits, who may close the socket: the code must be on its way before.
    this.#isSettled = true;
    const failure = { _tag: 'HandshakeFailed', message } as const;
    const end = { cause: 'Refused', failure, closeCode: refusalCodes[reason] } as const;
    this.#socket.end(clockMs === undefined ? end : { ...end, clockMs });
    this.#settle(Effect.fail(new HandshakeRejected({ reason, message })));
  }

  dial(initiator: Initiator): void {
    const conclude = (frame: Buffer): void => {
      const result = initiator.conclude(frame);
      if (!result.ok) {
        this.refuse(result.error);
        return;
      }
      this.#socket.send(Buffer.from(result.value.message3), whenFlushed);
      const session = this.#begin(result.value, true);
      // Our proof may still be refused; the first sealed message shows that it was not.
      session.onProven(() => this.#finish(session));
    };
    this.#socket.receive((frame) => this.contain(() => conclude(frame)));
    this.#socket.send(Buffer.from(initiator.begin()), whenFlushed);
  }

  respond(responder: Responder): void {
    const conclude = (frame: Buffer): void => {
      const result = responder.conclude(frame);
      if (result.ok) this.#finish(this.#begin(result.value, false));
      else this.refuse(result.error);
    };
    const answer = (frame: Buffer): void => {
      this.#socket.receive((next) => this.contain(() => conclude(next)));
      const result = responder.answer(frame);
      if (result.ok) this.#socket.send(Buffer.from(result.value), whenFlushed);
      else this.refuse(result.error);
    };
    const first = (frame: Buffer): void => this.contain(() => answer(frame));
    this.#socket.receive(first);
    if (this.#early !== null && !this.#isSettled) first(this.#early);
  }

  contain(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.refuse({ reason: 'Internal', message: `a defect of this side: ${String(error)}` });
    }
  }

  readonly release: Effect.Effect<void> = Effect.promise(() => {
    this.refuse({ reason: 'Unaccepted', message: 'nobody waits for this handshake any more' });
    if (this.#session === null) this.#socket.end(closedHere('the link was released'));
    else this.#session.close('released');
    return this.#socket.gone;
  });

  #begin(established: Established, isDialer: boolean): Session {
    const { socket, role, limits } = this.#settings;
    this.#session = startSession({ socket, established, role, limits, isDialer });
    return this.#session;
  }

  #finish(session: Session): void {
    if (this.#isSettled) return;
    this.#settings.onEstablished?.();
    this.#settle(Effect.succeed(session));
  }

  #settle(result: Effect.Effect<PeerConnection, LinkError>): void {
    this.#isSettled = true;
    clearTimeout(this.#timer);
    Deferred.doneUnsafe(this.#outcome, result);
  }
}

/** Why no link came to be, from the way its socket ended. */
const errorOf = (end: LinkEnd): LinkError => {
  const reason = end.cause === 'Refused' ? refusalReasonOf(end.closeCode) : null;
  if (reason === null) return new LinkBroken({ failure: end.failure });
  const { closeCode, clockMs = null } = end;
  return new RefusedByPeer({ reason, closeCode, clockMs, message: end.failure.message });
};
