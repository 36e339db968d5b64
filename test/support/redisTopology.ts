import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freeRedisPort, type RedisServer, redisCli, startRedisServer } from '#test/support/redisServer.ts';

const pollMs = 50;
const patienceMs = 20_000;

/** Waits until `isSo` says yes. */
export const until = async (what: string, isSo: () => Promise<boolean>): Promise<void> => {
  const deadlineMs = Date.now() + patienceMs;
  while (!(await isSo().catch(() => false))) {
    if (Date.now() > deadlineMs) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
};

export type Topology = {
  readonly url: string;
  /** redis-cli on the node that has the keys now. */
  readonly cli: (...args: readonly string[]) => Promise<string>;
  readonly stop: () => Promise<void>;
};

export const aclUser = { name: 'miaoai', password: 'a secret of the test' } as const;

/** The rights that docs/redis.md asks for, and no others. */
export const aclRights =
  '~miaoai:* resetchannels -@all +@hash +@stream +@sortedset +@set +@list +type +exists +del +renamenx ' +
  '+eval +evalsha +wait +ping +info +config|get +cluster|keyslot +cluster|slots';

/** A certificate authority and a certificate of 127.0.0.1 and localhost, valid for a day. */
export const makeCertificates = () => {
  const dir = mkdtempSync(join(tmpdir(), 'miaoai-tls-'));
  const openssl = (...args: readonly string[]) =>
    execFileSync('openssl', [...args], { cwd: dir, stdio: 'ignore' });
  const request = ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    ...request,
    '-x509',
    '-days',
    '1',
    '-subj',
    '/CN=test authority',
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
  );
  openssl(
    ...[...request, '-x509', '-days', '1', '-subj', '/CN=127.0.0.1', '-keyout', 'server.key'],
    ...[
      '-addext',
      'subjectAltName=IP:127.0.0.1,DNS:localhost',
      '-addext',
      'basicConstraints=critical,CA:FALSE',
    ],
    ...['-CA', 'ca.crt', '-CAkey', 'ca.key', '-out', 'server.crt'],
  );
  const at = (name: string) => join(dir, name);
  return {
    ca: at('ca.crt'),
    config: [`tls-cert-file ${at('server.crt')}`, `tls-key-file ${at('server.key')}`, 'tls-auth-clients no'],
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
};

/** TLS only, and a user with no more rights than needed. */
export const startTlsServer = async (): Promise<Topology & { readonly caFile: string }> => {
  const certificates = makeCertificates();
  const tlsPort = await freeRedisPort();
  const server = await startRedisServer({
    port: 0,
    config: [
      `tls-port ${tlsPort}`,
      ...certificates.config,
      `tls-ca-cert-file ${certificates.ca}`,
      'requirepass "of the administrator"',
      `user ${aclUser.name} on ">${aclUser.password}" ${aclRights}`,
    ],
    cliArgs: ['-p', String(tlsPort), '--tls', '--cacert', certificates.ca, '-a', 'of the administrator'],
  });
  const login = `${aclUser.name}:${encodeURIComponent(aclUser.password)}`;
  return {
    url: `rediss://${login}@127.0.0.1:${tlsPort}`,
    cli: server.cli,
    caFile: certificates.ca,
    stop: async () => {
      await server.stop();
      certificates.remove();
    },
  };
};

/** No port at all, only a Unix socket. */
export const startSocketServer = async (): Promise<Topology> => {
  const dir = mkdtempSync(join(tmpdir(), 'miaoai-socket-'));
  const path = join(dir, 'redis.sock');
  const server = await startRedisServer({ port: 0, config: [`unixsocket ${path}`], cliArgs: ['-s', path] });
  return {
    url: `unix://${path}`,
    cli: server.cli,
    stop: async () => {
      await server.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
};

export type Trio = Topology & {
  /** Servers in the order of their start; the first one begins as master. */
  readonly servers: readonly RedisServer[];
};

const sentinelLines = (masterPort: number): readonly string[] => [
  `sentinel monitor mymaster 127.0.0.1 ${masterPort} 2`,
  'sentinel down-after-milliseconds mymaster 1000',
  'sentinel failover-timeout mymaster 4000',
];

/** A master, a replica and three sentinels over them. */
export const startSentinelTrio = async (): Promise<Trio> => {
  const config = ['repl-diskless-sync-delay 0', 'replica-serve-stale-data yes'];
  const master = await startRedisServer({ config });
  const replica = await startRedisServer({ config: [...config, `replicaof 127.0.0.1 ${master.port}`] });
  await until('a replica', async () => /state=online/.test(await master.cli('INFO', 'replication')));
  const sentinels = await Promise.all(
    [1, 2, 3].map(() => startRedisServer({ program: 'redis-sentinel', config: sentinelLines(master.port) })),
  );
  await Promise.all(
    sentinels.map(({ cli }) =>
      until('sentinels that know each other and the replica', async () =>
        /slaves=1,sentinels=3/.test(await cli('INFO', 'sentinel')),
      ),
    ),
  );
  const masterPort = async () =>
    (await sentinels[0]?.cli('SENTINEL', 'get-master-addr-by-name', 'mymaster'))?.split('\n')[1] ?? '0';
  return {
    url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/mymaster`,
    servers: [master, replica],
    cli: async (...args) => redisCli(['-p', await masterPort(), ...args]),
    stop: async () => {
      await Promise.all([...sentinels, replica, master].map((server) => server.stop()));
    },
  };
};

export type ClusterOfThree = Topology & { readonly nodes: readonly RedisServer[] };

/** Three masters, each with a third of the slots. */
export const startCluster = async (): Promise<ClusterOfThree> => {
  const config = ['cluster-enabled yes', 'cluster-node-timeout 2000', 'cluster-require-full-coverage no'];
  const nodes = await Promise.all([0, 1, 2].map(() => startRedisServer({ config })));
  const places = nodes.map(({ port }) => `127.0.0.1:${port}`);
  await redisCli(['--cluster', 'create', ...places, '--cluster-yes']);
  await Promise.all(
    nodes.map(({ cli }) =>
      until('a cluster', async () => /cluster_state:ok/.test(await cli('CLUSTER', 'INFO'))),
    ),
  );
  return {
    url: `redis+cluster://${places.join(',')}`,
    nodes,
    cli: (...args) => redisCli(['-c', '-p', String(nodes[0]?.port), ...args]),
    stop: async () => {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
};
