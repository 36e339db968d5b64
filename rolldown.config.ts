import { type BuildOptions, defineConfig } from 'rolldown';

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
    transform: { define: { __MIAOAI_TEST_BUILD__: String(options.isTestBuild) } },
    output: {
      dir: options.dir,
      format: 'esm',
      entryFileNames: '[name].js',
      chunkFileNames: '[name]-[hash].js',
      sourcemap: true,
      cleanDir: true,
    },
  }) satisfies BuildOptions;

export default defineConfig(bundle({ dir: 'dist', isTestBuild: false }));
