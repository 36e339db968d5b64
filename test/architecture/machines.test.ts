import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { chartOf, statesUnder } from '#src/inspector/chart.ts';
import { repository, sourcesUnder, withoutComments } from '#test/support/machinesSources.ts';
import { documentedMachines } from '../../scripts/docs/machinePages.ts';

const maxLines = 400;
const machineFiles = sourcesUnder('src/machines').filter(({ path }) => path.endsWith('.machine.ts'));
const linesOf = (text: string) => text.trimEnd().split('\n').length;

/** Actions that XState brings; anything else could do I/O, read a clock or throw. */
const builtIn = ['assign', 'raise', 'sendTo', 'emit', 'spawnChild', 'stopChild', 'enqueueActions', 'cancel'];

/** Pure functions that other machines share; everything else a machine file exports is its machine and types. */
const sharedFunctions: Readonly<Record<string, readonly string[]>> = {
  'src/machines/epoch.machine.ts': ['scheduleOf'],
};

describe('architecture / machines', () => {
  it('stand in one file each, which exports its machine, types and nothing else', async () => {
    for (const { path, text } of machineFiles) {
      const name = path.replace(/^.*\/(.+)\.machine\.ts$/, '$1');
      const values = [...text.matchAll(/^export (?!type\b)\w+ (\w+)/gm)].map(([, exported]) => exported);
      expect(values.toSorted(), path).toEqual(
        [...(sharedFunctions[path] ?? []), `${name}Machine`].toSorted(),
      );
      expect(text, path).not.toMatch(/^export (\{|\*|default)/m);
      const module: Record<string, unknown> = await import(join(repository, path));
      expect(documentedMachines, path).toContain(module[`${name}Machine`]);
    }
  });

  it('give every state a reason', () => {
    for (const machine of documentedMachines) {
      for (const { id, description } of statesUnder(chartOf(machine).root).slice(1)) {
        expect(description?.trim().length ?? 0, id).toBeGreaterThan(10);
      }
    }
  });

  it('say why an event is ignored wherever one is', () => {
    for (const machine of documentedMachines) {
      for (const state of statesUnder(chartOf(machine).root)) {
        const ignored = state.transitions.filter(
          ({ targets, actions, reenter }) => targets.length === 0 && actions.length === 0 && !reenter,
        );
        for (const { id, description } of ignored) expect(description, id).not.toBeNull();
      }
    }
  });

  it('arm their timers again after a restart wherever they are persisted', () => {
    const persisted = documentedMachines.filter(({ id }) => ['epoch', 'weightSetting'].includes(id));
    expect(persisted).toHaveLength(2);
    const timed = persisted.flatMap((machine) =>
      statesUnder(chartOf(machine).root).filter(({ transitions }) =>
        transitions.some(({ kind }) => kind === 'after'),
      ),
    );
    expect(timed.length).toBeGreaterThan(0);
    for (const { id, transitions } of timed) {
      const resumed = transitions.find(({ eventType }) => eventType === 'system.resumed');
      expect(resumed, id).toMatchObject({ targets: [id], reenter: true });
    }
  });

  it('bound their microsteps', () => {
    for (const machine of documentedMachines) {
      expect(machine.options?.maxIterations, machine.id).toBeLessThanOrEqual(1_000);
    }
  });

  it('have no action of their own making', () => {
    for (const machine of documentedMachines) {
      const states = statesUnder(chartOf(machine).root);
      const used = states.flatMap(({ entry, exit, transitions }) => [
        ...entry,
        ...exit,
        ...transitions.flatMap(({ actions }) => actions),
      ]);
      const named = Object.entries<unknown>(machine.implementations.actions);
      for (const [name, action] of named) {
        const type = (action as { readonly type?: string }).type?.replace('xstate.', '');
        expect(builtIn, `${machine.id} ${name}`).toContain(type);
      }
      const known = [...builtIn, ...named.map(([name]) => name)];
      expect(
        used.filter((label) => !known.includes(label.split(' ')[0] ?? '')),
        machine.id,
      ).toEqual([]);
    }
  });

  it('keep no actor in their context and tell no parent', () => {
    for (const { path, text } of machineFiles) {
      expect(withoutComments(text), path).not.toMatch(/\bsendParent\b|\bspawn\(|ActorRef|\blog\(/);
    }
  });

  it('name every delay', () => {
    for (const machine of documentedMachines) {
      const { root, delays } = chartOf(machine);
      const used = statesUnder(root).flatMap(({ transitions }) =>
        transitions.flatMap(({ delay }) => delay ?? []),
      );
      expect(new Set(used), machine.id).toEqual(new Set(delays.map(({ name }) => name)));
    }
  });
});

describe('architecture / files', () => {
  it('are short enough to read', () => {
    for (const { path, text } of sourcesUnder('src')) {
      expect(linesOf(text), path).toBeLessThanOrEqual(maxLines);
    }
  });

  it('are named for what they hold', () => {
    const vague = /(^|\/)(utils?|helpers?|common|types|index|misc)\.ts$/;
    expect(sourcesUnder('src').filter(({ path }) => vague.test(path))).toEqual([]);
    expect(
      sourcesUnder('src').filter(({ path }) => !/\/[a-z][A-Za-z0-9]*(\.[a-z]+)?\.ts$/.test(path)),
    ).toEqual([]);
  });

  it('of tests expect something in each test', () => {
    const tests = sourcesUnder('test').filter(({ path }) => path.endsWith('.test.ts'));
    expect(tests.length).toBeGreaterThan(10);
    for (const { path, text } of tests) {
      const bodies = withoutComments(text)
        .split(/^\s*it(?:\.\w+)*\(/m)
        .slice(1);
      expect(bodies.length, `${path} has no test`).toBeGreaterThan(0);
      for (const body of bodies) {
        expect(body, `${path} has a test that cannot fail`).toMatch(/\bexpect\b|\bassert\b/);
      }
    }
  });
});
