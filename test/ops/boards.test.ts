import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import {
  type MetricDefinition,
  type MetricName,
  metricDefinitions,
  metricPrefix,
} from '#src/actors/metrics/definitions.ts';
import { createMetrics } from '#src/actors/metrics/metrics.ts';
import { AnswerOutcome } from '#src/domain/task.ts';
import { chartOf, statesUnder } from '#src/inspector/chart.ts';
import { minerSessionMachine } from '#src/machines/minerSession.machine.ts';
import { validatorSessionMachine } from '#src/machines/validatorSession.machine.ts';
import { minerSlices, validatorSlices } from '#test/support/viewSlices.ts';

const ops = fileURLToPath(new URL('../../ops/', import.meta.url));
const textOf = (path: string): string => readFileSync(`${ops}${path}`, 'utf8');
const boards = readdirSync(`${ops}grafana/dashboards`).filter((name) => name.endsWith('.json'));

type Panel = {
  readonly id: number;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource: { readonly uid: string };
  readonly targets: readonly { readonly expr: string }[];
};
type Board = {
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly type: string; readonly definition?: string }[] };
};
const boardOf = (name: string): Board => JSON.parse(textOf(`grafana/dashboards/${name}`));

type Rule = { readonly alert: string; readonly expr: string };
const rules: readonly Rule[] = parse(textOf('prometheus/alerts.yml')).groups[0].rules;

const expressionsOf = (name: string): readonly string[] => {
  const { panels, templating } = boardOf(name);
  return [
    ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...templating.list.flatMap(({ definition }) => (definition === undefined ? [] : [definition])),
  ];
};
const all: readonly string[] = [...boards.flatMap(expressionsOf), ...rules.map(({ expr }) => expr)];

/** A metric of ours, with the selector behind it. */
const mention = /miaoai_([a-z0-9_]+)(\{[^}]*\})?/g;
const definitions: Readonly<Record<string, MetricDefinition>> = metricDefinitions;
const isDistribution = (name: string): boolean => definitions[name]?.type === 'histogram';
const definedName = (name: string): string => {
  const base = name.replace(/_(bucket|sum|count)$/, '');
  return isDistribution(base) ? base : name;
};

/** Not on a board: a name is all they would show. */
const unused: ReadonlySet<MetricName> = new Set<MetricName>([]);

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
const promtool = (args: readonly string[], input?: string) =>
  spawnSync('promtool', args, { cwd: `${ops}prometheus`, encoding: 'utf8', ...(input ? { input } : {}) });

const sessionStates: ReadonlySet<string> = new Set(
  [minerSessionMachine, validatorSessionMachine].flatMap((machine) =>
    statesUnder(chartOf(machine).root).map(({ key }) => key),
  ),
);
const valuesOf: Readonly<Record<string, ReadonlySet<string>>> = {
  session_state: sessionStates,
  answers_total: new Set(AnswerOutcome.literals),
  eventloop_delay_seconds: new Set(['p50', 'p99', 'max']),
};

describe('ops / boards and rules', () => {
  it('ask for nothing but metrics that exist, by labels that they have', () => {
    const known = new Set(['instance', 'job', 'le']);
    for (const expression of all) {
      for (const [, name = '', selector = ''] of expression.matchAll(mention)) {
        const definition = definitions[definedName(name)];
        expect(definition, `${name} in ${expression}`).toBeDefined();
        for (const [, label = '', value = ''] of selector.matchAll(/(\w+)\s*=~?\s*"([^"]*)"/g)) {
          const labels = [...known, ...(definition?.labels ?? [])];
          expect(labels, `${label} of ${name} in ${expression}`).toContain(label);
          const values = valuesOf[name];
          if (values === undefined || label === 'instance') continue;
          for (const one of value.split('|')) expect([...values], expression).toContain(one);
        }
      }
    }
  });

  it('show every metric there is', () => {
    const used = new Set(
      all.flatMap((expression) =>
        [...expression.matchAll(mention)].map(([, name = '']) => definedName(name)),
      ),
    );
    const missing = Object.keys(metricDefinitions).filter((name) => !used.has(name));
    expect(missing).toEqual([...unused]);
  });

  it.each(boards)('%s takes its data source from a variable and has panels that do not overlap', (name) => {
    const { uid, panels, templating } = boardOf(name);
    expect(uid).toBe(`miaoai-${name.replace('.json', '')}`);
    expect(templating.list[0]?.type).toBe('datasource');
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Set<string>();
    for (const { title, gridPos, datasource } of panels) {
      expect(datasource.uid).toMatch(/^\$\{datasource\}$/);
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(taken.has(`${x}/${y}`), title).toBe(false);
          taken.add(`${x}/${y}`);
        }
      }
    }
  });

  it('are provisioned by files that can be read', () => {
    expect(parse(textOf('grafana/provisioning/dashboards/miaoai.yml')).providers[0].type).toBe('file');
    expect(parse(textOf('grafana/provisioning/datasources/prometheus.yml')).datasources[0].type).toBe(
      'prometheus',
    );
  });

  it('have a test for every alert', () => {
    const tests = textOf('prometheus/alerts.test.yml');
    expect(rules.filter(({ alert }) => !tests.includes(alert)).map(({ alert }) => alert)).toEqual([]);
  });

  // Debian: apt-get install prometheus (it brings promtool).
  describe.skipIf(!hasPromtool)('by promtool', () => {
    it.each([
      ['check', 'rules', 'alerts.yml'],
      ['check', 'config', 'prometheus.yml'],
      ['test', 'rules', 'alerts.test.yml'],
    ])('pass %s %s %s', (...args) => {
      const { status, stdout, stderr } = promtool(args);
      expect(`${stdout}${stderr}`).toContain('SUCCESS');
      expect(status).toBe(0);
    });

    it('find every expression of a board well-formed', () => {
      const expressions = boards
        .flatMap(expressionsOf)
        .filter((expression) => !expression.startsWith('label_values'));
      const recorded = expressions.map((expression, index) => ({
        record: `board:${index}`,
        expr: expression.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*'),
      }));
      const folder = mkdtempSync(join(tmpdir(), 'miaoai-boards-'));
      const file = join(folder, 'boards.yml');
      writeFileSync(file, JSON.stringify({ groups: [{ name: 'boards', rules: recorded }] }));
      const { status, stdout, stderr } = promtool(['check', 'rules', file]);
      rmSync(folder, { recursive: true });
      expect(`${stdout}${stderr}`).toContain(`${expressions.length} rules found`);
      expect(status).toBe(0);
    });

    it.each(['validator', 'miner'] as const)('what a %s answers to a scrape has no fault', async (role) => {
      const metrics =
        role === 'validator'
          ? createMetrics({ role, version: '1.2.3', slices: validatorSlices, isPerUid: true })
          : createMetrics({ role, version: '1.2.3', slices: minerSlices });
      metrics.observeInference(0.1);
      const text = await metrics.render();
      metrics.close();
      expect(text).toContain(`${metricPrefix}build_info`);
      const { status, stdout, stderr } = promtool(['check', 'metrics'], text);
      expect(`${stdout}${stderr}`).toBe('');
      expect(status).toBe(0);
      // It does find faults: a counter without its ending is one.
      expect(promtool(['check', 'metrics'], '# TYPE a counter\na 1\n').status).not.toBe(0);
    });
  });
});
