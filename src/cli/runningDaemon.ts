/** Finds a daemon that runs, the way it would be started, and asks it. */
import { homedir } from 'node:os';
import * as Effect from 'effect/Effect';

import { type Config, loadConfig, type Role } from '../config.ts';
import { type DaemonFile, readDaemonFiles } from '../daemonFile.ts';
import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import { commandExitCodes } from '../exitCodes.ts';
import { identityFromUri, keysReady } from '../keys/identity.ts';
import { describeKey } from '../keys/listWallets.ts';
import { resolveDataDir } from '../store/dataDir.ts';
import { badSettings, type Ending, failed } from './ending.ts';

export type DaemonQuestion = {
  /** null: whichever runs. */
  readonly role: Role | null;
  /** Flags of the daemon, as it was started. */
  readonly argv: readonly string[];
};

const askPatienceMs = 10_000;

/** Address of the hotkey without its secret; null where no file tells it. */
export const hotkeyOf = async (config: Config): Promise<string | null> => {
  if (config.hotkeyUri !== null) {
    const identity = identityFromUri(config.hotkeyUri);
    return identity.ok ? identity.value.hotkey : null;
  }
  const location = { path: config.walletPath, name: config.walletName, hotkey: config.walletHotkey };
  const key = describeKey(location, 'hotkey');
  return Effect.runPromise(
    Effect.match(key, { onSuccess: (read) => read?.address ?? null, onFailure: () => null }),
  );
};

/** The data folder that a daemon with these settings has; null where no file tells its hotkey. */
export const dirOf = async (config: Config): Promise<string | null> => {
  const { dataDir: explicit, network, netuid, role } = config;
  const hotkey = explicit === null ? await hotkeyOf(config) : '';
  if (hotkey === null) return null;
  return resolveDataDir({ explicit, home: homedir(), network, netuid, hotkey, role });
};

const noneIn = (dirs: readonly string[]): Ending => {
  const places = dirs.length === 0 ? 'no hotkey and no --data-dir leads to a data folder' : dirs.join(', ');
  return failed(
    commandExitCodes.notRunning,
    `no daemon with a page runs here (${places}): give the flags it was started with, such as --data-dir`,
    'NotRunning',
  );
};

/** The daemon that these settings name: the one that acts before one that stands by. */
export const findDaemon = async (question: DaemonQuestion): Promise<Outcome<DaemonFile, Ending>> => {
  await keysReady();
  const roles: readonly Role[] = question.role === null ? ['validator', 'miner'] : [question.role];
  const dirs: string[] = [];
  const problems: string[] = [];
  for (const role of roles) {
    const loaded = loadConfig(role, question.argv, process.env, process.cwd());
    if (!loaded.ok) {
      problems.push(loaded.error.message);
      continue;
    }
    const dir = await dirOf(loaded.value);
    if (dir === null) continue;
    const [found] = readDaemonFiles(dir);
    if (found !== undefined) return succeed(found);
    if (!dirs.includes(dir)) dirs.push(dir);
  }
  const [problem] = problems;
  // A flag of one role is wrong for the other; both wrong is wrong.
  return fail(
    problem !== undefined && problems.length === roles.length ? badSettings(problem) : noneIn(dirs),
  );
};

/** One request to the daemon as its user. */
export const askDaemon = async (
  { url, control }: DaemonFile,
  path: string,
  body?: unknown,
): Promise<Outcome<unknown, Ending>> => {
  try {
    const response = await fetch(`${url}${path}`, {
      headers: {
        authorization: `Bearer ${control}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      signal: AbortSignal.timeout(askPatienceMs),
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    if (response.ok) return succeed(await response.json());
    const text = await response.text();
    return fail(
      failed(commandExitCodes.failed, `the daemon answered ${response.status}: ${text}`, 'Refused'),
    );
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    return fail(
      failed(
        commandExitCodes.notRunning,
        `the daemon at ${url} does not answer (${detail}): look at its log, or start it again`,
        'NotRunning',
      ),
    );
  }
};
