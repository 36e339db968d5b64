import { describe, expect, it } from 'vitest';

import { createOutbound } from '#src/transport/outbound.ts';
import { createAddressLimiter, createTokenBucket, plainAddress } from '#src/transport/rates.ts';
import { createReplayCache } from '#src/transport/replayCache.ts';

describe('transport / rates', () => {
  it('lets a burst pass and then the sustained rate', () => {
    const bucket = createTokenBucket({ perSecond: 10, burst: 3 });
    const taken = [0, 0, 0, 0, 50, 100, 100].map((nowMs) => bucket.take(1, nowMs));
    expect(taken).toEqual([true, true, true, false, false, true, false]);
    expect(bucket.take(3, 60_000)).toBe(true);
    expect(bucket.take(1, 60_000)).toBe(false);
  });

  it('limits each address alone, and an IPv6 network as one', () => {
    const limiter = createAddressLimiter({ perMinute: 2, capacity: 10 });
    const admit = (address: string): boolean => limiter.admit(address, 0);
    expect([admit('192.0.2.1'), admit('::ffff:192.0.2.1'), admit('192.0.2.1')]).toEqual([true, true, false]);
    expect(admit('192.0.2.2')).toBe(true);
    expect([admit('2001:db8:1:2::1'), admit('2001:db8:1:2:3:4:5:6'), admit('2001:db8:1:2::9')]).toEqual([
      true,
      true,
      false,
    ]);
    expect(admit('2001:db8:1:3::1')).toBe(true);
    expect(limiter.admit('192.0.2.1', 31_000)).toBe(true);
    expect(plainAddress('::1')).toBe('::1');
  });

  it('forgets the address that came back longest ago', () => {
    const limiter = createAddressLimiter({ perMinute: 1, capacity: 2 });
    expect(['a', 'b', 'a', 'c'].map((address) => limiter.admit(address, 0))).toEqual([
      true,
      true,
      false,
      true,
    ]);
    // b was forgotten for c, a was not.
    expect(limiter.admit('a', 0)).toBe(false);
    expect(limiter.admit('b', 0)).toBe(true);
  });
});

describe('transport / replayCache', () => {
  it('remembers for the window and no longer', () => {
    const cache = createReplayCache({ windowMs: 1_000, capacity: 10 });
    cache.add('one', 0);
    expect([cache.has('one', 1_000), cache.has('one', 1_001), cache.has('two', 0)]).toEqual([
      true,
      false,
      false,
    ]);
    cache.add('two', 5_000);
    expect(cache.size).toBe(1);
  });

  it('stays within its capacity by forgetting the oldest', () => {
    const cache = createReplayCache({ windowMs: 1_000, capacity: 3 });
    for (const key of ['a', 'b', 'c', 'd']) cache.add(key, 0);
    expect(cache.size).toBe(3);
    expect([cache.has('a', 0), cache.has('d', 0)]).toEqual([false, true]);
  });
});

describe('transport / outbound', () => {
  const sinkOf = () => {
    const flushes: (() => void)[] = [];
    const sent: Buffer[] = [];
    let buffered = 0;
    return {
      sent,
      flushAll: () => {
        for (const flush of flushes.splice(0)) flush();
        buffered = 0;
      },
      sink: {
        send: (frame: Buffer, onFlushed: () => void) => {
          sent.push(frame);
          flushes.push(onFlushed);
          buffered += frame.length;
        },
        bufferedBytes: () => buffered,
      },
    };
  };
  const frame = Buffer.alloc(10);

  it('holds to its bounds in frames and in bytes, and recovers', () => {
    const { sink, flushAll, sent } = sinkOf();
    const outbound = createOutbound(sink, { maxBufferedBytes: 35, maxQueuedFrames: 2 });
    expect([1, 2, 3].map(() => outbound.offer(10, () => frame))).toEqual(['sent', 'sent', 'full']);
    flushAll();
    expect(outbound.queuedFrames).toBe(0);
    expect(outbound.offer(36, () => Buffer.alloc(36))).toBe('full');
    expect(outbound.offer(35, () => Buffer.alloc(35))).toBe('sent');
    expect(sent.length).toBe(3);
  });

  it('seals nothing that is not sent', () => {
    const { sink } = sinkOf();
    const outbound = createOutbound(sink, { maxBufferedBytes: 5, maxQueuedFrames: 2 });
    let sealed = 0;
    const seal = (): Buffer => {
      sealed += 1;
      return frame;
    };
    expect(outbound.offer(10, seal)).toBe('full');
    expect(sealed).toBe(0);
    expect(outbound.offer(1, () => null)).toBe('unsealed');
    expect(outbound.queuedFrames).toBe(0);
  });
});
