import { defineConfig } from 'rolldown';

/**
 * Daemons are bundled because importing `@polkadot/api` from node_modules costs 1.5 s and 340 MB, bundled a tenth.
 * Packages with native parts stay outside and are loaded from node_modules.
 */
export default defineConfig({
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
  output: {
    dir: 'dist',
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    sourcemap: true,
    cleanDir: true,
  },
});
