import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';

import { envExample } from '#src/config/envExample.ts';
import { describeConfig, helpText, loadConfig, type Role, settingsTable } from '#src/config.ts';
import { taskKindNames } from '#src/domain/tasks/kinds.ts';
import { exitCodes } from '#src/exitCodes.ts';
import { MAX_QUEUED_TEXTS, MAX_WORKERS } from '#src/inference/poolLimits.ts';
import { createLogger, type LogOptions } from '#src/logging.ts';

const roles: readonly Role[] = ['validator', 'miner'];
const made: string[] = [];

afterEach(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
});

/** A working directory with the given files. */
const workDir = (files: { readonly [name: string]: string } = {}): string => {
  const dir = mkdtempSync(join(tmpdir(), 'miaoai-config-'));
  made.push(dir);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content);
  return dir;
};

const loaded = <R extends Role>(role: R, argv: readonly string[] = [], env = {}, cwd = workDir()) => {
  const outcome = loadConfig(role, argv, env, cwd);
  if (!outcome.ok) throw new Error(outcome.error.message);
  return outcome.value;
};

const problem = (role: Role, argv: readonly string[] = [], env = {}, cwd = workDir()) => {
  const outcome = loadConfig(role, argv, env, cwd);
  if (outcome.ok) throw new Error('this configuration was accepted');
  return outcome.error;
};

describe('config / defaults', () => {
  it('are those of the original where it had them', () => {
    expect(loaded('validator', [], { HOME: '/home/op' })).toMatchObject({
      role: 'validator',
      netuid: 86,
      network: 'finney',
      chainEndpoints: ['wss://entrypoint-finney.opentensor.ai:443', 'wss://archive.chain.opentensor.ai:443'],
      walletName: 'default',
      walletHotkey: 'default',
      walletPath: '/home/op/.bittensor/wallets',
      hotkeyUri: null,
      dataDir: null,
      versionKey: 2208,
      roundDeadlineMs: 10_000,
      qualityWeight: 0.7,
      trustWeight: 0.1,
      stakeWeight: 0.2,
      burnShare: 0,
      taskKinds: taskKindNames,
      unknownNames: [],
    });
    expect(loaded('miner')).toMatchObject({
      role: 'miner',
      axonIp: null,
      axonPort: 8091,
      externalPort: null,
      bindHost: '0.0.0.0',
      provider: 'auto',
      requirePermit: true,
      minValidatorStake: 0,
      walletPath: join(homedir(), '.bittensor/wallets'),
    });
  });

  it('fit the machine: at least one worker, the models of this installation', () => {
    const { workers, modelDirs } = loaded('miner');
    expect(workers).toBeGreaterThanOrEqual(1);
    expect(modelDirs).toEqual([join(import.meta.dirname, '../../models')]);
  });

  it('cannot be changed afterwards', () => {
    const config = loaded('validator');
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.chainEndpoints)).toBe(true);
    expect(Object.isFrozen(config.sources)).toBe(true);
  });
});

