import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

import { importsOf, repository, sourcesUnder, withoutComments } from '#test/support/machinesSources.ts';

/**
 * The direction of imports, once more and independent of the linter, so that a changed rule or a changed linter cannot
 * switch it off unseen.
 */
type Row = {
  /** Folders and files of `src` that may be imported, besides the folder itself. */
  readonly folders: readonly string[];
  /** Packages, by whole name or by the beginning of it up to a slash. */
  readonly packages: readonly string[];
  readonly node?: boolean;
  /** The modules of effect on the list of stable ones. */
  readonly effect?: boolean;
};

const edge = (packages: readonly string[], folders: readonly string[] = ['domain', 'keys']): Row => ({
  folders,
  packages,
  node: true,
  effect: true,
});

const table: Readonly<Record<string, Row>> = {
  domain: { folders: [], packages: ['effect/Schema', '@noble/hashes'] },
  keys: {
    folders: ['domain'],
    packages: [
      '@polkadot/keyring',
      '@polkadot/util',
      '@polkadot/util-crypto',
      '@polkadot/wasm-crypto',
      'sodium-native',
    ],
    node: true,
    effect: true,
  },
  machines: { folders: ['domain'], packages: ['xstate'] },
  transport: edge(['ws', 'noise-handshake', 'sodium-native']),
  inference: edge(['onnxruntime-node', '@huggingface/tokenizers'], ['domain']),
  chain: edge(['@polkadot', '@noble', 'ws']),
  store: edge(['ioredis'], ['domain', 'testBuild.ts']),
  gateway: edge(['fastify', '@fastify', 'effect/observability/PrometheusMetrics']),
  actors: edge(
    ['xstate', 'effect/Logger', 'effect/Tracer', 'effect/http/FetchHttpClient', 'effect/observability'],
    [
      'domain',
      'keys',
      'machines',
      'transport',
      'inference',
      'chain',
      'store',
      'gateway',
      'logging.ts',
      'testBuild.ts',
    ],
  ),
  inspector: { folders: ['domain'], packages: ['xstate', '@statelyai/inspect'], node: true },
  devnet: {
    folders: ['domain', 'keys'],
    packages: [
      '@polkadot/types',
      '@polkadot/util',
      '@polkadot/util-crypto',
      '@polkadot-api/substrate-bindings',
      'scale-ts',
      '@noble',
      'ws',
    ],
    node: true,
  },
  simulation: { folders: ['domain'], packages: [] },
};

const stableEffect = new Set(
  (
    'Effect Schema Context Layer ManagedRuntime Scope Schedule Duration Cause Exit Fiber FiberSet Queue Stream ' +
    'Deferred Semaphore Config ConfigProvider Redacted Data Result Metric Clock testing/TestClock'
  ).split(' '),
);

/** Whether `specifier`, written in a file of `src/<folder>`, is allowed there. */
const isAllowed = (folder: string, path: string, specifier: string): boolean => {
  const row = table[folder];
  if (row === undefined) return true;
  if (specifier.startsWith('.')) {
    const [, target = ''] = posix.normalize(posix.join(dirname(path), specifier)).split('/');
    return [folder, ...row.folders].includes(target);
  }
  if (specifier.startsWith('node:')) return row.node === true;
  if (row.packages.some((name) => specifier === name || specifier.startsWith(`${name}/`))) return true;
  const [, effectModule] = specifier.match(/^effect\/(.+)$/) ?? [];
  return row.effect === true && effectModule !== undefined && stableEffect.has(effectModule);
};

type Planted = { readonly bad: string; readonly good: string };

/** For each row one import that must be refused and one that must not. */
const planted: Readonly<Record<string, Planted>> = {
  domain: { bad: 'xstate', good: 'effect/Schema' },
  keys: { bad: '../transport/errors.ts', good: '@polkadot/util-crypto' },
  machines: { bad: '../actors/bridge.ts', good: '../domain/outcome.ts' },
  transport: { bad: '../chain/errors.ts', good: 'effect/Effect' },
  inference: { bad: '../keys/errors.ts', good: 'onnxruntime-node' },
  chain: { bad: 'xstate', good: 'ws' },
  store: { bad: '../inference/errors.ts', good: 'node:sqlite' },
  gateway: { bad: '../machines/delays.ts', good: 'fastify' },
  actors: { bad: 'ws', good: '../logging.ts' },
  inspector: { bad: '../actors/bridge.ts', good: 'xstate' },
  devnet: { bad: '../chain/errors.ts', good: '../keys/errors.ts' },
  simulation: { bad: 'node:fs', good: '../domain/yuma.ts' },
};

