import type { LinkLimits } from './limits.ts';

/** The part of a socket an outbound queue needs. */
export type FrameSink = {
  send(frame: Buffer, onFlushed: () => void): void;
  bufferedBytes(): number;
};

/** Frames on their way to a peer, bounded in bytes and in number. */
export interface Outbound {
  /**
   * Sends what `make` returns if a frame of `sizeBytes` still fits.
   *
   * `make` runs only then, because sealing advances the counter: a frame sealed and not sent would break the link.
   */
  offer(sizeBytes: number, make: () => Buffer | null): 'sent' | 'full' | 'unsealed';
  readonly queuedFrames: number;
}

export const createOutbound = (
  sink: FrameSink,
  limits: Pick<LinkLimits, 'maxBufferedBytes' | 'maxQueuedFrames'>,
): Outbound => {
  let queuedFrames = 0;
  const onFlushed = (): void => {
    queuedFrames -= 1;
  };
  return {
    offer(sizeBytes, make) {
      if (queuedFrames >= limits.maxQueuedFrames) return 'full';
      if (sink.bufferedBytes() + sizeBytes > limits.maxBufferedBytes) return 'full';
      const frame = make();
      if (frame === null) return 'unsealed';
      queuedFrames += 1;
      sink.send(frame, onFlushed);
      return 'sent';
    },
    get queuedFrames() {
      return queuedFrames;
    },
  };
};
