/**
 * `npm run test:interop`: the embedded chain and the wallets against the official Python SDK, and against a second
 * JavaScript client. Makes a Python 3.11 environment under node_modules/.cache (once), then runs test/interop and ends
 * with `N passed, N failed`.
 *
 * Exit codes: 0 all passed, 1 something failed, 3 the SDK cannot be had here (no Python 3.11, or pip failed).
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startVitest, type Vitest } from 'vitest/node';

const EXIT_FAILED = 1;
const EXIT_UNAVAILABLE = 3;
const PIP_TIMEOUT_MS = 15 * 60_000;
/** pip lists every version there is. */
const MAX_REASON = 500;

const root = fileURLToPath(new URL('..', import.meta.url));
const requirements = join(root, 'test', 'interop', 'requirements.txt');
const cache = join(root, 'node_modules', '.cache', 'interop');
const environment = join(cache, 'venv');
const python = join(environment, 'bin', 'python');
const stamp = join(cache, 'installed');

/** One line that says why, and the code that means "not tested". */
const giveUp = (reason: string): never => {
  const line = reason.trim().replaceAll(/\s*\n\s*/g, ' | ');
  const shown = line.length <= MAX_REASON ? line : `${line.slice(0, 200)} … ${line.slice(-200)}`;
  process.stderr.write(`interop: not run: ${shown}\n`);
  process.exit(EXIT_UNAVAILABLE);
};

type Ran = { readonly ok: boolean; readonly output: string };
const run = (command: string, args: readonly string[], timeoutMs = 60_000): Ran => {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    timeout: timeoutMs,
  });
  return { ok: status === 0, output: `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}` };
};
const lastLines = (text: string): string => text.trim().split('\n').slice(-3).join('\n');

/** Command of a Python 3.11; the SDK's compiled parts are chosen for it. */
const findPython = (): string => {
  const check = ['-c', 'import sys, venv, ensurepip; print("%d.%d" % sys.version_info[:2])'];
  const found = ['python3.11', 'python3', 'python'].find(
    (command) => run(command, check).output.trim() === '3.11',
  );
  return (
    found ?? giveUp('no Python 3.11 with venv and pip is on PATH (python3.11, python3, python were tried)')
  );
};

/** The environment's packages are exactly those of requirements.txt, or it is made anew. */
const prepare = (): void => {
  const interpreter = findPython();
  const wanted = createHash('sha256')
    .update(readFileSync(requirements))
    .update(run(interpreter, ['--version']).output)
    .digest('hex');
  if (existsSync(python) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  process.stderr.write('interop: installing the official SDK (once)\n');
  rmSync(cache, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  const made = run(interpreter, ['-m', 'venv', environment]);
  if (!made.ok) giveUp(`the virtual environment cannot be made: ${lastLines(made.output)}`);
  const install = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '--quiet'];
  const installed = run(python, [...install, '--requirement', requirements], PIP_TIMEOUT_MS);
  if (!installed.ok) giveUp(`pip cannot install bittensor: ${lastLines(installed.output)}`);
  const imported = run(python, ['-c', 'import bittensor']);
  if (!imported.ok) giveUp(`bittensor does not load: ${lastLines(imported.output)}`);
  writeFileSync(stamp, wanted);
};

/** Tests that did not run count as failed: nothing here is optional. */
const count = ({ state }: Vitest): { readonly passed: number; readonly failed: number } => {
  const modules = state.getTestModules();
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const passed = tests.filter((test) => test.result().state === 'passed').length;
  const broken = modules.filter((module) => module.errors().length > 0).length;
  return { passed, failed: tests.length - passed + broken + state.getUnhandledErrors().length };
};

prepare();
const filters = process.argv.slice(2);
const vitest = await startVitest('test', filters, {
  config: false,
  root,
  watch: false,
  pool: 'forks',
  execArgv: ['--disable-warning=ExperimentalWarning'],
  maxWorkers: 2,
  include: ['test/interop/**/*.test.ts'],
  env: { INTEROP_PYTHON: python },
  // A call of the SDK waits for blocks; opening an encrypted wallet takes seconds by design.
  testTimeout: 240_000,
  hookTimeout: 120_000,
});
const { passed, failed } = count(vitest);
await vitest.close();
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : EXIT_FAILED;
