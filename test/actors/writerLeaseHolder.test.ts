import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';

import { isHolderAlive, parseHolder, signHolder } from '#src/actors/writerLeaseHolder.ts';

const signature = signHolder(10_000, new Date('2026-11-22T20:00:00Z'));
const withPid = (pid: number): string => signature.replace(/ pid \d+ /, ` pid ${pid} `);

describe('actors / writerLeaseHolder', () => {
  it('signs for people, and so that it can be read again', () => {
    expect(signature).toContain(`pid ${process.pid} since 2026-11-22T20:00:00.000Z lease 10000 ms`);
    expect(parseHolder(signature)).toMatchObject({ pid: process.pid, leaseMs: 10_000 });
    expect(signature.length).toBeLessThan(200);
  });

  it.each([
    '',
    'somebody else',
    'host pid x since y lease 1 ms in unknown',
    ' pid 1 since y lease 1234567 ms in unknown',
    `${signature} and more`,
  ])('concludes nothing from %j', (foreign) => {
    expect(parseHolder(foreign)).toBeNull();
    expect(isHolderAlive(foreign)).toBeNull();
  });

  it('believes in no longer lease than a setting can have', () => {
    expect(parseHolder('host pid 1 since y lease 999999 ms in unknown')?.leaseMs).toBe(300_000);
  });

  it.skipIf(process.platform !== 'linux')(
    'knows a living process from a dead one on this machine',
    async () => {
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
      expect(isHolderAlive(withPid(child.pid ?? 0))).toBe(true);
      child.kill('SIGKILL');
      await once(child, 'close');
      expect(isHolderAlive(withPid(child.pid ?? 0))).toBe(false);
    },
  );

  it.skipIf(process.platform !== 'linux')('takes an earlier process with its own id for dead', () => {
    expect(isHolderAlive(signature)).toBe(false);
  });

  it('knows nothing of another machine, boot or container', () => {
    const elsewhere = withPid(999_999_999).replace(/in \S+$/, 'in 0123456789ab');
    expect(isHolderAlive(elsewhere)).toBeNull();
    expect(isHolderAlive(withPid(1).replace(/in \S+$/, 'in unknown'))).toBeNull();
  });
});
