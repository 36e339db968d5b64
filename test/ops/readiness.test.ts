import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { Verdict } from '#src/domain/view/verdict.ts';
import { announceReady, type Readiness } from '#src/readiness.ts';
import { recordingLog } from '#test/support/actors.ts';
import { until } from '#test/support/peers.ts';

const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

/** Receives datagrams of a unix socket, which Node cannot, and writes each as a line of JSON. */
const listenerProgram = `
import json, os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
s.bind(sys.argv[1])
print(json.dumps("bound"), flush=True)
while True:
    data, fds, flags, addr = socket.recv_fds(s, 65536, 4)
    for fd in fds: os.close(fd)
    print(json.dumps(data.decode()), flush=True)
`;

describe('ops / readiness', () => {
  let dir = '';
  let verdict: Verdict;
  let isLive = true;
  const endings: (() => unknown)[] = [];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'miaoai-notify-'));
    verdict = { level: 'ok', text: 'All is well', reasons: [] };
    isLive = true;
  });
  afterEach(async () => {
    for (const end of endings.splice(0)) await end();
    rmSync(dir, { recursive: true, force: true });
  });

  const { log, lines } = recordingLog();
  const announce = (
    env: Readonly<Record<string, string>>,
    tellParent: ((it: string) => void) | null = null,
  ) => {
    const readiness: Readiness = announceReady({
      env,
      pid: process.pid,
      tellParent,
      verdict: () => verdict,
      isLive: () => isLive,
      log,
      lookEveryMs: 20,
    });
    endings.push(readiness.close);
    return readiness;
  };

  /** A program of the right name that writes what it is told into a file. */
  const stub = () => {
    const told = join(dir, 'told');
    writeFileSync(
      join(dir, 'systemd-notify'),
      `#!/bin/sh\nprintf '%s|' "$NOTIFY_SOCKET" "$@" >> '${told}'\necho >> '${told}'\n`,
    );
    chmodSync(join(dir, 'systemd-notify'), 0o755);
    const messages = (): readonly string[] =>
      existsSync(told) ? readFileSync(told, 'utf8').trimEnd().split('\n') : [];
    return { messages, env: { PATH: `${dir}:/usr/bin:/bin`, NOTIFY_SOCKET: '@fake' } };
  };

  it('says nothing where no manager listens', async () => {
    const { messages, env } = stub();
    await announce({ PATH: env.PATH }).close();
    expect(messages()).toEqual([]);
  });

  it('tells a parent that waits for it, as pm2 does', () => {
    const told: string[] = [];
    announce({}, (message) => told.push(message));
    expect(told).toEqual(['ready']);
  });

  it('tells systemd that it is ready, each new verdict, and the end', async () => {
    const { messages, env } = stub();
    const readiness = announce(env);
    await until(() => messages().length === 1, 'readiness');
    expect(messages()[0]).toBe('@fake|READY=1|STATUS=All is well|');
    verdict = { level: 'failing', text: 'The chain is lost\nsince 5 s', reasons: [] };
    await until(() => messages().length === 2, 'the verdict');
    expect(messages()[1]).toBe('@fake|STATUS=The chain is lost since 5 s|');
    await readiness.close();
    expect(messages().at(-1)).toBe('@fake|STOPPING=1|STATUS=ending|');
  });

  it('feeds the watchdog three times in its period while it is live', async () => {
    const { messages, env } = stub();
    const fed = () => messages().filter((message) => message.includes('WATCHDOG=1')).length;
    announce({ ...env, WATCHDOG_USEC: '150000', WATCHDOG_PID: String(process.pid) });
    await until(() => fed() >= 3, 'the watchdog');
    isLive = false;
    // What was on its way arrives.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const before = fed();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(fed()).toBe(before);
  });

  it('leaves a watchdog that is meant for another process alone', async () => {
    const { messages, env } = stub();
    announce({ ...env, WATCHDOG_USEC: '30000', WATCHDOG_PID: '1' });
    await until(() => messages().length === 1, 'readiness');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(messages().join()).not.toContain('WATCHDOG');
  });

  it('warns once where systemd-notify is missing, and goes on', async () => {
    lines.length = 0;
    const readiness = announce({ PATH: dir, NOTIFY_SOCKET: '@fake' });
    await until(() => lines.length === 1, 'a warning');
    verdict = { level: 'failing', text: 'something else', reasons: [] };
    await readiness.close();
    expect(lines).toMatchObject([{ event: 'notify.failed', level: 'warn' }]);
  });

  // Needs a program that can bind a datagram socket, and systemd's own.
  it.skipIf(!has('systemd-notify') || !has('python3'))(
    'reaches the socket of systemd by its own program',
    async () => {
      const socket = join(dir, 'notify.sock');
      const listener = spawn('python3', ['-c', listenerProgram, socket], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      endings.push(() => void listener.kill('SIGKILL'));
      let text = '';
      listener.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      await until(() => text.includes('bound'), 'the socket');
      const readiness = announce({ PATH: process.env['PATH'] ?? '', NOTIFY_SOCKET: socket });
      await until(() => text.includes('READY=1'), 'readiness');
      expect(text).toContain('STATUS=All is well');
      await readiness.close();
      expect(text).toContain('STOPPING=1');
    },
  );
});
