import { defineConfig } from 'vitest/config';

/** Node's warning that node:sqlite is experimental says nothing a test reader needs. */
const execArgv = ['--disable-warning=ExperimentalWarning'];

export default defineConfig({
  test: {
    pool: 'forks',
    execArgv,
    maxWorkers: 2,
    // ONNX Runtime sends usage data unless told not to; tests that load it in their own process need it as well.
    env: { ORT_DISABLE_TELEMETRY: '1' },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          // Pure modules leave nothing behind: loading them once per worker and not once per file saves half the time.
          isolate: false,
          include: [
            'test/{domain,keys,machines,architecture,inspector,ui}/**/*.test.ts',
            'test/chaos/{plan,invariants}.test.ts',
          ],
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'edge',
          // The same for edges: half of their time was loading modules. A test that changes its process undoes it.
          isolate: false,
          include: ['test/{transport,chain,store,devnet,actors,gateway,ops,cli}/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          // ONNX Runtime does not survive a second loading in one process.
          name: 'inference',
          include: ['test/inference/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          // The page in a real browser: `npm run test:browser`, not part of `npm test`.
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          // Whole networks of processes over minutes: `npm run test:stories`, not part of `npm test`.
          name: 'stories',
          include: ['test/{scenario,crash}/**/*.test.ts', 'test/chaos/bugs.test.ts'],
          testTimeout: 360_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
