import { describe, expect, it } from 'vitest';
import { checkEndpoint, preflightServe, preflightWithdraw } from '#src/chain/serveAxon.ts';

const endpoint = { ip: '192.168.1.1', port: 8_091, version: 10_002_000 };
const stored = {
  block: 100,
  version: 10_002_000,
  ip: 3_232_235_777,
  port: 8_091,
  ipType: 4,
  protocol: 4,
  placeholder1: 0,
  placeholder2: 0,
};
const wanted = (changes: Partial<typeof endpoint> = {}) => {
  const checked = checkEndpoint({ ...endpoint, ...changes });
  if (!checked.ok) throw new Error(checked.error.message);
  return checked.value;
};

describe('chain / serveAxon', () => {
  it.each([
    ['255.255.255.255', 'InvalidIpAddress'],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'InvalidIpAddress'],
    ['localhost', 'InvalidIpType'],
  ])('refuses to serve at %s', (ip, check) => {
    expect(checkEndpoint({ ...endpoint, ip })).toMatchObject({
      ok: false,
      error: { _tag: 'Refused', check, retry: { when: 'never' } },
    });
  });

  it.each([0, -1, 65_536, 1.5, Number.NaN])('refuses port %s', (port) => {
    expect(checkEndpoint({ ...endpoint, port })).toMatchObject({ error: { check: 'InvalidPort' } });
  });

  it('accepts public, private and withdrawn addresses', () => {
    for (const ip of ['8.8.8.8', '10.0.0.1', '0.0.0.0', '2001:db8::1'])
      expect(checkEndpoint({ ...endpoint, ip }).ok).toBe(true);
  });

  it('leaves loopback addresses to the chain, whose genesis may allow them', () => {
    expect(wanted({ ip: '127.0.0.1' })).toMatchObject({ ip: 0x7f00_0001n, ipType: 4 });
    expect(wanted({ ip: '::1' })).toMatchObject({ ip: 1n, ipType: 6 });
  });

  it('sees that nothing changed', () => {
    expect(preflightServe(wanted(), [3, stored, 50], 101)).toEqual({ ok: true, value: 'unchanged' });
  });

  it.each([
    ['ip', { ip: '192.168.1.2' }],
    ['port', { port: 8_092 }],
    ['version', { version: 1 }],
  ])('serves again when the %s changed', (_name, changes) => {
    expect(preflightServe(wanted(changes), [3, stored, 50], 150)).toEqual({ ok: true, value: 'needed' });
  });

  it('waits for the serving rate limit, to the block', () => {
    expect(preflightServe(wanted({ port: 1 }), [3, stored, 50], 149)).toMatchObject({
      ok: false,
      error: { check: 'ServingRateLimitExceeded', retry: { when: 'atBlock', block: 150 } },
    });
    expect(preflightServe(wanted({ port: 1 }), [3, stored, 0], 101).ok).toBe(true);
    expect(
      preflightServe(wanted({ port: 1 }), [3, { ...stored, block: 0 }, '18446744073709551615'], 5).ok,
    ).toBe(true);
  });

  it('serves a first time, but only when registered', () => {
    expect(preflightServe(wanted(), [3, null, 50], 1)).toEqual({ ok: true, value: 'needed' });
    expect(preflightServe(wanted(), [null, null, 50], 1)).toMatchObject({
      error: { check: 'HotKeyNotRegisteredInNetwork' },
    });
  });

  it('withdraws only what is there, and within the rate limit', () => {
    expect(preflightWithdraw([3, stored, 50], 150)).toEqual({ ok: true, value: 'needed' });
    expect(preflightWithdraw([3, stored, 50], 149)).toMatchObject({
      error: { check: 'ServingRateLimitExceeded', retry: { when: 'atBlock', block: 150 } },
    });
    for (const nothing of [null, { ...stored, ip: 0 }])
      expect(preflightWithdraw([3, nothing, 50], 101)).toEqual({ ok: true, value: 'unchanged' });
    expect(preflightWithdraw([null, null, 50], 101)).toEqual({ ok: true, value: 'unchanged' });
  });
});
