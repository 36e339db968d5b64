/** `miaoai devnet` as a process. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { request } from './nodeFixture.ts';

const MAIN = `
import { devnetCommand } from './src/cli/devnet.ts';
import { withUsageCode } from './src/cli/ending.ts';
await withUsageCode(devnetCommand()).parseAsync(process.argv.slice(1), { from: 'user' });
`;
const children: ChildProcessWithoutNullStreams[] = [];
const start = (...flags: readonly string[]) => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', MAIN, '--', ...flags]);
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextEvent = async (): Promise<Record<string, unknown>> =>
    JSON.parse((await lines.next()).value ?? '{}') as Record<string, unknown>;
  return { child, nextEvent };
};
/** Exit code and what was written to stderr. */
const endOf = async (child: ChildProcessWithoutNullStreams): Promise<readonly [number | null, string]> => {
  let text = '';
  child.stderr.on('data', (chunk) => {
    text += String(chunk);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return [code, text];
};
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

describe('devnet / command', () => {
  it('says where it listens, makes blocks and ends on SIGTERM', async () => {
    const { child, nextEvent } = start('--port', '0', '--block-time', '100');
    const { event, url } = await nextEvent();
    expect(event).toBe('devnet.listening');
    expect(await request(String(url), 'system_chain')).toBe('MIAOAI devnet');
    child.kill('SIGTERM');
    expect(await nextEvent()).toMatchObject({ event: 'devnet.stopped' });
    expect(await endOf(child)).toEqual([0, '']);
  });

  it('makes blocks by hand from a genesis file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'devnet-'));
    const file = join(folder, 'genesis.json');
    await writeFile(
      file,
      JSON.stringify({ chain: 'by hand', accounts: [{ address: '//Alice', free: '1000' }] }),
    );
    const { child, nextEvent } = start('--port', '0', '--manual-seal', '--genesis', file);
    const { url } = await nextEvent();
    expect(await request(String(url), 'system_chain')).toBe('by hand');
    await request(String(url), 'engine_createBlock', true, true);
    expect(await request(String(url), 'chain_getHeader')).toMatchObject({ number: '0x1' });
    child.kill('SIGINT');
    expect((await endOf(child))[0]).toBe(0);
    await rm(folder, { recursive: true });
  });

  it.each([
    [
      'a genesis file that is not there',
      ['--port', '0', '--genesis', '/no/such.json'],
      'cannot read /no/such.json',
    ],
    ['a port that is none', ['--port', '70000'], 'Give an integer from 0 to 65535'],
    ['a block time below 100 ms', ['--block-time', '5'], 'Give an integer from 100'],
    ['a runtime that is none', ['--spec', '1'], 'choose one of'],
  ])('ends with code 2 for %s', async (_name, flags, message) => {
    const [code, text] = await endOf(start(...flags).child);
    expect(code).toBe(2);
    expect(text).toContain(message);
  });
});