/** Lints files of the given paths with the rules of the repository; answers with the paths that were refused. */
const refusedBy = (files: Readonly<Record<string, string>>): readonly string[] => {
  const folder = mkdtempSync(join(tmpdir(), 'miaoai-imports-'));
  copies.push(folder);
  cpSync(join(repository, 'biome.json'), join(folder, 'biome.json'));
  writeFileSync(join(folder, '.gitignore'), 'node_modules/\n');
  symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const { stdout, stderr } = spawnSync(
    join(repository, 'node_modules/.bin/biome'),
    ['lint', '--reporter=json', '--max-diagnostics=none', 'src'],
    { cwd: folder, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  expect(stdout, stderr).toContain('"diagnostics"');
  const { diagnostics } = JSON.parse(stdout) as { readonly diagnostics: readonly Diagnostic[] };
  return diagnostics
    .filter(({ category }) => /noRestricted(Imports|Globals)/.test(category))
    .map(({ location }) => location.path);
};
type Diagnostic = { readonly category: string; readonly location: { readonly path: string } };

const copies: string[] = [];
afterAll(() => {
  for (const folder of copies) rmSync(folder, { recursive: true, force: true });
});

const fileWith = (specifier: string): string =>
  `import * as planted from '${specifier}';\n\nexport { planted };\n`;
const pathsOf = (name: string): readonly string[] =>
  Object.keys(table).map((folder) => `src/${folder}/${name}.ts`);
const plant = (which: keyof Planted): readonly string[] =>
  refusedBy(
    Object.fromEntries(
      Object.entries(planted).map(([folder, specifiers]) => [
        `src/${folder}/${which}.ts`,
        fileWith(specifiers[which]),
      ]),
    ),
  );

describe('architecture / imports', () => {
  it('follow the table in every file', () => {
    const sources = sourcesUnder('src');
    expect(sources.length).toBeGreaterThan(50);
    const wrong = sources.flatMap(({ path, text }) =>
      importsOf(text)
        .filter((specifier) => !isAllowed(path.split('/')[1] ?? '', path, specifier))
        .map((specifier) => `${path} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  it('reach pino from logging.ts only, and the cli from nowhere', () => {
    const wrong = sourcesUnder('src').flatMap(({ path, text }) =>
      importsOf(text).filter(
        (specifier) =>
          (/^pino/.test(specifier) && path !== 'src/logging.ts') ||
          (/\/cli\//.test(specifier) && !/^src\/(cli|[a-zA-Z]+\.ts)/.test(path)),
      ),
    );
    expect(wrong).toEqual([]);
  });

  it('are found in every form that brings a module', () => {
    const text = [
      "import a from 'one';",
      "import { type b, c } from './two.ts';",
      "import type {\n  d,\n} from 'three';",
      "export * from 'four';",
      "import 'five';",
      "const e = await import('six');",
      "// import f from 'seven';",
      "const g = 'import h from eight';",
    ].join('\n');
    expect(importsOf(text)).toEqual(['one', './two.ts', 'three', 'four', 'five', 'six']);
  });

  it('cover every folder of the sources', () => {
    const folders = new Set(sourcesUnder('src').flatMap(({ path }) => path.split('/').slice(1, -1)[0] ?? []));
    const free = ['cli', 'config'];
    expect([...folders].filter((folder) => !free.includes(folder) && table[folder] === undefined)).toEqual(
      [],
    );
    expect(Object.keys(planted)).toEqual(Object.keys(table));
  });

  it('are judged alike by this test', () => {
    for (const [folder, { bad, good }] of Object.entries(planted)) {
      expect(isAllowed(folder, `src/${folder}/x.ts`, bad), `${folder} ${bad}`).toBe(false);
      expect(isAllowed(folder, `src/${folder}/x.ts`, good), `${folder} ${good}`).toBe(true);
    }
  });

  it('are refused by the linter where one is forbidden, for each row', () => {
    expect(plant('bad').toSorted()).toEqual(pathsOf('bad').toSorted());
  });

  it('are accepted by the linter where one is allowed, for each row', () => {
    expect(plant('good')).toEqual([]);
  });

  it('are refused by the linter between two edges, whichever they are', () => {
    const edges = ['transport', 'inference', 'chain', 'store', 'gateway'];
    const pairs = edges.flatMap((from) => edges.filter((to) => to !== from).map((to) => [from, to] as const));
    const files = pairs.map(
      ([from, to]) => [`src/${from}/to${to}.ts`, fileWith(`../${to}/errors.ts`)] as const,
    );
    expect(refusedBy(Object.fromEntries(files)).toSorted()).toEqual(files.map(([path]) => path).toSorted());
  });
});

describe('architecture / purity', () => {
  const pure = ['domain', 'machines', 'simulation'];
  const impure =
    /\bMath\.random\b|\bnew Date\b|\bDate\.now\b|\bperformance\.now\b|\bprocess\.\b|\bset(Timeout|Interval|Immediate)\b/;

  it('has neither clock nor chance in domain, machines and simulation', () => {
    const sources = sourcesUnder('src').filter(({ path }) => pure.includes(path.split('/')[1] ?? ''));
    expect(sources.length).toBeGreaterThan(20);
    expect(sources.filter(({ text }) => impure.test(withoutComments(text))).map(({ path }) => path)).toEqual(
      [],
    );
  });

  it('finds both where they are', () => {
    for (const text of ['Math.random()', 'new Date(0)', 'Date.now()', 'setTimeout(f, 1)']) {
      expect(impure.test(text), text).toBe(true);
    }
  });

  it('is demanded by the linter as well', () => {
    const files = pure.map((folder) => [
      `src/${folder}/clock.ts`,
      'export const now = (): number => Date.now();\n',
    ]);
    expect(refusedBy(Object.fromEntries(files)).toSorted()).toEqual(
      files.map(([path]) => path ?? '').toSorted(),
    );
  });
});
