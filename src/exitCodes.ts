/**
 * How a daemon tells its supervisor why it ended. Only `failed` is worth a restart as it is: settings and hotkey stay
 * wrong until someone changes them.
 */
export const exitCodes = { drained: 0, failed: 1, settings: 2, hotkey: 3 } as const;

const meanings: { readonly [K in keyof typeof exitCodes]: string } = {
  drained: 'ended as asked',
  failed: 'failed',
  settings: 'wrong settings',
  hotkey: 'no usable hotkey',
};

/** All codes in one line, for the help: `0 ended as asked, 1 failed, …`. */
export const exitCodesText = (): string =>
  Object.entries(exitCodes)
    .map(([name, code]) => `${code} ${meanings[name as keyof typeof exitCodes]}`)
    .join(', ');
