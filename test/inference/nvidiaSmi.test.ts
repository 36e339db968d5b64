import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { askNvidiaSmi, firstGpu, type NvidiaAnswer } from '#src/inference/nvidiaSmi.ts';
import { deaf, fakeNvidiaSmi } from '#test/support/fakeNvidiaSmi.ts';

const fields = ['name', 'memory.free'];
const ask = (program: string, patienceMs = 20_000): Promise<NvidiaAnswer> =>
  askNvidiaSmi({ fields, patienceMs, program });

describe('inference / nvidiaSmi', () => {
  const made: { readonly remove: () => void }[] = [];
  const faked = (lines: string) => {
    const fake = fakeNvidiaSmi(lines);
    made.push(fake);
    return fake;
  };
  afterEach(() => {
    for (const fake of made.splice(0)) fake.remove();
  });

  it('hands on what it prints, and tells a missing program from one that fails', async () => {
    // What it is asked for comes back as what it says.
    const fake = faked('echo "$1, $2"');
    const told = await ask(fake.program);
    expect(told).toMatchObject({ kind: 'told' });
    expect(firstGpu(told.kind === 'told' ? told.text : '')).toEqual([
      '--query-gpu=name',
      'memory.free',
      '--format=csv',
      'noheader',
      'nounits',
    ]);
    fake.become("echo 'NVIDIA-SMI has failed'; exit 9");
    expect(await ask(fake.program)).toEqual({ kind: 'failed' });
    fake.become('yes');
    expect(await ask(fake.program)).toEqual({ kind: 'failed' });
    expect(await ask(join(fake.folder, 'absent'))).toEqual({ kind: 'missing' });
  });

  it('starts no more than a few that hang, and asks again when they are gone', async () => {
    const fake = faked('');
    const started = join(fake.folder, 'started');
    fake.become(`echo $$ >> ${started}\n${deaf}`);
    const hanging = [1, 2, 3, 4].map(() => ask(fake.program, 2_000));
    expect(await ask(fake.program)).toEqual({ kind: 'silent' });
    await vi.waitFor(() => expect(existsSync(started)).toBe(true), { timeout: 10_000 });
    for (const answer of await Promise.all(hanging)) expect(answer).toEqual({ kind: 'silent' });
    expect(readFileSync(started, 'utf8').trim().split('\n').length).toBeLessThanOrEqual(4);
    fake.become('echo NVIDIA H200');
    await vi.waitFor(async () => expect(await ask(fake.program)).toMatchObject({ kind: 'told' }), {
      timeout: 10_000,
    });
  });
});
