/** What both daemons share: the hotkey, signals, and the end. */
import { homedir } from 'node:os';
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import * as Scope from 'effect/Scope';
import type { AnyActorRef, Subscription } from 'xstate';

import { type Config, type ConfigOf, loadConfig, type Role } from './config.ts';
import { maskNetwork } from './domain/endpoint.ts';
import { fail, type Outcome, succeed } from './domain/outcome.ts';
import { exitCodes } from './exitCodes.ts';
import { isPasswordProblem } from './keys/errors.ts';
import { type Identity, identityFromUri, identityOf, keysReady } from './keys/identity.ts';
import { terminalPrompt } from './keys/prompt.ts';
import { openKey } from './keys/wallet.ts';
import { createLogger, type Logger } from './logging.ts';
import { createLogTail, type LogTail } from './logTail.ts';
import { resolveDataDir } from './store/dataDir.ts';
import type { StoreOpenError } from './store/errors.ts';
import { redisNamespace } from './store/redisKeys.ts';
import { isTestBuild } from './testBuild.ts';
import { answerReports } from './testReport.ts';

/** Ends at once with a message for the operator. */
export const refuse = (message: string, code: number): never => {
  process.stderr.write(`${message}\n`);
  process.exit(code);
};

/** The settings of a role from flags, environment and `.env`; answers `--help`, and ends on the first wrong one. */
const settingsOrExit = <R extends Role>(role: R): ConfigOf<R> => {
  const loaded = loadConfig(role, process.argv.slice(2), process.env, process.cwd());
  if (loaded.ok) return loaded.value;
  const { kind, message, exitCode } = loaded.error;
  if (kind === 'help') {
    process.stdout.write(`${message}\n`);
    process.exit(exitCode);
  }
  return refuse(message, exitCode);
};

type Loaded = { readonly identity: Identity; readonly warning: string | null };
type NotLoaded = { readonly message: string; readonly exitCode: number };

/** The hotkey this daemon acts as: from the wallet, unlocked once, or from a development URI. */
const loadIdentity = async (config: Config): Promise<Outcome<Loaded, NotLoaded>> => {
  await keysReady();
  if (config.hotkeyUri !== null) {
    const identity = identityFromUri(config.hotkeyUri);
    return identity.ok
      ? succeed({ identity: identity.value, warning: null })
      : fail({ message: identity.error.message, exitCode: exitCodes.hotkey });
  }
  const {
    walletPath: path,
    walletName: name,
    walletHotkey: hotkey,
    walletPasswordFile: passwordFile,
  } = config;
  const places = { passwordFile, env: process.env, ask: terminalPrompt() };
  return Effect.runPromise(
    Effect.match(openKey({ path, name, hotkey }, 'hotkey', places), {
      onSuccess: ({ secret, warning }): Outcome<Loaded, NotLoaded> =>
        succeed({ identity: identityOf(secret.pair), warning }),
      onFailure: (error): Outcome<Loaded, NotLoaded> => {
        const exitCode = isPasswordProblem(error) ? exitCodes.password : exitCodes.hotkey;
        return fail({ message: error.message, exitCode });
      },
    }),
  );
};

export type Begun<R extends Role> = {
  readonly config: ConfigOf<R>;
  readonly identity: Identity;
  readonly log: Logger;
  readonly tail: LogTail;
};

/** What every daemon begins with: its settings, its hotkey, its logger. Ends the process where one is missing. */
export const beginDaemon = async <R extends Role>(role: R): Promise<Begun<R>> => {
  const config = settingsOrExit(role);
  const loaded = await loadIdentity(config);
  if (!loaded.ok) return refuse(loaded.error.message, loaded.error.exitCode);
  const { identity, warning } = loaded.value;
  const { logLevel: level, logFormat: format, unknownNames } = config;
  const tail = createLogTail();
  const log = createLogger({ level, format, role, hotkey: identity.hotkey, tail });
  if (warning !== null) log.warn({ event: 'wallet.exposed' }, warning);
  if (unknownNames.length > 0) {
    log.warn({ event: 'config.unknown', unknownNames }, 'settings that nothing reads: misspelt?');
  }
  if (config.redisTtl !== null) {
    log.warn({ event: 'config.obsolete' }, '--redis-ttl (REDIS_TTL) has no effect: state never expires');
  }
  return { config, identity, log, tail };
};