describe('config / precedence', () => {
  const files = {
    '.env.miner': 'NETUID=3\nAXON_PORT=1003\nMIAOAI_WORKERS=3\nMIAOAI_QUEUE_LIMIT=30\n',
    '.env': 'MIAOAI_PROVIDER=cpu\nNETUID=4\n',
  };

  it('takes flag over environment over file over default, and remembers which', () => {
    const env = { NETUID: '2', AXON_PORT: '1002', MIAOAI_WORKERS: ' ' };
    const config = loaded('miner', ['--netuid', '1'], env, workDir(files));
    expect(config).toMatchObject({ netuid: 1, axonPort: 1002, workers: 3, queueLimit: 30, provider: 'auto' });
    expect(config.sources).toMatchObject({
      netuid: 'flag --netuid',
      axonPort: 'environment AXON_PORT',
      workers: '.env.miner MIAOAI_WORKERS',
      provider: 'default',
    });
  });

  it('reads .env where the role has no file of its own', () => {
    const config = loaded('validator', [], {}, workDir(files));
    expect(config.netuid).toBe(4);
    expect(config.sources['netuid']).toBe('.env NETUID');
    // Settings of the other role are no mistake in a shared file.
    expect(config.unknownNames).toEqual([]);
  });

  it('names variables that nothing reads', () => {
    const cwd = workDir({ '.env': 'NETUIDD=1\nLOG_PATH=logs\n' });
    const config = loaded('miner', [], { MIAOAI_WORKER: '3', PATH: '/bin' }, cwd);
    expect(config.unknownNames).toEqual(['LOG_PATH', 'MIAOAI_WORKER', 'NETUIDD']);
  });

  it('knows the spellings of the Python SDK', () => {
    const argv = [
      '--subtensor.network',
      'test',
      '--wallet.name',
      'w',
      '--wallet.hotkey=h',
      '--axon.port',
      '9',
    ];
    const env = { BT_LOGGING_INFO: 'WARNING', BT_AXON_EXTERNAL_PORT: '90', AXON_IP: '0.0.0.0' };
    const config = loaded('miner', argv, env);
    expect(config).toMatchObject({
      network: 'test',
      chainEndpoints: ['wss://test.finney.opentensor.ai:443'],
      walletName: 'w',
      walletHotkey: 'h',
      axonPort: 9,
      externalPort: 90,
      axonIp: null,
      logLevel: 'warn',
    });
    expect(config.sources['network']).toBe('flag --subtensor.network');
  });

  it('turns switches on and off', () => {
    expect(loaded('miner', ['--no-require-permit']).requirePermit).toBe(false);
    expect(loaded('miner', ['--require-permit'], { MIAOAI_REQUIRE_PERMIT: 'no' }).requirePermit).toBe(true);
    expect(loaded('miner', ['--require-permit', 'false']).requirePermit).toBe(false);
    expect(loaded('miner', [], { MIAOAI_REQUIRE_PERMIT: '0' }).requirePermit).toBe(false);
  });

  it('makes paths absolute', () => {
    const cwd = workDir();
    const argv = ['--data-dir', 'state', '--model-dirs', '~/m, /opt/models'];
    const config = loaded('miner', argv, { HOME: '/home/op' }, cwd);
    expect(config.dataDir).toBe(join(cwd, 'state'));
    expect(config.modelDirs).toEqual(['/home/op/m', '/opt/models']);
  });
});

describe('config / address', () => {
  it('takes IPv6 as well, without brackets; the address of every interface is none to publish', () => {
    expect(loaded('miner', ['--axon-ip', '2001:db8::7']).axonIp).toBe('2001:db8::7');
    expect(loaded('miner', ['--axon-ip', '::']).axonIp).toBeNull();
    expect(problem('miner', ['--axon-ip', '[2001:db8::7]']).message).toContain('IPv4 or IPv6 address');
  });
});

describe('config / chain', () => {
  it('treats given nodes without a network as a network of their own', () => {
    const env = { BT_SUBTENSOR_CHAIN_ENDPOINT: 'ws://10.0.0.1:9944,ws://10.0.0.2:9944' };
    expect(loaded('miner', [], env)).toMatchObject({
      network: 'ws://10.0.0.1:9944',
      chainEndpoints: ['ws://10.0.0.1:9944', 'ws://10.0.0.2:9944'],
    });
    expect(loaded('miner', ['--network', 'finney'], env).network).toBe('finney');
    expect(loaded('miner', ['--network', 'ws://[::1]:9944']).chainEndpoints).toEqual(['ws://[::1]:9944']);
    expect(loaded('miner', ['--network', 'local']).chainEndpoints).toEqual(['ws://127.0.0.1:9944']);
  });

  it('refuses a development key wherever it could reach finney', () => {
    const key = ['--hotkey-uri', '//Alice'];
    expect(loaded('miner', [...key, '--network', 'local']).hotkeyUri).toBe('//Alice');
    const nodes = '--chain-endpoints';
    expect(loaded('miner', [...key, nodes, 'ws://127.0.0.1:1']).hotkeyUri).toBe('//Alice');
    for (const argv of [
      [],
      ['--network', 'finney', nodes, 'ws://127.0.0.1:1'],
      ['--network', 'wss://archive.chain.opentensor.ai'],
      ['--network', 'local', nodes, 'ws://127.0.0.1:1,wss://LITE.sub.latent.to:443'],
    ])
      expect(problem('miner', [...key, ...argv])).toMatchObject({
        exitCode: 2,
        message: expect.stringContaining('refused on finney'),
      });
  });
});

