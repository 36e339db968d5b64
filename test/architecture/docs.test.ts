import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

import { chartOf, statesUnder } from '#src/inspector/chart.ts';
import * as messages from '#src/transport/protocol.ts';
import { documentedMachines } from '../../scripts/docs/machinePages.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));

const docs = (folder: string, ...args: readonly string[]) =>
  spawnSync(process.execPath, ['scripts/docs.ts', ...args], { cwd: folder, encoding: 'utf8' });

/** Everything that the script reads and writes, in a folder that may be spoilt. */
const copy = mkdtempSync(join(tmpdir(), 'miaoai-docs-'));
for (const part of ['src', 'scripts', 'docs', 'package.json']) {
  cpSync(join(repository, part), join(copy, part), { recursive: true });
}
symlinkSync(join(repository, 'node_modules'), join(copy, 'node_modules'));
afterAll(() => rmSync(copy, { recursive: true, force: true }));

const pageOf = (name: string) => readFileSync(join(repository, 'docs', name), 'utf8');

describe('architecture / docs', () => {
  it('are what the sources say now', () => {
    const { status, stderr } = docs(repository, '--check');
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it('are found to be stale, missing or left over, and written anew', () => {
    writeFileSync(join(copy, 'docs/protocol.md'), 'something else');
    rmSync(join(copy, 'docs/machines/round.md'));
    writeFileSync(join(copy, 'docs/machines/gone.md'), 'a machine that is gone');
    const { status, stderr } = docs(copy, '--check');
    expect(status).toBe(1);
    for (const name of ['machines/round.md', 'protocol.md', 'machines/gone.md']) {
      expect(stderr).toContain(`docs/${name}`);
    }
    expect(stderr).toContain('npm run docs');
    expect(docs(copy).status).toBe(0);
    expect(docs(copy, '--check').status).toBe(0);
  }, 60_000);

  it('refuse an argument they do not know', () => {
    expect(docs(copy, '--chekc').status).toBe(2);
  });

  it('have a page for every machine', () => {
    const files = readdirSync(join(repository, 'src/machines')).filter((name) =>
      name.endsWith('.machine.ts'),
    );
    const documented = documentedMachines.map(({ id }) => `${id}.machine.ts`);
    expect(documented.toSorted()).toEqual(files.toSorted());
  });

  it('name every state with its reason and every delay', () => {
    for (const machine of documentedMachines) {
      const chart = chartOf(machine);
      const page = pageOf(`machines/${chart.id}.md`);
      for (const { id, description } of statesUnder(chart.root).slice(1)) {
        expect(page).toContain(`| \`${id.slice(chart.id.length + 1)}\` |`);
        expect(page).toContain(description);
      }
      for (const { name } of chart.delays) expect(page).toContain(`| \`${name}\` |`);
    }
  });

  it('name every message of the protocol', () => {
    const page = pageOf('protocol.md');
    for (const type of Object.keys(messages.messageSchemas)) expect(page).toContain(`### ${type}\n`);
  });
});
