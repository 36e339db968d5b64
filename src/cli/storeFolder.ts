/** Finds the data folder of a daemon by the flags it was started with, whether it runs or not. */
import { existsSync, globSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

import { commonSettings } from '../config/commonSettings.ts';
import { type Config, loadConfig, type Role } from '../config.ts';
import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import { keysReady } from '../keys/identity.ts';
import { dataRoot, networkFolder } from '../store/dataDir.ts';
import { DATABASE_FILE } from '../store/openThread.ts';
import { dirOf, hotkeyOf } from './runningDaemon.ts';

/** What the name of a data folder is made of, besides the role. */
export const folderSettings = {
  network: commonSettings.network,
  chainEndpoints: commonSettings.chainEndpoints,
  netuid: commonSettings.netuid,
  walletName: commonSettings.walletName,
  walletHotkey: commonSettings.walletHotkey,
  walletPath: commonSettings.walletPath,
  hotkeyUri: commonSettings.hotkeyUri,
} as const;

const walletNames = ['walletName', 'walletHotkey', 'walletPath', 'hotkeyUri'] as const;

export type FolderQuestion = {
  /** Which daemons it may be of. */
  readonly roles: readonly Role[];
  /** Flags of the daemon. */
  readonly argv: readonly string[];
  /** It is written, or not there yet: no other folder than the one that the settings name will do. */
  readonly isExact: boolean;
};

type Candidate = { readonly config: Config; readonly hotkey: string | null; readonly dir: string | null };

const MAX_SHOWN = 20;

const hasStore = (dir: string): boolean => existsSync(join(dir, DATABASE_FILE));

const listed = (dirs: readonly string[]): string =>
  [
    ...dirs.slice(0, MAX_SHOWN).map((dir) => `  ${dir}`),
    ...(dirs.length > MAX_SHOWN ? [`  and ${dirs.length - MAX_SHOWN} more`] : []),
  ].join('\n');

/** What the daemon of each role would use; fails where the settings are wrong for all of them. */
const candidatesOf = async ({
  roles,
  argv,
}: FolderQuestion): Promise<Outcome<readonly Candidate[], string>> => {
  const candidates: Candidate[] = [];
  const problems: string[] = [];
  for (const role of roles) {
    const loaded = loadConfig(role, argv, process.env, process.cwd());
    if (!loaded.ok) {
      problems.push(loaded.error.message);
      continue;
    }
    const config: Config = loaded.value;
    candidates.push({ config, hotkey: await hotkeyOf(config), dir: await dirOf(config) });
  }
  return candidates.length > 0 ? succeed(candidates) : fail(problems[0] ?? 'no role is given');
};

/** Whether a folder below the root contradicts nothing that somebody has said; defaults say nothing. */
const isPossible = ({ config, hotkey }: Candidate, folder: string): boolean => {
  const [network, netuid, owner, role] = folder.split('/');
  const isSaid = (name: string): boolean => (config.sources[name] ?? 'default') !== 'default';
  return (
    role === config.role &&
    (!(isSaid('network') || isSaid('chainEndpoints')) || network === networkFolder(config.network)) &&
    (!isSaid('netuid') || netuid === String(config.netuid)) &&
    (!walletNames.some(isSaid) || owner === hotkey)
  );
};

const foldersIn = (root: string, roles: readonly Role[]): readonly string[] =>
  roles.flatMap((role) => globSync(`*/*/*/${role}/${DATABASE_FILE}`, { cwd: root })).map(dirname);

const severalText = (dirs: readonly string[]): string =>
  `several data folders have a store: name one by the flags of its daemon (--network, --netuid, --wallet-name, --wallet-hotkey, --hotkey-uri, its role), or by --data-dir:\n${listed(dirs)}`;

const noneText = (named: readonly string[], others: readonly string[]): string => {
  const places =
    named.length === 0 ? 'these settings lead to no hotkey' : `no store is in ${named.join(', ')}`;
  const advice = 'give the flags its daemon was started with, or --data-dir, or --redis';
  const there = others.length === 0 ? '' : `. Data folders with a store:\n${listed(others)}`;
  return `${places}: ${advice}${there}`;
};

const exactFolder = (named: readonly string[]): Outcome<string, string> => {
  const there = named.filter(hasStore);
  const [only] = there.length === 1 ? there : named;
  if (only !== undefined && (named.length === 1 || there.length === 1)) return succeed(only);
  return fail(
    only === undefined
      ? 'these settings lead to no hotkey: give the flags of the daemon, or --data-dir'
      : `these settings lead to several data folders: name one by --role, or by --data-dir:\n${listed(named)}`,
  );
};

/**
 * The data folder that these settings name, as a daemon finds its own. Where they name none with a store, the only one
 * that fits what was said will do; of several the message shows which there are.
 */
export const findFolder = async (question: FolderQuestion): Promise<Outcome<string, string>> => {
  await keysReady();
  const read = await candidatesOf(question);
  if (!read.ok) return read;
  const candidates = read.value;
  const inRedis = candidates.find(({ config }) => config.store === 'redis');
  if (inRedis !== undefined)
    return fail(
      `the settings of this ${inRedis.config.role} keep its state in Redis: give --redis with its URL, or --data-dir`,
    );
  const named = [...new Set(candidates.flatMap(({ dir }) => dir ?? []))];
  if (question.isExact) return exactFolder(named);
  const exact = named.filter(hasStore);
  const [first] = exact;
  if (first !== undefined) return exact.length === 1 ? succeed(first) : fail(severalText(exact));
  const root = dataRoot(homedir());
  const all = foldersIn(root, question.roles);
  const inRoot = (folder: string): string => join(root, folder);
  // A folder that is named is meant, and no other.
  const isNamed = candidates.some(({ config }) => config.dataDir !== null);
  const fitting = isNamed
    ? []
    : all.filter((folder) => candidates.some((candidate) => isPossible(candidate, folder))).map(inRoot);
  const [only] = fitting;
  if (only !== undefined) return fitting.length === 1 ? succeed(only) : fail(severalText(fitting));
  return fail(noneText(named, all.map(inRoot)));
};
