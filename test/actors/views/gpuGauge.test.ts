import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { createGpuGauge, type GpuGauge } from '#src/actors/views/gpuGauge.ts';
import { deaf, fakeNvidiaSmi } from '#test/support/fakeNvidiaSmi.ts';

const healthy = "echo 'NVIDIA H200, 4096, 143771, 37, 41'";
const patience = { timeout: 10_000, interval: 10 };
/** Mostly enough for a shell to print a line; where it is not, the gauge asks again. */
const patienceMs = 1_000;

describe('actors / views / gpuGauge', () => {
  const open: (() => void)[] = [];
  const faked = (lines: string) => {
    const fake = fakeNvidiaSmi(lines);
    open.push(fake.remove);
    return fake;
  };
  const gaugeOf = (program: string): GpuGauge => {
    const gauge = createGpuGauge({ program, everyMs: 20, patienceMs });
    open.push(gauge.close);
    return gauge;
  };
  const h200 = expect.objectContaining({ name: 'NVIDIA H200', celsius: 41 });

  afterEach(() => {
    for (const close of open.splice(0).toReversed()) close();
  });

  it('shows no figures of a GPU that stopped answering, and new ones once it answers again', async () => {
    const fake = faked(healthy);
    const gauge = gaugeOf(fake.program);
    await expect.poll(gauge.view, patience).toEqual(h200);
    fake.become(deaf);
    await expect.poll(gauge.view, patience).toBeNull();
    fake.become(healthy);
    await expect.poll(gauge.view, patience).toEqual(h200);
  });

  it('shows no figures of a program that fails after it answered', async () => {
    const fake = faked(healthy);
    const gauge = gaugeOf(fake.program);
    await expect.poll(gauge.view, patience).toEqual(h200);
    fake.become("echo 'Unable to determine the device handle'; exit 15");
    await expect.poll(gauge.view, patience).toBeNull();
  });

  it('ends a program that does not listen to a signal to end', async () => {
    const fake = faked('');
    const pidFile = join(fake.folder, 'pid');
    fake.become(`echo $$ > ${pidFile}.new; mv ${pidFile}.new ${pidFile}\n${deaf}`);
    gaugeOf(fake.program);
    await vi.waitFor(() => expect(existsSync(pidFile)).toBe(true), patience);
    const first = Number(readFileSync(pidFile, 'utf8'));
    await vi.waitFor(() => expect(() => process.kill(first, 0)).toThrow('ESRCH'), patience);
  });
});
