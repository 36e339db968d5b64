import type { Command } from 'commander';

import { commandExitCodes } from '../exitCodes.ts';
import { isPasswordProblem, type WalletError } from '../keys/errors.ts';

/** How a command ends: what to print, and the exit code. Results go to standard output, the rest to standard error. */
export type Ending = {
  readonly code: number;
  /** For people; empty for nothing. */
  readonly text: string;
  /** The same for scripts, printed instead under `--json`. */
  readonly json: unknown;
  /** A report, which is the result of the command although it found something wrong. */
  readonly isReport?: boolean;
};

/** The result of a command that looks for what is wrong: code 1 where it found something. */
export const reported = (isWell: boolean, text: string, json: unknown): Ending => ({
  code: isWell ? commandExitCodes.done : commandExitCodes.failed,
  text,
  json,
  isReport: true,
});

export const done = (text: string, json: unknown): Ending => ({ code: commandExitCodes.done, text, json });

/** Something was wrong: one message, and why as a word under `--json`. */
export const failed = (code: number, message: string, reason = 'Failed'): Ending => ({
  code,
  text: message,
  json: { error: { reason, message } },
});

export const badSettings = (message: string): Ending =>
  failed(commandExitCodes.settings, message, 'Settings');

export const walletFailed = (error: WalletError): Ending => {
  const code = isPasswordProblem(error)
    ? commandExitCodes.password
    : error.reason === 'Exists'
      ? commandExitCodes.refused
      : commandExitCodes.key;
  return failed(code, error.message, error.reason);
};

/**
 * Prints the end of a command. A failure under `--json` is an object on standard output as well, so that a script has
 * one place to read.
 */
export const conclude = ({ code, text, json, isReport = false }: Ending, asJson: boolean): void => {
  process.exitCode = code;
  if (asJson) process.stdout.write(`${JSON.stringify(json)}\n`);
  else if (text !== '') (code === 0 || isReport ? process.stdout : process.stderr).write(`${text}\n`);
};

/** Makes a command and those below it end with the code of wrong settings where its arguments are wrong. */
export const withUsageCode = (command: Command): Command => {
  for (const below of command.commands) withUsageCode(below);
  return command.exitOverride(({ exitCode }) => {
    process.exit(exitCode === 0 ? commandExitCodes.done : commandExitCodes.settings);
  });
};

/** Runs a command's work; a defect becomes a message and exit code 1, not a stack trace. */
export const concluding = async (work: Promise<Ending>, asJson: boolean): Promise<void> => {
  const ending = await work.catch((cause: unknown) =>
    failed(commandExitCodes.failed, cause instanceof Error ? cause.message : String(cause), 'Defect'),
  );
  conclude(ending, asJson);
};
