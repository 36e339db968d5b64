import { basename } from 'node:path';

import type { Role } from './roles.ts';

/** The programs of this package, as npm installs them. */
const installed = { validator: 'miaoai-validator', miner: 'miaoai-miner', cli: 'miaoai' } as const;

export type Program = keyof typeof installed;

/** How the running program was called: `process.argv`, which keeps the name of a link. */
export type Called = readonly string[];

const nameOf = (called: Called): string => basename(called[1] ?? '');

/** What to type for a program of this package: its installed name where the running one was called by its own. */
export const callOf = (program: Program, called: Called = process.argv): string =>
  Object.values<string>(installed).includes(nameOf(called)) ? installed[program] : `node dist/${program}.js`;

/** Whether `miaoai` runs, which takes the flags of a daemon behind its own. */
export const isTool = (called: Called = process.argv): boolean =>
  ['miaoai', 'cli.js'].includes(nameOf(called));

/** Where all settings of a role are listed, for the end of a message about one that is wrong. */
export const settingsHint = (role: Role, called: Called = process.argv): string => {
  const ofDaemon = `${callOf(role, called)} --help`;
  if (!isTool(called)) return `${ofDaemon} lists all settings.`;
  // Commands below another one, `miaoai store check`, have the flags.
  const words = called.slice(2, called[2] === 'store' ? 4 : 3);
  return `${[callOf('cli', called), ...words].join(' ')} --help lists its flags, ${ofDaemon} all settings.`;
};
