import { describe, expect, it } from 'vitest';

import { createKnownRequests } from '#src/actors/knownRequests.ts';
import { drawRequestKey, requestId } from '#src/actors/requestIds.ts';

describe('actors / requestIds', () => {
  it('gives the same request the same id, and nothing else', () => {
    const key = '00112233445566778899aabbccddeeff';
    expect(requestId(key, 'r1-1-00000000-0', '5A')).toBe(requestId(key, 'r1-1-00000000-0', '5A'));
    const ids = [
      requestId(key, 'r1-1-00000000-0', '5A'),
      requestId(key, 'r1-1-00000000-1', '5A'),
      requestId(key, 'r1-1-00000000-0', '5B'),
      requestId(drawRequestKey(), 'r1-1-00000000-0', '5A'),
    ];
    expect(new Set(ids).size).toBe(4);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
  });

  it('is the HMAC-SHA-256 of RFC 2104, cut to 16 bytes', () => {
    // openssl: printf 't/5A' | openssl dgst -sha256 -hmac key
    expect(requestId('key', 't', '5A')).toBe('99ecb8acdd1cb5ddb529c1300e06e0cc');
  });

  it('draws keys that are never the same', () => {
    const keys = Array.from({ length: 100 }, drawRequestKey);
    expect(new Set(keys).size).toBe(100);
    for (const key of keys) expect(key).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('actors / knownRequests', () => {
  it('knows a request from waiting to recorded, and of its own hotkey only', () => {
    const known = createKnownRequests();
    known.expect('a', '5A');
    expect(known.stateOf('a', '5A')).toBe('waiting');
    expect(known.stateOf('a', '5B')).toBeNull();
    known.record('a', '5A');
    expect(known.stateOf('a', '5A')).toBe('recorded');
    expect(known.stateOf('a', '5B')).toBeNull();
    expect(known.counts()).toEqual({ waiting: 0, recorded: 1 });
  });

  it('forgets what ended without a reply, but nothing that is recorded', () => {
    const known = createKnownRequests();
    known.expect('a', '5A');
    known.record('b', '5A');
    known.forget('a');
    known.forget('b');
    expect([known.stateOf('a', '5A'), known.stateOf('b', '5A')]).toEqual([null, 'recorded']);
  });

  it('holds a bounded number of recorded requests, the newest', () => {
    const known = createKnownRequests(3);
    for (const id of ['a', 'b', 'c', 'd', 'e']) known.record(id, '5A');
    expect(['a', 'b', 'c', 'd', 'e'].map((id) => known.stateOf(id, '5A'))).toEqual([
      null,
      null,
      'recorded',
      'recorded',
      'recorded',
    ]);
  });
});
