import { fail, type Outcome, succeed } from '../domain/outcome.ts';

export type RedisHost = { readonly host: string; readonly port: number };

/** Where the server is, as one URL says it. */
export type RedisTarget = {
  readonly kind: 'single' | 'sentinel' | 'cluster' | 'socket';
  /** Servers, sentinels or cluster nodes to begin with; empty for a socket. */
  readonly hosts: readonly RedisHost[];
  /** Path of the Unix socket; null for the other kinds. */
  readonly path: string | null;
  /** Name of the group of servers that the sentinels watch; null for the other kinds. */
  readonly masterName: string | null;
  readonly db: number;
  readonly isTls: boolean;
  readonly username: string | null;
  readonly password: string | null;
};

const SERVER_PORT = 6379;
const SENTINEL_PORT = 26379;
const MAX_URL = 2_048;
const MAX_HOSTS = 32;
const MAX_DB = 65_535;

/** What stands before `://`, as a form of URL: TLS or not, and who is asked. */
const schemes: { readonly [scheme: string]: Pick<RedisTarget, 'kind' | 'isTls'> } = {
  redis: { kind: 'single', isTls: false },
  rediss: { kind: 'single', isTls: true },
  'redis+sentinel': { kind: 'sentinel', isTls: false },
  'rediss+sentinel': { kind: 'sentinel', isTls: true },
  'redis+cluster': { kind: 'cluster', isTls: false },
  'rediss+cluster': { kind: 'cluster', isTls: true },
  unix: { kind: 'socket', isTls: false },
  'redis+unix': { kind: 'socket', isTls: false },
};

/** Ends the sentence "give …". */
export const redisUrlForms =
  'redis://[user:password@]host[:port][/db], rediss:// for TLS, redis+sentinel://host[:port],…/name[/db], ' +
  'redis+cluster://host[:port],… or unix:///path';

const PARTS =
  /^(?<scheme>[a-z+]+):\/\/(?:(?<user>[^:@/?#]*)(?::(?<password>[^@/?#]*))?@)?(?<hosts>[^/?#]*)(?<path>\/[^?#]*)?(?:\?db=(?<query>\d{1,5}))?$/;
const HOST = /^(?:\[(?<six>[0-9a-fA-F:.]+)\]|(?<name>[A-Za-z0-9._-]{1,253}))(?::(?<port>\d{1,5}))?$/;
const DB = /^\d{1,5}$/;
const MASTER_NAME = /^[A-Za-z0-9._-]{1,128}$/;

const decoded = (text: string | undefined): Outcome<string | null, null> => {
  if (text === undefined || text === '') return succeed(null);
  try {
    return succeed(decodeURIComponent(text));
  } catch {
    return fail(null);
  }
};

const hostsOf = (text: string, port: number): Outcome<readonly RedisHost[], null> => {
  const hosts: RedisHost[] = [];
  for (const part of text.split(',')) {
    const found = HOST.exec(part)?.groups;
    if (found === undefined) return fail(null);
    const host = found['six'] ?? found['name'];
    const given = found['port'] === undefined ? port : Number(found['port']);
    if (host === undefined || given < 1 || given > 65_535) return fail(null);
    hosts.push({ host, port: given });
  }
  return hosts.length <= MAX_HOSTS ? succeed(hosts) : fail(null);
};

type Place = Pick<RedisTarget, 'hosts' | 'path' | 'masterName' | 'db'>;

/** The part after the credentials, by kind. Cluster has one database only. */
const placeOf = (
  kind: RedisTarget['kind'],
  { hosts, path, query }: { readonly hosts: string; readonly path: string; readonly query: string },
): Outcome<Place, null> => {
  if (kind === 'socket') {
    if (hosts !== '' || path.length < 2) return fail(null);
    const socket = decoded(path);
    if (!socket.ok || socket.value === null || socket.value.includes('\0')) return fail(null);
    return succeed({ hosts: [], path: socket.value, masterName: null, db: Number(query) });
  }
  const found = hostsOf(hosts, kind === 'sentinel' ? SENTINEL_PORT : SERVER_PORT);
  if (!found.ok) return found;
  const parts = path.split('/').slice(1);
  const names = parts.at(-1) === '' ? parts.slice(0, -1) : parts;
  const masterName = kind === 'sentinel' ? (names.shift() ?? '') : null;
  if (masterName !== null && !MASTER_NAME.test(masterName)) return fail(null);
  const db = names.shift() ?? query;
  if (names.length > 0 || !DB.test(db) || (kind === 'cluster' && Number(db) !== 0)) return fail(null);
  if (kind === 'single' && found.value.length !== 1) return fail(null);
  return succeed({ hosts: found.value, path: null, masterName, db: Number(db) });
};

/** Reads the URL of a Redis; fails without a message, `redisUrlForms` says it. */
export const parseRedisUrl = (text: string): Outcome<RedisTarget, null> => {
  const groups = text.length > MAX_URL ? undefined : PARTS.exec(text)?.groups;
  const scheme = schemes[groups?.['scheme'] ?? ''];
  if (groups === undefined || scheme === undefined) return fail(null);
  const username = decoded(groups['user']);
  const password = decoded(groups['password']);
  if (!username.ok || !password.ok) return fail(null);
  const { hosts = '', path = '', query = '0' } = groups;
  const place = placeOf(scheme.kind, { hosts, path, query });
  if (!place.ok || place.value.db > MAX_DB) return fail(null);
  return succeed({ ...scheme, ...place.value, username: username.value, password: password.value });
};

const shownHost = ({ host, port }: RedisHost): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** The target for logs and messages: without user and password. */
export const describeTarget = (target: RedisTarget): string => {
  const { kind, hosts, path, masterName, db, isTls } = target;
  if (kind === 'socket') return `unix://${path ?? ''}${db === 0 ? '' : `?db=${db}`}`;
  const scheme = `redis${isTls ? 's' : ''}${kind === 'single' ? '' : `+${kind}`}`;
  const name = masterName === null ? '' : `/${masterName}`;
  return `${scheme}://${hosts.map(shownHost).join(',')}${name}${db === 0 ? '' : `/${db}`}`;
};
