import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { exportMachines } from '#src/cli/machines.ts';
import { retentionMachine } from '#src/machines/retention.machine.ts';
import { roundMachine } from '#src/machines/round.machine.ts';
import { laidOut } from '../../scripts/charts/laidOut.ts';
import { runCli } from './cliProcess.ts';

const home = mkdtempSync(join(tmpdir(), 'miaoai-cli-machines-'));
const charts = mkdtempSync(join(tmpdir(), 'miaoai-cli-charts-'));
const folders = [join(home, 'nothing'), charts];

beforeAll(async () => {
  for (const one of await laidOut([roundMachine, retentionMachine])) {
    writeFileSync(join(charts, `${one.chart.id}.json`), JSON.stringify(one));
  }
});
afterAll(() => {
  rmSync(home, { recursive: true, force: true });
  rmSync(charts, { recursive: true, force: true });
});

describe('cli / machines', () => {
  it('prints one machine in each format', async () => {
    const printed = async (format: 'mermaid' | 'svg' | 'json') =>
      (await exportMachines({ format, machine: 'round', folders })).text;
    expect(await printed('mermaid')).toMatch(/^stateDiagram-v2\n/);
    expect(await printed('svg')).toMatch(/^<svg .*>/);
    expect(await printed('svg')).toContain('data-state="round.asking"');
    expect(JSON.parse(await printed('json')).chart.id).toBe('round');
  });

  it('writes a file for each machine into a folder that it makes', async () => {
    const out = join(home, 'drawn', 'here');
    const ending = await exportMachines({ format: 'svg', out, folders });
    expect(ending).toMatchObject({ code: 0 });
    expect(readdirSync(out).toSorted()).toEqual(['retention.svg', 'round.svg']);
    expect(readFileSync(join(out, 'round.svg'), 'utf8')).toContain('</svg>');
  });

  it('says what to do where it cannot', async () => {
    expect(await exportMachines({ format: 'svg', folders })).toMatchObject({
      code: 2,
      text: expect.stringContaining('--out'),
    });
    expect(await exportMachines({ format: 'svg', machine: 'rouund', folders })).toMatchObject({
      code: 2,
      text: 'no machine rouund: there are retention, round',
    });
    expect(await exportMachines({ format: 'json', folders: [home] })).toMatchObject({
      code: 1,
      text: expect.stringContaining('npm run build'),
    });
  });

  it('is a command of miaoai', async () => {
    const help = await runCli(['machines', 'export', '--help'], { home });
    expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('--format') });
    expect(await runCli(['machines', 'export', '--format', 'png'], { home })).toMatchObject({ code: 2 });
  });
});
