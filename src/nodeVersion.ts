/** Effect's floor; `node:sqlite` without a flag and the built-in type stripping need no more. */
const floor = [22, 19] as const;

/**
 * Ends the process with one line on an older Node. It has to run before anything else is imported: a static import of
 * a newer built-in module would throw first, with a stack trace in place of an explanation.
 */
export const requireNode = (version: string = process.versions.node): void => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > floor[0] || (major === floor[0] && minor >= floor[1])) return;
  process.stderr.write(
    `MIAOAI needs Node ${floor.join('.')} or newer, this is ${version}: install a newer one, or use the one that npm put here (node_modules/.bin/node).\n`,
  );
  process.exit(1);
};
