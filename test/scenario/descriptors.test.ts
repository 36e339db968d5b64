import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';

import { dial } from '#src/transport/client.ts';
import { startSubnet } from '#test/chain/devnetFixture.ts';
import { dialSettings, openScope } from '#test/support/peers.ts';
import { repository } from '#test/support/systemBuild.ts';

type Line = Readonly<Record<string, unknown>>;
const limit = 96;
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

/** Starts the child with `ulimit -n` and talks to it by lines. */
const startChild = (dir: string, chainUrl: string) => {
  const script = `ulimit -n ${limit} && exec "$0" "$@"`;
  const entry = join(repository, 'test/support/descriptorsChild.ts');
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', entry];
  const child = spawn('sh', ['-c', script, ...node, dir, chainUrl], {
    cwd: repository,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  ends.push(() => child.kill('SIGKILL'));
  const lines: Line[] = [];
  const waiting: ((line: Line) => void)[] = [];
  createInterface({ input: child.stdout }).on('line', (text) => {
    const next = waiting.shift();
    if (next === undefined) lines.push(JSON.parse(text));
    else next(JSON.parse(text));
  });
  const next = (): Promise<Line> => {
    const line = lines.shift();
    return line === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(line);
  };
  const ask = (order: string): Promise<Line> => {
    child.stdin.write(`${order}\n`);
    return next();
  };
  return { child, next, ask };
};

/** Connects without saying anything; resolves when the other side is done with it, or after a moment. */
const knock = (port: number): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const done = (): void => {
      socket.destroy();
      resolve();
    };
    socket.on('error', done).on('close', done).setTimeout(500, done);
  });

describe.skipIf(process.platform === 'win32')('scenario / descriptors', () => {
  it('survives without a single descriptor left, says so, and goes on with the first one', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'miaoai-descriptors-'));
    ends.push(() => rmSync(dir, { recursive: true, force: true }));
    const chain = await startSubnet({ sealing: 'manual' });
    ends.push(() => chain.stop());
    // Block 0 has no time.
    chain.sealBlocks(2);
    const { child, next, ask } = startChild(join(dir, 'data'), chain.url);
    const { port } = await next();
    const well = { dial: 'Success', chain: 'Success', store: 'Success', shortages: [] };
    expect(await ask('try')).toMatchObject(well);
    const without = await ask('exhaust');
    expect(without['taken']).toBeGreaterThan(10);
    expect(without).toMatchObject({ dial: 'Failure', chain: 'Failure', store: 'Success' });
    if (process.platform === 'linux') expect(without['shortages']).toEqual(['descriptors']);
    for (let visitor = 0; visitor < 5; visitor += 1) await knock(Number(port));
    expect(child.exitCode).toBeNull();
    expect(await ask('free')).toMatchObject({ taken: 0, ...well });
    const scope = openScope();
    await scope.run(dial(dialSettings(Number(port))));
    await scope.close();
    expect(await ask('try')).toMatchObject(well);
  });
});
