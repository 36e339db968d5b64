import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accountId, multiAddress } from '#src/devnet/chainTypes.ts';
import {
  type AnyType,
  bool,
  boundedBytes,
  boundedVec,
  bytes,
  compact,
  decodeAll,
  decodePrefix,
  i64,
  option,
  snakeCase,
  struct,
  tuple,
  u8,
  u16,
  u32,
  u64,
  u128,
  variant,
  vec,
} from '#src/devnet/scale.ts';

const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');

/** AxonInfo of the SubtensorModule pallet, with the bytes that a real chain stores for it. */
const axonInfo = struct('pallet_subtensor::pallet::AxonInfo', {
  block: u64,
  version: u32,
  ip: u128,
  port: u16,
  ipType: u8,
  protocol: u8,
  placeholder1: u8,
  placeholder2: u8,
});

describe('devnet / scale', () => {
  it('encodes an AxonInfo as the chain does', () => {
    const value = {
      block: 100n,
      version: 10_002_000,
      ip: 3_232_235_777n,
      port: 8091,
      ipType: 4,
      protocol: 4,
      placeholder1: 0,
      placeholder2: 0,
    };
    const expected = '6400000000000000509e98000101a8c00000000000000000000000009b1f04040000';
    expect(hex(axonInfo.enc(value))).toBe(expected);
    expect(decodeAll(axonInfo, axonInfo.enc(value))).toEqual(value);
  });

  it('gives back what it encoded, whatever the value', () => {
    const entry = tuple(u16, option(u64), vec(compact(u32)), bytes);
    const values = fc.tuple(
      fc.nat(0xffff),
      fc.option(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), { nil: undefined }),
      fc.array(fc.nat(0xffff_ffff)),
      fc.uint8Array(),
    );
    fc.assert(
      fc.property(values, (value) => {
        expect(decodeAll(entry, entry.enc(value))).toEqual(value);
      }),
    );
  });

  it.each([
    [0n, '00'],
    [63n, 'fc'],
    [64n, '0101'],
    [16_384n, '02000100'],
    [1n << 30n, '0300000040'],
    [(1n << 64n) - 1n, '13ffffffffffffffff'],
  ])('writes the compact form of %s as %s', (value, expected) => {
    const type = compact(u64);
    expect(hex(type.enc(value))).toBe(expected);
    expect(decodeAll(type, type.enc(value))).toBe(value);
  });

  it.each<[string, AnyType, unknown]>([
    ['u16', u16, 65_536],
    ['u16', u16, -1],
    ['u8', u8, 1.5],
    ['u64', u64, 1n << 64n],
    ['i64', i64, 1n << 63n],
    ['Compact<u16>', compact(u16), 65_536],
    ['AccountId32', accountId, new Uint8Array(31)],
    ['BoundedVec', boundedVec(u8, 2), [1, 2, 3]],
  ])('refuses to encode a value that is no %s instead of wrapping around', (_name, type, value) => {
    expect(() => type.enc(value)).toThrow(RangeError);
  });

  it.each<[string, AnyType, readonly number[]]>([
    ['too few bytes', u32, [1, 2, 3]],
    ['bytes left over', u16, [1, 2, 3]],
    ['a byte string that ends early', bytes, [16, 1]],
    ['an account that ends early', accountId, [1, 2]],
    ['a bool of 2', bool, [2]],
    ['an enum case that does not exist', multiAddress, [9]],
    ['a vector above its bound', boundedBytes(1), [8, 1, 2]],
    ['a compact above its type', compact(u8), [1, 4]],
    ['a vector that claims a billion entries', vec(u64), [3, 0, 0, 0, 64]],
  ])('refuses to decode %s', (_name, type, input) => {
    expect(() => decodeAll(type, Uint8Array.from(input))).toThrow();
  });

  it('reads a view into a larger buffer from its own start', () => {
    const view = Uint8Array.from([9, 9, 1, 2, 3]).subarray(2);
    expect(decodePrefix(u16, view)).toEqual([0x0201, 2]);
  });

  it('gives enum cases their own indices and fields', () => {
    const type = variant('a::B', {
      None: { index: 0 },
      Pair: { index: 7, fields: [u8, u8] },
      At: { index: 9, fields: { block: u32 } },
    });
    expect(hex(type.enc({ tag: 'Pair', value: [1, 2] }))).toBe('070102');
    expect(decodeAll(type, Uint8Array.of(9, 5, 0, 0, 0))).toEqual({ tag: 'At', value: { block: 5 } });
  });

  it('writes names as Rust does', () => {
    expect(['ipType', 'placeholder1', 'netuid'].map(snakeCase)).toEqual([
      'ip_type',
      'placeholder1',
      'netuid',
    ]);
  });
});
