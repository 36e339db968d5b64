import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '#src/chain/addresses.ts';

describe('chain / addresses', () => {
  it.each([
    ['192.168.1.1', 3_232_235_777n, 4],
    ['0.0.0.0', 0n, 4],
    ['255.255.255.255', 4_294_967_295n, 4],
    ['::1', 1n, 6],
    ['2001:db8::8a2e:370:7334', 0x20010db8000000000000_8a2e_0370_7334n, 6],
    ['fe80:0:0:0:1:0:0:1', 0xfe80_0000_0000_0000_0001_0000_0000_0001n, 6],
  ] as const)('stores %s as a number', (text, ip, ipType) => {
    expect(parseAddress(text)).toEqual({ ip, ipType });
  });

  it('reads an IPv6 text with an IPv4 tail', () => {
    expect(parseAddress('::ffff:192.168.1.1')).toEqual({ ip: 0xffff_c0a8_0101n, ipType: 6 });
  });

  it.each(['', 'localhost', '1.2.3', '1.2.3.4.5', '[::1]', 'fe80::1%eth0', '1.2.3.256'])(
    'refuses %j',
    (text) => {
      expect(parseAddress(text)).toBeNull();
    },
  );

  it('writes IPv6 in its shortest form', () => {
    expect(formatAddress(0xfe80_0000_0000_0000_0001_0000_0000_0001n)).toBe('fe80::1:0:0:1');
    expect(formatAddress((1n << 128n) - 1n)).toBe('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff');
    expect(formatAddress(0x2001_0db8n << 96n)).toBe('2001:db8::');
    expect(formatAddress(1n << 128n)).toBeNull();
  });

  it('tells ::1 from 0.0.0.1 by the stored kind', () => {
    expect(formatAddress(1n, 6)).toBe('::1');
    expect(formatAddress(1n, 4)).toBe('0.0.0.1');
    expect(formatAddress(1n << 32n, 4)).toBe('::1:0:0');
  });

  it('gives every address back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), (ip) => {
        const text = formatAddress(ip);
        expect(text === null ? null : parseAddress(text)?.ip).toBe(ip);
      }),
    );
  });
});
