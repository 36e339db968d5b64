import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

/** The page is served by the daemon under a policy of `default-src 'self'`: nothing inline, nothing from outside. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/',
  build: {
    outDir: fileURLToPath(new URL('../dist/ui', import.meta.url)),
    emptyOutDir: true,
    target: 'es2024',
    // `data:` addresses are refused by the policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    sourcemap: false,
  },
  // Never the development form, which carries the place of every element: tests build with NODE_ENV=test.
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact', development: false } },
  logLevel: 'warn',
});
