import type { BuildOptions } from 'rolldown';

import { bundledLicences } from './scripts/bundledLicences.ts';

/**
 * What only the test build holds, and what stands in for it everywhere else. Nothing calls these; but whether a bundler
 * drops a function that nobody calls depends on how it cuts the chunks.
 */
const standIns: Readonly<Record<string, string>> = {
  'store/failPoints.ts':
    'export const failPoint = () => {}; export const processFailPoints = () => null; export const withFailPoints = (store) => store;',
  'store/deliberateBugs.ts': 'export const withDeliberateBugs = (store) => store;',
  'testReport.ts': 'export const answerReports = () => {};',
};

const withoutTestCode = {
  name: 'without-test-code',
  load: (id: string): string | null => {
    const path = id.split('/src/').at(-1) ?? '';
    return standIns[path] ?? null;
  },
};

/**
 * Daemons are bundled because importing `@polkadot/api` from node_modules costs 1.5 s and 340 MB, bundled a tenth.
 * Packages with native parts stay outside and are loaded from node_modules.
 *
 * The test build has fail points, deliberate bugs and reports of its memory (`src/testBuild.ts`); `scripts/buildTest.ts`
 * makes it.
 */
export const bundle = (options: { readonly dir: string; readonly isTestBuild: boolean }) =>
  ({
    input: {
      validator: 'src/validator.ts',
      miner: 'src/miner.ts',
      cli: 'src/cli.ts',
      inferenceWorker: 'src/inference/worker.ts',
      storeWorker: 'src/store/sqliteWorker.ts',
    },
    platform: 'node',
    external: [
      /^node:/,
      'onnxruntime-node',
      'sodium-native',
      'pino',
      'pino-pretty',
      'bufferutil',
      'utf-8-validate',
    ],
    plugins: options.isTestBuild ? [] : [withoutTestCode, bundledLicences('THIRD-PARTY-LICENCES.txt')],
    transform: { define: { __MIAOAI_TEST_BUILD__: String(options.isTestBuild) } },
    output: {
      dir: options.dir,
      format: 'esm',
      entryFileNames: '[name].js',
      chunkFileNames: '[name]-[hash].js',
      sourcemap: true,
      // `dist` also holds the page and the statecharts: `scripts/build.ts` removes what is ours there.
      cleanDir: options.isTestBuild,
    },
  }) satisfies BuildOptions;
