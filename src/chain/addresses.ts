import { isIPv4, isIPv6 } from 'node:net';

/** Internet addresses as the chain stores them: one unsigned number, IPv4 in 32 bits, IPv6 in 128 (big-endian). */

const MAX_IPV4 = 0xffff_ffffn;
const MAX_IPV6 = (1n << 128n) - 1n;
const GROUP_BITS = 16n;

export type NumericAddress = { readonly ip: bigint; readonly ipType: 4 | 6 };

const ipv4Number = (text: string): bigint =>
  text.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);

/** `a.b.c.d` at the end of an IPv6 text becomes two hexadecimal groups. */
const withHexTail = (text: string): string => {
  const tail = text.slice(text.lastIndexOf(':') + 1);
  if (!tail.includes('.')) return text;
  const value = ipv4Number(tail);
  return `${text.slice(0, -tail.length)}${(value >> GROUP_BITS).toString(16)}:${(value & 0xffffn).toString(16)}`;
};

const ipv6Number = (text: string): bigint => {
  const [before = '', after] = withHexTail(text).split('::');
  const groupsOf = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const head = groupsOf(before);
  const tail = after === undefined ? [] : groupsOf(after);
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0');
  return [...head, ...zeros, ...tail].reduce((sum, group) => (sum << GROUP_BITS) | BigInt(`0x${group}`), 0n);
};

/** Number and kind of a textual address; null when it is neither dotted IPv4 nor plain IPv6 (no zone, no brackets). */
export const parseAddress = (text: string): NumericAddress | null => {
  if (isIPv4(text)) return { ip: ipv4Number(text), ipType: 4 };
  if (isIPv6(text) && !text.includes('%')) return { ip: ipv6Number(text), ipType: 6 };
  return null;
};

/** RFC 5952: lower-case, no leading zeros, the longest run of two or more zero groups shortened. */
const ipv6Text = (ip: bigint): string => {
  const groups = Array.from({ length: 8 }, (_, index) => (ip >> BigInt(112 - 16 * index)) & 0xffffn);
  let best = { start: -1, length: 1 };
  for (let start = 0; start < groups.length; start += 1) {
    let length = 0;
    while (groups[start + length] === 0n) length += 1;
    if (length > best.length) best = { start, length };
  }
  const text = (part: readonly bigint[]): string => part.map((group) => group.toString(16)).join(':');
  if (best.start < 0) return text(groups);
  return `${text(groups.slice(0, best.start))}::${text(groups.slice(best.start + best.length))}`;
};

/**
 * Text of a stored address; null above 128 bits. What exceeds 32 bits is IPv6 whatever its kind says, as in the Python
 * SDK; `ipType` 6 tells `::1` from `0.0.0.1`.
 */
export const formatAddress = (ip: bigint, ipType = 4): string | null => {
  if (ip < 0n || ip > MAX_IPV6) return null;
  if (ip > MAX_IPV4 || ipType === 6) return ipv6Text(ip);
  return [24n, 16n, 8n, 0n].map((shift) => String((ip >> shift) & 0xffn)).join('.');
};
