import { isIP } from 'node:net';

/** Where a request arrived: the local end of its socket. */
export type Arrival = { readonly address: string; readonly port: number };

const loopbackNames: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** A bind address that only this machine reaches. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

/** An address as it stands in a URL; IPv4 within IPv6 as IPv4. */
export const hostText = (address: string): string => {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(plain) === 6 ? `[${plain}]` : plain;
};

/** `name:port` of a Host header, lower case; null for anything else. No port means that of HTTP. */
const parseHost = (host: string): { readonly name: string; readonly port: number } | null => {
  const [, name, port = '80'] =
    /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::(\d{1,5}))?$/i.exec(host) ?? [];
  return name === undefined ? null : { name: name.toLowerCase(), port: Number(port) };
};

/**
 * Whether this gateway is meant by a Host header. A foreign name is what a page looks like whose owner lets its name
 * lead to this machine (DNS rebinding); an address cannot be rebound.
 *
 * @param allowed further names, `name` for any port or `name:port`
 */
export const isOurHost = (
  host: string | undefined,
  arrival: Arrival,
  allowed: readonly string[],
): boolean => {
  const given = parseHost(host ?? '');
  if (given === null) return false;
  const { name, port } = given;
  const isHere = loopbackNames.has(name) || name === hostText(arrival.address).toLowerCase();
  if (isHere && port === arrival.port) return true;
  return allowed.some((entry) => {
    const lower = entry.toLowerCase();
    return lower === name || lower === `${name}:${port}`;
  });
};

/** Whether a page of this gateway made the request; also true for programs, which send no Origin. */
export const isOurOrigin = (
  origin: string | undefined,
  arrival: Arrival,
  allowed: readonly string[],
): boolean => {
  if (origin === undefined) return true;
  if (!URL.canParse(origin)) return false;
  const url = new URL(origin);
  // A reverse proxy may stand in front with TLS: there the default port is 443.
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  return isOurHost(`${url.hostname}:${port}`, arrival, allowed);
};
