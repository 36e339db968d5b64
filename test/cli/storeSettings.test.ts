import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

import { describeConfig, loadConfig } from '#src/config.ts';

const cwd = mkdtempSync(join(tmpdir(), 'miaoai-store-settings-'));
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const load = (argv: readonly string[], env: { readonly [name: string]: string } = {}) =>
  loadConfig('miner', argv, { HOME: cwd, ...env }, cwd);
const loaded = (argv: readonly string[], env: { readonly [name: string]: string } = {}) => {
  const config = load(argv, env);
  if (!config.ok) throw new Error(config.error.message);
  return config.value;
};
const refusal = (argv: readonly string[], env: { readonly [name: string]: string } = {}): string => {
  const config = load(argv, env);
  return config.ok ? '' : config.error.message;
};

describe('config / storeSettings', () => {
  it('keeps state in the data folder unless told otherwise, whatever names of Redis are set', () => {
    expect(loaded([]).store).toBe('embedded');
    expect(loaded([], { REDIS_HOST: 'elsewhere', REDIS_PASSWORD: 'x' }).store).toBe('embedded');
  });

  it('takes Redis by a URL alone, by a word, or by the names of the original', () => {
    expect(loaded(['--redis', 'redis://h:1']).store).toBe('redis');
    expect(loaded(['--store', 'redis']).store).toBe('redis');
    const original = {
      STORAGE_TYPE: 'redis',
      REDIS_HOST: 'h',
      REDIS_PORT: '7',
      REDIS_DB: '2',
      REDIS_TTL: '7200',
    };
    expect(loaded([], original)).toMatchObject({
      store: 'redis',
      redisHost: 'h',
      redisPort: 7,
      redisDb: 2,
      redisTtl: '7200',
    });
    expect(loaded(['--redis_host', 'h', '--storage', 'redis'])).toMatchObject({
      store: 'redis',
      redisHost: 'h',
    });
  });

  it('never shows a password, neither in the description nor in an error', () => {
    const config = loaded(['--redis', 'redis://u:hunter2@h', '--redis-password', 'hunter3']);
    expect(JSON.stringify(describeConfig(config))).not.toMatch(/hunter/);
    expect(refusal(['--redis', 'redis://u:hunter2@h/not-a-number'])).toMatch(
      /--redis: the value .*rediss:\/\//,
    );
    expect(refusal(['--redis', 'redis://u:hunter2@h/not-a-number'])).not.toContain('hunter2');
  });

  it('refuses settings that contradict each other', () => {
    expect(refusal(['--store', 'embedded', '--redis', 'redis://h'])).toMatch(/contradicts --redis/);
    expect(refusal(['--redis-password', 'x', '--redis-password-file', 'y'])).toMatch(/both given/);
  });
});
