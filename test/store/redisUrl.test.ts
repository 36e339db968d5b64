import { describe, expect, it } from 'vitest';

import { toRedisTrouble } from '#src/store/redisTrouble.ts';
import { describeTarget, parseRedisUrl } from '#src/store/redisUrl.ts';

const parsed = (text: string) => {
  const target = parseRedisUrl(text);
  return target.ok ? target.value : null;
};

describe('store / redisUrl', () => {
  it('reads each form, with its ports, database and credentials', () => {
    expect(parsed('redis://u:p%40ss@h:7000/3')).toMatchObject({
      kind: 'single',
      hosts: [{ host: 'h', port: 7000 }],
      db: 3,
      username: 'u',
      password: 'p@ss',
      isTls: false,
    });
    expect(parsed('rediss://[::1]')).toMatchObject({ hosts: [{ host: '::1', port: 6379 }], isTls: true });
    expect(parsed('redis+sentinel://a,b:27000/mymaster/2')).toMatchObject({
      kind: 'sentinel',
      hosts: [
        { host: 'a', port: 26379 },
        { host: 'b', port: 27000 },
      ],
      masterName: 'mymaster',
      db: 2,
    });
    expect(parsed('redis+cluster://a:1,b:2')).toMatchObject({ kind: 'cluster', db: 0 });
    expect(parsed('unix:///run/redis.sock?db=1')).toMatchObject({ path: '/run/redis.sock', db: 1 });
    expect(parsed('redis+unix://:secret@/run/redis.sock')).toMatchObject({
      kind: 'socket',
      password: 'secret',
    });
  });

  it.each([
    'http://h',
    'redis://',
    'redis://a,b',
    'redis://h:0',
    'redis://h:70000',
    'redis://h/x',
    'redis://h/1/2',
    'redis://h/99999',
    'redis://%zz@h',
    'redis+sentinel://a:1',
    'redis+cluster://a:1/1',
    'unix://host/path',
    `redis://${'h'.repeat(3_000)}`,
  ])('refuses %s', (text) => {
    expect(parsed(text)).toBeNull();
  });

  it('describes a target without its credentials, in a form that leads there again', () => {
    for (const text of [
      'redis://h:7000/3',
      'rediss+sentinel://a:1,[::1]:2/mymaster/2',
      'redis+cluster://a:1,b:2',
      'unix:///run/r.sock?db=1',
    ]) {
      const target = parsed(text.replace('://', '://user:secret@'));
      if (target === null) throw new Error(text);
      expect(describeTarget(target)).toBe(text);
    }
  });
});

const reply = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' });
const troubleOf = (cause: unknown) => toRedisTrouble(cause, 'redis://h:1').trouble;

describe('store / redisTrouble', () => {
  it('maps what servers answer, also from within a script of Redis 6.2', () => {
    expect(troubleOf(reply("OOM command not allowed when used memory > 'maxmemory'."))).toBe('memory');
    const wrapped = 'ERR Error running script (call to f_0): @user_script:3: -READONLY You can not write.';
    expect(troubleOf(reply(wrapped))).toBe('readOnly');
    expect(troubleOf(reply('CLUSTERDOWN Hash slot not served'))).toBe('unreachable');
    expect(troubleOf(reply('TRYAGAIN Multiple keys request during rehashing of slot'))).toBe('unreachable');
    expect(troubleOf(reply('BUSY Redis is busy running a script.'))).toBe('slow');
    expect(troubleOf(reply('ERR max number of clients reached'))).toBe('unreachable');
    expect(troubleOf(reply('ERR something new'))).toBe('failed');
  });

  it('maps what sockets say, and knows what may have been written', () => {
    const coded = (code: string, message = code) => Object.assign(new Error(message), { code });
    expect(troubleOf(coded('ECONNREFUSED'))).toBe('unreachable');
    expect(troubleOf(coded('EMFILE'))).toBe('descriptors');
    expect(troubleOf(coded('ERR_TLS_CERT_ALTNAME_INVALID'))).toBe('misconfigured');
    expect(troubleOf(new Error('Command timed out'))).toBe('slow');
    expect(toRedisTrouble(new Error('Command timed out'), 'h').isCertain).toBe(false);
    expect(toRedisTrouble(reply('READONLY no'), 'h')).toMatchObject({
      isCertain: true,
      keepsConnection: false,
    });
  });

  it('never repeats the arguments of a command that a server did not know', () => {
    const answer = reply(
      "ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'user' 'hunter2'",
    );
    expect(toRedisTrouble(answer, 'h').message).not.toContain('hunter2');
  });
});
