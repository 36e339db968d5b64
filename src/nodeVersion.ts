import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Effect's floor; `node:sqlite` without a flag and the built-in type stripping need no more. */
const floor = [22, 19] as const;

/** npm puts a Node of its own beside a clone, and none beside a package that was installed from its tarball. */
const ownNode = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));

/**
 * Ends the process with one line on an older Node. It has to run before anything else of ours is imported: a static
 * import of a newer built-in module would throw first, with a stack trace in place of an explanation.
 */
export const requireNode = (version: string = process.versions.node, own: string = ownNode): void => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > floor[0] || (major === floor[0] && minor >= floor[1])) return;
  const other = existsSync(own) ? `, or use the one that npm put here (${own})` : '';
  process.stderr.write(
    `MIAOAI needs Node ${floor.join('.')} or newer, this is ${version}: install a newer one${other}.\n`,
  );
  process.exit(1);
};
