/**
 * How a daemon tells its supervisor why it ended. Only `failed` is worth a restart as it is: settings, hotkey and
 * password stay wrong until someone changes them.
 */
export const exitCodes = { drained: 0, failed: 1, settings: 2, hotkey: 3, password: 4 } as const;

const meanings: { readonly [K in keyof typeof exitCodes]: string } = {
  drained: 'ended as asked',
  failed: 'failed',
  settings: 'wrong settings',
  hotkey: 'no usable hotkey',
  password: 'no password that opens the hotkey',
};

/** All codes in one line, for the help: `0 ended as asked, 1 failed, …`. */
export const exitCodesText = (): string =>
  Object.entries(exitCodes)
    .map(([name, code]) => `${code} ${meanings[name as keyof typeof exitCodes]}`)
    .join(', ');

/**
 * How the commands of `miaoai` end; the first five mean the same as for a daemon.
 *
 * - `refused`: the chain, or a limit the operator gave, says no; nothing was done.
 * - `unreachable`: no node answered in time; for a registration that was sent, its outcome is unknown.
 * - `blocked`: `doctor` found something that keeps the daemon from its work.
 * - `declined`: the operator did not confirm.
 * - `notRunning`: no daemon answers that could be asked; sysexits.h calls it EX_UNAVAILABLE.
 */
export const commandExitCodes = {
  done: exitCodes.drained,
  failed: exitCodes.failed,
  settings: exitCodes.settings,
  key: exitCodes.hotkey,
  password: exitCodes.password,
  refused: 5,
  unreachable: 6,
  blocked: 7,
  declined: 8,
  notRunning: 69,
} as const;
