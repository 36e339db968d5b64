// Bootstrap of every npm script. Plain JavaScript without dependencies, because it runs on whatever Node the machine
// has (20 or newer) and before anything is installed. It installs when the lock file changed, builds when a source
// changed, and then runs the task on the Node 24 that the `node` package brings.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, 'node_modules', '.bin');
const installStamp = join(root, 'node_modules', '.miaoai-install');
const buildStamp = join(root, 'dist', '.build');

const [task, ...rest] = process.argv.slice(2);

const env = {
  ...process.env,
  // The package's own install script downloads CUDA libraries and fails without a network.
  ONNXRUNTIME_NODE_INSTALL: 'skip',
  // It would also send usage data from every process that loads it.
  ORT_DISABLE_TELEMETRY: '1',
  // Tests start hundreds of processes and threads of the same code: this halves what each of them costs.
  ...(task?.startsWith('test') && {
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules', '.miaoai-compile-cache'),
  }),
  PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`,
};

function fail(message, code = 1) {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

function hashFiles(paths) {
  const hash = createHash('sha256');
  for (const path of paths) {
    hash.update(path);
    hash.update(readFileSync(join(root, path)));
  }
  return hash.digest('hex');
}

function* filesUnder(folder) {
  if (!existsSync(join(root, folder))) return;
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* filesUnder(path);
    else yield path;
  }
}

function stamped(path, wanted) {
  return existsSync(path) && readFileSync(path, 'utf8') === wanted;
}

/** Runs a command; what it says is shown, on stderr, only if it fails: standard output belongs to the task alone. */
function must(command, args, what) {
  const result = spawnSync(command, args, { cwd: root, env, encoding: 'utf8', maxBuffer: 64 * 1_048_576 });
  if (result.status === 0) return;
  process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
  fail(`${what} failed${result.error ? `: ${result.error.message}` : ''}`, result.status ?? 1);
}

function install() {
  const wanted = hashFiles(['package.json', 'package-lock.json']);
  if (stamped(installStamp, wanted)) return;
  process.stderr.write('installing packages (once)\n');
  const npm = process.env.npm_execpath;
  if (npm) must(process.execPath, [npm, 'ci', '--no-fund', '--no-audit', '--loglevel=error'], 'npm ci');
  else must('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], 'npm ci');
  writeFileSync(installStamp, wanted);
}

function localNode() {
  const node = join(root, 'node_modules', 'node', 'bin', 'node');
  if (existsSync(node)) return node;
  fail(
    'the `node` package has no binary: its install script did not run. ' +
      'Remove node_modules and run the command again without ignore-scripts.',
  );
}

function build(node) {
  const inputs = ['package-lock.json', 'rolldown.config.ts', ...filesUnder('scripts')];
  const wanted = hashFiles([...inputs, ...filesUnder('src'), ...filesUnder('ui')]);
  if (stamped(buildStamp, wanted)) return;
  process.stderr.write('building\n');
  must(node, ['scripts/build.ts'], 'build');
  mkdirSync(join(root, 'dist'), { recursive: true });
  writeFileSync(buildStamp, wanted);
}

function hand(node, args) {
  const child = spawn(node, args, { cwd: root, env, stdio: 'inherit' });
  // A terminal's Ctrl-C reaches the whole group: the task decides what it means. A TERM reaches only this process.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}

const tool = (name) => {
  const entry = { vitest: 'vitest/vitest.mjs', biome: '@biomejs/biome/bin/biome', tsc: 'typescript/bin/tsc' }[
    name
  ];
  return join(root, 'node_modules', entry);
};

const tasks = {
  demo: (node) => hand(node, ['dist/cli.js', 'demo', ...rest]),
  // Stories take minutes; whoever names projects gets those.
  test: (node) => {
    const isChosen = rest.some((arg) => arg.startsWith('--project'));
    hand(node, [
      tool('vitest'),
      'run',
      ...(isChosen ? [] : ['--project', '!stories', '--project', '!browser']),
      ...rest,
    ]);
  },
  'test:stories': (node) => hand(node, [tool('vitest'), 'run', '--project', 'stories', ...rest]),
  'test:browser': (node) => hand(node, [tool('vitest'), 'run', '--project', 'browser', ...rest]),
  'test:interop': (node) => hand(node, ['scripts/interop.ts', ...rest]),
  'test:chaos': (node) => hand(node, ['scripts/chaos.ts', ...rest]),
  'test:crash': (node) => hand(node, ['scripts/crashPoints.ts', ...rest]),
  soak: (node) => hand(node, ['scripts/soak.ts', ...rest]),
  build: () => {},
  lint: (node) => hand(node, [tool('biome'), 'check', ...rest]),
  typecheck: (node) => {
    must(node, [tool('tsc'), '--project', 'ui/tsconfig.json'], 'type-check of the page');
    hand(node, [tool('tsc'), '--project', 'tsconfig.json', ...rest]);
  },
  docs: (node) => hand(node, ['scripts/docs.ts', ...rest]),
  bench: (node) => {
    const [name, ...args] = rest;
    const known = readdirSync(join(root, 'test', 'bench')).flatMap(
      (file) => file.match(/^(.+)\.bench\.ts$/)?.[1] ?? [],
    );
    if (!known.includes(name))
      fail(`usage: npm run bench -- NAME [--json]; NAME is one of: ${known.join(', ')}`, 2);
    hand(node, [`test/bench/${name}.bench.ts`, ...args]);
  },
};

const run = Object.hasOwn(tasks, task ?? '') ? tasks[task] : undefined;
if (run === undefined) fail(`usage: node scripts/run.mjs ${Object.keys(tasks).join('|')}`, 2);
install();
const node = localNode();
if (['demo', 'test', 'test:stories', 'test:browser', 'test:interop', 'build', 'bench'].includes(task))
  build(node);
run(node);