describe('config / errors', () => {
  it.each([
    [
      'miner',
      ['--netuid', '65536'],
      '--netuid: "65536" (from flag --netuid) is not allowed: give a whole number from 0 to 65535',
    ],
    ['miner', ['--netuid', '0x10'], '"0x10"'],
    ['miner', ['--netuid', '-1'], '--netuid'],
    ['miner', ['--netuid'], "option '--netuid <number>' argument missing"],
    ['miner', ['--netuidd', '1'], "unknown option '--netuidd'\n(Did you mean --netuid?)"],
    ['miner', ['start'], 'too many arguments'],
    ['miner', ['--versionkey', '1'], 'unknown option'],
    ['miner', ['--network', 'fineny'], 'give finney, test, local, or the ws:// or wss:// URL of a node'],
    ['miner', ['--network', 'http://127.0.0.1:9944'], '--network'],
    ['miner', ['--chain-endpoints', 'ws://a:1,'], '--chain-endpoints'],
    ['miner', ['--axon-ip', 'example.com'], 'not a name'],
    ['miner', ['--axon-port', '0'], 'from 1 to 65535'],
    ['miner', ['--wallet-name', '../other'], 'not a path'],
    ['miner', ['--provider', 'tpu'], 'one of auto, cpu, cuda'],
    ['miner', ['--require-permit', 'maybe'], 'true or false'],
    ['miner', ['--data-dir', ''], 'a path'],
    ['validator', ['--task-kinds', 'sentiment_analysis,constructor'], 'some of'],
    ['validator', ['--burn-share', '1.5'], 'a number from 0 to 1'],
    ['validator', ['--burn-share', 'NaN'], 'a number from 0 to 1'],
    ['validator', ['--quality-weight', '0.9'], 'lower them to at most 1 together'],
    ['validator', ['--quality-weight', '0'], 'stake and trust alone never pay'],
  ] as const)('refuses %s %j, saying what is allowed', (role, argv, message) => {
    const error = problem(role, argv);
    expect(error).toMatchObject({ kind: 'invalid', exitCode: 2 });
    expect(error.message).toContain(message);
    expect(error.message).toContain(`node dist/${role}.js --help`);
  });

  it('takes no queue limit and no number of workers that the inference pool refuses', () => {
    const most = ['--queue-limit', `${MAX_QUEUED_TEXTS}`, '--workers', `${MAX_WORKERS}`];
    expect(loaded('miner', most)).toMatchObject({ queueLimit: 8_192, workers: 256 });
    for (const [flag, most] of [
      ['--queue-limit', MAX_QUEUED_TEXTS],
      ['--workers', MAX_WORKERS],
    ] as const)
      expect(problem('miner', [flag, `${most + 1}`]).message).toContain(`a whole number from 1 to ${most}`);
  });

  it('lists every wrong value with the place it came from', () => {
    const cwd = workDir({ '.env.miner': 'AXON_PORT=http\n' });
    const lines = problem('miner', ['--workers', '0'], { NETUID: 'eighty-six' }, cwd).message.split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toContain('--netuid: "eighty-six" (from environment NETUID)');
    expect(lines[1]).toContain('--axon-port: "http" (from .env.miner AXON_PORT)');
    expect(lines[2]).toContain('--workers: "0" (from flag --workers)');
  });

  it('never shows a secret, neither wrong nor right', () => {
    const secret = `bottom drive obey ${'lake '.repeat(200)}`;
    const error = problem('miner', ['--network', 'local'], { MIAOAI_HOTKEY_URI: secret });
    expect(error.message).toContain('--hotkey-uri: the value (from environment MIAOAI_HOTKEY_URI)');
    expect(error.message).not.toContain('bottom');
    const config = loaded('miner', ['--network', 'ws://u:p@h:1/key?k=v', '--hotkey-uri', '//Alice']);
    const shown = describeConfig(config);
    expect(shown).toContainEqual({ name: 'hotkeyUri', value: '***', source: 'flag --hotkey-uri' });
    expect(shown).toContainEqual({ name: 'chainEndpoints', value: 'ws://h:1/***', source: 'default' });
    expect(shown).toContainEqual({ name: 'axonIp', value: 'none', source: 'default' });
    expect(JSON.stringify(shown)).not.toMatch(/Alice|u:p|k=v/);
  });

  it('shows of a refused URL neither its password nor its path, where providers put their keys', () => {
    const given = 'http://user:hunter2@node.example:443/v1/key123?token=t,https://b.example';
    const loaded = loadConfig('validator', ['--chain-endpoints', given], {}, '/nowhere');
    expect(loaded).toMatchObject({ ok: false });
    if (loaded.ok) return;
    const { message } = loaded.error;
    expect(message).toContain('"http://***@node.example:443/***,https://b.example"');
    for (const secret of ['hunter2', 'key123', 'token']) expect(message).not.toContain(secret);
  });

  it('says which file it cannot read', () => {
    const cwd = workDir();
    mkdirSync(join(cwd, '.env'));
    expect(problem('miner', [], {}, cwd).message).toContain(`cannot read ${join(cwd, '.env')}`);
  });
});