/**
 * Opens what a daemon keeps in its data folder, in a scope of its own: it is released after everything that uses it.
 * Ends the process when the folder cannot be used.
 */
export const openDataDir = async <A>(
  config: Config,
  hotkey: string,
  open: (folder: {
    readonly dir: string;
    readonly owner: string;
    /** Identity as the keys of a shared store begin with it. */
    readonly namespace: string;
  }) => Effect.Effect<A, StoreOpenError, Scope.Scope>,
): Promise<{
  readonly dir: string;
  /** Identity the contents belong to. */
  readonly owner: string;
  readonly opened: A;
  readonly close: () => Promise<void>;
}> => {
  const { network, netuid, role } = config;
  const owner = `${maskNetwork(network)}/${netuid}/${hotkey}/${role}`;
  const namespace = redisNamespace({ network, netuid, hotkey, role });
  const scope = Scope.makeUnsafe();
  const dir = resolveDataDir({ explicit: config.dataDir, home: homedir(), network, netuid, hotkey, role });
  const opened = await Effect.runPromise(
    Effect.match(Scope.provide(open({ dir, owner, namespace }), scope), {
      onSuccess: (value) => succeed(value),
      onFailure: (error) => fail(error),
    }),
  );
  if (!opened.ok) {
    const isSetting = opened.error._tag === 'StoreInvalid' && opened.error.isSetting === true;
    return refuse(opened.error.message, isSetting ? exitCodes.settings : exitCodes.failed);
  }
  return { dir, owner, opened: opened.value, close: () => Effect.runPromise(Scope.close(scope, Exit.void)) };
};

/** What a store has to tell, as lines of the log. */
export const storeNotices =
  (log: Logger) =>
  (message: string): void =>
    log.warn({ event: 'store.notice' }, message);

/** The end of a daemon, as its root machine says it. */
export type Ending = { readonly exit: 'drained' | 'failed'; readonly reason: string };

/** Resolves when the root has ended: by its final state, or by a defect that ended it from within. */
const endOf = (root: AnyActorRef): Promise<Ending> =>
  new Promise((resolve) => {
    const subscription: Subscription = root.subscribe({
      error: (error) => resolve({ exit: 'failed', reason: `the root machine failed: ${String(error)}` }),
      complete: () => {
        subscription.unsubscribe();
        const { output }: { readonly output?: Ending } = root.getSnapshot();
        resolve(output ?? { exit: 'failed', reason: 'the root machine was stopped' });
      },
    });
  });

/** Time for releasing sockets, files and child processes before the process ends anyway. */
const disposePatienceMs = 10_000;

/**
 * Runs a daemon to its end: the first SIGTERM or SIGINT drains it, a second one ends the process at once. SIGPIPE is
 * left alone: a closed log pipe must not end a validator, and Node reports it as an error of the stream.
 */
export const runToEnd = async (options: {
  readonly root: AnyActorRef;
  readonly log: Logger;
  readonly dispose: () => Promise<void>;
  /** Called when this listens for signals: whoever did so before may stop. */
  readonly onListening?: () => void;
}): Promise<never> => {
  const { root, log } = options;
  let isDraining = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isDraining) {
      log.warn({ event: 'daemon.killed', signal }, 'second signal: ending at once');
      process.exit(exitCodes.failed);
    }
    isDraining = true;
    log.info({ event: 'daemon.draining', signal }, 'draining; a second signal ends at once');
    root.send({ type: 'system.drain', reason: signal });
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  options.onListening?.();
  const ended = endOf(root);
  if (isTestBuild) answerReports(root);
  root.start();
  const ending = await ended;
  const patience = setTimeout(() => {
    log.error({ event: 'daemon.stuck' }, 'releasing took too long; ending anyway');
    process.exit(exitCodes.failed);
  }, disposePatienceMs);
  patience.unref();
  await options.dispose();
  return endAs(ending, log);
};

/** The last line of a daemon, and its exit code. */
export const endAs = (ending: Ending, log: Logger): never => {
  const level = ending.exit === 'failed' ? 'fatal' : 'info';
  log[level]({ event: 'daemon.ended', ...ending }, `ended: ${ending.reason}`);
  process.exit(exitCodes[ending.exit]);
};
