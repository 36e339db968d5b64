import type { Socket } from 'node:net';

import { type LinkLimits, MAX_HANDSHAKE_BYTES } from './limits.ts';
import { type LinkEnd, overflow, violation } from './linkEnd.ts';
import { createTokenBucket, type TokenBucket } from './rates.ts';

/**
 * Watches the raw bytes of a socket: when they came, how many per second, how many before a peer is proven, and whether
 * a frame that began is completed in time.
 *
 * One listener runs before the WebSocket parser, which is synchronous, and one after it; so a chunk that completed its
 * frame costs no timer. `onExcess` may be called more than once.
 */
export class ByteGuard {
  readonly #tcp: Socket;
  readonly #limits: LinkLimits;
  readonly #onExcess: (end: LinkEnd) => void;
  readonly #bucket: TokenBucket;
  #readAtMs = performance.now();
  #bytesBefore = 0;
  #isTrusted = false;
  #isPartial = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(tcp: Socket, limits: LinkLimits, onExcess: (end: LinkEnd) => void) {
    this.#tcp = tcp;
    this.#limits = limits;
    this.#onExcess = onExcess;
    this.#bucket = createTokenBucket({
      perSecond: limits.bytesPerSecond,
      burst: limits.bytesPerSecond * 2,
    });
    tcp.prependListener('data', this.#beforeParser);
    tcp.on('data', this.#afterParser);
  }

  /** `performance.now()` when the latest bytes left the kernel. */
  readAtMs(): number {
    return this.#readAtMs;
  }

  /** Lifts the limit that holds until a peer is proven. */
  trust(): void {
    this.#isTrusted = true;
  }

  /** A whole frame was parsed. */
  frameDone(): void {
    this.#isPartial = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  stop(): void {
    this.frameDone();
    this.#tcp.off('data', this.#beforeParser);
    this.#tcp.off('data', this.#afterParser);
  }

  readonly #beforeParser = (chunk: Buffer): void => {
    this.#readAtMs = performance.now();
    this.#isPartial = true;
    if (!this.#bucket.take(chunk.length, this.#readAtMs)) {
      this.#onExcess(overflow('ByteRate', `over ${this.#limits.bytesPerSecond} bytes per second`));
    } else if (!this.#isTrusted && this.#bytesBefore > MAX_HANDSHAKE_BYTES) {
      // Only bytes of earlier chunks count: the chunk of the last handshake frame may carry session frames, too.
      this.#onExcess(violation('EarlyFrame', 'too many bytes before the handshake was over'));
    }
    this.#bytesBefore += chunk.length;
  };

  readonly #afterParser = (): void => {
    if (!this.#isPartial || this.#timer !== null) return;
    const { frameDeadlineMs } = this.#limits;
    this.#timer = setTimeout(() => {
      this.#onExcess(violation('SlowFrame', `a frame took longer than ${frameDeadlineMs} ms`));
    }, frameDeadlineMs);
  };
}
