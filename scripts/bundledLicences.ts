import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';

/** The part of a bundler's plugin that this one needs; Rolldown and Vite share it. */
type Bundle = Readonly<Record<string, { readonly type: string; readonly moduleIds?: readonly string[] }>>;
type Emitter = { emitFile(file: { type: 'asset'; fileName: string; source: string }): unknown };

const packagesFolder = `${sep}node_modules${sep}`;

/** Folder of the package that a module belongs to; null for our own. */
const packageDirOf = (moduleId: string): string | null => {
  const at = moduleId.lastIndexOf(packagesFolder);
  if (at === -1) return null;
  const rest = moduleId.slice(at + packagesFolder.length).split(sep);
  const name = rest[0]?.startsWith('@') ? rest.slice(0, 2).join(sep) : rest[0];
  return name === undefined ? null : join(moduleId.slice(0, at), 'node_modules', name);
};

const noticeOf = (dir: string): string => {
  const { name, version, license }: Readonly<Record<string, unknown>> = JSON.parse(
    readFileSync(join(dir, 'package.json'), 'utf8'),
  );
  const texts = readdirSync(dir)
    .filter((file) => /^(licen[cs]e|copying|notice)([.-]|$)/i.test(file))
    .sort()
    .map((file) => readFileSync(join(dir, file), 'utf8').trim());
  return [`${name} ${version} (${typeof license === 'string' ? license : 'see below'})`, ...texts].join(
    '\n\n',
  );
};

/** Writes the licences of all packages that were bundled beside the bundle: their terms ask for it. */
export const bundledLicences = (fileName: string) => ({
  name: 'bundled-licences',
  generateBundle(this: Emitter, _: unknown, bundle: Bundle): void {
    const modules = Object.values(bundle).flatMap(({ moduleIds = [] }) => moduleIds);
    const dirs = new Set(
      modules.flatMap((id) => packageDirOf(id.replace(/^\0/, '').split('?')[0] ?? '') ?? []),
    );
    const source = [...dirs]
      .sort()
      .map(noticeOf)
      .join(`\n\n${'-'.repeat(80)}\n\n`);
    this.emitFile({ type: 'asset', fileName, source: `${source}\n` });
  },
});