describe('config / help and examples', () => {
  it.each(roles)('describes every setting of the %s by flag, variable and default', (role) => {
    const help = helpText(role);
    expect(problem(role, ['--help'])).toEqual({ kind: 'help', message: help, exitCode: 0 });
    expect(problem(role, ['-h']).kind).toBe('help');
    const words = help.replaceAll(/\s+/g, ' ');
    for (const row of settingsTable(role)) {
      expect(words).toContain(row.flag);
      expect(words).toContain(`${row.description} [env ${row.env}] [default ${row.default}]`);
    }
    expect(help.split('\n').filter((line) => line.length > 120)).toEqual([]);
  });

  it.each(roles)('ends the help of the %s with every exit code of the daemons', (role) => {
    const [, last = ''] = /\nExit codes: (.*)\.\n$/.exec(helpText(role)) ?? [];
    const said = last.split(', ').map((part) => Number(part.split(' ')[0]));
    expect(said).toEqual(Object.values(exitCodes));
    expect(last).toBe(
      '0 ended as asked, 1 failed, 2 wrong settings, 3 no usable hotkey, 4 no password that opens the hotkey',
    );
  });

  it.each(roles)('gives each setting of the %s names of its own', (role) => {
    const rows = settingsTable(role);
    const names = rows.flatMap(({ flag, env, aliases }) => [flag, env, ...aliases]);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(roles)('keeps .env.%s.example current (vitest -u writes it anew)', async (role) => {
    await expect(envExample(role)).toMatchFileSnapshot(`../../.env.${role}.example`);
  });

  it.each(roles)('writes defaults into the example of the %s that mean the defaults', (role) => {
    const example = readFileSync(join(import.meta.dirname, `../../.env.${role}.example`), 'utf8');
    const active = example.replaceAll(/^#(?=[A-Z])/gm, '');
    expect(Object.keys(parseEnv(active))).toHaveLength(settingsTable(role).length);
    const { sources: _a, ...fromExample } = loaded(role, [], {}, workDir({ [`.env.${role}`]: active }));
    const { sources: _b, ...fromDefaults } = loaded(role);
    expect(fromExample).toEqual(fromDefaults);
  });
});

describe('logging', () => {
  const written = (options: Partial<LogOptions>, write: (log: ReturnType<typeof createLogger>) => void) => {
    const lines: string[] = [];
    const stream = { write: (line: string) => void lines.push(line) };
    write(
      createLogger({ level: 'info', format: 'auto', role: 'miner', hotkey: '5Alice', stream, ...options }),
    );
    return lines;
  };

  it('writes one JSON object per line with role, hotkey, event and a readable level and time', () => {
    const lines = written({}, (log) => {
      log.info({ event: 'weights.confirmed', epoch: 7 }, 'weights are on chain');
      log.debug({ event: 'peer.left' }, 'too detailed');
    });
    expect(lines).toHaveLength(1);
    const line: unknown = JSON.parse(lines[0] ?? '');
    expect(line).toMatchObject({
      level: 'info',
      role: 'miner',
      hotkey: '5Alice',
      event: 'weights.confirmed',
      epoch: 7,
      msg: 'weights are on chain',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    });
  });

  it('never writes secrets, at the top or inside what is logged', () => {
    const [line = ''] = written({}, (log) =>
      log.info(
        { event: 'x.y', mnemonic: 'SECRET', config: { hotkeyUri: 'SECRET', wallet: { password: 'SECRET' } } },
        'kept',
      ),
    );
    expect(line).toContain('kept');
    expect(line).not.toContain('SECRET');
  });

  it('is readable for people when asked, before the call returns', () => {
    const lines = written({ format: 'pretty' }, (log) =>
      log.warn({ event: 'link.closed', peer: '5Bob', password: 'SECRET' }, 'the link is gone'),
    );
    const all = lines.join('');
    expect(all).toMatch(/WARN.*link\.closed the link is gone/);
    expect(all).toContain('peer=5Bob');
    expect(all).not.toContain('SECRET');
    expect(all).not.toContain('{"');
  });

  it('gives people one line each, whatever is in it', () => {
    const lines = written({ format: 'pretty' }, (log) =>
      log.info(
        { event: 'x.y', text: 'two\nlines', list: [1, 2], nested: { a: 'b' }, empty: null },
        'text\nof two lines',
      ),
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]?.trimEnd().split('\n')).toHaveLength(1);
    expect(lines[0]).toContain(
      'x.y text of two lines text="two\\nlines" list=[1,2] nested={"a":"b"} empty=null',
    );
  });

  it('keeps the cause of a logged error', () => {
    const [line = ''] = written({}, (log) =>
      log.error({ event: 'a.b', err: new Error('outer', { cause: new Error('inner') }) }, 'failed'),
    );
    expect(line).toContain('outer');
    expect(line).toContain('inner');
  });
});
