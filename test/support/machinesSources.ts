import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

export type Source = { readonly path: string; readonly text: string };

/** All TypeScript files below a folder, with their paths from the root of the repository. */
export const sourcesUnder = (folder: string): readonly Source[] =>
  readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts') && !name.includes('node_modules'))
    .map((name) => join(folder, name))
    .toSorted()
    .map((path) => ({ path, text: readFileSync(join(repository, path), 'utf8') }));

/** Code without its comments; strings stay. Good enough to look for names that must not occur. */
export const withoutComments = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1');

/** What a file imports, statically, dynamically or by re-export. */
export const importsOf = (text: string): readonly string[] =>
  [
    ...withoutComments(text).matchAll(
      /(?:^|\n)\s*(?:import|export)\b[^'";]*?\bfrom\s*'([^']+)'|(?:^|\n)\s*import\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/g,
    ),
  ].flatMap(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? []);
